//! Products of small layers in tiles, which stay in registers from the first term to the activation.
//!
//! A tile of the result, some chunks of rows in some columns, is accumulated over the columns of the
//! left factor and finished before it is stored. Each entry is summed in the same order whatever the
//! tile, so the last rows of a block may be stored twice where they do not fill a chunk.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use faer::{MatMut, MatRef};
use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};
use rieszflow_autodiff::Real;
use rieszflow_numerics::product::LEAST_PIECE;
use rieszflow_numerics::simd::{Chunk, Lanes};

use super::Affine;
use super::activation::{Activation, activated, column, column_mut, masked};

/// Whether a product of `rows` rows with these weights is stored in tiles, on one thread.
pub(super) fn is_tiled<T: Real>(rows: usize, weight: MatRef<'_, T>) -> bool {
    rows >= Chunk::<T>::LEN && rows * weight.nrows() * weight.ncols() < 2 * LEAST_PIECE
}

/// Where a tile of the result stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    row: usize,
    /// How many of its rows are stored already.
    stored: usize,
    column: usize,
}

/// A product that is accumulated in tiles, and what becomes of them.
pub(super) trait Tiled<T: Real>: Sized {
    /// The left factor.
    fn left(&self) -> MatRef<'_, T>;

    /// The columns of the right factor.
    fn columns(&self) -> usize;

    /// Entries of the right factor: row t, columns from j on.
    fn right<const C: usize>(&self, t: usize, j: usize) -> [T; C];

    /// Stores a tile.
    fn finish<S: Simd, const R: usize, const C: usize>(
        &mut self,
        simd: S,
        place: Place,
        tile: [[T::Lanes<S>; R]; C],
    );

    /// Computes all tiles.
    fn run(mut self, level: Level) {
        dispatch!(level, simd => all_tiles(simd, &mut self));
    }
}

/// Y = σ(X Wᵀ + 1 bᵀ).
pub(super) struct ForwardProduct<'a, T> {
    pub(super) y: MatMut<'a, T>,
    pub(super) x: MatRef<'a, T>,
    pub(super) layer: Affine<'a, T>,
    pub(super) activation: Activation,
}

impl<T: Real> Tiled<T> for ForwardProduct<'_, T> {
    #[inline(always)]
    fn left(&self) -> MatRef<'_, T> {
        self.x
    }

    #[inline(always)]
    fn columns(&self) -> usize {
        self.layer.weight.nrows()
    }

    #[inline(always)]
    fn right<const C: usize>(&self, t: usize, j: usize) -> [T; C] {
        *column(self.layer.weight, t)[j..]
            .first_chunk()
            .expect("columns")
    }

    #[inline(always)]
    fn finish<S: Simd, const R: usize, const C: usize>(
        &mut self,
        _: S,
        place: Place,
        tile: [[T::Lanes<S>; R]; C],
    ) {
        for (j, sums) in (place.column..).zip(&tile) {
            let bias = self.layer.bias[j];
            let rows = &mut column_mut(self.y.as_mut(), j)[place.row..][..R * Chunk::<T>::LEN];
            for (&sum, rows) in sums.iter().zip(rows.chunks_exact_mut(Chunk::<T>::LEN)) {
                activated::<S, T>(sum + bias, self.activation).store_slice(rows);
            }
        }
    }
}

/// X̄ = ȲW ⊙ σ'(X) for the output X of a hidden layer; the sums of its columns are added to `sums`.
pub(super) struct BackwardProduct<'a, T> {
    pub(super) x_bar: MatMut<'a, T>,
    pub(super) y_bar: MatRef<'a, T>,
    pub(super) weight: MatRef<'a, T>,
    pub(super) x: MatRef<'a, T>,
    pub(super) sums: &'a mut [T],
}

impl<T: Real> Tiled<T> for BackwardProduct<'_, T> {
    #[inline(always)]
    fn left(&self) -> MatRef<'_, T> {
        self.y_bar
    }

    #[inline(always)]
    fn columns(&self) -> usize {
        self.weight.ncols()
    }

    #[inline(always)]
    fn right<const C: usize>(&self, t: usize, j: usize) -> [T; C] {
        let mut entries = [T::zero(); C];
        for (j, entry) in (j..).zip(&mut entries) {
            *entry = column(self.weight, j)[t];
        }
        entries
    }

    #[inline(always)]
    fn finish<S: Simd, const R: usize, const C: usize>(
        &mut self,
        simd: S,
        place: Place,
        tile: [[T::Lanes<S>; R]; C],
    ) {
        for (j, sums) in (place.column..).zip(&tile) {
            let values = &column(self.x, j)[place.row..][..R * Chunk::<T>::LEN];
            let values = values.chunks_exact(Chunk::<T>::LEN);
            let rows = &mut column_mut(self.x_bar.as_mut(), j)[place.row..][..R * Chunk::<T>::LEN];
            let rows = rows.chunks_exact_mut(Chunk::<T>::LEN);
            let mut total = T::Lanes::splat(simd, T::zero());
            for ((&sum, values), rows) in sums.iter().zip(values).zip(rows) {
                let values = T::Lanes::from_slice(simd, values);
                let entry = masked::<S, T>(sum, values);
                entry.store_slice(rows);
                total += entry;
            }
            if place.stored > 0 {
                let mut chunk = Chunk::<T>::default();
                chunk.store(total);
                chunk.as_mut()[..place.stored].fill(T::zero());
                total = chunk.load(simd);
            }
            self.sums[j] += total.reduce_sum();
        }
    }
}

