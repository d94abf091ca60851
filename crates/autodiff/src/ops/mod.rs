//! The operations: each file holds a family, the forward evaluation beside its vector-Jacobian product.

mod affine;
mod arithmetic;
mod matrix;
mod reduction;
mod shape;

pub use affine::{Activation, Layer};

use crate::custom::Residual;
use crate::tape::{Node, entries, parameters};
use crate::{Real, Var};
use rieszflow_numerics::product::Store;

/// How a node was computed, and from which nodes.
#[derive(Clone, Copy)]
pub(crate) enum Op<T> {
    Parameter,
    Constant,
    Product(Var, Var),
    Layers(Var, Kept),
    Relu(Var),
    ConcatenateColumns(Var, Var),
    Rows { of: Var, start: usize },
    Add(Var, Var),
    Subtract(Var, Var),
    Multiply(Var, Var),
    Divide(Var, Var),
    Scale(Var, T),
    Shift(Var),
    Sqrt(Var),
    Sum(Var),
    SumOfSquares(Var),
    Custom(Var, Residual<T>),
}

/// Where a tape keeps the layers of an [`Op::Layers`].
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The nodes that an operation may read while it is evaluated: those recorded before it.
pub(crate) struct Earlier<'a, T> {
    pub(crate) nodes: &'a [Node<T>],
    pub(crate) parameters: &'a [T],
    pub(crate) values: &'a [T],
}

impl<'a, T> Earlier<'a, T> {
    pub(crate) fn entries(&self, var: Var) -> &'a [T] {
        entries(self.nodes, self.parameters, self.values, var)
    }
}

/// The state of the reverse sweep as one operation sees it.
pub(crate) struct Sweep<'a, T> {
    pub(crate) nodes: &'a [Node<T>],
    pub(crate) layers: &'a [Layer],
    pub(crate) parameters: &'a [T],
    pub(crate) values: &'a [T],
    pub(crate) cotangents: &'a mut [T],
    pub(crate) reached: &'a mut [bool],
    pub(crate) gradient: &'a mut [T],
    /// Whether the parameters are disjoint: then what `gradient` held need not be zero.
    pub(crate) used_once: bool,
    /// Memory for an operation to use.
    pub(crate) workspace: &'a mut Vec<T>,
}

impl<'a, T: Real> Sweep<'a, T> {
    pub(crate) fn node(&self, var: Var) -> &'a Node<T> {
        &self.nodes[var.0]
    }

    pub(crate) fn entries(&self, var: Var) -> &'a [T] {
        entries(self.nodes, self.parameters, self.values, var)
    }

    /// The cotangent of an input, and whether to replace its (stale) content or add to it.
    ///
    /// `None` if no parameter depends on the input.
    pub(crate) fn cotangent(&mut self, input: Var) -> Option<(&mut [T], Store)> {
        let node = &self.nodes[input.0];
        if !node.differentiable {
            return None;
        }
        let first = !std::mem::replace(&mut self.reached[input.0], true);
        let is_parameter = matches!(node.op, Op::Parameter);
        let replace = first && (self.used_once || !is_parameter);
        let store = if replace { Store::Replace } else { Store::Add };
        let cotangents = if is_parameter {
            &mut *self.gradient
        } else {
            &mut *self.cotangents
        };
        Some((&mut cotangents[node.range()], store))
    }

    /// Zeroes what no operation wrote of the gradient, if the parameters are used once.
    pub(crate) fn clear_unreached(&mut self) {
        let mut end = 0;
        for (index, node) in parameters(self.nodes) {
            let range = node.range();
            self.gradient[end..range.start].fill(T::zero());
            end = range.end;
            if !self.reached[index] {
                self.gradient[range].fill(T::zero());
            }
        }
        self.gradient[end..].fill(T::zero());
    }

    /// Adds `term(i)` to entry i of an input's cotangent, for all entries.
    pub(crate) fn add_each(&mut self, input: Var, term: impl Fn(usize) -> T) {
        match self.cotangent(input) {
            None => {}
            Some((cotangent, Store::Replace)) => {
                for (i, entry) in cotangent.iter_mut().enumerate() {
                    *entry = term(i);
                }
            }
            Some((cotangent, Store::Add)) => {
                for (i, entry) in cotangent.iter_mut().enumerate() {
                    *entry += term(i);
                }
            }
        }
    }

    /// Lets `add` add to an input's cotangent, which is zero if nothing was added before.
    pub(crate) fn add_to(&mut self, input: Var, add: impl FnOnce(&mut [T])) {
        if let Some((cotangent, store)) = self.cotangent(input) {
            if store == Store::Replace {
                cotangent.fill(T::zero());
            }
            add(cotangent);
        }
    }

    /// Applies the vector-Jacobian product of a node: its cotangent is complete and goes to its inputs.
    pub(crate) fn pull_back(&mut self, var: Var) {
        let node = self.node(var);
        if !self.reached[var.0] || matches!(node.op, Op::Parameter) {
            return;
        }
        let (before, rest) = self.cotangents.split_at_mut(node.offset);
        let own = &mut rest[..node.rows * node.columns];
        let mut inputs = Sweep {
            nodes: self.nodes,
            layers: self.layers,
            parameters: self.parameters,
            values: self.values,
            cotangents: before,
            reached: self.reached,
            gradient: self.gradient,
            used_once: self.used_once,
            workspace: self.workspace,
        };
        inputs.dispatch(node, own);
    }

    fn dispatch(&mut self, node: &Node<T>, own: &mut [T]) {
        match node.op {
            Op::Parameter | Op::Constant => {}
            Op::Product(a, b) => matrix::pull_back(self, (a, b), own),
            Op::Layers(input, kept) => {
                let layers = &self.layers[kept.start..kept.end];
                affine::pull_back(self, node, (input, layers), own);
            }
            Op::Relu(a) => arithmetic::pull_back_relu(self, a, own),
            Op::ConcatenateColumns(a, b) => shape::pull_back_concatenation(self, (a, b), own),
            Op::Rows { of, start } => shape::pull_back_rows(self, node, (of, start), own),
            Op::Add(a, b) => arithmetic::pull_back_add(self, (a, b), own),
            Op::Subtract(a, b) => arithmetic::pull_back_subtract(self, (a, b), own),
            Op::Multiply(a, b) => arithmetic::pull_back_multiply(self, (a, b), own),
            Op::Divide(a, b) => arithmetic::pull_back_divide(self, (a, b), own),
            Op::Scale(a, factor) => self.add_each(a, |i| factor * own[i]),
            Op::Shift(a) => self.add_each(a, |i| own[i]),
            Op::Sqrt(a) => arithmetic::pull_back_sqrt(self, node, a, own),
            Op::Sum(a) => self.add_each(a, |_| own[0]),
            Op::SumOfSquares(a) => reduction::pull_back_sum_of_squares(self, a, own),
            Op::Custom(input, residual) => residual.pull_back(self, input, own),
        }
    }
}
