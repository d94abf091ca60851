//! Blocks of a large target, one for each iteration of a training: few atoms that stand for all of them.

use std::cmp::Ordering;
use std::ops::Range;

use nalgebra::DMatrix;
use rand::seq::SliceRandom;
use rieszflow_numerics::Real;

use crate::rng::{Purpose, stream};

/// The least number of atoms in a block. A target of fewer than twice as many is one block.
const LEAST: usize = 8192;

/// A partition of M atoms, in an order of its own, into L blocks of nearly equal size.
///
/// Atoms are bisected at the medians of the coordinates in turn, down to cells of L neighbours, and each block
/// gets one atom of each cell at random. So every block is a stratified sample of the target. (In low dimensions
/// its field differs from that of the whole by much less than that of as many independent draws.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TargetBlocks {
    atoms: usize,
    count: usize,
}

impl TargetBlocks {
    /// The blocks of M `atoms`.
    pub(super) fn new(atoms: usize) -> Self {
        let count = (atoms / LEAST).max(1);
        Self { atoms, count }
    }

    /// L, the number of blocks.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The atoms of a draw's block: the blocks take turns.
    pub(super) fn of_draw(&self, draw: u64) -> Range<usize> {
        let block = (draw % self.count as u64) as usize;
        let (atoms, left_over) = (self.atoms / self.count, self.atoms % self.count);
        let start = |block: usize| block * atoms + block.min(left_over);
        start(block)..start(block + 1)
    }

    /// The order of the atoms of a target (M×d) in which blocks are runs.
    pub(super) fn order<T: Real>(&self, target: &DMatrix<T>) -> Vec<usize> {
        let mut atoms: Vec<usize> = (0..self.atoms).collect();
        bisect(target, self.count, 0, &mut atoms);
        let mut rng = stream(0, Purpose::TargetBlocks, 0, 0);
        for cell in atoms.chunks_mut(self.count) {
            cell.shuffle(&mut rng);
        }
        let block = |block: usize| atoms[block..].iter().step_by(self.count).copied();
        (0..self.count).flat_map(block).collect()
    }
}

/// Orders atoms so that each run of `cell` of them is a cell of the bisection.
fn bisect<T: Real>(target: &DMatrix<T>, cell: usize, level: usize, atoms: &mut [usize]) {
    if atoms.len() <= cell {
        return;
    }
    let coordinate = target.column(level % target.ncols());
    let half = (atoms.len() / cell).div_ceil(2) * cell;
    let by_coordinate = |a: &usize, b: &usize| {
        let order = coordinate[*a].partial_cmp(&coordinate[*b]);
        order.unwrap_or(Ordering::Equal).then(a.cmp(b))
    };
    atoms.select_nth_unstable_by(half, by_coordinate);
    let (low, high) = atoms.split_at_mut(half);
    bisect(target, cell, level + 1, low);
    bisect(target, cell, level + 1, high);
}
