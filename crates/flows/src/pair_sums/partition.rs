//! How a sum over pairs is cut into blocks, and how much memory they need.

use std::ops::Range;

use rieszflow_numerics::Real;
use rieszflow_numerics::simd::Chunk;

use super::GradientRows;
use super::blocks::{Gradients, ROWS};
use crate::Measure;

/// A block has at least this many coordinate differences: below, one thread is faster than two.
const LEAST_WORK: usize = 1 << 17;
/// Bounds the memory of the gradients in y, one per block: O(N) in all.
const MOST_BLOCKS: usize = 16;

/// How the rows of x are cut into blocks; depends on the sizes alone, not on the threads.
pub(super) struct Partition {
    pub(super) x_count: usize,
    pub(super) y_count: usize,
    pub(super) dim: usize,
    /// Groups of eight rows in a block.
    pub(super) block_groups: usize,
    /// Chunks of y.
    chunks: usize,
    pub(super) gradients: Gradients,
    /// The weight that the blocks left out: 1/N for each measure without weights.
    pub(super) norm: f64,
}

impl Partition {
    pub(super) fn new<T: Real>(x: Measure<'_, T>, y: Measure<'_, T>, gradients: Gradients) -> Self {
        assert_eq!(x.points.dim(), y.points.dim(), "one space");
        let norm = |measure: &Measure<'_, T>| match measure.weights {
            Some(_) => 1.0,
            None => 1.0 / measure.points.count().max(1) as f64,
        };
        let (x_count, y_count, dim) = (x.points.count(), y.points.count(), x.points.dim());
        let mut partition = Self {
            x_count,
            y_count,
            dim,
            block_groups: 0,
            chunks: y_count.div_ceil(Chunk::<T>::LEN),
            gradients,
            norm: norm(&x) * norm(&y),
        };
        partition.set_work(ROWS * x_count.div_ceil(ROWS) * y_count * dim);
        partition
    }

    /// Cuts the rows into blocks, for `work` coordinate differences in all.
    pub(super) fn set_work(&mut self, work: usize) {
        let groups = self.x_count.div_ceil(ROWS);
        let least = (LEAST_WORK * groups).div_ceil(work.max(1));
        self.block_groups = least.max(groups.div_ceil(MOST_BLOCKS));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.x_count * self.y_count * self.dim == 0
    }

    pub(super) fn blocks(&self) -> usize {
        self.x_count.div_ceil(ROWS * self.block_groups)
    }

    /// The groups of rows of block `index`.
    pub(super) fn groups(&self, index: usize) -> Range<usize> {
        let start = index * self.block_groups;
        start..self.x_count.div_ceil(ROWS).min(start + self.block_groups)
    }

    pub(super) fn block_len(&self) -> usize {
        let gradient_y = match self.gradients {
            Gradients::InBoth => self.chunks,
            _ => 0,
        };
        self.dim * (ROWS + gradient_y)
    }

    /// Entries of the gradient in x and, if it is asked for, of that in y below it.
    pub(super) fn gradient_len(&self) -> usize {
        let gradient_y = match self.gradients {
            Gradients::InBoth => self.y_count,
            _ => 0,
        };
        (self.x_count + gradient_y) * self.dim
    }

    pub(super) fn gradient_rows<'a, T>(&self, entries: &'a mut [T]) -> GradientRows<'a, T> {
        GradientRows {
            rows: entries.len() / self.dim,
            entries,
            y_start: matches!(self.gradients, Gradients::InBoth).then_some(self.x_count),
        }
    }
}
