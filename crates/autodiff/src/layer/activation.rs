//! What a layer does entry by entry: bias and activation σ, and in the reverse sweep σ'.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use faer::{MatMut, MatRef};
use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};

use crate::Real;
use crate::ops::Activation;
use rieszflow_numerics::simd::Chunk;

/// Y := σ(Y + 1 bᵀ).
pub(super) fn activate<T: Real>(y: MatMut<'_, T>, bias: &[T], activation: Activation) {
    dispatch!(Level::new(), simd => activate_on(simd, y, bias, activation));
}

#[inline(always)]
fn activate_on<S: Simd, T: Real>(
    simd: S,
    mut y: MatMut<'_, T>,
    bias: &[T],
    activation: Activation,
) {
    for (j, &shift) in bias.iter().enumerate() {
        let mut chunks = column_mut(y.as_mut(), j).chunks_exact_mut(Chunk::<T>::LEN);
        for chunk in &mut chunks {
            activated::<S, T>(T::Lanes::from_slice(simd, chunk) + shift, activation)
                .store_slice(chunk);
        }
        let last = chunks.into_remainder();
        let mut chunk = Chunk::filled_up(last);
        chunk.store(activated::<S, T>(chunk.load(simd) + shift, activation));
        last.copy_from_slice(&chunk.as_ref()[..last.len()]);
    }
}

/// σ, lane by lane. What is not a number stays none.
#[inline(always)]
pub(super) fn activated<S: Simd, T: Real>(x: T::Lanes<S>, activation: Activation) -> T::Lanes<S> {
    match activation {
        Activation::Identity => x,
        Activation::Relu => {
            let zero = T::Lanes::splat(x.token(), T::zero());
            x.simd_lt(zero).select(zero, x)
        }
    }
}

/// The cotangent of x from that of y = σ(x), lane by lane.
#[inline(always)]
pub(super) fn masked<S: Simd, T: Real>(
    cotangent: T::Lanes<S>,
    y: T::Lanes<S>,
    activation: Activation,
) -> T::Lanes<S> {
    match activation {
        Activation::Identity => cotangent,
        Activation::Relu => {
            let zero = T::Lanes::splat(y.token(), T::zero());
            y.simd_gt(zero).select(cotangent, zero)
        }
    }
}

/// Masks the cotangent by σ' and adds its columns to `sums`.
pub(super) fn mask<T: Real>(
    cotangent: MatMut<'_, T>,
    value: MatRef<'_, T>,
    activation: Activation,
    sums: &mut [T],
) {
    dispatch!(Level::new(), simd => mask_on(simd, cotangent, value, activation, sums));
}

#[inline(always)]
fn mask_on<S: Simd, T: Real>(
    simd: S,
    mut cotangent: MatMut<'_, T>,
    value: MatRef<'_, T>,
    activation: Activation,
    sums: &mut [T],
) {
    let zero = T::Lanes::splat(simd, T::zero());
    for (j, sum) in sums.iter_mut().enumerate() {
        let values = column(value, j).chunks_exact(Chunk::<T>::LEN);
        let mut entries = column_mut(cotangent.as_mut(), j).chunks_exact_mut(Chunk::<T>::LEN);
        let last_values = Chunk::filled_up(values.remainder());
        // Partial sums, one a lane: fast, and more accurate than one running sum.
        let mut lanes = zero;
        for (entries, values) in (&mut entries).zip(values) {
            let values = T::Lanes::from_slice(simd, values);
            let entry = masked::<S, T>(T::Lanes::from_slice(simd, entries), values, activation);
            entry.store_slice(entries);
            lanes += entry;
        }
        let last = entries.into_remainder();
        let mut chunk = Chunk::filled_up(last);
        let entry = masked::<S, T>(chunk.load(simd), last_values.load(simd), activation);
        chunk.store(entry);
        last.copy_from_slice(&chunk.as_ref()[..last.len()]);
        lanes += entry;
        for &lane in lanes.as_slice() {
            *sum += lane;
        }
    }
}

#[inline(always)]
pub(super) fn column<T>(matrix: MatRef<'_, T>, j: usize) -> &[T] {
    let column = matrix.col(j).try_as_col_major();
    column.expect("a column").as_slice()
}

#[inline(always)]
pub(super) fn column_mut<T>(matrix: MatMut<'_, T>, j: usize) -> &mut [T] {
    let column = matrix.col_mut(j).try_as_col_major_mut();
    column.expect("a column").as_slice_mut()
}
