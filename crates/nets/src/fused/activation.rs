//! What a layer does entry by entry: bias and activation σ, and in the backward pass σ'.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use faer::{MatMut, MatRef};
use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};
use rieszflow_autodiff::Real;
use rieszflow_numerics::simd::Chunk;

/// The nonlinearity σ after an affine map.
#[derive(Clone, Copy)]
pub(super) enum Activation {
    /// σ(y) = y, of the last layer.
    Identity,
    /// σ(y) = max(y, 0), with σ'(0) = 0.
    Relu,
}

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

/// σ, lane by lane; NaN stays NaN.
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

/// σ'(x) ȳ for the output y = max(x, 0) of a hidden layer, lane by lane.
#[inline(always)]
pub(super) fn masked<S: Simd, T: Real>(cotangent: T::Lanes<S>, y: T::Lanes<S>) -> T::Lanes<S> {
    let zero = T::Lanes::splat(y.token(), T::zero());
    y.simd_gt(zero).select(cotangent, zero)
}

/// The sums of the columns.
pub(super) fn column_sums<T: Real>(matrix: MatRef<'_, T>, sums: &mut [T]) {
    dispatch!(Level::new(), simd => column_sums_on(simd, matrix, sums));
}

#[inline(always)]
fn column_sums_on<S: Simd, T: Real>(simd: S, matrix: MatRef<'_, T>, sums: &mut [T]) {
    for (j, sum) in sums.iter_mut().enumerate() {
        let chunks = column(matrix, j).chunks_exact(Chunk::<T>::LEN);
        let last = Chunk::filled_up(chunks.remainder());
        // Partial sums, one a lane: fast, and more accurate than one running sum.
        let mut lanes = T::Lanes::splat(simd, T::zero());
        for chunk in chunks {
            lanes += T::Lanes::from_slice(simd, chunk);
        }
        lanes += last.load(simd);
        *sum = lanes.as_slice().iter().copied().sum();
    }
}

/// Masks the cotangent of the output `value` of a hidden layer by σ', and adds its columns to `sums`.
pub(super) fn mask<T: Real>(cotangent: MatMut<'_, T>, value: MatRef<'_, T>, sums: &mut [T]) {
    dispatch!(Level::new(), simd => mask_on(simd, cotangent, value, sums));
}

#[inline(always)]
fn mask_on<S: Simd, T: Real>(
    simd: S,
    mut cotangent: MatMut<'_, T>,
    value: MatRef<'_, T>,
    sums: &mut [T],
) {
    for (j, sum) in sums.iter_mut().enumerate() {
        let values = column(value, j).chunks_exact(Chunk::<T>::LEN);
        let mut entries = column_mut(cotangent.as_mut(), j).chunks_exact_mut(Chunk::<T>::LEN);
        let last_values = Chunk::filled_up(values.remainder());
        let mut lanes = T::Lanes::splat(simd, T::zero());
        for (entries, values) in (&mut entries).zip(values) {
            let values = T::Lanes::from_slice(simd, values);
            let entry = masked::<S, T>(T::Lanes::from_slice(simd, entries), values);
            entry.store_slice(entries);
            lanes += entry;
        }
        let last = entries.into_remainder();
        let mut chunk = Chunk::filled_up(last);
        let entry = masked::<S, T>(chunk.load(simd), last_values.load(simd));
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
