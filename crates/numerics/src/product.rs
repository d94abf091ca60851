//! Products of column-major matrices, the one place that calls the linear algebra library.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use crate::Real;

/// Pieces of a product have at least this many multiplications: smaller ones cost more to hand to
/// another thread than they save.
pub const LEAST_PIECE: usize = 1 << 21;
/// So many pieces a thread, so that all finish together.
const PIECES_PER_THREAD: usize = 4;

/// Whether a result replaces the destination or is added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// The destination's old content is not read.
    Replace,
    /// The result is added to the destination.
    Add,
}

/// A borrowed m×n matrix in column-major order, possibly read as its transpose.
#[derive(Clone, Copy)]
pub struct Factor<'a, T>(MatRef<'a, T>);

impl<'a, T: Real> Factor<'a, T> {
    /// The `rows`×`columns` matrix stored column by column in `entries`.
    ///
    /// # Panics
    /// If `entries` does not hold exactly `rows · columns` values.
    pub fn new(entries: &'a [T], rows: usize, columns: usize) -> Self {
        Self(MatRef::from_column_major_slice(entries, rows, columns))
    }

    /// The same entries read as the transposed matrix.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self(self.0.transpose())
    }

    /// The rows of a range.
    ///
    /// # Panics
    /// If there are fewer rows.
    #[must_use]
    pub fn rows(self, rows: Range<usize>) -> Self {
        Self(self.0.subrows(rows.start, rows.len()))
    }
}

/// Stores A·B in `destination`, column-major.
///
/// Large products run on all threads of the current rayon pool; each entry is summed in the same
/// order for any number of threads, so the result does not depend on it.
///
/// # Panics
/// If the shapes do not fit.
pub fn product<T: Real>(destination: &mut [T], store: Store, a: Factor<'_, T>, b: Factor<'_, T>) {
    let (m, n) = (a.0.nrows(), b.0.ncols());
    let destination = MatMut::from_column_major_slice_mut(destination, m, n);
    multiply(destination, store, a.0, b.0);
}

/// As [`product`], on this thread alone.
///
/// # Panics
/// If the shapes do not fit.
pub fn product_here<T: Real>(
    destination: &mut [T],
    store: Store,
    a: Factor<'_, T>,
    b: Factor<'_, T>,
) {
    let (m, n) = (a.0.nrows(), b.0.ncols());
    let destination = MatMut::from_column_major_slice_mut(destination, m, n);
    multiply_here(destination, store, a.0, b.0);
}

/// As [`product`], for parts of matrices, on this thread alone.
pub fn multiply_here<T: Real>(
    destination: MatMut<'_, T>,
    store: Store,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
) {
    let accumulate = match store {
        Store::Replace => Accum::Replace,
        Store::Add => Accum::Add,
    };
    let m = a.nrows();
    // The library takes 96 rows at a time and is slow on a few that are left over: those are
    // joined by some more.
    if m > TILE && (1..=16).contains(&(m % TILE)) {
        let cut = m - m % TILE - 32;
        let (first, second) = a.split_at_row(cut);
        let (upper, lower) = destination.split_at_row_mut(cut);
        matmul(upper, accumulate, first, b, T::one(), Par::Seq);
        matmul(lower, accumulate, second, b, T::one(), Par::Seq);
    } else {
        matmul(destination, accumulate, a, b, T::one(), Par::Seq);
    }
}

/// As [`product`], for parts of matrices.
pub fn multiply<T: Real>(
    destination: MatMut<'_, T>,
    store: Store,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
) {
    let threads = rayon::current_num_threads();
    let work = a.nrows() * a.ncols() * b.ncols();
    let pieces = if threads == 1 {
        1
    } else {
        (work / LEAST_PIECE).min(PIECES_PER_THREAD * threads)
    };
    multiply_in(pieces, destination, store, a, b);
}

/// Halves the longer side of the result until there are `pieces` or more.
fn multiply_in<T: Real>(
    pieces: usize,
    destination: MatMut<'_, T>,
    store: Store,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
) {
    let (m, n) = (a.nrows(), b.ncols());
    if pieces <= 1 || (m < 2 * TILE && n < 2 * TILE) {
        multiply_here(destination, store, a, b);
        return;
    }
    let pieces = pieces.div_ceil(2);
    if n >= m {
        let (first, second) = b.split_at_col(half(n));
        let (left, right) = destination.split_at_col_mut(half(n));
        rayon::join(
            || multiply_in(pieces, left, store, a, first),
            || multiply_in(pieces, right, store, a, second),
        );
    } else {
        let (first, second) = a.split_at_row(half(m));
        let (upper, lower) = destination.split_at_row_mut(half(m));
        rayon::join(
            || multiply_in(pieces, upper, store, first, b),
            || multiply_in(pieces, lower, store, second, b),
        );
    }
}

/// Sides are cut at multiples of this, the height of the library's innermost loop.
pub(crate) const TILE: usize = 96;

fn half(len: usize) -> usize {
    (len / 2 / TILE).max(1) * TILE
}
