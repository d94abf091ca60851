//! The configuration of a run: every setting resolved, as written to and read from `config.toml`.

mod choices;
mod read;
mod steps;
mod validate;
mod values;

pub use choices::{Precision, SchemeKind, SumsKind};
pub use read::ConfigFileError;
pub(crate) use steps::chosen_steps;
pub use steps::{KeepKernels, SaveAt};
pub use validate::check_times;

use rieszflow_flows::scheme::{Chain, Training};
use rieszflow_flows::{Slicing, StepSizes, Sums, TimeStep, time_grid};
use serde::{Deserialize, Serialize};

use crate::files::particles::Columns;
use crate::posterior::PairData;
use crate::targets::{Data, ExactLaw, Proportions, Sampling, Start, Target};

/// What flows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Experiment {
    /// The interaction energy from a Dirac at 0.
    Interaction,
    /// The implosion-explosion example in the plane.
    Implosion,
    /// The squared discrepancy towards a target.
    Mmd(MmdSettings),
    /// The squared discrepancy towards data, followed by a chain of networks that learns its law.
    Generate(GenerateSettings),
    /// The squared discrepancy of pairs, followed by a chain that learns the law of one part given the other.
    Posterior(PosteriorSettings),
}

/// From which data a chain learns, and when it has learned enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "kebab-case",
    deny_unknown_fields,
    expecting = "expected a table with data, count, columns, held-out and patience"
)]
pub struct GenerateSettings {
    /// The data.
    pub data: Data,
    /// How many samples are taken from a file or drawn from a law; all in a file if not given.
    #[serde(
        deserialize_with = "values::optional_whole",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub count: Option<usize>,
    /// The coordinates that are read from a CSV file; empty for all.
    #[serde(default)]
    pub columns: Columns,
    /// How many of the samples the chain is not trained on.
    #[serde(deserialize_with = "values::whole")]
    pub held_out: usize,
    /// The chain ends when the least D² to the samples held out is this many networks old; 0 for never.
    #[serde(deserialize_with = "values::whole")]
    pub patience: u64,
}

/// From which pairs of an unknown and its observation a chain learns posteriors, and when it has learned
/// enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "kebab-case",
    deny_unknown_fields,
    expecting = "expected a table with data, observed, columns, count, observation-scale, held-out and patience"
)]
pub struct PosteriorSettings {
    /// The pairs.
    pub data: PairData,
    /// Their observed columns; empty for a problem whose observation is known.
    #[serde(default)]
    pub observed: Columns,
    /// The columns that are read from a CSV file; empty for all.
    #[serde(default)]
    pub columns: Columns,
    /// How many pairs are taken from a file or drawn of a problem; all in a file if not given.
    #[serde(
        deserialize_with = "values::optional_whole",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub count: Option<usize>,
    /// The standard deviation of the observations where that of the unknowns is 1.
    #[serde(deserialize_with = "values::number")]
    pub observation_scale: f64,
    /// How many of the pairs the chain is not trained on.
    #[serde(deserialize_with = "values::whole")]
    pub held_out: usize,
    /// The chain ends when the least D² to the pairs held out is this many networks old; 0 for never.
    #[serde(deserialize_with = "values::whole")]
    pub patience: u64,
}

/// From where to where a discrepancy flows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "kebab-case",
    deny_unknown_fields,
    expecting = "expected a table with target, start, sigma, target-particles and count"
)]
pub struct MmdSettings {
    /// The target ν.
    pub target: Target,
    /// Where the flow starts.
    pub start: Start,
    /// σ of the filter that smooths an image target, in pixels.
    #[serde(deserialize_with = "values::number")]
    pub sigma: f64,
    /// M, the number of particles drawn from a target that is not given by particles. Without it a
    /// mixture of Gaussians is an exact law, of which none are drawn.
    #[serde(
        deserialize_with = "values::optional_whole",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub target_particles: Option<usize>,
    /// Number of images taken from an IDX file.
    #[serde(deserialize_with = "values::whole")]
    pub count: usize,
    /// Whether pictures keep their proportions.
    #[serde(default)]
    pub proportions: Proportions,
    /// The coordinates that are read from CSV files; empty for all.
    #[serde(default)]
    pub columns: Columns,
}

