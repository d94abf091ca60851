//! Blocks of a large target, one for each iteration of a training: few atoms that stand for all of them.

use std::cmp::Ordering;

use nalgebra::DMatrix;
use rand::seq::SliceRandom;
use rieszflow_numerics::Real;

use crate::rng::{Purpose, stream};
use crate::{Measure, Points};

/// The least number of atoms in a block. A target of fewer than twice as many is one block.
const LEAST: usize = 8192;

/// The number of blocks of a target of this many atoms.
pub(super) fn number_of_blocks(atoms: usize) -> usize {
    (atoms / LEAST).max(1)
}

/// A partition of M atoms into L blocks of nearly equal size, each a stratified sample of them.
///
/// The strata are cells of L neighbouring atoms: the target is bisected at medians, in one coordinate after the
/// other. Each block gets one atom of each cell at random.
#[derive(Debug)]
pub(super) struct TargetBlocks<T> {
    /// M×d, block after block.
    atoms: DMatrix<T>,
    weights: Option<Vec<T>>,
    /// L.
    count: usize,
}

impl<T: Real> TargetBlocks<T> {
    /// The blocks of the atoms in the rows of `target` (M×d).
    pub(super) fn new(target: &DMatrix<T>, weights: Option<&[T]>) -> Self {
        let count = number_of_blocks(target.nrows());
        let order = block_after_block(target, count);
        Self {
            atoms: target.select_rows(&order),
            weights: weights.map(|weights| order.iter().map(|&atom| weights[atom]).collect()),
            count,
        }
    }

    /// The atoms of a draw's block, and by how much their measure is scaled: its mean over all blocks, which
    /// take turns, is the target.
    pub(super) fn of_draw(&self, draw: u64) -> (Measure<'_, T>, f64) {
        let (atoms, blocks) = (self.atoms.nrows(), self.count);
        let block = (draw % blocks as u64) as usize;
        let start = |block: usize| block * (atoms / blocks) + block.min(atoms % blocks);
        let rows = start(block)..start(block + 1);
        let points = Points::from(&self.atoms).rows(rows.clone());
        if let Some(weights) = &self.weights {
            (Measure::weighted(points, &weights[rows]), blocks as f64)
        } else {
            let share = rows.len() as f64 / atoms as f64;
            (Measure::uniform(points), blocks as f64 * share)
        }
    }
}

/// The atoms in an order in which `count` blocks come one after the other.
fn block_after_block<T: Real>(target: &DMatrix<T>, count: usize) -> Vec<usize> {
    let mut atoms: Vec<usize> = (0..target.nrows()).collect();
    bisect(target, count, 0, &mut atoms);
    let mut rng = stream(0, Purpose::TargetBlocks, 0, 0);
    for cell in atoms.chunks_mut(count) {
        cell.shuffle(&mut rng);
    }
    let block = |block: usize| atoms[block..].iter().step_by(count).copied();
    (0..count).flat_map(block).collect()
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
