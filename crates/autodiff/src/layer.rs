//! The passes over an affine layer: blocks of rows that stay in the cache, on all threads.
//!
//! The rows of a batch are halved into equal parts, as many as a power of two, and the blocks of a
//! part follow one another: a block's product, bias and activation while it is in the cache. How the
//! rows are cut depends on the sizes alone, so the results do not depend on the threads.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use faer::{MatMut, MatRef};
use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};

use crate::Real;
use crate::lanes::Chunk;
use crate::ops::Activation;
use crate::product::{LEAST_PIECE, Store, multiply, multiply_here};

/// Rows of a block: a multiple of the height of the product's innermost loop, and few enough for
/// the product to be at its fastest.
const BLOCK: usize = 192;
/// Most rows of a part, unless there would be too many.
const PART: usize = 2 * BLOCK;
/// Bounds the memory of the gradients in the parameters, one per part of the batch.
const MOST_PARTS: usize = 16;

/// In how many parts a batch is cut.
pub(crate) fn parts(rows: usize) -> usize {
    let parts = rows.div_ceil(PART).max(1);
    parts.next_power_of_two().min(MOST_PARTS)
}

/// Whether a layer has so few outputs that Ȳᵀ X is found faster as its transpose.
pub(crate) fn is_narrow(outputs: usize) -> bool {
    outputs < 16
}

/// Where a batch is cut in two, at a full vector.
fn half(rows: usize) -> usize {
    (rows / 2).next_multiple_of(16)
}

/// Y ← σ(X Wᵀ + 1 bᵀ).
pub(crate) fn forward<T: Real>(
    mut y: MatMut<'_, T>,
    x: MatRef<'_, T>,
    w: MatRef<'_, T>,
    bias: &[T],
    activation: Activation,
) {
    match parts(y.nrows()) {
        1 => {
            multiply(y.as_mut(), Store::Replace, x, w.transpose());
            activate(y, bias, activation);
        }
        parts => forward_parts(parts, y, x, w, bias, activation),
    }
}

fn forward_parts<T: Real>(
    parts: usize,
    mut y: MatMut<'_, T>,
    mut x: MatRef<'_, T>,
    w: MatRef<'_, T>,
    bias: &[T],
    activation: Activation,
) {
    if parts > 1 {
        let rows = y.nrows();
        let (upper, lower) = y.split_at_row_mut(half(rows));
        let (x_upper, x_lower) = x.split_at_row(half(rows));
        join(
            rows * w.nrows() * w.ncols(),
            || forward_parts(parts / 2, upper, x_upper, w, bias, activation),
            || forward_parts(parts / 2, lower, x_lower, w, bias, activation),
        );
        return;
    }
    while y.nrows() > 0 {
        let count = BLOCK.min(y.nrows());
        let (mut block, rest) = y.split_at_row_mut(count);
        let (x_block, x_rest) = x.split_at_row(count);
        multiply_here(block.as_mut(), Store::Replace, x_block, w.transpose());
        activate(block, bias, activation);
        (y, x) = (rest, x_rest);
    }
}

/// Some rows of a batch in the reverse sweep.
pub(crate) struct Rows<'a, T> {
    /// Ȳ, which will be masked by σ'.
    pub(crate) cotangent: MatMut<'a, T>,
    /// Y.
    pub(crate) value: MatRef<'a, T>,
    /// X.
    pub(crate) input: MatRef<'a, T>,
    /// X̄, if it is wanted, and whether to replace it.
    pub(crate) of_input: Option<(MatMut<'a, T>, Store)>,
}

impl<T: Real> Rows<'_, T> {
    fn count(&self) -> usize {
        self.value.nrows()
    }

    fn split_at(self, row: usize) -> (Self, Self) {
        let (cotangent, lower_cotangent) = self.cotangent.split_at_row_mut(row);
        let (value, lower_value) = self.value.split_at_row(row);
        let (input, lower_input) = self.input.split_at_row(row);
        let (of_input, lower_of_input) = match self.of_input {
            None => (None, None),
            Some((of_input, store)) => {
                let (upper, lower) = of_input.split_at_row_mut(row);
                (Some((upper, store)), Some((lower, store)))
            }
        };
        let upper = Self {
            cotangent,
            value,
            input,
            of_input,
        };
        let lower = Self {
            cotangent: lower_cotangent,
            value: lower_value,
            input: lower_input,
            of_input: lower_of_input,
        };
        (upper, lower)
    }
}

/// With Ȳ masked by σ': X̄ += Ȳ W, and [Ȳᵀ X, column sums of Ȳ] at the start of `of_parts`, with the
/// transpose of Ȳᵀ X if the layer is narrow.
///
/// `of_parts` has room for the same of each part; they are added up in pairs.
pub(crate) fn pull_back<T: Real>(
    parts: usize,
    rows: Rows<'_, T>,
    w: MatRef<'_, T>,
    activation: Activation,
    of_parts: &mut [T],
) {
    let (m, k) = (w.nrows(), w.ncols());
    if parts > 1 {
        let count = rows.count();
        let (upper, lower) = rows.split_at(half(count));
        let (of_upper, of_lower) = of_parts.split_at_mut(parts / 2 * (m * k + m));
        join(
            3 * count * m * k,
            || pull_back(parts / 2, upper, w, activation, of_upper),
            || pull_back(parts / 2, lower, w, activation, of_lower),
        );
        for (sum, &term) in of_upper.iter_mut().zip(&of_lower[..m * k + m]) {
            *sum += term;
        }
        return;
    }
    let (of_weight, of_bias) = of_parts.split_at_mut(m * k);
    of_bias.fill(T::zero());
    let mut of_weight = if is_narrow(m) {
        MatMut::from_column_major_slice_mut(of_weight, k, m)
    } else {
        MatMut::from_column_major_slice_mut(of_weight, m, k)
    };
    let (mut store, mut rest) = (Store::Replace, rows);
    while rest.count() > 0 {
        let count = BLOCK.min(rest.count());
        let (block, after) = rest.split_at(count);
        let mut cotangent = block.cotangent;
        mask(cotangent.as_mut(), block.value, activation, of_bias);
        let (a, b) = if is_narrow(m) {
            (block.input, cotangent.as_ref())
        } else {
            (cotangent.as_ref(), block.input)
        };
        multiply_here(of_weight.as_mut(), store, a.transpose(), b);
        if let Some((of_input, store)) = block.of_input {
            multiply_here(of_input, store, cotangent.as_ref(), w);
        }
        (store, rest) = (Store::Add, after);
    }
}

/// Runs both on two threads if there is enough to do, given as a number of multiplications.
fn join(work: usize, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    if work < 2 * LEAST_PIECE {
        a();
        b();
    } else {
        rayon::join(a, b);
    }
}

fn activate<T: Real>(y: MatMut<'_, T>, bias: &[T], activation: Activation) {
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
fn activated<S: Simd, T: Real>(x: T::Lanes<S>, activation: Activation) -> T::Lanes<S> {
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
fn masked<S: Simd, T: Real>(
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
pub(crate) fn mask<T: Real>(
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
        let value = value.col(j).try_as_col_major().expect("a column");
        let values = value.as_slice().chunks_exact(Chunk::<T>::LEN);
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

fn column_mut<T>(matrix: MatMut<'_, T>, j: usize) -> &mut [T] {
    let column = matrix.col_mut(j).try_as_col_major_mut();
    column.expect("a column").as_slice_mut()
}
