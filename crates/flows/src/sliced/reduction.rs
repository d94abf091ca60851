//! The sum over directions, with the same bits however the directions are shared out.
//!
//! Directions are cut into blocks by the sizes of the problem alone. What a block contributes to the
//! gradient is rounded to a multiple of a fixed unit, and multiples are added as integers: their sum depends
//! neither on the order nor on where a block has been computed. The sums of each direction are kept
//! apart, in the direction's place, and added in this order.

use std::ops::Range;

use rayon::prelude::*;
use rieszflow_numerics::Real;
use rieszflow_numerics::product::{Factor, Store, product_here};
use rieszflow_numerics::ranks::{Communicator, Message};
use rieszflow_numerics::working_memory::WorkingMemory;

use super::distances::LineEnergies;

/// A block with more directions than the least has at most this many projections.
const BLOCK_ENTRIES: usize = 1 << 24;
/// The least number of directions in a block.
const LEAST_BLOCK: usize = 8;
/// About this many entries of a gradient are added at a time.
const PIECE: usize = 1 << 14;
/// The least number of particles in a piece.
const LEAST_PIECE: usize = 96;

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
    /// The gradients of both sides in units, in pieces of particles, each column-major.
    gradients: [Vec<i64>; 2],
    /// The dimension of the space.
    dim: usize,
    /// Zeros where a direction has not been computed here.
    directions: Vec<DirectionSums>,
    /// The value of one integer step of the gradient.
    unit: f64,
    /// What a block contributes is cut off at this size, so that the sum of all fits into an integer.
    most: f64,
}

/// The blocks of `directions` directions in ℝᵈ for `particles` particles in all.
///
/// The more dimensions, the more it costs to add a gradient: it is done for more directions at once.
pub(super) fn blocks(
    directions: usize,
    particles: usize,
    dim: usize,
) -> impl ExactSizeIterator<Item = Range<usize>> + Clone {
    let most = (BLOCK_ENTRIES / particles.max(1)).clamp(LEAST_BLOCK, (dim / 2).clamp(16, 256));
    let size = directions.div_ceil(directions.div_ceil(most)).max(1);
    let starts = (0..directions).step_by(size);
    starts.map(move |start| start..directions.min(start + size))
}

/// A block of projections, whose slopes go back into space.
#[derive(Clone, Copy)]
pub(super) struct BlockSlopes<'a, T> {
    /// The slopes of the particles, N×B.
    pub(super) slopes: &'a [T],
    /// The directions, d×B.
    pub(super) directions: &'a [T],
}

impl Reduction {
    /// Starts from zero: for gradients of particles in ℝᵈ, `counts` of both sides, as multiples of `unit`,
    /// and `directions` directions in `blocks` blocks.
    pub(super) fn start(
        &mut self,
        (counts, dim): ([usize; 2], usize),
        (directions, blocks): (usize, usize),
        unit: f64,
    ) {
        for (gradient, count) in self.gradients.iter_mut().zip(counts) {
            gradient.clear();
            gradient.resize(count * dim, 0);
        }
        self.directions.clear();
        self.directions.resize(directions, DirectionSums::default());
        self.dim = dim;
        self.unit = unit;
        self.most = 2.0_f64.powi(62) / blocks.max(1) as f64;
    }

    /// Brings the sums of all ranks to the first one; `own` are the directions of a rank.
    pub(super) fn gather<D: Iterator<Item = usize>>(
        &mut self,
        ranks: &dyn Communicator,
        own: impl Fn(usize) -> D,
    ) {
        for gradient in &mut self.gradients {
            ranks.sum(gradient);
        }
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

    /// Adds `scale` times the sum of slope times direction to the gradient of a side, block by block.
    pub(super) fn add<T: Real>(
        &mut self,
        side: usize,
        blocks: &[BlockSlopes<'_, T>],
        scale: f64,
        memory: &WorkingMemory<Vec<T>>,
    ) {
        let dim = self.dim;
        let gradient = &mut self.gradients[side];
        let (count, rows) = (gradient.len() / dim, rows_of_piece(dim));
        let (most, per_unit) = (self.most, scale / self.unit);
        let pieces = gradient.par_chunks_mut(rows * dim).enumerate();
        pieces.for_each(|(piece, gradient)| {
            memory.with(|part| {
                part.resize(gradient.len(), T::zero());
                let start = piece * rows;
                let rows = start..start + gradient.len() / dim;
                for block in blocks {
                    let size = block.directions.len() / dim;
                    let slopes = Factor::new(block.slopes, count, size).rows(rows.clone());
                    let directions = Factor::new(block.directions, dim, size).transposed();
                    product_here(part, Store::Replace, slopes, directions);
                    for (sum, term) in gradient.iter_mut().zip(&*part) {
                        *sum += to_integer((term.into_f64() * per_unit).max(-most).min(most));
                    }
                }
            });
        });
    }

    /// The sums of all directions, in their order.
    pub(super) fn directions(&self) -> &[DirectionSums] {
        &self.directions
    }

    /// The gradient of a side, N×d: pieces with the first particle and the columns of all its particles.
    pub(super) fn gradient(&self, side: usize) -> impl Iterator<Item = (usize, &[i64])> {
        let rows = rows_of_piece(self.dim);
        let pieces = self.gradients[side].chunks(rows * self.dim);
        (0..).step_by(rows).zip(pieces)
    }

    /// The value of one integer step of the gradient.
    pub(super) fn unit(&self) -> f64 {
        self.unit
    }
}

/// A number of at most 2⁶² in size, rounded by adding 1.5·2⁵² to its upper and to its lower part: not every
/// processor converts several numbers at once.
fn to_integer(x: f64) -> i64 {
    /// 1.5·2⁵².
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const PART: f64 = 4_294_967_296.0;
    let integer = |rounded: f64| rounded.to_bits().wrapping_sub(ROUND.to_bits()) as i64;
    let upper = x * (1.0 / PART) + ROUND;
    let lower = x - (upper - ROUND) * PART + ROUND;
    (integer(upper) << 32) + integer(lower)
}

/// The number of particles in a piece.
fn rows_of_piece(dim: usize) -> usize {
    (PIECE / dim.max(1)).max(LEAST_PIECE)
}
