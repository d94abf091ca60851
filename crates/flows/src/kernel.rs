//! The Riesz kernel K(x,y) = −|x−y|ʳ and, in this one place, what happens at distance zero.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use rieszflow_autodiff::Real;

use crate::Error;

/// Pairs closer than this count as coincident in the one-sided derivative.
pub const COINCIDENT: f64 = 1e-10;

/// The Riesz kernel K(x,y) = −|x−y|ʳ with exponent 0 < r < 2.
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

    /// The functions of the squared distance that sums over pairs are made of.
    pub(crate) fn radial<T: Real>(self) -> Radial<T> {
        Radial {
            exponent: T::from_f64(self.exponent),
            half: T::from_f64(0.5 * self.exponent),
            coincident: T::from_f64(COINCIDENT * COINCIDENT),
        }
    }
}

/// |u|ʳ and its derivatives from s = |u|².
pub(crate) trait Power<T>: Copy + Send + Sync {
    /// |u|ʳ and r|u|ʳ⁻², the factor of u in the gradient; at u = 0 both are 0.
    fn value_and_factor(&self, squared: T) -> (T, T);

    /// The one-sided derivative of |u|ʳ in direction h and its gradient in h as (value, α, β):
    /// the gradient is α u + β h. From s = |u|², ⟨u,h⟩ and |h|².
    ///
    /// At u = 0 it is |h| for r = 1, 0 for r > 1, and +∞ for r < 1 unless h = 0.
    fn directional(&self, squared: T, inner: T, speed_squared: T) -> (T, T, T);
}

/// The radial functions for any 0 < r < 2.
#[derive(Clone, Copy)]
pub(crate) struct Radial<T> {
    exponent: T,
    half: T,
    coincident: T,
}

/// The radial functions for r = 1 with square roots alone: the same values, several times faster.
#[derive(Clone, Copy)]
pub(crate) struct Distance<T> {
    coincident: T,
}

impl<T: Real> Radial<T> {
    /// The same functions for r = 1, if that is the exponent.
    pub(crate) fn distance(&self) -> Option<Distance<T>> {
        let coincident = self.coincident;
        (self.exponent == T::one()).then_some(Distance { coincident })
    }
}

impl<T: Real> Power<T> for Radial<T> {
    #[inline(always)]
    fn value_and_factor(&self, squared: T) -> (T, T) {
        if squared > T::zero() {
            let value = squared.powf(self.half);
            (value, self.exponent * value / squared)
        } else {
            (squared, T::zero())
        }
    }

    #[inline(always)]
    fn directional(&self, squared: T, inner: T, speed_squared: T) -> (T, T, T) {
        let zero = T::zero();
        if squared >= self.coincident || squared.is_nan() {
            let factor = self.exponent * squared.powf(self.half) / squared;
            (factor * inner, factor, zero)
        } else if self.exponent > T::one() || speed_squared == zero {
            (zero, zero, zero)
        } else if self.exponent < T::one() {
            (T::infinity(), zero, zero)
        } else {
            let speed = speed_squared.sqrt();
            (speed, zero, T::one() / speed)
        }
    }
}

impl<T: Real> Power<T> for Distance<T> {
    #[inline(always)]
    fn value_and_factor(&self, squared: T) -> (T, T) {
        let root = squared.sqrt();
        let inverse = if squared > T::zero() {
            T::one() / root
        } else {
            T::zero()
        };
        (root, inverse)
    }

    #[inline(always)]
    fn directional(&self, squared: T, inner: T, speed_squared: T) -> (T, T, T) {
        let apart = squared >= self.coincident || squared.is_nan();
        let length = if apart { squared } else { speed_squared };
        let (speed, inverse) = self.value_and_factor(length);
        if apart {
            (inner * inverse, inverse, T::zero())
        } else {
            (speed, T::zero(), inverse)
        }
    }
}
