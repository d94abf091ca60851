//! Functionals F on P₂(ℝᵈ): what a scheme needs to know of the flow it approximates.
//!
//! The particle flow asks for gradients in the positions, the backward scheme for the energy of what
//! its network has proposed, the forward scheme for the slope along velocities. The neural schemes see
//! two minibatches at a time, drawn independently: an energy of pairs, one batch against the other, is
//! then estimated without bias, which pairs within one batch would not be, since each particle would
//! meet itself.

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

use rieszflow_numerics::Real;

use crate::{Error, Minibatches, Points};

/// A functional F of probability measures, evaluated on particles.
///
/// A new functional implements these four methods; no scheme changes. Every method *adds* its
/// gradient, column-major with one row per particle, so that sums of functionals are easily made.
///
/// The derivative that the forward scheme needs is the one-sided one along a velocity plan v, which
/// carries pairs of a position x and a velocity a:
///
/// ```math
/// D_vF(μ) = \lim_{t↓0} \frac{F(γ(t)) - F(μ)}{t}, \qquad γ(t) = \text{law of } x + t a
/// ```
///
/// (Altekrüger et al. 2023, steepest descent.) `examples/own_functional.rs` is a functional of one's
/// own; the shortest is a constant force g, F(μ) = −∫⟨g, x⟩ dμ, here on the line:
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::scheme::{Particle, Scheme, unwatched};
/// use rieszflow_flows::{Error, Functional, Minibatches, Points};
///
/// struct Wind(f64);
///
/// impl Functional<f64> for Wind {
///     fn energy(&self, x: Points<'_, f64>) -> f64 {
///         -self.0 * x.coordinate(0).iter().sum::<f64>() / x.count() as f64
///     }
///     fn gradient(&self, x: Points<'_, f64>, gradient: &mut [f64]) -> f64 {
///         gradient.iter_mut().for_each(|g| *g -= self.0 / x.count() as f64);
///         self.energy(x)
///     }
///     fn minibatch_energy(&self, x: Minibatches<'_, f64>, gradient: &mut [f64]) -> f64 {
///         self.gradient(x.both(), gradient)
///     }
///     fn minibatch_derivative(
///         &self, _: Minibatches<'_, f64>, v: Minibatches<'_, f64>, gradient: &mut [f64],
///     ) -> Result<f64, Error> {
///         Ok(self.gradient(v.both(), gradient)) // F is linear
///     }
/// }
///
/// let mut scheme = Particle { seed: 0 };
/// let mut state = scheme.start(DMatrix::zeros(5, 1))?;
/// scheme.step(&Wind(3.0), &mut state, 0.5, &mut unwatched)?;
/// assert!((state.particles[0] - 1.5).abs() < 1e-8);
/// # Ok::<(), Error>(())
/// ```
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
