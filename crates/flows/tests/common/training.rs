//! The training of the tests that compare the neural schemes with exact steps.

use rieszflow_flows::scheme::Training;

/// Enough training for their tolerances, in about a second a step.
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
