//! The Riesz kernel K(x,y) = −|x−y|ʳ and the one-sided derivative of |u|ʳ at u = 0.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use fearless_simd::prelude::*;
use rieszflow_numerics::Real;
use rieszflow_numerics::simd::Lanes;

use crate::Error;

/// Pairs closer than this count as coincident in the one-sided derivative.
pub const COINCIDENT: f64 = 1e-10;

/// The Riesz kernel K(x,y) = −|x−y|ʳ with exponent 0 < r < 2.
///
/// ```math
/// K(x,y) = -|x-y|^r, \qquad ∇_x K(x,y) = -r\,|x-y|^{r-2}(x-y) \quad (x ≠ y)
/// ```
///
/// Source: Altekrüger et al. 2023, where the squared discrepancy is that of this kernel; it is a
/// distance between measures for these r. At x = y the gradient is taken to be 0, and the one-sided
/// derivative is that of [`crate::pair_sums`].
///
/// x and y are points of ℝᵈ for any d, r is a number without unit, and K is a length to the power r.
/// Cost: O(d) time a pair, with square roots alone for r = 1 and powers for other r.
///
/// ```
/// use rieszflow_flows::RieszKernel;
///
/// assert_eq!(RieszKernel::new(1.0)?.exponent(), 1.0);
/// assert!(RieszKernel::new(2.0).is_err());
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RieszKernel {
    exponent: f64,
}

impl RieszKernel {
    /// The kernel with exponent r.
    ///
    /// # Errors
    /// If r is not strictly between 0 and 2.
    pub fn new(exponent: f64) -> Result<Self, Error> {
        if exponent > 0.0 && exponent < 2.0 {
            Ok(Self { exponent })
        } else {
            Err(Error::Exponent(exponent))
        }
    }

    /// r.
    pub fn exponent(self) -> f64 {
        self.exponent
    }

    /// |u|ʳ and r|u|ʳ⁻², the factor of u in the gradient, from s = |u|²; at u = 0 both are 0.
    pub(crate) fn value_and_factor(self, squared: f64) -> (f64, f64) {
        if squared > 0.0 {
            let value = squared.powf(0.5 * self.exponent);
            (value, self.exponent * value / squared)
        } else {
            (squared, 0.0)
        }
    }

    /// The one-sided derivative of |u|ʳ in direction h and its gradient in h as (value, α, β):
    /// the gradient is α u + β h. From s = |u|², ⟨u,h⟩ and |h|².
    ///
    /// At u = 0 it is |h| for r = 1, 0 for r > 1, and +∞ for r < 1 unless h = 0.
    pub(crate) fn directional(
        self,
        squared: f64,
        inner: f64,
        speed_squared: f64,
    ) -> (f64, f64, f64) {
        if squared >= COINCIDENT * COINCIDENT || squared.is_nan() {
            let factor = self.exponent * squared.powf(0.5 * self.exponent) / squared;
            (factor * inner, factor, 0.0)
        } else if self.exponent > 1.0 || speed_squared == 0.0 {
            (0.0, 0.0, 0.0)
        } else if self.exponent < 1.0 {
            (f64::INFINITY, 0.0, 0.0)
        } else {
            let speed = speed_squared.sqrt();
            (speed, 0.0, 1.0 / speed)
        }
    }

    /// [`Self::directional`] at u = 0, lane by lane: the derivative and β, from |h|².
    #[inline(always)]
    pub(crate) fn one_sided_at_zero<T: Real, S: Simd>(
        self,
        speed_squared: T::Lanes<S>,
    ) -> (T::Lanes<S>, T::Lanes<S>) {
        let zero = T::Lanes::splat(speed_squared.token(), T::zero());
        let infinity = T::Lanes::splat(speed_squared.token(), T::infinity());
        if self.exponent > 1.0 {
            (zero, zero)
        } else if self.exponent < 1.0 {
            let is_still = speed_squared.simd_eq(T::zero());
            (is_still.select(zero, infinity), zero)
        } else {
            let factor = speed_squared.reciprocal_root();
            (speed_squared * factor, factor)
        }
    }

    /// |u|ʳ and its derivatives for many pairs at once.
    pub(crate) fn radial<T: Real>(self) -> Radial<T> {
        Radial {
            of_squared: T::from_f64(0.5 * self.exponent - 1.0),
        }
    }
}

/// |u|ʳ and its derivatives for a chunk of pairs: the rules of [`RieszKernel`], lane by lane.
///
/// Everything follows from |u|ʳ⁻²: the value is |u|² times it, the gradient r u times it.
pub(crate) trait Power<T: Real>: Copy + Send + Sync {
    /// |u|ʳ⁻² from |u|², but finite at u = 0: times u it is 0.
    ///
    /// Where |u|² is not finite the result is arbitrary, and the value |u|² times it is not finite.
    fn power<S: Simd>(self, squared: T::Lanes<S>) -> T::Lanes<S>;
}

/// The functions for any 0 < r < 2.
#[derive(Clone, Copy)]
pub(crate) struct Radial<T> {
    /// r/2 − 1: to this power |u|² is |u|ʳ⁻².
    of_squared: T,
}

/// The functions for r = 1 with square roots alone: the same values, faster.
#[derive(Clone, Copy)]
pub(crate) struct Distance;

impl<T: Real> Power<T> for Radial<T> {
    #[inline(always)]
    fn power<S: Simd>(self, squared: T::Lanes<S>) -> T::Lanes<S> {
        squared.power(self.of_squared)
    }
}

impl<T: Real> Power<T> for Distance {
    #[inline(always)]
    fn power<S: Simd>(self, squared: T::Lanes<S>) -> T::Lanes<S> {
        squared.reciprocal_root()
    }
}
