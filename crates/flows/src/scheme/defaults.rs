//! How to train flows of the energy and of the discrepancy, by what was measured.

use super::{Backward, Chain, Forward, Training};

/// The dimension up to which a control variate is worth its time: in many dimensions the sums over all
/// particles take as long as the network.
const CONTROL_VARIATE: usize = 10;

impl Backward {
    /// The training that suits the flow of the interaction energy from a Dirac in ℝ^`dim`.
    pub fn training_from_dirac(dim: usize, exponent: f64) -> Training {
        let (first_iterations, iterations) = match dim {
            // The first step must make a measure of a point, and the second is the first in which the
            // network sees where a particle is; the others move the measure a little further.
            _ if exponent < 1.0 => (1000, 250),
            1 => (1000, 200),
            2..=4 => (2500, 140),
            5..=100 => (1500, 80),
            _ => (1500, 250),
        };
        // A narrower layer cannot pass on all d coordinates; where it can, one is enough.
        let (width, hidden_layers) = if dim > 4 { (dim.max(128), 1) } else { (64, 2) };
        Training {
            width,
            hidden_layers,
            first_iterations,
            iterations,
            first_phase: if exponent >= 1.0 && dim > 4 {
                0.1
            } else {
                first_phase(exponent)
            },
            learning_rate: match dim {
                ..=20 => 3e-3,
                21..=100 => 2e-3,
                // With 2e-3 the radius of a flow towards a sphere in ℝ⁷⁸⁴ is a tenth too small after three steps.
                _ => 5e-4,
            },
            ..Training::default()
        }
    }
}

impl Forward {
    /// The training that suits the flow of the interaction energy from a Dirac.
    pub fn training_from_dirac(exponent: f64) -> Training {
        Training {
            first_iterations: 2000,
            iterations: 2000,
            first_phase: first_phase(exponent),
            ..Training::default()
        }
    }
}

/// A number with two significant digits, which is easy to read and to write again.
fn two_digits(number: f64) -> f64 {
    format!("{number:.1e}").parse().unwrap_or(number)
}

/// The end of the first time step: for r < 1 it is short.
fn first_phase(exponent: f64) -> f64 {
    if exponent < 1.0 { 1e-8 } else { 0.05 }
}

impl Chain {
    /// Steps of the particle flow for the first network and, after doublings, at most.
    pub const FLOW_STEPS: [u64; 2] = [32, 512];
    /// The most networks.
    pub const NETWORKS: u64 = 12;
    /// The most particles: more do not tell a network more about the flow.
    pub const MOST_PARTICLES: usize = 20_000;

    /// The chain that suits `count` samples in ℝ^`dim` with the given root mean square distance to their mean, of
    /// whose coordinates the last `conditions` are observed.
    ///
    /// A step of the particle flow moves a particle by a tenth of that distance at most, for r = 1, and the
    /// momentum makes it five tenths. For samples in up to three dimensions steps are ten times and the rate
    /// three times as large, because particles outside the support move slowly near the end; in ℝ²⁰ a network had
    /// no active unit left with these.
    pub fn default_for(
        dim: usize,
        conditions: usize,
        count: usize,
        spread: f64,
        exponent: f64,
    ) -> Self {
        let spread = if spread > 0.0 { spread } else { 1.0 };
        let (part, learning_rate) = match dim {
            1..=3 if conditions == 0 => (1.0, 3e-3),
            ..=100 => (0.1, 1e-3),
            _ => (0.1, 5e-4),
        };
        Self {
            training: Training {
                hidden_layers: 3,
                width: if dim > 100 { 1024 } else { 256 },
                batch: 250.min(count),
                first_iterations: 1000,
                iterations: 1000,
                first_phase: 0.0,
                learning_rate,
                ..Training::default()
            },
            flow_step: two_digits(part * spread.powf(2.0 - exponent) / exponent),
            momentum: 0.8,
            conditions,
        }
    }
}

impl Training {
    /// What suits the flow towards a law without atoms in ℝ^`dim`, from what suits that of the energy: it
    /// is as smooth.
    #[must_use]
    pub fn towards_law(self, dim: usize) -> Self {
        Self {
            // In many dimensions the first steps of the backward scheme need them.
            first_iterations: self.iterations.max(1000),
            first_phase: 1.0,
            control_variate: dim <= CONTROL_VARIATE,
            ..self
        }
    }

    /// What suits the flow towards particles in ℝ^`dim`.
    pub fn towards_particles(dim: usize) -> Self {
        let training = Self {
            hidden_layers: 3,
            width: 128,
            ..Self::default()
        };
        if dim <= CONTROL_VARIATE {
            // With so little noise many iterations with few particles and small rates learn most.
            Self {
                batch: 100,
                first_iterations: 2000,
                iterations: 1000,
                learning_rate: 5e-4,
                learning_rate_decay: 1e-3,
                control_variate: true,
                ..training
            }
        } else {
            Self {
                batch: 250,
                first_iterations: 1000,
                iterations: 400,
                learning_rate: 1e-3,
                ..training
            }
        }
    }
}
