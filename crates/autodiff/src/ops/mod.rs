//! The operations: each file holds a family, every value beside its vector–Jacobian product.

mod affine;
mod entrywise;
mod reduction;

use rieszflow_numerics::product::Store;

use crate::custom::Custom;
use crate::tape::{Node, Recorded};
use crate::{Real, Var};

/// How a node was computed, and from which nodes.
#[derive(Clone, Copy)]
pub(crate) enum Op<T> {
    Parameter,
    Constant,
    Affine(Var, Var, Var),
    Relu(Var),
    Add(Var, Var),
    Subtract(Var, Var),
    Divide(Var, Var),
    Scale(Var, T),
    Shift(Var),
    Sqrt(Var),
    SumOfSquares(Var),
    Custom(Custom<T>),
}

/// The reverse sweep: values of all nodes, and the cotangents found so far.
pub(crate) struct Sweep<'a, T> {
    pub(crate) nodes: &'a [Node<T>],
    pub(crate) inputs: &'a [Var],
    pub(crate) parameters: &'a [T],
    pub(crate) values: &'a mut [T],
    pub(crate) cotangents: Cotangents<'a, T>,
}

impl<T: Real> Sweep<'_, T> {
    /// Applies the vector–Jacobian product of a node: its cotangent is complete and goes to its
    /// inputs.
    pub(crate) fn vjp(&mut self, var: Var) {
        let node = &self.nodes[var.0];
        if !self.cotangents.reached[var.0] || matches!(node.op, Op::Parameter) {
            return;
        }
        let (own, mut inputs) = self.cotangents.split_at(node);
        if let Op::Custom(custom) = node.op {
            custom.vjp(
                node,
                own,
                self.values,
                (self.inputs, self.parameters),
                inputs,
            );
            return;
        }
        let values = Recorded {
            nodes: self.nodes,
            parameters: self.parameters,
            values: self.values,
        };
        match node.op {
            Op::Parameter | Op::Constant | Op::Custom(_) => {}
            Op::Affine(x, w, b) => affine::vjp(own, values, (x, w, b), &mut inputs),
            Op::Relu(a) => entrywise::relu_vjp(own, values, a, &mut inputs),
            Op::Add(a, b) => entrywise::add_vjp(own, (a, b), &mut inputs),
            Op::Subtract(a, b) => entrywise::subtract_vjp(own, (a, b), &mut inputs),
            Op::Divide(a, b) => entrywise::divide_vjp(own, values, (a, b), &mut inputs),
            Op::Scale(a, factor) => inputs.add_each(a, |i| factor * own[i]),
            Op::Shift(a) => inputs.add_each(a, |i| own[i]),
            Op::Sqrt(a) => entrywise::sqrt_vjp(own, values.entries(var), a, &mut inputs),
            Op::SumOfSquares(a) => reduction::sum_of_squares_vjp(own, values, a, &mut inputs),
        }
    }
}

/// The cotangents of the nodes, and of the parameters.
pub(crate) struct Cotangents<'a, T> {
    pub(crate) nodes: &'a [Node<T>],
    /// Of the nodes that are no parameters, at the offsets of their values.
    pub(crate) entries: &'a mut [T],
    /// Of the parameters.
    pub(crate) gradient: &'a mut [T],
    /// Whether a node's cotangent has been written.
    pub(crate) reached: &'a mut [bool],
}

impl<T: Real> Cotangents<'_, T> {
    /// The cotangent of a node, and those of the nodes before it.
    fn split_at(&mut self, node: &Node<T>) -> (&[T], Cotangents<'_, T>) {
        let (before, rest) = self.entries.split_at_mut(node.offset);
        let cotangents = Cotangents {
            nodes: self.nodes,
            entries: before,
            gradient: self.gradient,
            reached: self.reached,
        };
        (&rest[..node.rows * node.columns], cotangents)
    }

    /// The cotangent of a node, and whether to replace its (stale) content or to add to it.
    ///
    /// `None` if no parameter depends on the node.
    pub(crate) fn get(&mut self, var: Var) -> Option<(&mut [T], Store)> {
        let node = &self.nodes[var.0];
        if !node.differentiable {
            return None;
        }
        let first = !std::mem::replace(&mut self.reached[var.0], true);
        let store = if first { Store::Replace } else { Store::Add };
        let entries = match node.op {
            Op::Parameter => &mut self.gradient[node.range()],
            _ => &mut self.entries[node.range()],
        };
        Some((entries, store))
    }

    /// Adds `term(i)` to entry i of a node's cotangent, for all entries.
    pub(crate) fn add_each(&mut self, var: Var, term: impl Fn(usize) -> T) {
        match self.get(var) {
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

    /// Zeroes the gradient in the parameters that no operation has reached.
    pub(crate) fn clear_unreached(&mut self) {
        for (node, reached) in self.nodes.iter().zip(&*self.reached) {
            if matches!(node.op, Op::Parameter) && !reached {
                self.gradient[node.range()].fill(T::zero());
            }
        }
    }
}