impl MmdSettings {
    /// The target, if it is an exact law of which no particles are drawn.
    pub(crate) fn law(&self) -> Option<ExactLaw> {
        let drawn = self.target_particles.is_some();
        match self.target {
            Target::Law(ExactLaw::GaussianMixture(_)) if drawn => None,
            Target::Law(law) => Some(law),
            _ => None,
        }
    }

    /// How the target is drawn.
    pub(crate) fn sampling(&self, seed: u64) -> Sampling {
        Sampling {
            sigma: self.sigma,
            particles: self.target_particles.unwrap_or(2000),
            count: self.count,
            proportions: self.proportions,
            columns: self.columns.clone(),
            seed,
        }
    }
}

/// Every setting of a run. Equal configurations give equal results, to the bit on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "kebab-case",
    deny_unknown_fields,
    expecting = "expected the settings of a run"
)]
pub struct Config {
    /// What flows.
    pub experiment: Experiment,
    /// Which scheme approximates it.
    pub scheme: SchemeKind,
    /// d, the dimension of the space.
    #[serde(deserialize_with = "values::whole")]
    pub dim: usize,
    /// r, the exponent of the Riesz kernel, 0 < r < 2.
    #[serde(deserialize_with = "values::number")]
    pub exponent: f64,
    /// τ, the size of a time step, in flow time; it may change along the flow.
    #[serde(with = "steps::tau")]
    pub tau: StepSizes,
    /// Sizes of the first time steps, if they are not τ; then the grid returns to multiples of τ.
    #[serde(deserialize_with = "values::numbers")]
    pub initial_steps: Vec<f64>,
    /// The final flow time.
    #[serde(deserialize_with = "values::number")]
    pub time: f64,
    /// N, the number of particles.
    #[serde(deserialize_with = "values::whole")]
    pub particles: usize,
    /// B, the size of a minibatch.
    #[serde(deserialize_with = "values::whole")]
    pub batch: usize,
    /// Iterations per time step until the flow time `first_phase`.
    #[serde(deserialize_with = "values::whole")]
    pub first_iterations: u64,
    /// Iterations per time step from then on.
    #[serde(deserialize_with = "values::whole")]
    pub iterations: u64,
    /// The flow time until which `first_iterations` applies; 1 in files that do not name it.
    #[serde(deserialize_with = "values::number", default = "values::one")]
    pub first_phase: f64,
    /// Width of the hidden layers.
    #[serde(deserialize_with = "values::whole")]
    pub width: usize,
    /// Number of hidden layers.
    #[serde(deserialize_with = "values::whole")]
    pub hidden_layers: usize,
    /// m, the dimension of the latent variable.
    #[serde(deserialize_with = "values::whole")]
    pub latent_dim: usize,
    /// Adam's learning rate.
    #[serde(deserialize_with = "values::number")]
    pub learning_rate: f64,
    /// The fraction of it that is left at the end of each time step.
    #[serde(deserialize_with = "values::number")]
    pub learning_rate_decay: f64,
    /// Whether a control variate reduces the variance of gradients; `false` in files that do not name it.
    #[serde(default)]
    pub control_variate: bool,
    /// The part of its velocity that a particle of the particle flow keeps from step to step; 0 in files
    /// that do not name it.
    #[serde(deserialize_with = "values::number", default)]
    pub momentum: f64,
    /// The size of the steps of the particle flow that a chain learns from.
    #[serde(
        deserialize_with = "values::optional_number",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub flow_step: Option<f64>,
    /// How sums over pairs are computed; over all pairs in files that do not name it.
    #[serde(default)]
    pub sums: SumsKind,
    /// P, the number of directions of sliced sums; the default of the dimension if not given.
    #[serde(
        deserialize_with = "values::optional_whole",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub directions: Option<usize>,
    /// Keys all random numbers.
    #[serde(deserialize_with = "values::whole")]
    pub seed: u64,
    /// In which precision particles and networks are computed.
    pub precision: Precision,
    /// The times that are saved.
    pub save_at: SaveAt,
    /// The time steps whose learned kernels are kept.
    pub keep_kernels: KeepKernels,
    /// Whether particles are written as CSV too; if not named, up to 100000 of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv: Option<bool>,
}

