//! The arena of nodes and its recording.

use std::ops::Range;

use nalgebra::{DMatrix, DMatrixView};

use crate::Real;
use crate::node::{Node, Op, Recorded, Var};

/// The memory of recorded expressions, kept from one recording to the next.
#[derive(Default)]
pub struct Tape<T> {
    pub(crate) nodes: Vec<Node<T>>,
    /// The inputs of custom primitives, which their nodes refer to.
    pub(crate) inputs: Vec<Var>,
    /// Values of all nodes but the parameters, one after the other, each column-major.
    pub(crate) values: Vec<T>,
    /// ∂L/∂node, at the same offsets as the values.
    pub(crate) cotangents: Vec<T>,
    /// Whether a node's cotangent has been written in the present sweep.
    pub(crate) reached: Vec<bool>,
}

impl<T: Real> Tape<T> {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a recording of an expression in `parameters`, forgetting the previous one.
    pub fn record<'t>(&'t mut self, parameters: &'t [T]) -> Graph<'t, T> {
        self.nodes.clear();
        self.inputs.clear();
        Graph {
            tape: self,
            parameters,
            parameters_recorded: 0,
            used: 0,
        }
    }
}

/// An expression being recorded: every operation appends a node and evaluates it at once.
pub struct Graph<'t, T> {
    pub(crate) tape: &'t mut Tape<T>,
    pub(crate) parameters: &'t [T],
    /// How many entries of the parameter vector are nodes already.
    pub(crate) parameters_recorded: usize,
    /// How many entries of the arena are in use.
    pub(crate) used: usize,
}

impl<T: Real> Graph<'_, T> {
    /// The next `rows`×`columns` entries of the parameter vector as a matrix, column by column.
    ///
    /// Each parameter is recorded once; its node may be used any number of times.
    ///
    /// # Panics
    /// If fewer entries are left.
    pub fn parameter(&mut self, rows: usize, columns: usize) -> Var {
        let offset = self.parameters_recorded;
        self.parameters_recorded += rows * columns;
        assert!(
            self.parameters_recorded <= self.parameters.len(),
            "a {rows}×{columns} parameter at {offset} exceeds the {} parameters",
            self.parameters.len()
        );
        self.append(Node {
            op: Op::Parameter,
            rows,
            columns,
            offset,
            differentiable: true,
        })
    }

    /// A copy of `value`, held constant.
    pub fn constant(&mut self, value: &DMatrix<T>) -> Var {
        self.constant_with(value.nrows(), value.ncols(), |entries| {
            entries.copy_from_slice(value.as_slice());
        })
    }

    /// A constant `rows`×`columns` matrix whose entries `fill` writes in place, column-major.
    pub fn constant_with(
        &mut self,
        rows: usize,
        columns: usize,
        fill: impl FnOnce(&mut [T]),
    ) -> Var {
        self.push(Op::Constant, (rows, columns), false, |_, output| {
            fill(output);
        })
    }

    /// The value of a node.
    pub fn value(&self, var: Var) -> DMatrixView<'_, T> {
        self.recorded().value(var)
    }

    /// The value of a 1×1 node.
    ///
    /// # Panics
    /// If the node is not 1×1.
    pub fn scalar(&self, var: Var) -> T {
        assert_eq!(self.shape(var), (1, 1), "not a scalar");
        self.value(var)[0]
    }

    /// Number of rows and of columns of a node.
    pub fn shape(&self, var: Var) -> (usize, usize) {
        let node = &self.tape.nodes[var.0];
        (node.rows, node.columns)
    }

    pub(crate) fn is_differentiable(&self, var: Var) -> bool {
        self.tape.nodes[var.0].differentiable
    }

    /// Appends a node and lets `evaluate` write its value; `evaluate` sees the values before it.
    pub(crate) fn push(
        &mut self,
        op: Op<T>,
        shape: (usize, usize),
        differentiable: bool,
        evaluate: impl FnOnce(&Recorded<'_, T>, &mut [T]),
    ) -> Var {
        let place = self.reserve(shape.0 * shape.1);
        let (recorded, free) = self.split_at(place.start);
        evaluate(&recorded, &mut free[..place.len()]);
        self.append(Node {
            op,
            rows: shape.0,
            columns: shape.1,
            offset: place.start,
            differentiable,
        })
    }

    /// Claims `len` entries of the arena, whose old content is arbitrary.
    pub(crate) fn reserve(&mut self, len: usize) -> Range<usize> {
        let place = self.used..self.used + len;
        if self.tape.values.len() < place.end {
            self.tape.values.resize(place.end, T::zero());
        }
        self.used = place.end;
        place
    }

    /// All nodes so far.
    pub(crate) fn recorded(&self) -> Recorded<'_, T> {
        Recorded {
            nodes: &self.tape.nodes,
            parameters: self.parameters,
            values: &self.tape.values,
        }
    }

    /// The nodes before `place`, and the arena from there on.
    pub(crate) fn split_at(&mut self, place: usize) -> (Recorded<'_, T>, &mut [T]) {
        let (before, free) = self.tape.values.split_at_mut(place);
        let recorded = Recorded {
            nodes: &self.tape.nodes,
            parameters: self.parameters,
            values: before,
        };
        (recorded, free)
    }

    /// Stores the inputs of a custom primitive, and returns where.
    pub(crate) fn store_inputs(&mut self, inputs: &[Var]) -> usize {
        let start = self.tape.inputs.len();
        self.tape.inputs.extend_from_slice(inputs);
        start
    }

    pub(crate) fn append(&mut self, node: Node<T>) -> Var {
        self.tape.nodes.push(node);
        Var(self.tape.nodes.len() - 1)
    }
}
