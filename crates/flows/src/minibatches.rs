//! Draws of two independent minibatches with their latents, for one iteration of the inner loop.

use nalgebra::DMatrix;
use rand::{Rng, RngExt};
use rieszflow_numerics::Real;

use crate::GenerativeNetwork;
use crate::latent::fill_normal;

/// Two minibatches with their latents, one below the other: x is 2B×d, z is 2B×m.
pub(crate) struct MinibatchSampler<T> {
    particles: DMatrix<T>,
    latents: DMatrix<T>,
    /// 0, 1, …, N−1.
    order: Vec<usize>,
    /// The swaps of a shuffle.
    swaps: Vec<usize>,
}

impl<T: Real> MinibatchSampler<T> {
    /// Minibatches of `batch` of the given particles (N×d), with latents of the network.
    pub(crate) fn new(batch: usize, particles: &DMatrix<T>, network: &GenerativeNetwork) -> Self {
        Self {
            particles: DMatrix::zeros(2 * batch, network.dim()),
            latents: DMatrix::zeros(2 * batch, network.latent_dim()),
            order: (0..particles.nrows()).collect(),
            swaps: Vec::with_capacity(batch),
        }
    }

    /// Draws both minibatches, each without replacement, and fresh latents.
    pub(crate) fn draw(
        &mut self,
        particles: &DMatrix<T>,
        mut rng: impl Rng,
    ) -> (&DMatrix<T>, &DMatrix<T>) {
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
            for k in 0..particles.ncols() {
                let from = &particles.as_slice()[k * count..(k + 1) * count];
                let to = &mut self.particles.as_mut_slice()[2 * k * batch + start..][..batch];
                for (x, &particle) in to.iter_mut().zip(&self.order) {
                    *x = from[particle];
                }
            }
            // Back in order, so that no draw depends on the ones before.
            for (i, &j) in self.swaps.iter().enumerate().rev() {
                self.order.swap(i, j);
            }
        }
        fill_normal(self.latents.as_mut_slice(), &mut rng);
        (&self.particles, &self.latents)
    }
}
