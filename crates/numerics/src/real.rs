//! The two scalar types that the project computes in, `f32` and `f64`, behind one sealed trait.

use std::fmt::Debug;

use fearless_simd::{Simd, SimdBase, f32x16, f64x8};

use crate::lanes::Lanes;

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
    /// A cache line of numbers.
    type Array: Copy + Debug + Default + Send + Sync + AsRef<[Self]> + AsMut<[Self]>;

    /// The same in registers.
    type Lanes<S: Simd>: Lanes<S> + SimdBase<S, Element = Self, Array = Self::Array>;

    /// Rounds `value` to this type.
    fn from_f64(value: f64) -> Self;

    /// Widens to `f64`, exactly.
    fn into_f64(self) -> f64;

    /// The nearest integer to a number from 0 to 2²² − 1, by an addition after which it is in the lowest bits.
    fn round_to_u32(self) -> u32;

    /// Appends the bytes of the number, the lowest first.
    fn put_le_bytes(self, bytes: &mut Vec<u8>);

    /// Reads a number from its bytes, the lowest first.
    ///
    /// # Panics
    /// If they are not as many as the number has.
    fn from_le_slice(bytes: &[u8]) -> Self;
}

impl Real for f32 {
    type Array = [Self; 16];
    type Lanes<S: Simd> = f32x16<S>;

    #[inline]
    fn from_f64(value: f64) -> Self {
        value as Self
    }

    #[inline]
    fn into_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn round_to_u32(self) -> u32 {
        const SHIFT: f32 = 8_388_608.0; // 2²³
        (self + SHIFT).to_bits() ^ SHIFT.to_bits()
    }

    #[inline]
    fn put_le_bytes(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_le_bytes());
    }

    #[inline]
    fn from_le_slice(bytes: &[u8]) -> Self {
        Self::from_le_bytes(bytes.try_into().expect("the bytes of one number"))
    }
}

impl Real for f64 {
    type Array = [Self; 8];
    type Lanes<S: Simd> = f64x8<S>;

    #[inline]
    fn from_f64(value: f64) -> Self {
        value
    }

    #[inline]
    fn into_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn round_to_u32(self) -> u32 {
        const SHIFT: f64 = 4_503_599_627_370_496.0; // 2⁵²
        (self + SHIFT).to_bits() as u32
    }

    #[inline]
    fn put_le_bytes(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_le_bytes());
    }

    #[inline]
    fn from_le_slice(bytes: &[u8]) -> Self {
        Self::from_le_bytes(bytes.try_into().expect("the bytes of one number"))
    }
}
