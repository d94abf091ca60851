//! How a sum over pairs is cut into blocks, and how much memory they need.

use std::ops::Range;

use rieszflow_numerics::Real;
use rieszflow_numerics::simd::Chunk;

use rieszflow_numerics::ranks::Communicator;

use super::GradientRows;
use super::blocks::{Gradients, ROWS, runs};
use crate::Measure;

/// A block has at least this many coordinate differences: below, one thread is faster than two.
const LEAST_WORK: usize = 1 << 17;
/// A sum is shared with other ranks from this many coordinate differences on: below, it takes less time
/// than they take to answer.
const LEAST_SHARED_WORK: usize = 1 << 21;
/// Bounds the memory of the gradients in y, one per block: O(N) in all.
pub(super) const MOST_BLOCKS: usize = 16;
/// Bounds the number of values that ranks give back at once.
const MOST_VALUES: usize = 1 << 16;

/// How the rows of x are cut into blocks; depends on the sizes alone, not on the threads or ranks.
#[derive(Clone)]
pub(super) struct Partition {
    pub(super) x_count: usize,
    pub(super) y_count: usize,
    pub(super) dim: usize,
    /// Coordinate differences in all.
    work: usize,
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
            work: 0,
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
        self.work = work;
        self.block_groups = self.least_groups().max(self.groups().div_ceil(MOST_BLOCKS));
    }

    /// The fewest groups that are worth a thread.
    fn least_groups(&self) -> usize {
        (LEAST_WORK * self.groups()).div_ceil(self.work.max(1))
    }

    /// Groups of eight rows in all.
    pub(super) fn groups(&self) -> usize {
        self.x_count.div_ceil(ROWS)
    }

    pub(super) fn work(&self) -> usize {
        self.work
    }

    /// Whether it is worth the other ranks' while.
    pub(super) fn is_long(&self) -> bool {
        self.work >= LEAST_SHARED_WORK
    }

    pub(super) fn is_empty(&self) -> bool {
        self.x_count * self.y_count * self.dim == 0
    }

    pub(super) fn blocks(&self) -> usize {
        self.x_count.div_ceil(ROWS * self.block_groups)
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

/// How a sum is shared out among ranks and their threads.
///
/// The value of a block is a sum over its groups and runs of chunks, one after the other. A gradient in y
/// is one too, so then blocks are shared out as a whole. Else groups are, and the values of their runs are
/// added up on the first rank, in the order in which one rank would have added them.
pub(super) struct Shares<'a> {
    partition: &'a Partition,
    /// Groups that stay together.
    unit: usize,
    values_per_unit: usize,
}

impl<'a> Shares<'a> {
    pub(super) fn new(partition: &'a Partition, ranks: &dyn Communicator) -> Self {
        let whole = ranks.size() == 1 || matches!(partition.gradients, Gradients::InBoth);
        let (unit, values_per_unit) = if whole {
            (partition.block_groups, 1)
        } else {
            (1, runs(partition.chunks))
        };
        Self {
            partition,
            unit,
            values_per_unit,
        }
    }

    /// The units, in rounds of not too many values.
    pub(super) fn rounds(&self) -> impl Iterator<Item = Range<usize>> {
        let units = self.partition.groups().div_ceil(self.unit);
        let most = (MOST_VALUES / self.values_per_unit).max(1);
        (0..units)
            .step_by(most)
            .map(move |start| start..units.min(start + most))
    }

    /// The most values of a round.
    pub(super) fn most_values(&self) -> usize {
        self.rounds().next().map_or(0, |round| self.values(&round))
    }

    /// How many values some units have.
    pub(super) fn values(&self, units: &Range<usize>) -> usize {
        units.len() * self.values_per_unit
    }

    /// The places of the values of some units of a round.
    pub(super) fn places(&self, round: &Range<usize>, units: &Range<usize>) -> Range<usize> {
        let place = |unit: usize| (unit - round.start) * self.values_per_unit;
        place(units.start)..place(units.end)
    }

    /// The groups of some units.
    pub(super) fn groups(&self, units: &Range<usize>) -> Range<usize> {
        let all = self.partition.groups();
        all.min(units.start * self.unit)..all.min(units.end * self.unit)
    }

    /// The block that the value at `index` of a round belongs to.
    pub(super) fn block(&self, round: &Range<usize>, index: usize) -> usize {
        let unit = round.start + index / self.values_per_unit;
        unit * self.unit / self.partition.block_groups
    }

    /// How many of `units` units one thread takes at once.
    pub(super) fn piece(&self, units: usize) -> usize {
        if self.unit == self.partition.block_groups {
            1
        } else {
            self.partition
                .least_groups()
                .max(units.div_ceil(MOST_BLOCKS))
        }
    }

    /// The most pieces that are worked on at the same time.
    pub(super) fn pieces(&self) -> usize {
        if self.unit == self.partition.block_groups {
            self.partition.blocks()
        } else {
            MOST_BLOCKS
        }
    }

    /// The place of the blocks' memory for some units: their own with a gradient in y, else any.
    pub(super) fn memory_start(&self, units: &Range<usize>) -> usize {
        match self.partition.gradients {
            Gradients::InBoth => units.start * self.partition.block_len(),
            _ => 0,
        }
    }
}
