//! The sum over directions, with the same bits however the directions are shared out.
//!
//! Directions are cut into blocks by the sizes of the problem alone. What a block contributes to the
//! gradient is rounded to a multiple of a fixed unit, and multiples are added as integers: their sum depends
//! neither on the order nor on where a block has been computed. The sums of each direction are kept
//! apart, in the direction's place, and added in this order.

use std::ops::Range;

use rayon::prelude::*;
use rieszflow_numerics::Real;
use rieszflow_numerics::ranks::{Communicator, Message};

use super::distances::LineEnergies;

/// The numbers of a block of projections, of all particles of both measures: bounds its memory.
const BLOCK_ENTRIES: usize = 1 << 24;
/// The least and the largest number of directions in a block.
const BLOCK: [usize; 2] = [8, 16];
/// Gradients are added in pieces of this many entries.
const PIECE: usize = 1 << 14;

/// What one direction contributes besides a gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct DirectionSums {
    /// Sums over the pairs of the projection.
    pub(super) energies: LineEnergies,
    /// The one-sided derivative along the projected velocities.
    pub(super) derivative: f64,
}

impl DirectionSums {
    fn numbers(&self) -> [f64; 4] {
        let LineEnergies { discrepancy, x, y } = self.energies;
        [discrepancy, x, y, self.derivative]
    }

    fn from_numbers([discrepancy, x, y, derivative]: [f64; 4]) -> Self {
        Self {
            energies: LineEnergies { discrepancy, x, y },
            derivative,
        }
    }
}

/// Sums over directions in progress.
#[derive(Debug, Default)]
pub(super) struct Reduction {
    /// The gradient in units, column-major.
    gradient: Vec<i64>,
    /// Zeros where a direction has not been computed here.
    directions: Vec<DirectionSums>,
    /// What 1 in the gradient stands for.
    unit: f64,
    /// The most that a block contributes: no sum of all overflows.
    most: i64,
}

/// The blocks of `directions` directions for `particles` particles in all.
pub(super) fn blocks(
    directions: usize,
    particles: usize,
) -> impl ExactSizeIterator<Item = Range<usize>> {
    let most = (BLOCK_ENTRIES / particles.max(1)).clamp(BLOCK[0], BLOCK[1]);
    let size = directions.div_ceil(directions.div_ceil(most));
    let starts = (0..directions).step_by(size);
    starts.map(move |start| start..directions.min(start + size))
}

impl Reduction {
    /// Starts from zero: for a gradient of `entries` entries, multiples of `unit`, and `directions` directions
    /// in `blocks` blocks.
    pub(super) fn start(
        &mut self,
        entries: usize,
        (directions, blocks): (usize, usize),
        unit: f64,
    ) {
        self.gradient.clear();
        self.gradient.resize(entries, 0);
        self.directions.clear();
        self.directions.resize(directions, DirectionSums::default());
        self.unit = unit;
        self.most = i64::MAX / blocks.max(1) as i64;
    }

    /// Brings the sums of all ranks to the first one; `own` are the directions of a rank.
    pub(super) fn gather<D: Iterator<Item = usize>>(
        &mut self,
        ranks: &dyn Communicator,
        own: impl Fn(usize) -> D,
    ) {
        ranks.sum(&mut self.gradient);
        let mut message = Message::default();
        for direction in own(ranks.rank()) {
            message.put(&self.directions[direction].numbers());
        }
        for (other, bytes) in (1..).zip(ranks.gather(message.bytes())) {
            let mut message = Message::new(bytes);
            for direction in own(other) {
                let mut numbers = [0.0; 4];
                message.fill(&mut numbers);
                self.directions[direction] = DirectionSums::from_numbers(numbers);
            }
        }
    }

    /// The places of a block's sums.
    pub(super) fn directions_mut(&mut self, block: Range<usize>) -> &mut [DirectionSums] {
        &mut self.directions[block]
    }

    /// Adds a block's contribution to the entries from `start` on.
    pub(super) fn add<T: Real>(&mut self, start: usize, contribution: &[T]) {
        let (per_unit, most) = (1.0 / self.unit, self.most);
        let gradient = &mut self.gradient[start..][..contribution.len()];
        gradient
            .par_chunks_mut(PIECE)
            .zip(contribution.par_chunks(PIECE))
            .for_each(|(gradient, contribution)| {
                for (sum, term) in gradient.iter_mut().zip(contribution) {
                    let units = (term.into_f64() * per_unit).round_ties_even() as i64;
                    *sum += units.clamp(-most, most);
                }
            });
    }

    /// The sums of all directions, in their order.
    pub(super) fn directions(&self) -> &[DirectionSums] {
        &self.directions
    }

    /// The gradient's entries from `start` on.
    pub(super) fn gradient(&self, start: usize) -> impl Iterator<Item = f64> {
        let unit = self.unit;
        self.gradient[start..].iter().map(move |&n| n as f64 * unit)
    }
}
