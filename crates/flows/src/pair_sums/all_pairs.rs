//! A function of the distance summed over all pairs.
//!
//! In few dimensions the inner loops keep everything in registers ([`low_dim`]), in many they take
//! several particles at a time ([`high_dim`]).

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use std::ops::Range;

use fearless_simd::prelude::*;
use rieszflow_numerics::Real;
use rieszflow_numerics::simd::Chunk;

use super::blocks::{Gradients, Integrand, RowGroup, Running};
use super::integrands::RadialFunction;
use super::packed::Groups;
use super::{high_dim, low_dim};

/// A function of the distance, of all pairs.
#[derive(Clone, Copy)]
pub(super) struct AllPairs<F>(pub(super) F);

impl<T: Real, F: RadialFunction<T>> Integrand<T> for AllPairs<F> {
    fn chunks(self, _: Range<usize>, all: usize) -> Range<usize> {
        0..all
    }

    #[inline(always)]
    fn add<S: Simd>(
        self,
        simd: S,
        x: Groups<'_, RowGroup<T>>,
        y: Groups<'_, Chunk<T>>,
        gradients: Gradients,
        running: &mut Running<'_, T>,
    ) {
        match x.dim {
            1 => low_dim::sum::<S, T, F, 1>(simd, self.0, x, y, gradients, running),
            2 => low_dim::sum::<S, T, F, 2>(simd, self.0, x, y, gradients, running),
            3 => low_dim::sum::<S, T, F, 3>(simd, self.0, x, y, gradients, running),
            _ => high_dim::sum(simd, self.0, x, y, gradients, running),
        }
    }
}
