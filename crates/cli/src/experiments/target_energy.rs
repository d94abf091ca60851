//! E(ν), the energy of a target itself, which D² needs and the flow does not.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Once, OnceLock};
use std::thread;
use std::time::Duration;

use nalgebra::DMatrix;
use rieszflow_flows::{Measure, PairSums, Points, RieszKernel};

use crate::files::particles::Particles;

/// The largest target whose energy is computed before the flow starts, in at most a second.
const MOST_AT_ONCE: usize = 20_000;

/// Rows of a block. The energy is the sum over pairs of blocks, in fixed order.
const BLOCK: usize = 8192;

/// E(ν) = −½ ΣΣ wᵢwⱼ|yᵢ−yⱼ|ʳ of a target of M atoms, in M²/2 evaluations; on the line and for r = 1 by
/// sorting.
///
/// Of a large target it is computed on a thread of its own, beside the flow but for the first time step,
/// and on all threads by who waits for it.
#[derive(Debug)]
pub(crate) struct TargetEnergy {
    work: Arc<Work>,
    begun: Once,
}

#[derive(Debug)]
struct Work {
    kernel: RieszKernel,
    points: DMatrix<f64>,
    weights: Vec<f64>,
    value: OnceLock<f64>,
    /// The sum over each pair of blocks, once it is known.
    parts: Vec<OnceLock<f64>>,
    /// The number of pairs of blocks that are begun.
    begun: AtomicUsize,
    /// The number of pairs of blocks that are done.
    done: AtomicUsize,
    cancelled: AtomicBool,
}

impl TargetEnergy {
    /// Computes the energy at once if that is quick.
    pub(crate) fn new(kernel: RieszKernel, target: &Particles) -> Self {
        let count = target.points.nrows();
        let equal = || vec![1.0 / count as f64; count];
        let blocks = count.div_ceil(BLOCK);
        let work = Arc::new(Work {
            kernel,
            points: target.points.clone(),
            weights: target.weights.clone().unwrap_or_else(equal),
            value: OnceLock::new(),
            parts: vec![OnceLock::new(); blocks * (blocks + 1) / 2],
            begun: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            cancelled: AtomicBool::new(false),
        });
        if work.is_on_the_line() {
            work.set(energy_on_the_line(work.points.as_slice(), &work.weights));
        } else if count <= MOST_AT_ONCE {
            work.compute(&AtomicBool::new(false), |_| ());
        }
        Self {
            work,
            begun: Once::new(),
        }
    }

    /// Begins to compute what is not known on a thread of its own, once.
    pub(crate) fn begin(&self) {
        if self.get().is_some() {
            return;
        }
        self.begun.call_once(|| {
            let work = Arc::clone(&self.work);
            thread::spawn(move || {
                let compute = || work.compute(&AtomicBool::new(false), |_| ());
                // One thread, so that the others are left to the flow.
                match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
                    Ok(pool) => pool.install(compute),
                    Err(_) => compute(),
                }
            });
        });
    }

    /// E(ν), once it is known.
    pub(crate) fn get(&self) -> Option<f64> {
        self.work.value.get().copied()
    }

    /// Computes what is left, on all threads of the pool, until E(ν) is known or `stop` is set. `report`
    /// gets the part that is done, from 0 to 1.
    pub(crate) fn finish(&self, stop: &AtomicBool, report: impl FnMut(f64)) -> Option<f64> {
        self.work.compute(stop, report);
        // The other thread may have the last pair of blocks in work.
        while self.get().is_none() && !stop.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(10));
        }
        self.get()
    }
}

impl Drop for TargetEnergy {
    fn drop(&mut self) {
        self.work.cancelled.store(true, Ordering::Relaxed);
    }
}

impl Work {
    fn is_on_the_line(&self) -> bool {
        self.points.ncols() == 1 && self.kernel.exponent() == 1.0
    }

    /// Sums over pairs of blocks, each block with itself and with the later ones, that no other thread
    /// has begun, until there are no more or `stop` is set.
    fn compute(&self, stop: &AtomicBool, mut report: impl FnMut(f64)) {
        let sums = PairSums::new(self.kernel);
        let blocks = blocks(&self.points, &self.weights);
        let pairs: Vec<(usize, usize)> = pairs(blocks.len()).collect();
        let is_over = || stop.load(Ordering::Relaxed) || self.cancelled.load(Ordering::Relaxed);
        while !is_over() {
            let index = self.begun.fetch_add(1, Ordering::Relaxed);
            let Some(&pair) = pairs.get(index) else {
                return;
            };
            // Each pair of blocks is begun once.
            let _ = self.parts[index].set(energy_of_pair(&sums, &blocks, pair));
            let done = self.done.fetch_add(1, Ordering::AcqRel) + 1;
            report(done as f64 / pairs.len() as f64);
            if done == pairs.len() {
                let parts = self.parts.iter().filter_map(OnceLock::get);
                self.set(-0.5 * parts.sum::<f64>());
            }
        }
    }

