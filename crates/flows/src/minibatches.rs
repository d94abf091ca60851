//! Draws of two minibatches with their latents, for one iteration of the inner loop.

use nalgebra::DMatrix;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rieszflow_numerics::Real;

use crate::GenerativeNetwork;
use crate::latent::fill_normal;
use crate::rng::{Purpose, stream};

/// Two minibatches with their latents, one below the other; for a chain, a single one.
#[derive(Clone, Copy)]
pub(crate) struct Draw<'a, T> {
    /// The particles, 2B×d.
    pub(crate) x: &'a DMatrix<T>,
    /// Their latents, 2B×m.
    pub(crate) z: &'a DMatrix<T>,
    /// Their indices among all particles.
    pub(crate) rows: &'a [usize],
    /// The number of the draw in the time step.
    pub(crate) index: u64,
}

/// The memory of the draws.
pub(crate) struct MinibatchSampler<T> {
    particles: DMatrix<T>,
    latents: DMatrix<T>,
    rows: Vec<usize>,
    /// 0, 1, …, N−1; in a sweep, shuffled.
    order: Vec<usize>,
    /// The swaps of a shuffle.
    swaps: Vec<usize>,
    /// The sweep that `order` is of.
    sweep: Option<u64>,
}

impl<T: Real> MinibatchSampler<T> {
    /// Draws of `rows` of the given particles (N×d), with latents of the network.
    pub(crate) fn new(rows: usize, particles: &DMatrix<T>, network: &GenerativeNetwork) -> Self {
        Self {
            particles: DMatrix::zeros(rows, network.dim()),
            latents: DMatrix::zeros(rows, network.latent_dim()),
            rows: vec![0; rows],
            order: (0..particles.nrows()).collect(),
            swaps: Vec::with_capacity(rows / 2),
            sweep: None,
        }
    }

    /// Draws both minibatches independently, each without replacement, and fresh latents.
    pub(crate) fn draw(
        &mut self,
        particles: &DMatrix<T>,
        mut rng: impl Rng,
        index: u64,
    ) -> Draw<'_, T> {
        let (count, batch) = (particles.nrows(), self.particles.nrows() / 2);
        for start in [0, batch] {
            // The first `batch` places of a shuffle; all of them in any order are the same batch.
            self.swaps.clear();
            if batch < count {
                self.swaps
                    .extend((0..batch).map(|i| rng.random_range(i..count)));
            }
            for (i, &j) in self.swaps.iter().enumerate() {
                self.order.swap(i, j);
            }
            self.rows[start..][..batch].copy_from_slice(&self.order[..batch]);
            // Back in order, so that no draw depends on the ones before.
            for (i, &j) in self.swaps.iter().enumerate().rev() {
                self.order.swap(i, j);
            }
        }
        copy_rows(particles, &self.rows, &mut self.particles);
        fill_normal(self.latents.as_mut_slice(), &mut rng);
        self.drawn(index)
    }

    /// Minibatch `index` of sweeps over all particles in random order, with the latents that belong to
    /// them (N×m) or fresh ones: every particle is drawn equally often, and the two minibatches are
    /// disjoint.
    pub(crate) fn sweep(
        &mut self,
        particles: &DMatrix<T>,
        latents: Option<&DMatrix<T>>,
        (seed, step, index): (u64, u64, u64),
    ) -> Draw<'_, T> {
        let count = self.rows.len();
        let draws = (particles.nrows() / count) as u64;
        let (sweep, place) = (index / draws, (index % draws) as usize);
        if self.sweep != Some(sweep) {
            self.order.sort_unstable();
            self.order
                .shuffle(&mut stream(seed, Purpose::Training, step, sweep));
            self.sweep = Some(sweep);
        }
        self.rows
            .copy_from_slice(&self.order[place * count..][..count]);
        copy_rows(particles, &self.rows, &mut self.particles);
        if let Some(latents) = latents {
            copy_rows(latents, &self.rows, &mut self.latents);
        } else {
            let mut rng = stream(seed, Purpose::Latents, step, index);
            fill_normal(self.latents.as_mut_slice(), &mut rng);
        }
        self.drawn(index)
    }

    fn drawn(&self, index: u64) -> Draw<'_, T> {
        Draw {
            x: &self.particles,
            z: &self.latents,
            rows: &self.rows,
            index,
        }
    }
}

/// Copies the given rows of `from`, and as many of its first columns as `to` has.
fn copy_rows<T: Real>(from: &DMatrix<T>, rows: &[usize], to: &mut DMatrix<T>) {
    for (from, mut to) in from.column_iter().zip(to.column_iter_mut()) {
        for (entry, &row) in to.iter_mut().zip(rows) {
            *entry = from[row];
        }
    }
}
