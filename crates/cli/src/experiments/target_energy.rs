//! E(ν), the energy of a target itself, which D² needs and the flow does not.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use nalgebra::DMatrix;
use rieszflow_flows::{Measure, PairSums, Points, RieszKernel};

use crate::files::particles::Particles;

/// The largest target whose energy is computed before the flow starts, in at most a second.
const MOST_AT_ONCE: usize = 20_000;

/// Rows of a block. The energy is the sum over pairs of blocks, in fixed order.
const BLOCK: usize = 8192;

/// E(ν) = −½ ΣΣ wᵢwⱼ|yᵢ−yⱼ|ʳ of a target of M atoms, in M²/2 evaluations.
///
/// Of a large target it is computed on a thread of its own, beside the flow.
#[derive(Debug)]
pub(crate) struct TargetEnergy {
    work: Arc<Work>,
}

#[derive(Debug)]
struct Work {
    kernel: RieszKernel,
    points: DMatrix<f64>,
    weights: Vec<f64>,
    value: OnceLock<f64>,
    /// The number of pairs of blocks that are done.
    done: AtomicUsize,
    cancelled: AtomicBool,
}

impl TargetEnergy {
    /// Computes the energy at once if the target is small; otherwise starts to compute it.
    pub(crate) fn new(kernel: RieszKernel, target: &Particles) -> Self {
        let count = target.points.nrows();
        let equal = || vec![1.0 / count as f64; count];
        let work = Arc::new(Work {
            kernel,
            points: target.points.clone(),
            weights: target.weights.clone().unwrap_or_else(equal),
            value: OnceLock::new(),
            done: AtomicUsize::new(0),
            cancelled: AtomicBool::new(false),
        });
        if count <= MOST_AT_ONCE {
            work.compute();
        } else {
            let work = Arc::clone(&work);
            thread::spawn(move || {
                // One thread, so that the others are left to the flow.
                match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
                    Ok(pool) => pool.install(|| work.compute()),
                    Err(_) => work.compute(),
                }
            });
        }
        Self { work }
    }

    /// E(ν), once it is known.
    pub(crate) fn get(&self) -> Option<f64> {
        self.work.value.get().copied()
    }

    /// Waits until E(ν) is known or `stop` is set. `report` gets the part that is done, from 0 to 1.
    pub(crate) fn wait(&self, stop: &AtomicBool, mut report: impl FnMut(f64)) -> Option<f64> {
        let pairs = self.work.pairs();
        while self.get().is_none() && !stop.load(Ordering::Relaxed) {
            report(self.work.done.load(Ordering::Relaxed) as f64 / pairs as f64);
            thread::sleep(Duration::from_millis(50));
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
    /// The number of pairs of blocks, each block with itself and with the later ones.
    fn pairs(&self) -> usize {
        let blocks = self.points.nrows().div_ceil(BLOCK);
        blocks * (blocks + 1) / 2
    }

    fn compute(&self) {
        let measure = Measure::weighted(Points::from(&self.points), &self.weights);
        let energy = interaction_energy(&PairSums::new(self.kernel), measure, || {
            self.done.fetch_add(1, Ordering::Relaxed);
            !self.cancelled.load(Ordering::Relaxed)
        });
        if let Some(energy) = energy {
            // It is set here alone.
            let _ = self.value.set(energy);
        }
    }
}

/// E(ν) = −½ ΣΣ wᵢwⱼ|yᵢ−yⱼ|ʳ of a weighted measure in M²/2 evaluations.
///
/// Asks after each pair of blocks whether to go on; `None` if not.
pub(crate) fn interaction_energy(
    sums: &PairSums<f64>,
    measure: Measure<'_, f64>,
    mut goes_on: impl FnMut() -> bool,
) -> Option<f64> {
    let (points, weights) = (measure.points(), measure.weights().expect("weights"));
    let count = points.count();
    let starts = (0..count).step_by(BLOCK);
    let block = |start: usize| {
        let rows = start..count.min(start + BLOCK);
        Measure::weighted(points.rows(rows.clone()), &weights[rows])
    };
    let blocks: Vec<Measure<'_, f64>> = starts.map(block).collect();
    let mut total = 0.0;
    for (i, &first) in blocks.iter().enumerate() {
        for (j, &second) in blocks.iter().enumerate().skip(i) {
            let times = if i == j { 1.0 } else { 2.0 };
            total += times * sums.energy(first, second);
            if !goes_on() {
                return None;
            }
        }
    }
    Some(-0.5 * total)
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
        let found = energy.wait(&AtomicBool::new(false), |_| ());
        let x = target.points.column(0);
        let y = target.points.column(1);
        let w = target.weights.as_ref().expect("weights");
        let distance = |i: usize, j: usize| ((x[i] - x[j]).powi(2) + (y[i] - y[j]).powi(2)).sqrt();
        let row = |i: usize| (0..i).map(|j| w[j] * distance(i, j)).sum::<f64>();
        // Half of twice the sum over pairs.
        let exact: f64 = -(0..count).map(|i| w[i] * row(i)).sum::<f64>();
        let found = found.expect("an energy");
        assert!((found / exact - 1.0).abs() < 1e-11, "{found} and {exact}");
    }

    #[test]
    fn waiting_ends_when_it_is_to_stop() {
        let target = Particles {
            points: DMatrix::from_fn(200_000, 2, |i, k| ((7 * i + 3 * k) as f64).sin()),
            weights: None,
        };
        let energy = TargetEnergy::new(RieszKernel::new(1.0).expect("0 < 1 < 2"), &target);
        assert_eq!(energy.wait(&AtomicBool::new(true), |_| ()), None);
    }
}
