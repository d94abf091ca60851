//! Functionals F on P₂(ℝᵈ): what a scheme needs to know of the flow it approximates.
//!
//! The particle flow asks for gradients in the positions, the backward scheme for the energy of what
//! its network has proposed, the forward scheme for the slope along velocities. The neural schemes see
//! two minibatches at a time, drawn independently: an energy of pairs, one batch against the other, is
//! then estimated without bias, which pairs within one batch would not be, since each particle would
//! be paired with itself.

mod implosion_explosion;
mod interaction;
mod mmd;
mod potential;
mod primitive;
mod radial;
mod smooth;
mod sum;
mod target_blocks;

pub use implosion_explosion::ImplosionExplosion;
pub use interaction::Interaction;
pub use mmd::Mmd;
pub use potential::Potential;
pub(crate) use potential::finite_rows;
pub(crate) use primitive::record_with_gradient;
pub use radial::{RadialPotential, RadialTable};
pub use smooth::{PairFunction, PotentialFunction};
pub use sum::Sum;

use rieszflow_numerics::Real;

use crate::{Error, GradientRows, Measure, Minibatches, Points, SlicedEnergies};

/// A functional F of probability measures, evaluated on particles.
///
/// Most are sums: [`Sum`] adds two. A smooth potential or pair energy is a closure with its gradient:
/// [`PotentialFunction`], [`PairFunction`]. Anything else implements these methods; no scheme changes.
/// Every method *adds* its gradient, column-major with one row per particle, to what is there already, so
/// that sums of functionals are easily made; only the closures of [`PotentialFunction`] and
/// [`PairFunction`] write theirs.
///
/// The derivative that the forward scheme needs is the one-sided one along a velocity plan v, which
/// carries pairs of a position x and a velocity a:
///
/// ```math
/// D_vF(μ) = \lim_{t↓0} \frac{F(γ(t)) - F(μ)}{t}, \qquad γ(t) = \text{law of } x + t a
/// ```
///
/// (Altekrüger et al. 2023, steepest descent.) A constant force g on the line, F(μ) = −∫ g x dμ:
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::scheme::{Particle, Scheme};
/// use rieszflow_flows::PotentialFunction;
///
/// let force = PotentialFunction::new(|x: &[f64], gradient: &mut [f64]| {
///     gradient[0] = -3.0;
///     -3.0 * x[0]
/// });
/// let scheme = Particle::default();
/// let mut state = scheme.start(DMatrix::zeros(5, 1))?;
/// scheme.step(&force, &mut state, 0.5)?;
/// assert!((state.particles[0] - 1.5).abs() < 1e-8);
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
pub trait Functional<T: Real>: Sync {
    /// The dimension d of the space, if it has to be a certain one.
    fn dim(&self) -> Option<usize> {
        None
    }

    /// F(μ_N) of the empirical measure of N particles (V-statistic: coincident indices included).
    fn energy(&self, particles: Points<'_, T>) -> f64 {
        let mut unused = vec![T::zero(); particles.count() * particles.dim()];
        self.gradient(particles, &mut unused)
    }

    /// F(μ_N), and ∂F(μ_N)/∂xᵢ (N×d) added to `gradient`; it drives the particle flow.
    fn gradient(&self, particles: Points<'_, T>, gradient: &mut [T]) -> f64;

    /// The energies of the particles and of a target from one set of directions, where F is an [`Mmd`] by
    /// sliced sums; otherwise `None`, the default.
    ///
    /// The gradient is computed along with them and kept: the next call of [`gradient`](Self::gradient) at
    /// these particles takes it, so that a particle flow whose D² is measured after each step costs one sum a
    /// step.
    fn measure(&self, _particles: Points<'_, T>) -> Option<SlicedEnergies> {
        None
    }

    /// An unbiased estimate F̂ from two independent minibatches, and its gradient (2B×d) added.
    fn minibatch_energy(&self, batches: Minibatches<'_, T>, gradient: &mut [T]) -> f64;

    /// The mutual energy −∬ |x−y|ʳ dμ(x) dρ(y) of particles μ and a signed measure ρ for E, and what
    /// corresponds to it for another energy of pairs; `scale` times its gradient in the particles is added.
    ///
    /// It is the part of the first variation of F that depends on the measure, and tells the training
    /// what all particles contribute to the field at a few ([`Training::control_variate`]). 0, the
    /// default, leaves it at the minibatches.
    ///
    /// [`Training::control_variate`]: crate::scheme::Training::control_variate
    fn mutual_energy(
        &self,
        _particles: Measure<'_, T>,
        _other: Measure<'_, T>,
        _scale: f64,
        _gradient: &mut GradientRows<'_, T>,
    ) -> f64 {
        0.0
    }

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
