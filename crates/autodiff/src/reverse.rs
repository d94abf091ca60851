//! The reverse sweep: the gradient of a recorded scalar in the parameters.

use crate::Real;
use crate::node::{Cotangents, Node, Op, Recorded, Var};
use crate::ops::{affine, entrywise, reduction};
use crate::tape::Graph;

impl<T: Real> Graph<'_, T> {
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
