//! Functions of the distance that are summed over pairs, with their gradients, lane by lane. The
//! constant factor r of all derivatives is left out.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use fearless_simd::prelude::*;
use rieszflow_numerics::Real;
use rieszflow_numerics::simd::Lanes;

use crate::kernel::{COINCIDENT, Power};

/// A function of u = xᵢ−yⱼ that depends on |u| alone.
pub(super) trait OfDistance<T: Real>: Copy + Send + Sync {
    /// Adds the weighted values of pairs to `value` and returns α, from |u|²; the gradient is α u.
    fn value_and_factor<S: Simd>(
        self,
        weight: T::Lanes<S>,
        squared: T::Lanes<S>,
        value: &mut T::Lanes<S>,
    ) -> T::Lanes<S>;

    /// Whether there is a pair in these lanes that is left to [`Meeting`](super::meeting::Meeting).
    fn meet<S: Simd>(self, squared: T::Lanes<S>) -> bool;
}

/// |xᵢ−yⱼ|ʳ; the gradient, divided by r, is that in the positions.
#[derive(Clone, Copy)]
pub(super) struct Energy<P>(pub(super) P);

impl<T: Real, P: Power<T>> OfDistance<T> for Energy<P> {
    #[inline(always)]
    fn value_and_factor<S: Simd>(
        self,
        weight: T::Lanes<S>,
        squared: T::Lanes<S>,
        value: &mut T::Lanes<S>,
    ) -> T::Lanes<S> {
        let factor = weight * self.0.power(squared);
        *value = factor.times_plus(squared, *value);
        factor
    }

    #[inline(always)]
    fn meet<S: Simd>(self, _: T::Lanes<S>) -> bool {
        false
    }
}

/// The gradient alone, of those pairs that are apart: what ∂|·|ʳ(xᵢ−yⱼ; aᵢ−bⱼ)/r is, where it is
/// linear in the velocities.
#[derive(Clone, Copy)]
pub(super) struct Apart<P>(pub(super) P);

impl<T: Real, P: Power<T>> OfDistance<T> for Apart<P> {
    #[inline(always)]
    fn value_and_factor<S: Simd>(
        self,
        weight: T::Lanes<S>,
        squared: T::Lanes<S>,
        _: &mut T::Lanes<S>,
    ) -> T::Lanes<S> {
        let zero = T::Lanes::splat(weight.token(), T::zero());
        let factor = weight * self.0.power(squared);
        // A pair that is not a number is apart, and makes the sum none.
        squared.simd_lt(coincident::<T>()).select(zero, factor)
    }

    #[inline(always)]
    fn meet<S: Simd>(self, squared: T::Lanes<S>) -> bool {
        squared.simd_lt(coincident::<T>()).any_true()
    }
}

/// What |u|² is below for a pair that meets.
pub(super) fn coincident<T: Real>() -> T {
    T::from_f64(COINCIDENT * COINCIDENT)
}