    fn set(&self, energy: f64) {
        // It is set once.
        let _ = self.value.set(energy);
    }
}

/// −½ ΣΣ wᵢwⱼ|yᵢ−yⱼ|, the weights with sum 1: between neighbours lies W from below and 1 − W from above.
fn energy_on_the_line(points: &[f64], weights: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&i, &j| points[i].total_cmp(&points[j]));
    let mut below = 0.0;
    let mut total = 0.0;
    for pair in order.windows(2) {
        below += weights[pair[0]];
        total += (points[pair[1]] - points[pair[0]]) * below * (1.0 - below);
    }
    -total
}

/// E(ν) = −½ ΣΣ wᵢwⱼ|yᵢ−yⱼ|ʳ of a measure in M²/2 evaluations.
pub(crate) fn interaction_energy(
    sums: &PairSums<f64>,
    points: &DMatrix<f64>,
    weights: &[f64],
) -> f64 {
    let blocks = blocks(points, weights);
    let parts = pairs(blocks.len()).map(|pair| energy_of_pair(sums, &blocks, pair));
    -0.5 * parts.sum::<f64>()
}

/// The measure in blocks of [`BLOCK`] rows.
fn blocks<'a>(points: &'a DMatrix<f64>, weights: &'a [f64]) -> Vec<Measure<'a, f64>> {
    let count = points.nrows();
    let block = |start: usize| {
        let rows = start..count.min(start + BLOCK);
        Measure::weighted(Points::from(points).rows(rows.clone()), &weights[rows])
    };
    (0..count).step_by(BLOCK).map(block).collect()
}

/// Each of `count` blocks with itself and with the later ones.
fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |i| (i..count).map(move |j| (i, j)))
}

/// The sum over a pair of blocks, which stands for (j, i) too.
fn energy_of_pair(
    sums: &PairSums<f64>,
    blocks: &[Measure<'_, f64>],
    (i, j): (usize, usize),
) -> f64 {
    let times = if i == j { 1.0 } else { 2.0 };
    times * sums.energy(blocks[i], blocks[j])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target of several blocks and unequal weights, by a plain double sum.
    #[test]
    fn the_energy_is_the_sum_over_all_pairs() {
        let count = MOST_AT_ONCE + 100;
        let weights: Vec<f64> = (0..count).map(|i| (1 + i % 3) as f64).collect();
        let total: f64 = weights.iter().sum();
        let target = Particles {
            points: DMatrix::from_fn(count, 2, |i, k| ((7 * i + 3 * k) as f64).sin()),
            weights: Some(weights.iter().map(|w| w / total).collect()),
        };
        let energy = TargetEnergy::new(RieszKernel::new(1.0).expect("0 < 1 < 2"), &target);
        let mut parts = Vec::new();
        let found = energy.finish(&AtomicBool::new(false), |part| parts.push(part));
        let x = target.points.column(0);
        let y = target.points.column(1);
        let w = target.weights.as_ref().expect("weights");
        let distance = |i: usize, j: usize| ((x[i] - x[j]).powi(2) + (y[i] - y[j]).powi(2)).sqrt();
        let row = |i: usize| (0..i).map(|j| w[j] * distance(i, j)).sum::<f64>();
        // Half of twice the sum over pairs.
        let exact: f64 = -(0..count).map(|i| w[i] * row(i)).sum::<f64>();
        let found = found.expect("an energy");
        assert!((found / exact - 1.0).abs() < 1e-11, "{found} and {exact}");
        assert!(
            parts.iter().all(|part| (0.0..=1.0).contains(part)),
            "{parts:?}"
        );
    }

    /// On the line sorting gives what all pairs give.
    #[test]
    fn on_the_line_the_energy_is_that_of_all_pairs() {
        let points = [3.0, -1.0, 3.0, 0.25, 1e3, -7.5];
        let weights = [0.125, 0.25, 0.0, 0.125, 0.375, 0.125];
        let target = Particles {
            points: DMatrix::from_column_slice(6, 1, &points),
            weights: Some(weights.to_vec()),
        };
        let mut exact = 0.0;
        for (x, v) in points.iter().zip(weights) {
            for (y, w) in points.iter().zip(weights) {
                exact -= 0.5 * v * w * (x - y).abs();
            }
        }
        let energy = TargetEnergy::new(RieszKernel::new(1.0).expect("0 < 1 < 2"), &target);
        let found = energy.get().expect("an energy");
        assert!((found / exact - 1.0).abs() < 1e-14, "{found} and {exact}");
    }

    #[test]
    fn work_ends_when_it_is_to_stop() {
        let target = Particles {
            points: DMatrix::from_fn(200_000, 2, |i, k| ((7 * i + 3 * k) as f64).sin()),
            weights: None,
        };
        let energy = TargetEnergy::new(RieszKernel::new(1.0).expect("0 < 1 < 2"), &target);
        assert_eq!(energy.finish(&AtomicBool::new(true), |_| ()), None);
    }
}
