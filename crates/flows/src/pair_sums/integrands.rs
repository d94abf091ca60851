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
pub(super) trait RadialFunction<T: Real>: Copy + Send + Sync {
    /// Adds the weighted values of pairs to `value` and returns α, from |u|²; the gradient is α u.
    fn value_and_factor<S: Simd>(
        self,
        weight: T::Lanes<S>,
        squared: T::Lanes<S>,
        value: &mut T::Lanes<S>,
    ) -> T::Lanes<S>;

    /// Whether a pair in these lanes is left to [`Coincident`](super::coincident::Coincident).
    fn any_coincident<S: Simd>(self, squared: T::Lanes<S>) -> bool;
}

/// |xᵢ−yⱼ|ʳ; the gradient, divided by r, is that in the positions.
#[derive(Clone, Copy)]
pub(super) struct PairEnergy<P>(pub(super) P);

impl<T: Real, P: Power<T>> RadialFunction<T> for PairEnergy<P> {
    #[inline(always)]
    fn value_and_factor<S: Simd>(
        self,
        weight: T::Lanes<S>,
        squared: T::Lanes<S>,
        value: &mut T::Lanes<S>,
    ) -> T::Lanes<S> {
        let factor = weight * self.0.power(squared);
        *value = factor.fused_mul_add(squared, *value);
        factor
    }

    #[inline(always)]
    fn any_coincident<S: Simd>(self, _: T::Lanes<S>) -> bool {
        false
    }
}

/// The gradient alone, of the separated pairs: ∂|·|ʳ(xᵢ−yⱼ; aᵢ−bⱼ)/r where it is linear in the
/// velocities.
#[derive(Clone, Copy)]
pub(super) struct Separated<P>(pub(super) P);

impl<T: Real, P: Power<T>> RadialFunction<T> for Separated<P> {
    #[inline(always)]
    fn value_and_factor<S: Simd>(
        self,
        weight: T::Lanes<S>,
        squared: T::Lanes<S>,
        _: &mut T::Lanes<S>,
    ) -> T::Lanes<S> {
        let zero = T::Lanes::splat(weight.token(), T::zero());
        let factor = weight * self.0.power(squared);
        // NaN counts as separated, so that the sum becomes NaN.
        squared
            .simd_lt(coincident_below::<T>())
            .select(zero, factor)
    }

    #[inline(always)]
    fn any_coincident<S: Simd>(self, squared: T::Lanes<S>) -> bool {
        squared.simd_lt(coincident_below::<T>()).any_true()
    }
}

/// The bound on |u|² of coincident pairs.
pub(super) fn coincident_below<T: Real>() -> T {
    T::from_f64(COINCIDENT * COINCIDENT)
}
