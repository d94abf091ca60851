//! Functionals as custom primitives of the tape: one sweep over the pairs gives value and gradient.

use rieszflow_autodiff::{CustomOp, PrimitiveInputs, Reverse};
use rieszflow_numerics::Real;

use super::Functional;
use crate::{Error, Minibatches, Points};

/// T ↦ F̂(T) on two minibatches, one below the other in a 2B×d node.
pub(crate) struct MinibatchEnergy<'a, T>(pub(crate) &'a dyn Functional<T>);

/// v ↦ D̂_vF at fixed positions, on two minibatches of velocities in a 2B×d node.
pub(crate) struct MinibatchDerivative<'a, T> {
    pub(crate) functional: &'a dyn Functional<T>,
    pub(crate) positions: Minibatches<'a, T>,
}

impl<T: Real> CustomOp<T> for MinibatchEnergy<'_, T> {
    type Error = Error;

    fn output_shape(&self, _: &PrimitiveInputs<'_, T>) -> (usize, usize) {
        (1, 1)
    }

    fn residual_len(&self, inputs: &PrimitiveInputs<'_, T>) -> usize {
        inputs.value(0).len()
    }

    fn forward(
        &self,
        inputs: &PrimitiveInputs<'_, T>,
        output: &mut [T],
        gradient: &mut [T],
    ) -> Result<(), Error> {
        gradient.fill(T::zero());
        let energy = self.0.minibatch_energy(batches(inputs), gradient);
        output[0] = T::from_f64(energy);
        Ok(())
    }

    fn vjp(reverse: Reverse<'_, T>) {
        scale_gradient(reverse);
    }
}

impl<T: Real> CustomOp<T> for MinibatchDerivative<'_, T> {
    type Error = Error;

    fn output_shape(&self, _: &PrimitiveInputs<'_, T>) -> (usize, usize) {
        (1, 1)
    }

    fn residual_len(&self, inputs: &PrimitiveInputs<'_, T>) -> usize {
        inputs.value(0).len()
    }

    fn forward(
        &self,
        inputs: &PrimitiveInputs<'_, T>,
        output: &mut [T],
        gradient: &mut [T],
    ) -> Result<(), Error> {
        gradient.fill(T::zero());
        let velocities = batches(inputs);
        let derivative =
            self.functional
                .minibatch_derivative(self.positions, velocities, gradient)?;
        output[0] = T::from_f64(derivative);
        Ok(())
    }

    fn vjp(reverse: Reverse<'_, T>) {
        scale_gradient(reverse);
    }
}

fn batches<'a, T: Real>(inputs: &PrimitiveInputs<'a, T>) -> Minibatches<'a, T> {
    let (rows, columns) = inputs.value(0).shape();
    Minibatches::new(Points::new(inputs.entries(0), rows, columns))
}

/// The vector–Jacobian product of a scalar whose gradient is the residual.
fn scale_gradient<T: Real>(mut reverse: Reverse<'_, T>) {
    let (cotangent, gradient) = (reverse.cotangent[0], reverse.residual);
    let input = &mut reverse.input_cotangents;
    input.add_each(0, |i| cotangent * gradient[i]);
}
