//! Sums over all pairs of particles: the energy, its gradient, and its one-sided directional derivative.
//!
//! For measures μ = Σ uᵢ δ_{xᵢ} and ν = Σ wⱼ δ_{yⱼ} these are
//!
//! * the energy ∬ |x−y|ʳ dμ dν = Σᵢⱼ uᵢ wⱼ |xᵢ−yⱼ|ʳ,
//! * its gradient in the positions, with derivative 0 of |u|ʳ at u = 0,
//! * for velocities aᵢ and bⱼ its derivative Σᵢⱼ uᵢ wⱼ ∂|·|ʳ(xᵢ−yⱼ; aᵢ−bⱼ) along xᵢ+taᵢ, yⱼ+tbⱼ at
//!   t = 0⁺, and the gradient of that in the velocities.
//!
//! [`mod@reference`] has them as double loops in f64; [`PairSums`] is the fast version with the same contract.
//!
//! # Coincident particles
//!
//! Away from 0 the function |u|ʳ is smooth, and its derivative in direction h is linear in h. At 0 it
//! has a kink, a cusp or a flat spot, and only a derivative from one side:
//!
//! ```math
//! ∂|\cdot|^r(u;h) = \lim_{t↓0} \frac{|u+th|^r - |u|^r}{t} =
//! \begin{cases}
//! r\,|u|^{r-2}\,⟨u,h⟩ & u ≠ 0,\\
//! |h| & u = 0,\; r = 1,\\
//! 0 & u = 0,\; r > 1 \text{ or } h = 0,\\
//! +∞ & u = 0,\; r < 1,\; h ≠ 0.
//! \end{cases}
//! ```
//!
//! The second line is what makes a Dirac burst: for r = 1 the interaction energy E, which is −½ times
//! such a sum, falls for coincident particles at a rate proportional to the differences of their
//! velocities, so steepest descent gives them different ones. For r > 1 nothing is gained at first
//! order, and a Dirac is stationary. For r < 1 the gain is infinite, and there is no direction of steepest
//! descent, which is [`Error::Collision`](crate::Error::Collision). Pairs closer than
//! [`COINCIDENT`](crate::COINCIDENT) count as coincident in this derivative. The
//! ordinary gradient, which drives the particle flow and the training of the backward scheme, takes 0
//! for the derivative at u = 0, and knows no such distance.
//!
//! So the derivative along velocities is a linear function of them, whose coefficients depend on the
//! positions alone, and a sum over the pairs that coincide. [`PairSums`] computes the two apart, and
//! keeps the coefficients until the positions change.
//!
//! Source: Altekrüger et al. 2023, Section 5; the value for r < 1 is what the limit gives.

mod all_pairs;
mod blocks;
mod coincident;
pub(crate) mod distributed;
mod high_dim;
mod integrands;
mod low_dim;
mod memory;
pub(crate) mod messages;
mod packed;
mod parallel;
mod partition;
pub mod reference;

pub use parallel::PairSums;

use rieszflow_numerics::Real;

use crate::{Measure, Points};

/// A measure whose particles move; without velocities they rest.
#[derive(Clone, Copy, Debug)]
pub struct Moving<'a, T> {
    /// Positions and weights.
    pub measure: Measure<'a, T>,
    /// A velocity per particle, N×d.
    pub velocities: Option<Points<'a, T>>,
}

impl<'a, T: Real> Moving<'a, T> {
    /// A measure at rest, such as a target.
    pub fn resting(measure: Measure<'a, T>) -> Self {
        Self {
            measure,
            velocities: None,
        }
    }

    /// Particles of equal weight with their velocities.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn uniform(points: Points<'a, T>, velocities: Points<'a, T>) -> Self {
        assert_eq!(points.count(), velocities.count(), "one velocity a point");
        assert_eq!(points.dim(), velocities.dim(), "velocities of the space");
        Self {
            measure: Measure::uniform(points),
            velocities: Some(velocities),
        }
    }

    fn velocity(&self, k: usize, i: usize) -> T {
        self.velocities.map_or_else(T::zero, |v| v.coordinate(k)[i])
    }
}

/// Where a gradient goes: rows of a column-major matrix with one row per particle.
///
/// The gradient in the particles of x is added to the first rows; that in the particles of y, if it is
/// asked for, to the rows from `y_start` on.
#[derive(Debug)]
pub struct GradientRows<'a, T> {
    /// The matrix, column-major.
    pub entries: &'a mut [T],
    /// Its number of rows.
    pub rows: usize,
    /// The first row of y.
    pub y_start: Option<usize>,
}

impl<'a, T> GradientRows<'a, T> {
    /// The gradient in x alone, which fills the whole matrix of `rows` rows.
    pub fn in_x(entries: &'a mut [T], rows: usize) -> Self {
        Self {
            entries,
            rows,
            y_start: None,
        }
    }

    /// The gradients in two minibatches of `batch` particles, one below the other.
    pub fn in_minibatches(entries: &'a mut [T], batch: usize) -> Self {
        Self {
            entries,
            rows: 2 * batch,
            y_start: Some(batch),
        }
    }

    pub(crate) fn x(&mut self, k: usize, count: usize) -> &mut [T] {
        &mut self.entries[k * self.rows..][..count]
    }

    pub(crate) fn y(&mut self, k: usize, count: usize) -> Option<&mut [T]> {
        let start = self.y_start?;
        Some(&mut self.entries[k * self.rows + start..][..count])
    }
}

impl<T: Real> GradientRows<'_, T> {
    /// Adds `term` in coordinate k to particle i of x and takes it from particle j of y.
    fn add(&mut self, k: usize, i: usize, j: usize, term: T) {
        self.x(k, i + 1)[i] += term;
        if let Some(column) = self.y(k, j + 1) {
            column[j] -= term;
        }
    }
}
