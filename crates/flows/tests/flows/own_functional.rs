//! A functional of a user's own, with steps known exactly, in every scheme.

use nalgebra::DMatrix;
use rieszflow_flows::scheme::Training;
use rieszflow_flows::{Error, Functional, Minibatches, Points};

use crate::common::{cloud, schemes};

fn training() -> Training {
    Training {
        hidden_layers: 2,
        width: 32,
        latent_dim: Some(2),
        batch: 50,
        first_iterations: 3000,
        iterations: 5,
        learning_rate: 1e-2,
        learning_rate_decay: 0.1,
        seed: 3,
        ..Training::default()
    }
}

/// F(μ) = ½ ∫ |x − p|² dμ, a functional of a user's own.
struct Well {
    bottom: [f32; 2],
}

impl Functional<f32> for Well {
    fn energy(&self, particles: Points<'_, f32>) -> f64 {
        self.gradient(particles, &mut vec![0.0; 2 * particles.count()])
    }

    fn gradient(&self, particles: Points<'_, f32>, gradient: &mut [f32]) -> f64 {
        let count = particles.count();
        let mut sum = 0.0;
        for (k, column) in gradient.chunks_exact_mut(count).enumerate() {
            for (g, x) in column.iter_mut().zip(particles.coordinate(k)) {
                let offset = x - self.bottom[k];
                *g += offset / count as f32;
                sum += 0.5 * f64::from(offset * offset);
            }
        }
        sum / count as f64
    }

    fn minibatch_energy(&self, batches: Minibatches<'_, f32>, gradient: &mut [f32]) -> f64 {
        self.gradient(batches.both(), gradient)
    }

    fn minibatch_derivative(
        &self,
        positions: Minibatches<'_, f32>,
        velocities: Minibatches<'_, f32>,
        gradient: &mut [f32],
    ) -> Result<f64, Error> {
        let mut slope = vec![0.0; gradient.len()];
        self.gradient(positions.both(), &mut slope);
        let count = 2 * positions.batch();
        let mut sum = 0.0;
        for (k, column) in slope.chunks_exact(count).enumerate() {
            for (s, v) in column.iter().zip(velocities.both().coordinate(k)) {
                sum += f64::from(s * v);
            }
        }
        gradient.iter_mut().zip(slope).for_each(|(g, s)| *g += s);
        Ok(sum)
    }
}

/// In the well the steps are known: x + τ(p−x) explicitly, (x + τp)/(1+τ) implicitly.
///
/// τ = ½ tells them apart: half of the way to p, or a third. The neural schemes come to a few per cent of
/// the way in root mean square.
#[test]
fn a_functional_of_ones_own_works_with_every_scheme() {
    let well = Well {
        bottom: [-1.0, 2.0],
    };
    let tau = 0.5;
    let shares = [tau / (1.0 + tau), tau, tau];
    let tolerances = [0.04, 0.04, 1e-6];
    let cases = schemes(training()).into_iter().zip(shares).zip(tolerances);
    for ((scheme, share), tolerance) in cases {
        let mut state = scheme.start(cloud(200)).unwrap();
        let start = state.particles.clone();
        scheme.step(&well, &mut state, tau).unwrap();
        let way = DMatrix::from_fn(200, 2, |i, k| {
            share as f32 * (well.bottom[k] - start[(i, k)])
        });
        let error = (&state.particles - &start - &way).norm() / way.norm();
        assert!(error < tolerance, "share {share}: {error}");
    }
}
