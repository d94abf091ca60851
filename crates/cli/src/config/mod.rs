//! The configuration of a run: every setting resolved, as written to and read from `config.toml`.

mod read;
mod steps;
mod validate;

pub use steps::{KeepKernels, SaveAt};
pub(crate) use validate::check;
pub use validate::{ConfigError, check_times};

use std::fmt;

use rieszflow_flows::scheme::Training;
use rieszflow_flows::{StepSizes, TimeStep, time_grid};
use serde::{Deserialize, Serialize};

use crate::targets::{Sampling, Start, Target};

/// What flows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Experiment {
    /// The interaction energy from a Dirac at 0.
    Interaction,
    /// The implosion-explosion example in the plane.
    Implosion,
    /// The squared discrepancy towards a target.
    Mmd(Mmd),
}

/// From where to where a discrepancy flows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Mmd {
    /// The target ν.
    pub target: Target,
    /// Where the flow starts.
    pub start: Start,
    /// σ of the filter that smooths an image target, in pixels.
    pub sigma: f64,
    /// M, the number of particles drawn from a target that is not given by particles.
    pub target_particles: usize,
    /// Number of images taken from an IDX file.
    pub count: usize,
}

impl Mmd {
    /// How the target is drawn.
    pub(crate) fn sampling(&self, seed: u64) -> Sampling {
        Sampling {
            sigma: self.sigma,
            particles: self.target_particles,
            count: self.count,
            seed,
            ..Sampling::default()
        }
    }
}

/// Which scheme approximates the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SchemeKind {
    /// The neural backward (JKO) scheme.
    Backward,
    /// The neural forward scheme (Wasserstein steepest descent).
    Forward,
    /// The particle flow.
    Particle,
}

/// In which precision particles and networks are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

/// Every setting of a run. Equal configurations give equal results, to the bit on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// What flows.
    pub experiment: Experiment,
    /// Which scheme approximates it.
    pub scheme: SchemeKind,
    /// d, the dimension of the space.
    pub dim: usize,
    /// r, the exponent of the Riesz kernel, 0 < r < 2.
    pub exponent: f64,
    /// τ, the size of a time step, in flow time; it may change along the flow.
    #[serde(with = "steps::tau")]
    pub tau: StepSizes,
    /// Sizes of the first time steps, if they are not τ; then the grid returns to multiples of τ.
    pub initial_steps: Vec<f64>,
    /// The final flow time.
    pub time: f64,
    /// N, the number of particles.
    pub particles: usize,
    /// B, the size of a minibatch.
    pub batch: usize,
    /// Iterations per time step while t < 1.
    pub first_iterations: u64,
    /// Iterations per time step from t = 1 on.
    pub iterations: u64,
    /// Width of the hidden layers.
    pub width: usize,
    /// Number of hidden layers.
    pub hidden_layers: usize,
    /// m, the dimension of the latent variable.
    pub latent_dim: usize,
    /// Adam's learning rate.
    pub learning_rate: f64,
    /// The fraction of it that is left at the end of each time step.
    pub learning_rate_decay: f64,
    /// Keys all random numbers.
    pub seed: u64,
    /// In which precision particles and networks are computed.
    pub precision: Precision,
    /// Which times are saved.
    pub save_at: SaveAt,
    /// Of which time steps the learned kernels are kept.
    pub keep_kernels: KeepKernels,
}

impl Config {
    /// The time steps.
    ///
    /// # Panics
    /// If the configuration is not valid.
    pub fn time_grid(&self) -> Vec<TimeStep> {
        time_grid(&self.initial_steps, self.tau.clone(), self.time).expect("a valid configuration")
    }

    /// How the neural schemes learn.
    pub fn training(&self) -> Training {
        Training {
            hidden_layers: self.hidden_layers,
            width: self.width,
            latent_dim: self.latent_dim,
            batch: self.batch,
            first_iterations: self.first_iterations,
            iterations: self.iterations,
            learning_rate: self.learning_rate,
            learning_rate_decay: self.learning_rate_decay,
            seed: self.seed,
        }
    }
}

impl SchemeKind {
    /// All schemes.
    pub const ALL: [Self; 3] = [Self::Backward, Self::Forward, Self::Particle];

    /// The scheme in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Backward => "neural backward scheme",
            Self::Forward => "neural forward scheme",
            Self::Particle => "particle flow",
        }
    }
}

impl fmt::Display for SchemeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backward => "backward",
            Self::Forward => "forward",
            Self::Particle => "particle",
        })
    }
}

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interaction => "interaction",
            Self::Implosion => "implosion",
            Self::Mmd(_) => "mmd",
        })
    }
}
