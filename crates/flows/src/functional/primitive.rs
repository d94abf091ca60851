//! Functionals as custom primitives of the tape: one sweep over the pairs gives value and gradient.

use nalgebra::DMatrix;
use rieszflow_autodiff::{CustomOp, PrimitiveInputs, Reverse};
use rieszflow_numerics::Real;

use super::Functional;
use crate::{Error, GradientRows, Measure, Minibatches, Points};

/// T ↦ F̂(T) on two minibatches, one below the other in a 2B×d node.
pub(crate) struct MinibatchEnergy<'a, T>(pub(crate) &'a dyn Functional<T>);

/// v ↦ D̂_vF at fixed positions, on two minibatches of velocities in a 2B×d node.
pub(crate) struct MinibatchDerivative<'a, T> {
    pub(crate) functional: &'a dyn Functional<T>,
    pub(crate) positions: Minibatches<'a, T>,
}

/// T ↦ the control variate of F̂(T): half the mutual energies of either minibatch and the copies of all
/// particles, which have one vector of weights for each ([`Weights`](crate::scheme) tells which).
pub(crate) struct ControlVariate<'a, T> {
    pub(crate) functional: &'a dyn Functional<T>,
    pub(crate) copies: &'a DMatrix<T>,
    pub(crate) weights: [&'a [T]; 2],
}

/// v ↦ D_vF = (1/2B) Σ ⟨N ∂F/∂xᵢ, vᵢ⟩ of distinct particles, on the velocities of two minibatches.
pub(crate) struct LinearDerivative<'a, T> {
    /// N ∂F/∂xᵢ for every particle, N×d.
    pub(crate) coefficients: &'a DMatrix<T>,
    /// Which particles the velocities belong to.
    pub(crate) rows: &'a [usize],
}

impl<T: Real> CustomOp<T> for ControlVariate<'_, T> {
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
        let batches = batches(inputs);
        let (batch, rows) = (batches.batch(), 2 * batches.batch());
        let particles = [(0, batches.first()), (batch, batches.second())];
        let mut value = 0.0;
        for ((start, particles), weights) in particles.into_iter().zip(self.weights) {
            let copies = Measure::weighted(Points::from(self.copies), weights);
            let gradient = &mut GradientRows::in_x(&mut gradient[start..], rows);
            let particles = Measure::uniform(particles);
            value += 0.5
                * self
                    .functional
                    .mutual_energy(particles, copies, 0.5, gradient);
        }
        output[0] = T::from_f64(value);
        Ok(())
    }

    fn vjp(reverse: Reverse<'_, T>) {
        scale_gradient(reverse);
    }
}

impl<T: Real> CustomOp<T> for LinearDerivative<'_, T> {
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
        let velocities = inputs.value(0);
        let per_row = T::from_f64(1.0 / velocities.nrows() as f64);
        let columns = gradient.chunks_exact_mut(velocities.nrows());
        let mut value = 0.0;
        for (k, gradient) in columns.enumerate() {
            let pairs = gradient.iter_mut().zip(self.rows);
            for ((g, &row), v) in pairs.zip(&velocities.column(k)) {
                *g = per_row * self.coefficients[(row, k)];
                value += g.into_f64() * v.into_f64();
            }
        }
        output[0] = T::from_f64(value);
        Ok(())
    }

    fn vjp(reverse: Reverse<'_, T>) {
        scale_gradient(reverse);
    }
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
