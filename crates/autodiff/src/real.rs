//! The two scalar types that the project computes in, `f32` and `f64`, behind one sealed trait.

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating-point scalar: `f32` or `f64`.
///
/// Settings, accumulators across blocks and everything that judges a result are `f64`; [`Real`] is
/// the type of particles, network parameters and activations.
pub trait Real:
    sealed::Sealed
    + num_traits::Float
    + num_traits::NumAssign
    + nalgebra::Scalar
    + faer::traits::RealField
    + Default
    + std::iter::Sum
    + Send
    + Sync
    + 'static
{
    /// Rounds `value` to this type.
    fn from_f64(value: f64) -> Self;

    /// Widens to `f64`, exactly.
    fn into_f64(self) -> f64;
}

impl Real for f32 {
    #[inline]
    fn from_f64(value: f64) -> Self {
        value as Self
    }

    #[inline]
    fn into_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    #[inline]
    fn from_f64(value: f64) -> Self {
        value
    }

    #[inline]
    fn into_f64(self) -> f64 {
        self
    }
}
