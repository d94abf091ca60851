//! Products of column-major matrices, the one place that calls the linear algebra library.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use crate::Real;

/// Products below this many multiplications run on one thread: splitting them costs more than it saves.
const PARALLEL_THRESHOLD: usize = 1 << 22;

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
}

/// Stores A·B in `destination`, column-major.
///
/// Large products run on all threads of the current rayon pool; each entry is summed in the same
/// order for any number of threads, so the result does not depend on it.
///
/// # Panics
/// If the shapes do not fit.
pub fn product<T: Real>(destination: &mut [T], store: Store, a: Factor<'_, T>, b: Factor<'_, T>) {
    let (m, k, n) = (a.0.nrows(), a.0.ncols(), b.0.ncols());
    let accumulate = match store {
        Store::Replace => Accum::Replace,
        Store::Add => Accum::Add,
    };
    let threads = rayon::current_num_threads();
    let parallel = if m * k * n < PARALLEL_THRESHOLD || threads == 1 {
        Par::Seq
    } else {
        Par::rayon(threads)
    };
    let destination = MatMut::from_column_major_slice_mut(destination, m, n);
    matmul(destination, accumulate, a.0, b.0, T::one(), parallel);
}
