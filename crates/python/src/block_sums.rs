//! Sums over all pairs in blocks, between which Ctrl-C is looked for.

use std::sync::atomic::{AtomicBool, Ordering};

use nalgebra::DMatrix;
use rieszflow_flows::{GradientRows, PairSums, RieszKernel};
use rieszflow_numerics::Real;

use crate::weighted::Weighted;

/// Coordinate differences in a pair of blocks, after which Ctrl-C is looked for: a fraction of a second on
/// one core, also for exponents that need powers.
const BLOCK_WORK: f64 = 3e7;

/// The least side of a block, so that summing takes far longer than packing it.
const LEAST_SIDE: usize = 256;

/// Σᵢⱼ uᵢ wⱼ |xᵢ−yⱼ|ʳ in square blocks of pairs.
pub struct BlockSums<'a, T: Real> {
    sums: PairSums<T>,
    side: usize,
    stop: &'a AtomicBool,
}

impl<'a, T: Real> BlockSums<'a, T> {
    /// Sums in ℝ^`dim` that end early once `stop` is set.
    pub fn new(kernel: RieszKernel, dim: usize, stop: &'a AtomicBool) -> Self {
        Self {
            sums: PairSums::new(kernel),
            side: ((BLOCK_WORK / dim as f64).sqrt() as usize).max(LEAST_SIDE),
            stop,
        }
    }

    /// The sum; `scale` times its gradient in x is added to `gradient` unless that is empty. `None` if
    /// stopped.
    pub fn energy(
        &self,
        x: &Weighted<T>,
        y: &Weighted<T>,
        scale: f64,
        gradient: &mut DMatrix<T>,
    ) -> Option<f64> {
        let (mut sum, count) = (0.0, x.points.nrows());
        for rows in x.blocks(self.side) {
            for others in y.blocks(self.side) {
                if self.is_stopped() {
                    return None;
                }
                let ((x, part), (y, other)) = (x.block(rows.clone()), y.block(others));
                let factor = part * other;
                let energy = if gradient.is_empty() {
                    self.sums.energy(x, y)
                } else {
                    let entries = &mut gradient.as_mut_slice()[rows.start..];
                    let target = &mut GradientRows {
                        entries,
                        rows: count,
                        y_start: None,
                    };
                    self.sums.energy_gradient(x, y, factor * scale, target)
                };
                sum += factor * energy;
            }
        }
        Some(sum)
    }

    /// Σᵢⱼ uᵢ uⱼ |xᵢ−xⱼ|ʳ, in which a pair of blocks stands for its mirror image too. `None` if stopped.
    pub fn energy_within(&self, x: &Weighted<T>) -> Option<f64> {
        let mut sum = 0.0;
        for (index, rows) in x.blocks(self.side).enumerate() {
            for (apart, others) in x.blocks(self.side).skip(index).enumerate() {
                if self.is_stopped() {
                    return None;
                }
                let ((x, part), (y, other)) = (x.block(rows.clone()), x.block(others));
                let mirrored = if apart == 0 { 1.0 } else { 2.0 };
                sum += mirrored * part * other * self.sums.energy(x, y);
            }
        }
        Some(sum)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
