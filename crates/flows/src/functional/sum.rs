//! The sum of two functionals.

use rieszflow_numerics::Real;

use super::Functional;
use crate::{Error, GradientRows, Measure, Minibatches, Points};

/// F + G.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::{Functional, Interaction, Points, PotentialFunction, RieszKernel, Sum};
///
/// // Repulsion in a bowl, E(μ) + ½∫|x|² dμ.
/// let bowl = PotentialFunction::new(|x: &[f64], gradient: &mut [f64]| {
///     gradient.copy_from_slice(x);
///     0.5 * x.iter().map(|x| x * x).sum::<f64>()
/// });
/// let confined = Sum(Interaction::new(RieszKernel::new(1.0)?), bowl);
/// let x = DMatrix::from_row_slice(2, 1, &[-1.0, 1.0]);
/// assert_eq!(confined.energy(Points::from(&x)), -0.5 + 0.5);
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sum<F, G>(pub F, pub G);

impl<T: Real, F: Functional<T>, G: Functional<T>> Functional<T> for Sum<F, G> {
    /// That of either, or of both; where they differ no particles fit both.
    fn dim(&self) -> Option<usize> {
        self.0.dim().or(self.1.dim())
    }

    fn energy(&self, particles: Points<'_, T>) -> f64 {
        self.0.energy(particles) + self.1.energy(particles)
    }

    fn gradient(&self, particles: Points<'_, T>, gradient: &mut [T]) -> f64 {
        self.0.gradient(particles, gradient) + self.1.gradient(particles, gradient)
    }

    fn minibatch_energy(&self, batches: Minibatches<'_, T>, gradient: &mut [T]) -> f64 {
        self.0.minibatch_energy(batches, gradient) + self.1.minibatch_energy(batches, gradient)
    }

    fn mutual_energy(
        &self,
        particles: Measure<'_, T>,
        other: Measure<'_, T>,
        scale: f64,
        gradient: &mut GradientRows<'_, T>,
    ) -> f64 {
        self.0.mutual_energy(particles, other, scale, gradient)
            + self.1.mutual_energy(particles, other, scale, gradient)
    }

    fn minibatch_derivative(
        &self,
        positions: Minibatches<'_, T>,
        velocities: Minibatches<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, Error> {
        let first = self
            .0
            .minibatch_derivative(positions, velocities, gradient)?;
        Ok(first
            + self
                .1
                .minibatch_derivative(positions, velocities, gradient)?)
    }
}
