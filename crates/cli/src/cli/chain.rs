//! The options of commands that learn a chain of networks.

use clap::Args;
use rieszflow_cli::{Config, GenerateSettings, Output, Precision, SaveAt};
use rieszflow_flows::StepSizes;
use rieszflow_flows::scheme::Chain;

use super::output::OutputOptions;
use super::{FILES, number, one_of, whole};

const TRAINING: &str = "Training of the networks";

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct ChainOptions {
    /// Number of samples that are held out, chosen at random [default: a tenth, at most 2000]
    #[arg(long, value_name = "L", value_parser = whole::<usize>)]
    held_out: Option<usize>,
    /// End when the least D² to the data held out is this many networks old; 0 learns all networks
    #[arg(long, value_name = "K", default_value_t = GenerateSettings::PATIENCE, value_parser = whole::<u64>)]
    patience: u64,
    /// Exponent r of the kernel −|x−y|ʳ, ½ < r < 2
    #[arg(long, value_name = "R", default_value_t = 1.0, value_parser = number)]
    exponent: f64,
    /// Size h of a step of the particle flow [default: a tenth of the root mean square distance of the
    /// training data to its mean, for r = 1; all of it for samples with d ≤ 3]
    #[arg(long, value_name = "H", value_parser = size)]
    flow_step: Option<f64>,
    /// Part of its velocity that a particle keeps from step to step, from 0 to below 1 [default: 0.8]
    #[arg(long, value_name = "M", value_parser = number)]
    momentum: Option<f64>,
    /// Number of directions P of the sliced sums, drawn anew for every step [default: 64 in the plane, 128
    /// for d = 3, else 256]
    #[arg(long, value_name = "P", value_parser = whole::<usize>)]
    directions: Option<usize>,
    /// The most networks
    #[arg(long, value_name = "L", default_value_t = Chain::NETWORKS, value_parser = some)]
    networks: u64,
    /// Steps of the particle flow for the first network; each further one learns twice as many
    #[arg(long, value_name = "K", default_value_t = Chain::FLOW_STEPS[0], value_parser = some)]
    first_flow_steps: u64,
    /// The most steps of the particle flow for one network
    #[arg(long, value_name = "K", default_value_t = Chain::FLOW_STEPS[1], value_parser = some)]
    most_flow_steps: u64,
    /// Seed of all random numbers; equal seeds give equal results
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = whole::<u64>)]
    seed: u64,
    /// Precision of particles and networks: f32 (single) or f64 (double)
    #[arg(
        long,
        value_name = "PRECISION",
        default_value_t = Precision::F32,
        value_parser = one_of::<Precision>(&Precision::ALL.map(Precision::as_str)),
        hide_possible_values = true
    )]
    precision: Precision,
    /// Training iterations per network
    #[arg(long, value_name = "K", value_parser = whole::<u64>, help_heading = TRAINING)]
    iterations: Option<u64>,
    /// Particles B in a minibatch, at most N
    #[arg(long, value_name = "B", value_parser = whole::<usize>, help_heading = TRAINING)]
    batch: Option<usize>,
    /// Width of the networks' hidden layers
    #[arg(long, value_name = "W", value_parser = whole::<usize>, help_heading = TRAINING)]
    width: Option<usize>,
    /// Number of hidden layers
    #[arg(long, value_name = "H", value_parser = whole::<usize>, help_heading = TRAINING)]
    hidden_layers: Option<usize>,
    /// Learning rate of Adam
    #[arg(long, value_name = "A", value_parser = number, help_heading = TRAINING)]
    learning_rate: Option<f64>,
    /// Fraction of it that is left at the end of each network's training; 1 keeps it
    #[arg(long, value_name = "F", value_parser = number, help_heading = TRAINING)]
    learning_rate_decay: Option<f64>,
    /// Flow times to save, t1,t2,… or every:K networks; the first and the last are always saved
    /// [default: every:1; for very many numbers the first and the last]
    #[arg(
        long,
        value_name = "TIMES",
        allow_hyphen_values = true,
        help_heading = FILES
    )]
    save_at: Option<SaveAt>,
    /// Whether to write the particles as snapshots.csv and final.csv besides snapshots.npz: true or false
    /// [default: true, but for very many numbers]
    #[arg(long, value_name = "BOOL", help_heading = FILES)]
    csv: Option<bool>,
    #[command(flatten)]
    output: OutputOptions,
}

/// Reads a number of networks or of steps.
fn some(text: &str) -> Result<u64, String> {
    let count = whole::<u64>(text)?;
    if (1..=1_000_000).contains(&count) {
        return Ok(count);
    }
    Err("expected a whole number of at least 1, and at most a million".to_owned())
}

/// Reads the size of a step.
fn size(text: &str) -> Result<f64, String> {
    let size = number(text)?;
    if (1e-8..=1e6).contains(&size) {
        return Ok(size);
    }
    Err("expected a number between 1e-8 and 1e6".to_owned())
}

impl ChainOptions {
    /// How many samples are held out, if given.
    pub(super) fn held_out(&self) -> Option<usize> {
        self.held_out
    }

    pub(super) fn patience(&self) -> u64 {
        self.patience
    }

    pub(super) fn exponent(&self) -> f64 {
        self.exponent
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) fn output(&self, config: &Config) -> Output {
        self.output.output(config)
    }

    /// The configuration, changed by the options.
    pub(super) fn apply(&self, config: Config) -> Config {
        let flow_step = self.flow_step.or(config.flow_step);
        let size = flow_step.unwrap_or(0.0);
        let [first, most] =
            [self.first_flow_steps, self.most_flow_steps].map(|steps| steps as f64 * size);
        let (tau, time) = StepSizes::doubling(first, most, self.networks);
        let iterations = self.iterations.unwrap_or(config.iterations);
        let save_at = match config.save_at {
            SaveAt::Times(_) => SaveAt::Times(vec![time]),
            every @ SaveAt::Every(_) => every,
        };
        Config {
            tau,
            time,
            flow_step,
            momentum: self.momentum.unwrap_or(config.momentum),
            directions: self.directions.or(config.directions),
            precision: self.precision,
            iterations,
            first_iterations: iterations,
            batch: self.batch.unwrap_or(config.batch.min(config.particles)),
            width: self.width.unwrap_or(config.width),
            hidden_layers: self.hidden_layers.unwrap_or(config.hidden_layers),
            learning_rate: self.learning_rate.unwrap_or(config.learning_rate),
            learning_rate_decay: self
                .learning_rate_decay
                .unwrap_or(config.learning_rate_decay),
            save_at: self.save_at.clone().unwrap_or(save_at),
            csv: self.csv.or(config.csv),
            ..config
        }
    }
}
