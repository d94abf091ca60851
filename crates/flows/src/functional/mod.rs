//! Functionals F on P₂(ℝᵈ): what a scheme needs to know of the flow it approximates.

mod implosion_explosion;
mod interaction;
mod mmd;
mod potential;
mod primitive;

pub use implosion_explosion::ImplosionExplosion;
pub use interaction::Interaction;
pub use mmd::Mmd;
pub use potential::Potential;
pub(crate) use potential::finite_rows;
pub(crate) use primitive::{Derivative, Energy};

use rieszflow_autodiff::Real;

use crate::{Error, Minibatches, Points};

/// A functional F of probability measures, evaluated on particles.
///
/// A new functional implements these four methods; no scheme changes. Every method *adds* its
/// gradient, column-major with one row per particle, so that sums of functionals are easily made.
pub trait Functional<T: Real>: Sync {
    /// F(μ_N) of the empirical measure of N particles (V-statistic: coincident indices included).
    fn energy(&self, particles: Points<'_, T>) -> f64;

    /// F(μ_N), and ∂F(μ_N)/∂xᵢ (N×d) added to `gradient`; it drives the particle flow.
    fn gradient(&self, particles: Points<'_, T>, gradient: &mut [T]) -> f64;

    /// An unbiased estimate F̂ from two independent minibatches, and its gradient (2B×d) added.
    fn minibatch_energy(&self, batches: Minibatches<'_, T>, gradient: &mut [T]) -> f64;

    /// An estimate of the one-sided derivative D_vF from two minibatches of positions with their
    /// velocities, and its gradient in the velocities (2B×d) added.
    ///
    /// # Errors
    /// [`Error::Collision`] if the derivative is infinite.
    fn minibatch_derivative(
        &self,
        positions: Minibatches<'_, T>,
        velocities: Minibatches<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, Error>;
}
