//! All schemes, a training and particles for them.

use nalgebra::DMatrix;
use rieszflow_flows::Scheme;
use rieszflow_flows::scheme::{Backward, Forward, Particle, Training};

/// Every scheme with the given training; the particle flow knows only its seed.
pub fn schemes(training: Training) -> [Box<dyn Scheme<f32>>; 3] {
    [
        Box::new(Backward::new(training)),
        Box::new(Forward::new(training)),
        Box::new(Particle::new(training.seed)),
    ]
}

/// Distinct particles about (1, −½).
pub fn cloud(count: usize) -> DMatrix<f32> {
    DMatrix::from_fn(count, 2, |i, k| {
        [1.0, -0.5][k] + (1.7 * i as f32 + 0.9 * k as f32).sin()
    })
}

/// Enough training for the tests that compare the neural schemes with exact steps, in about a second a step.
pub fn training(latent_dim: usize) -> Training {
    Training {
        hidden_layers: 2,
        width: 64,
        latent_dim: Some(latent_dim),
        batch: 100,
        first_iterations: 1500,
        iterations: 1500,
        learning_rate: 5e-3,
        learning_rate_decay: 1e-2,
        seed: 1,
        ..Training::default()
    }
}
