//! The line with r = 1, where flow and JKO step of the discrepancy are known for every target.
//!
//! In terms of the quantile function g(s), 0 < s < 1, the flow of F_ν = E + V_ν decouples into one
//! ordinary differential equation per level,
//!
//! ```math
//! \partial_t g(s) = 2\bigl(s - R_ν(g(s))\bigr),
//! ```
//!
//! with R_ν the distribution function of the target; for the interaction energy alone it is
//! ∂ₜg = 2s − 1, which is the same with ½ in the place of R_ν ([`Repulsion`]). One JKO step solves
//! g⁺ + 2τR_ν(g⁺) = g + 2τs for every level.
//!
//! A particle of mass 1/N at rank i carries the level sᵢ = (i−½)/N ([`midpoint_levels`]); the flow
//! and the JKO step at these levels are exactly those of the N-particle problem, without any error
//! of discretisation.
//!
//! Sources: Hertrich, Beinert, Gräf, Steidl, *Wasserstein Gradient Flows of the Discrepancy with
//! Distance Kernel on the Line*, SSVM 2023; Duong, Stein, Beinert, Hertrich, Steidl, *Wasserstein
//! Gradient Flows of MMD Functionals with Distance Kernel and Cauchy Problems on Quantile
//! Functions*, arXiv 2408.07498.

mod continuous;
mod dirac;
mod discrete;
mod distance;
mod laplace;

pub(crate) use continuous::mean_square;
pub use continuous::{Continuous, Gaussian, Uniform};
pub use dirac::DiracToDirac;
pub use discrete::DiscreteMeasure;
pub use distance::{discrepancy, wasserstein};
pub use laplace::Laplace;

use crate::error::{Error, check_coordinate, check_step, check_time};
use crate::numeric;

/// What a quantile is moved by: the motion of one level under F_ν, or under E alone.
///
/// Implementations only need [`Target::cdf`]; the flow is then integrated numerically and
/// the JKO step solved by bisection, both to nearly double precision. Where more is known, the
/// implementation says so.
pub trait Target {
    /// Computes R(x) = ν((−∞, x]), the distribution function of the target.
    fn cdf(&self, x: f64) -> f64;

    /// Computes where the quantile of the given level is after time t ≥ 0, if it starts at `start`.
    fn flow(&self, level: f64, start: f64, time: f64) -> f64 {
        numeric::flow(|x| 2.0 * (level - self.cdf(x)), start, time)
    }

    /// Computes where the quantile of the given level is after one JKO step of length τ > 0 from
    /// `start`.
    fn backward_step(&self, level: f64, start: f64, tau: f64) -> f64 {
        let shifted = start + 2.0 * tau * level;
        let excess = |x: f64| x + 2.0 * tau * self.cdf(x) - shifted;
        numeric::bisect(excess, shifted - 2.0 * tau, shifted)
    }
}

/// A probability measure on the line, as a target and as a start.
pub trait Measure: Target {
    /// Computes the quantile inf {x : R(x) ≥ level} for 0 < level < 1.
    fn quantile(&self, level: f64) -> f64;

    /// Computes ∫ (R(x) − level)² dx from `low` to `high`; `low` = −∞ is allowed with level 0,
    /// `high` = ∞ with level 1.
    fn squared_cdf_difference(&self, low: f64, high: f64, level: f64) -> f64;

    /// Computes ∫ (point − g(s))² ds over the levels from `low` to `high`, where g is the quantile
    /// function.
    fn squared_quantile_difference(&self, point: f64, low: f64, high: f64) -> f64;

    /// The quantiles at the levels (i−½)/N: N particles of equal mass.
    fn quantiles(&self, count: usize) -> Vec<f64> {
        midpoint_levels(count)
            .map(|level| self.quantile(level))
            .collect()
    }
}

/// No target: the interaction energy E alone, under which the level s moves with the constant speed
/// 2s − 1.
///
/// ```
/// use rieszflow_analytic::line::{Repulsion, flow};
/// // Two particles push each other apart.
/// assert_eq!(flow(&Repulsion, &[0.0, 0.0], 1.0)?, [-0.5, 0.5]);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repulsion;