/// From more particles than this on, CSV is written on request only.
const MOST_IN_CSV: usize = 100_000;

impl Config {
    /// The time steps.
    ///
    /// # Panics
    /// If the configuration is not valid.
    pub fn time_grid(&self) -> Vec<TimeStep> {
        time_grid(&self.initial_steps, self.tau.clone(), self.time).expect("a valid configuration")
    }

    /// Whether all mass is at a few points at time 0.
    pub(crate) fn starts_at_atoms(&self) -> bool {
        match &self.experiment {
            Experiment::Interaction => true,
            Experiment::Implosion | Experiment::Generate(_) | Experiment::Posterior(_) => false,
            Experiment::Mmd(mmd) => matches!(mmd.start, Start::Dirac(_) | Start::Diracs(_)),
        }
    }

    /// How sums over pairs are computed, with their settings.
    pub fn sums(&self) -> Sums {
        match self.sums {
            SumsKind::Exact => Sums::Exact,
            SumsKind::Sliced => Sums::Sliced(Slicing {
                seed: self.seed,
                ..Slicing::new(self.direction_count())
            }),
        }
    }

    /// Whether `snapshots.csv` and `final.csv` are written.
    pub fn writes_csv(&self) -> bool {
        self.csv.unwrap_or(self.particles <= MOST_IN_CSV)
    }

    /// The relative error that sliced sums of a few particles have at most, about: that of independent
    /// directions.
    pub(crate) fn sums_error(&self) -> f64 {
        match self.sums {
            SumsKind::Exact => 0.0,
            SumsKind::Sliced => 1.0 / (self.direction_count() as f64).sqrt(),
        }
    }

    /// P of sliced sums.
    pub(crate) fn direction_count(&self) -> usize {
        let default = || Slicing::default_directions(self.dim);
        self.directions.unwrap_or_else(default)
    }

    /// The chain that learns, if this is one.
    pub fn chain(&self) -> Option<Chain> {
        let flow_step = self.flow_step?;
        (self.scheme == SchemeKind::Chain).then(|| Chain {
            training: self.training(),
            flow_step,
            momentum: self.momentum,
            conditions: self.conditions(),
        })
    }

    /// After how many networks without a lower D² to data held out a chain ends, if this is one.
    pub(crate) fn patience(&self) -> Option<u64> {
        match &self.experiment {
            Experiment::Generate(generate) => Some(generate.patience),
            Experiment::Posterior(posterior) => Some(posterior.patience),
            _ => None,
        }
    }

    /// n, the number of last coordinates that a chain keeps as they are.
    pub(crate) fn conditions(&self) -> usize {
        match &self.experiment {
            Experiment::Posterior(posterior) => posterior.conditions(),
            _ => 0,
        }
    }

    /// How the neural schemes learn.
    pub fn training(&self) -> Training {
        Training {
            hidden_layers: self.hidden_layers,
            width: self.width,
            latent_dim: Some(self.latent_dim),
            batch: self.batch,
            first_iterations: self.first_iterations,
            iterations: self.iterations,
            first_phase: self.first_phase,
            learning_rate: self.learning_rate,
            learning_rate_decay: self.learning_rate_decay,
            control_variate: self.control_variate,
            seed: self.seed,
        }
    }
}
