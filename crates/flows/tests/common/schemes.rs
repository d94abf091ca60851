//! All schemes, and particles for them.

use nalgebra::DMatrix;
use rieszflow_flows::Scheme;
use rieszflow_flows::scheme::{Backward, Forward, Particle, Training};

/// Every scheme with the given training; the particle flow knows only its seed.
pub fn schemes(training: Training) -> [Box<dyn Scheme<f32>>; 3] {
    [
        Box::new(Backward::new(training)),
        Box::new(Forward::new(training)),
        Box::new(Particle {
            seed: training.seed,
        }),
    ]
}

/// Distinct particles about (1, −½).
pub fn cloud(count: usize) -> DMatrix<f32> {
    DMatrix::from_fn(count, 2, |i, k| {
        [1.0, -0.5][k] + (1.7 * i as f32 + 0.9 * k as f32).sin()
    })
}
