//! The MMD functional F_ν = E + V_ν, whose flow minimises the squared discrepancy to ν.

use nalgebra::DMatrix;
use rieszflow_autodiff::Real;

use super::{Functional, Interaction, Potential};
use crate::{Error, Minibatches, Points, RieszKernel};

/// F_ν(μ) = E(μ) + V_ν(μ) = D²(μ,ν) − E(ν), with D² the squared discrepancy.
#[derive(Debug)]
pub struct Mmd<T: Real> {
    interaction: Interaction<T>,
    potential: Potential<T>,
}

impl<T: Real> Mmd<T> {
    /// The functional towards the atoms in the rows of `target` (M×d), weighted or not.
    ///
    /// # Errors
    /// As [`Potential::new`].
    pub fn new(
        kernel: RieszKernel,
        target: DMatrix<T>,
        weights: Option<Vec<T>>,
    ) -> Result<Self, Error> {
        Ok(Self {
            interaction: Interaction::new(kernel),
            potential: Potential::new(kernel, target, weights)?,
        })
    }

    /// The squared discrepancy D²(μ_N, ν) = F_ν(μ_N) + E(ν) ≥ 0 (V-statistic).
    pub fn discrepancy(&self, particles: Points<'_, T>) -> f64 {
        self.energy(particles) + self.potential.target_energy()
    }
}

impl<T: Real> Functional<T> for Mmd<T> {
    fn energy(&self, particles: Points<'_, T>) -> f64 {
        self.interaction.energy(particles) + self.potential.energy(particles)
    }

    fn gradient(&self, particles: Points<'_, T>, gradient: &mut [T]) -> f64 {
        self.interaction.gradient(particles, gradient)
            + self.potential.gradient(particles, gradient)
    }

    fn minibatch_energy(&self, batches: Minibatches<'_, T>, gradient: &mut [T]) -> f64 {
        self.interaction.minibatch_energy(batches, gradient)
            + self.potential.minibatch_energy(batches, gradient)
    }

    fn minibatch_derivative(
        &self,
        positions: Minibatches<'_, T>,
        velocities: Minibatches<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, Error> {
        let interaction = &self.interaction;
        let potential = &self.potential;
        Ok(
            interaction.minibatch_derivative(positions, velocities, gradient)?
                + potential.minibatch_derivative(positions, velocities, gradient)?,
        )
    }
}
