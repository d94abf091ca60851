//! Several numbers at once: what loops over particles compute with, whatever the instruction set.
//!
//! A [`Chunk`] is a cache line of numbers in memory, [`Lanes`] are the same numbers in registers.
//! Their count depends on the scalar type alone, never on the processor, so that sums are taken in
//! the same order everywhere.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use fearless_simd::prelude::*;

use crate::Real;
pub use crate::lanes::{Lanes, levels};

/// A cache line of numbers: sixteen `f32` or eight `f64`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub struct Chunk<T: Real>(pub T::Array);

impl<T: Real> Chunk<T> {
    /// How many numbers it holds.
    pub const LEN: usize = 64 / size_of::<T>();

    /// Some numbers, at most as many as there is room for, and zeros.
    #[inline(always)]
    pub fn filled_up(numbers: &[T]) -> Self {
        let mut chunk = Self::default();
        chunk.as_mut()[..numbers.len()].copy_from_slice(numbers);
        chunk
    }

    /// Reads all of them into registers.
    #[inline(always)]
    pub fn load<S: Simd>(&self, simd: S) -> T::Lanes<S> {
        T::Lanes::simd_from(simd, self.0)
    }

    /// Stores `lanes` here.
    #[inline(always)]
    pub fn store<S: Simd>(&mut self, lanes: T::Lanes<S>) {
        self.0 = lanes.to_array();
    }
}

impl<T: Real> AsRef<[T]> for Chunk<T> {
    #[inline(always)]
    fn as_ref(&self) -> &[T] {
        self.0.as_ref()
    }
}

impl<T: Real> AsMut<[T]> for Chunk<T> {
    #[inline(always)]
    fn as_mut(&mut self) -> &mut [T] {
        self.0.as_mut()
    }
}