/// All tiles, as large as the registers of the instruction set allow.
#[inline(always)]
fn all_tiles<S: Simd, T: Real>(simd: S, product: &mut impl Tiled<T>) {
    if <S::f32s as SimdBase<S>>::LEN == Chunk::<f32>::LEN {
        tiles_of::<S, T, 3, 8>(simd, product);
    } else {
        tiles_of::<S, T, 1, 6>(simd, product);
    }
}

#[inline(always)]
fn tiles_of<S: Simd, T: Real, const R: usize, const C: usize>(
    simd: S,
    product: &mut impl Tiled<T>,
) {
    let rows = product.left().nrows();
    let mut row = 0;
    while row < rows {
        if rows - row >= R * Chunk::<T>::LEN {
            tiles_of_rows::<S, T, R, C>(simd, product, row, 0);
            row += R * Chunk::<T>::LEN;
        } else {
            let first = row.min(rows - Chunk::<T>::LEN);
            tiles_of_rows::<S, T, 1, C>(simd, product, first, row - first);
            row = first + Chunk::<T>::LEN;
        }
    }
}

#[inline(always)]
fn tiles_of_rows<S: Simd, T: Real, const R: usize, const C: usize>(
    simd: S,
    product: &mut impl Tiled<T>,
    row: usize,
    stored: usize,
) {
    let columns = product.columns();
    let mut column = 0;
    while column < columns {
        let place = Place {
            row,
            stored,
            column,
        };
        column += match columns - column {
            rest if rest >= C => tile::<S, T, R, C>(simd, product, place),
            1 => tile::<S, T, R, 1>(simd, product, place),
            _ => tile::<S, T, R, 2>(simd, product, place),
        };
    }
}

/// Returns how many columns it has.
#[inline(always)]
fn tile<S: Simd, T: Real, const R: usize, const C: usize>(
    simd: S,
    product: &mut impl Tiled<T>,
    place: Place,
) -> usize {
    let left = product.left();
    let mut tile = [[T::Lanes::splat(simd, T::zero()); R]; C];
    for t in 0..left.ncols() {
        let rows = &column(left, t)[place.row..][..R * Chunk::<T>::LEN];
        let mut x = [T::Lanes::splat(simd, T::zero()); R];
        for (x, rows) in x.iter_mut().zip(rows.chunks_exact(Chunk::<T>::LEN)) {
            *x = T::Lanes::from_slice(simd, rows);
        }
        let right = product.right::<C>(t, place.column);
        for (sums, factor) in tile.iter_mut().zip(right) {
            let factor = T::Lanes::splat(simd, factor);
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum = x.fused_mul_add(factor, *sum);
            }
        }
    }
    product.finish::<S, R, C>(simd, place, tile);
    C
}

#[cfg(test)]
mod tests {
    use super::*;
    use rieszflow_numerics::simd::levels;

    fn wave(rows: usize, columns: usize, frequency: f64) -> Vec<f64> {
        let count = rows * columns;
        (0..count).map(|i| (frequency * i as f64).sin()).collect()
    }

    /// For every number of rows that fills the last chunk or not, and of columns in the last tile.
    #[test]
    fn both_passes_agree_with_the_plain_sums() {
        for (rows, m, k) in [(8, 1, 3), (9, 8, 1), (31, 19, 2), (32, 6, 17), (47, 11, 10)] {
            let (x, w, b) = (wave(rows, k, 0.7), wave(m, k, 1.1), wave(m, 1, 0.3));
            let y_bar = wave(rows, m, 1.9);
            let plain_y = |i: usize, j: usize| {
                let terms = (0..k).map(|t| x[t * rows + i] * w[t * m + j]);
                (terms.sum::<f64>() + b[j]).max(0.0)
            };
            let plain_x_bar = |i: usize, t: usize| {
                let terms = (0..m).map(|j| y_bar[j * rows + i] * w[t * m + j]);
                if x[t * rows + i] > 0.0 {
                    terms.sum()
                } else {
                    0.0
                }
            };
            let weight = MatRef::from_column_major_slice(&w, m, k);
            for level in levels() {
                let mut y = vec![f64::NAN; rows * m];
                let forward = ForwardProduct {
                    y: MatMut::from_column_major_slice_mut(&mut y, rows, m),
                    x: MatRef::from_column_major_slice(&x, rows, k),
                    layer: Affine { weight, bias: &b },
                    activation: Activation::Relu,
                };
                forward.run(level);
                let (mut x_bar, mut sums) = (vec![f64::NAN; rows * k], vec![1.0; k]);
                let backward = BackwardProduct {
                    x_bar: MatMut::from_column_major_slice_mut(&mut x_bar, rows, k),
                    y_bar: MatRef::from_column_major_slice(&y_bar, rows, m),
                    weight,
                    x: MatRef::from_column_major_slice(&x, rows, k),
                    sums: &mut sums,
                };
                backward.run(level);
                for i in 0..rows {
                    for j in 0..m {
                        assert!((y[j * rows + i] - plain_y(i, j)).abs() < 1e-13);
                    }
                    for t in 0..k {
                        assert!((x_bar[t * rows + i] - plain_x_bar(i, t)).abs() < 1e-13);
                    }
                }
                for (t, sum) in sums.iter().enumerate() {
                    let plain: f64 = (0..rows).map(|i| plain_x_bar(i, t)).sum();
                    assert!((sum - 1.0 - plain).abs() < 1e-12, "{level:?}, column {t}");
                }
            }
        }
    }
}
