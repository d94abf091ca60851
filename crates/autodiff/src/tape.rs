//! The arena of nodes, its recording, and the reverse sweep.

use std::ops::Range;

use nalgebra::{DMatrix, DMatrixView};

use crate::Real;
use crate::ops::{Cotangents, Op, Sweep};

/// A node of a recorded expression: a matrix that later operations may use.
///
/// A handle is valid for the [`Graph`] that returned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Var(pub(crate) usize);

/// What the arena knows of a node: how it was computed, its shape, and where its value lies.
#[derive(Clone, Copy)]
pub(crate) struct Node<T> {
    pub(crate) op: Op<T>,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Start in the arena; for a parameter, start in the parameter vector.
    pub(crate) offset: usize,
    /// Whether a parameter is among its ancestors.
    pub(crate) differentiable: bool,
}

impl<T> Node<T> {
    pub(crate) fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.rows * self.columns
    }
}

/// The memory of recorded expressions, kept from one recording to the next.
#[derive(Default)]
pub struct Tape<T> {
    nodes: Vec<Node<T>>,
    /// The inputs of custom primitives, which their nodes refer to.
    inputs: Vec<Var>,
    /// Values of all nodes but the parameters, one after the other, each column-major.
    values: Vec<T>,
    /// ∂L/∂node, at the same offsets as the values.
    cotangents: Vec<T>,
    /// Whether a node's cotangent has been written in the present sweep.
    reached: Vec<bool>,
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
    tape: &'t mut Tape<T>,
    parameters: &'t [T],
    /// How many entries of the parameter vector are nodes already.
    parameters_recorded: usize,
    /// How many entries of the arena are in use.
    used: usize,
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

    /// The reverse sweep: stores ∂`loss`/∂θ in `gradient`, in the order of the parameter vector.
    ///
    /// Costs about twice the recording. Parameters that the loss does not use get 0.
    ///
    /// # Panics
    /// If `loss` is not 1×1 or `gradient` is not as long as the parameter vector.
    pub fn gradient(&mut self, loss: Var, gradient: &mut [T]) {
        assert_eq!(self.shape(loss), (1, 1), "the loss must be 1×1");
        assert_eq!(
            gradient.len(),
            self.parameters.len(),
            "the gradient must be as long as the parameter vector"
        );
        let tape = &mut *self.tape;
        if tape.cotangents.len() < self.used {
            tape.cotangents.resize(self.used, T::zero());
        }
        tape.reached.clear();
        tape.reached.resize(tape.nodes.len(), false);
        gradient[self.parameters_recorded..].fill(T::zero());

        let mut sweep = Sweep {
            nodes: &tape.nodes,
            inputs: &tape.inputs,
            parameters: self.parameters,
            values: &mut tape.values,
            cotangents: Cotangents {
                nodes: &tape.nodes,
                entries: &mut tape.cotangents,
                gradient,
                reached: &mut tape.reached,
            },
        };
        sweep.cotangents.add_each(loss, |_| T::one());
        for index in (0..=loss.0).rev() {
            sweep.vjp(Var(index));
        }
        sweep.cotangents.clear_unreached();
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

/// The nodes recorded so far, as an operation reads them.
#[derive(Clone, Copy)]
pub(crate) struct Recorded<'a, T> {
    pub(crate) nodes: &'a [Node<T>],
    pub(crate) parameters: &'a [T],
    pub(crate) values: &'a [T],
}

impl<'a, T: Real> Recorded<'a, T> {
    /// The value of a node, column-major: from the parameter vector or from the arena.
    pub(crate) fn entries(&self, var: Var) -> &'a [T] {
        let node = &self.nodes[var.0];
        match node.op {
            Op::Parameter => &self.parameters[node.range()],
            _ => &self.values[node.range()],
        }
    }

    /// The value of a node.
    pub(crate) fn value(&self, var: Var) -> DMatrixView<'a, T> {
        let node = &self.nodes[var.0];
        DMatrixView::from_slice(self.entries(var), node.rows, node.columns)
    }
}