impl Target for Repulsion {
    /// The constant ½, which turns 2(s − R) into 2s − 1.
    fn cdf(&self, _: f64) -> f64 {
        0.5
    }

    fn flow(&self, level: f64, start: f64, time: f64) -> f64 {
        start + (2.0 * level - 1.0) * time
    }

    fn backward_step(&self, level: f64, start: f64, tau: f64) -> f64 {
        self.flow(level, start, tau)
    }
}

/// The levels (i−½)/N, i = 1, …, N, that N particles of equal mass carry.
pub fn midpoint_levels(count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |i| (i as f64 + 0.5) / count as f64)
}

/// Computes the exact flow up to the time t of the quantiles given at the levels (i−½)/N, N their
/// number.
///
/// `quantiles` are N particles in increasing order, ties allowed. Cost: N evaluations of
/// [`Target::flow`].
///
/// # Errors
/// [`Error::Time`] unless t is finite and ≥ 0, [`Error::Coordinate`] unless the quantiles are
/// finite, [`Error::Unsorted`] unless they increase.
///
/// ```
/// use rieszflow_analytic::line::{DiscreteMeasure, flow};
/// // A pair of particles at 0 and a target atom at 1: they leave with speeds ½ and 3/2, and rest where they meet it.
/// let target = DiscreteMeasure::new(&[1.0], &[1.0])?;
/// assert_eq!(flow(&target, &[0.0, 0.0], 1.0)?, [0.5, 1.0]);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn flow(target: &impl Target, quantiles: &[f64], time: f64) -> Result<Vec<f64>, Error> {
    let time = check_time(time)?;
    move_each(quantiles, |level, start| target.flow(level, start, time))
}

/// Computes one exact JKO step of length τ from the quantiles given at the levels (i−½)/N, N their
/// number.
///
/// The result is the exact minimiser of W₂²(·, μ)/(2τ) + F over N particles of equal mass.
/// Arguments as for [`flow`].
///
/// # Errors
/// [`Error::StepSize`] unless τ is finite and positive; otherwise as for [`flow`].
///
/// ```
/// use rieszflow_analytic::line::{DiscreteMeasure, backward_step};
/// let target = DiscreteMeasure::new(&[1.0], &[1.0])?;
/// assert_eq!(backward_step(&target, &[0.0, 0.0], 1.0)?, [0.5, 1.0]);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn backward_step(target: &impl Target, quantiles: &[f64], tau: f64) -> Result<Vec<f64>, Error> {
    let tau = check_step(tau)?;
    move_each(quantiles, |level, start| {
        target.backward_step(level, start, tau)
    })
}

/// Computes the iterates of the JKO scheme after each of the given steps τ₁, …, τₙ.
///
/// # Errors
/// As for [`backward_step`].
///
/// ```
/// use rieszflow_analytic::line::{Repulsion, backward_steps};
/// let iterates = backward_steps(&Repulsion, &[0.0, 0.0], &[1.0, 2.0])?;
/// assert_eq!(iterates, [[-0.5, 0.5], [-1.5, 1.5]]);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn backward_steps(
    target: &impl Target,
    quantiles: &[f64],
    steps: &[f64],
) -> Result<Vec<Vec<f64>>, Error> {
    let mut iterates: Vec<Vec<f64>> = Vec::with_capacity(steps.len());
    for &tau in steps {
        let before = iterates.last().map_or(quantiles, Vec::as_slice);
        iterates.push(backward_step(target, before, tau)?);
    }
    Ok(iterates)
}

/// Moves each quantile by itself, after checking that they are quantiles.
fn move_each(quantiles: &[f64], motion: impl Fn(f64, f64) -> f64) -> Result<Vec<f64>, Error> {
    for (index, &value) in quantiles.iter().enumerate() {
        check_coordinate(index, value)?;
        if index > 0 && value < quantiles[index - 1] {
            return Err(Error::Unsorted {
                index,
                value,
                before: quantiles[index - 1],
            });
        }
    }
    let levels = midpoint_levels(quantiles.len());
    Ok(levels
        .zip(quantiles)
        .map(|(level, &start)| motion(level, start))
        .collect())
}
