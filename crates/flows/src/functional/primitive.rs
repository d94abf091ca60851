//! Functionals as fused primitives of the tape: one sweep over the pairs gives value and gradient.

use rieszflow_autodiff::{CustomOp, Real};

use super::Functional;
use crate::{Error, Minibatches, Points};

/// T ↦ F̂(T) on two minibatches, one below the other in a 2B×d node.
pub(crate) struct Energy<'a, T>(pub(crate) &'a dyn Functional<T>);

/// v ↦ D̂_vF at fixed positions, on two minibatches of velocities in a 2B×d node.
pub(crate) struct Derivative<'a, T> {
    pub(crate) functional: &'a dyn Functional<T>,
    pub(crate) positions: Minibatches<'a, T>,
}

impl<T: Real> CustomOp<T> for Energy<'_, T> {
    type Error = Error;

    fn output_shape(&self, _: (usize, usize)) -> (usize, usize) {
        (1, 1)
    }

    fn residual_len(&self, (rows, columns): (usize, usize)) -> usize {
        rows * columns
    }

    fn forward(
        &self,
        input: &[T],
        (rows, columns): (usize, usize),
        output: &mut [T],
        gradient: &mut [T],
    ) -> Result<(), Error> {
        gradient.fill(T::zero());
        let batches = Minibatches::new(Points::new(input, rows, columns));
        output[0] = T::from_f64(self.0.minibatch_energy(batches, gradient));
        Ok(())
    }

    fn backward(gradient: &[T], cotangent: &[T], input_cotangent: &mut [T]) {
        scale_into(gradient, cotangent, input_cotangent);
    }
}

impl<T: Real> CustomOp<T> for Derivative<'_, T> {
    type Error = Error;

    fn output_shape(&self, _: (usize, usize)) -> (usize, usize) {
        (1, 1)
    }

    fn residual_len(&self, (rows, columns): (usize, usize)) -> usize {
        rows * columns
    }

    fn forward(
        &self,
        input: &[T],
        (rows, columns): (usize, usize),
        output: &mut [T],
        gradient: &mut [T],
    ) -> Result<(), Error> {
        gradient.fill(T::zero());
        let velocities = Minibatches::new(Points::new(input, rows, columns));
        let derivative =
            self.functional
                .minibatch_derivative(self.positions, velocities, gradient)?;
        output[0] = T::from_f64(derivative);
        Ok(())
    }

    fn backward(gradient: &[T], cotangent: &[T], input_cotangent: &mut [T]) {
        scale_into(gradient, cotangent, input_cotangent);
    }
}

/// The vector-Jacobian product of a scalar whose gradient is the residual.
fn scale_into<T: Real>(gradient: &[T], cotangent: &[T], input_cotangent: &mut [T]) {
    for (entry, &g) in input_cotangent.iter_mut().zip(gradient) {
        *entry += cotangent[0] * g;
    }
}
