//! Tall matrices in panels of consecutive rows, so that what a product reads at a time lies together.

use faer::{MatMut, MatRef};
use rayon::prelude::*;

use crate::Real;
use crate::product::{Store, TILE, multiply, multiply_here};

/// With fewer columns than this a product reads all of them in one go, however far they are apart.
const MANY_COLUMNS: usize = 32;
/// The rows of a panel with few columns.
const LONG: usize = 1 << 16;

/// An N×d matrix in panels of rows, each of them column-major.
#[derive(Debug, Default)]
pub struct Panels<T> {
    entries: Vec<T>,
    columns: usize,
}

impl<T: Real> Panels<T> {
    /// Replaces the matrix by one of `rows`×`columns`; `set` gets a column's number, the first of the rows of a
    /// panel and the place of their entries.
    pub fn fill(
        &mut self,
        rows: usize,
        columns: usize,
        set: impl Fn(usize, usize, &mut [T]) + Sync,
    ) {
        self.columns = columns;
        self.entries.resize(rows * columns, T::zero());
        let height = height(columns);
        let panels = self.entries.par_chunks_mut(height * columns.max(1));
        panels.enumerate().for_each(|(number, panel)| {
            let rows = panel.len() / columns;
            for (k, column) in panel.chunks_mut(rows).enumerate() {
                set(k, number * height, column);
            }
        });
    }

    /// The entry in row `i` and column `k`.
    pub fn at(&self, i: usize, k: usize) -> T {
        let first = i - i % height(self.columns);
        let panel = &self.entries[first * self.columns..];
        let rows = (panel.len() / self.columns).min(height(self.columns));
        panel[k * rows + i - first]
    }

    /// Stores the product with a d×n matrix in `destination`, N×n, both column-major. Large ones run on all
    /// threads, with the same bits for any number of them.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn product(&self, destination: &mut [T], other: &[T]) {
        if self.entries.is_empty() {
            return;
        }
        let rows = self.entries.len() / self.columns;
        let columns = other.len() / self.columns;
        let other = MatRef::from_column_major_slice(other, self.columns, columns);
        let destination = MatMut::from_column_major_slice_mut(destination, rows, columns);
        if rows <= height(self.columns) {
            let panel = MatRef::from_column_major_slice(&self.entries, rows, self.columns);
            multiply(destination, Store::Replace, panel, other);
        } else {
            multiply_panels(destination, &self.entries, other);
        }
    }
}

/// The rows of a panel.
fn height(columns: usize) -> usize {
    if columns < MANY_COLUMNS { LONG } else { TILE }
}

fn multiply_panels<T: Real>(destination: MatMut<'_, T>, panels: &[T], other: MatRef<'_, T>) {
    let (rows, columns) = (destination.nrows(), other.nrows());
    let count = rows.div_ceil(height(columns));
    if count == 1 {
        let panel = MatRef::from_column_major_slice(panels, rows, columns);
        return multiply_here(destination, Store::Replace, panel, other);
    }
    let half = count / 2 * height(columns);
    let (first, second) = panels.split_at(half * columns);
    let (upper, lower) = destination.split_at_row_mut(half);
    rayon::join(
        || multiply_panels(upper, first, other),
        || multiply_panels(lower, second, other),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same as one sum for each entry, for shapes about the size of a panel.
    #[test]
    fn products_of_panels_are_those_of_the_matrix() {
        for (rows, columns) in [(1, 1), (5, 2), (95, 40), (97, 32), (300, 33), (LONG + 7, 2)] {
            let entry = |i: usize, k: usize| ((i * 31 + k * 17) % 101) as f64 - 50.0;
            let mut panels = Panels::default();
            panels.fill(rows, columns, |k, first, column| {
                for (i, place) in (first..).zip(column) {
                    *place = entry(i, k);
                }
            });
            let other: Vec<f64> = (0..columns * 3).map(|i| (i % 7) as f64 - 3.0).collect();
            let mut found = vec![f64::NAN; rows * 3];
            panels.product(&mut found, &other);
            for i in 0..rows {
                for n in 0..3 {
                    let terms = (0..columns).map(|k| entry(i, k) * other[n * columns + k]);
                    assert_eq!(found[n * rows + i], terms.sum::<f64>(), "{rows}, {columns}");
                }
                assert_eq!(panels.at(i, columns - 1), entry(i, columns - 1));
            }
        }
    }
}
