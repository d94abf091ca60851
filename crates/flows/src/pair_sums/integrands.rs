//! What is summed over pairs, with its gradient, lane by lane. The constant factor r of all
//! derivatives is left out.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use fearless_simd::prelude::*;
use rieszflow_autodiff::Real;
use rieszflow_autodiff::lanes::Lanes;

use crate::kernel::{COINCIDENT, Power};

/// A function of u = xᵢ−yⱼ and h = aᵢ−bⱼ that is summed; its gradient is α u + β h.
pub(super) trait Integrand<T: Real>: Copy + Send + Sync {
    /// Whether velocities are read.
    const MOVING: bool;

    /// Adds the weighted values of pairs to `value` and returns α, from |u|² and ⟨u,h⟩.
    fn apart<S: Simd>(
        self,
        weight: T::Lanes<S>,
        squared: T::Lanes<S>,
        inner: T::Lanes<S>,
        value: &mut T::Lanes<S>,
    ) -> T::Lanes<S>;

    /// Whether there is a pair in these lanes that [`Self::coincident`] must see.
    fn meet<S: Simd>(self, squared: T::Lanes<S>) -> bool;

    /// Adds the weighted values of coincident pairs to `value` and returns β, from |u|² and |h|².
    fn coincident<S: Simd>(
        self,
        weight: T::Lanes<S>,
        squared: T::Lanes<S>,
        speed_squared: T::Lanes<S>,
        value: &mut T::Lanes<S>,
    ) -> T::Lanes<S>;
}

/// |xᵢ−yⱼ|ʳ; the gradient, divided by r, is that in the positions.
#[derive(Clone, Copy)]
pub(super) struct Energy<P>(pub(super) P);

impl<T: Real, P: Power<T>> Integrand<T> for Energy<P> {
    const MOVING: bool = false;

    #[inline(always)]
    fn apart<S: Simd>(
        self,
        weight: T::Lanes<S>,
        squared: T::Lanes<S>,
        _: T::Lanes<S>,
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

    #[inline(always)]
    fn coincident<S: Simd>(
        self,
        weight: T::Lanes<S>,
        _: T::Lanes<S>,
        _: T::Lanes<S>,
        _: &mut T::Lanes<S>,
    ) -> T::Lanes<S> {
        T::Lanes::splat(weight.token(), T::zero())
    }
}

/// ∂|·|ʳ(xᵢ−yⱼ; aᵢ−bⱼ) divided by r; the gradient is that in the velocities.
#[derive(Clone, Copy)]
pub(super) struct Derivative<P>(pub(super) P);

impl<P> Derivative<P> {
    fn threshold<T: Real>() -> T {
        T::from_f64(COINCIDENT * COINCIDENT)
    }
}

impl<T: Real, P: Power<T>> Integrand<T> for Derivative<P> {
    const MOVING: bool = true;

    #[inline(always)]
    fn apart<S: Simd>(
        self,
        weight: T::Lanes<S>,
        squared: T::Lanes<S>,
        inner: T::Lanes<S>,
        value: &mut T::Lanes<S>,
    ) -> T::Lanes<S> {
        let zero = T::Lanes::splat(weight.token(), T::zero());
        let factor = weight * self.0.power(squared);
        // A pair that is not a number is apart, and makes the sum none.
        let meet = squared.simd_lt(Self::threshold::<T>());
        let factor = meet.select(zero, factor);
        *value = factor.times_plus(inner, *value);
        factor
    }

    #[inline(always)]
    fn meet<S: Simd>(self, squared: T::Lanes<S>) -> bool {
        squared.simd_lt(Self::threshold::<T>()).any_true()
    }

    #[inline(always)]
    fn coincident<S: Simd>(
        self,
        weight: T::Lanes<S>,
        squared: T::Lanes<S>,
        speed_squared: T::Lanes<S>,
        value: &mut T::Lanes<S>,
    ) -> T::Lanes<S> {
        let zero = T::Lanes::splat(weight.token(), T::zero());
        // Without weight there is no pair, even where the derivative is infinite.
        let counts = squared.simd_lt(Self::threshold::<T>()) & weight.simd_ne(T::zero());
        let (derivative, factor) = self.0.at_zero(speed_squared);
        *value += counts.select(weight * derivative, zero);
        counts.select(weight * factor, zero)
    }
}
