//! `rieszflow generate`: a chain of networks that learns to sample the law of data.

use std::path::Path;
use std::time::Instant;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Command};
use rieszflow_cli::files::particles::Columns;
use rieszflow_cli::targets::Data;
use rieszflow_cli::{
    Config, Experiment, GenerateSettings, Inputs, Output, Precision, SaveAt, run_with,
};
use rieszflow_flows::StepSizes;
use rieszflow_flows::scheme::Chain;

use super::flow::{self, FOLDER, Naming};
use super::output::OutputOptions;
use super::{FILES, Failure, number, one_of, whole};

const TRAINING: &str = "Training of the networks";

const EXPLANATION: &str = "\
Learns to draw samples from the law of data. Particles follow the flow of F(μ) = D²(μ,ν) − E(ν) from \
normal starts to the training data, with sliced sums and momentum, for 32 steps; a network learns where \
they went, x ↦ x'; all particles are moved by the network; and again with twice as many steps. rieszflow \
sample DIR --count N draws fresh samples: normal starts that pass through all networks.

DATA: csv:PATH (a row per sample), npy:PATH (a matrix, a row per sample), idx:PATH (images such as \
MNIST's, plain or gzipped); csv:- and npy:- read standard input. Laws to try it with: gaussian-mixture:K \
(standard deviation 0.1, means on the unit circle of the first two of --dim coordinates, an exact law of \
rieszflow discrepancy), rings and checkerboard (in the plane).

A part of the samples is held out. After each network fresh samples are compared with them: D² is the \
column discrepancy of metrics.csv, and discrepancy_target that of the flow's own particles to the training \
data. When the least of them is --patience networks old, the run ends, and rieszflow sample takes the \
networks up to there.";

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct GenerateArguments {
    /// The samples to learn from, see below
    #[arg(long, value_name = "DATA", value_parser = data_parser())]
    data: Data,
    /// Number of samples taken from a file or drawn from a law, those held out included
    /// [default: all in the file; 11000 of a law]
    #[arg(long, value_name = "M", value_parser = whole::<usize>)]
    count: Option<usize>,
    /// Columns of a csv file that are coordinates, NAME,… or numbers from 1 for files without a header
    /// [default: all]
    #[arg(long, value_name = "NAMES")]
    columns: Option<Columns>,
    /// Number of samples that are held out, chosen at random [default: a tenth, at most 2000]
    #[arg(long, value_name = "L", value_parser = whole::<usize>)]
    held_out: Option<usize>,
    /// End when the least D² to the data held out is this many networks old; 0 learns all networks
    #[arg(long, value_name = "K", default_value_t = GenerateSettings::PATIENCE, value_parser = whole::<u64>)]
    patience: u64,
    /// Dimension d of gaussian-mixture, at least 2
    #[arg(long, value_name = "D", default_value_t = 2, value_parser = whole::<usize>)]
    dim: usize,
    /// Exponent r of the kernel −|x−y|ʳ, ½ < r < 2
    #[arg(long, value_name = "R", default_value_t = 1.0, value_parser = number)]
    exponent: f64,
    /// Number N of particles [default: as many as training samples, at most 20000]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    particles: Option<usize>,
    /// Size h of a step of the particle flow [default: a tenth of the root mean square distance of the
    /// training data to its mean, for r = 1]
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

/// Reads data; a path that is not UTF-8 is refused by name.
fn data_parser() -> impl TypedValueParser<Value = Data> {
    OsStringValueParser::new().try_map(|text| Data::from_os_str(&text))
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

/// The command with what it computes in its help.
pub(super) fn with_explanation(command: Command) -> Command {
    command.after_help(format!("{EXPLANATION}\n\n{FOLDER}"))
}

pub(super) fn run(arguments: &GenerateArguments) -> Result<(), Failure> {
    let started = Instant::now();
    let settings = arguments.settings();
    settings
        .validate()
        .map_err(|error| Failure::input(&error))?;
    let experiment = Experiment::Generate(settings.clone());
    let (dim, seed) = (arguments.dim, arguments.seed);
    let inputs = Inputs::read(&experiment, dim, seed, Path::new(""));
    let inputs = inputs.map_err(|error| Failure::input(&error))?;
    let settings = arguments.held_out(settings, &inputs);
    let config = Config::generate(&settings, &inputs, arguments.exponent, seed);
    let config = config.map_err(|error| Failure::input(&error))?;
    let config = arguments.apply(config);
    let output = arguments.output(&config);
    flow::execute(&output, Naming::Options, || {
        run_with(&config, inputs, started, &output)
    })
}

impl GenerateArguments {
    fn settings(&self) -> GenerateSettings {
        GenerateSettings {
            count: self.count,
            columns: self.columns.clone().unwrap_or_default(),
            held_out: self.held_out.unwrap_or(GenerateSettings::LEAST_HELD_OUT),
            patience: self.patience,
            data: self.data.clone(),
        }
    }

    /// The settings with the default for what is held out.
    fn held_out(&self, settings: GenerateSettings, inputs: &Inputs) -> GenerateSettings {
        match self.held_out {
            Some(_) => settings,
            None => settings.holding_out_of(inputs),
        }
    }

    /// The configuration, changed by the options.
    fn apply(&self, config: Config) -> Config {
        let flow_step = self.flow_step.or(config.flow_step);
        let particles = self.particles.unwrap_or(config.particles);
        let size = flow_step.unwrap_or(0.0);
        let [first, most] =
            [self.first_flow_steps, self.most_flow_steps].map(|steps| steps as f64 * size);
        let (tau, time) = StepSizes::doubling(first, most, self.networks);
        let iterations = self.iterations.unwrap_or(config.iterations);
        let save_at = match config.save_at {
            SaveAt::Times(_) => SaveAt::Times(vec![time]),
            every => every,
        };
        Config {
            tau,
            time,
            particles,
            flow_step,
            momentum: self.momentum.unwrap_or(config.momentum),
            directions: self.directions.or(config.directions),
            precision: self.precision,
            iterations,
            first_iterations: iterations,
            batch: self.batch.unwrap_or(config.batch.min(particles)),
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

    fn output(&self, config: &Config) -> Output {
        let output = self.output.output(config);
        if !output.progress {
            return output;
        }
        let table =
            matches!(&self.data, Data::File(_)) && self.data.to_string().starts_with("csv:");
        let mixture = matches!(self.data, Data::GaussianMixture(_));
        let given = [
            ("--columns", self.columns.is_some() && !table),
            ("--dim", self.dim != 2 && !mixture),
        ];
        let unused = given.into_iter().filter(|(_, unused)| *unused);
        let unused: Vec<&str> = unused.map(|(name, _)| name).collect();
        let notes = flow::no_effect(&unused, &format!("--data {}", self.data));
        Output {
            notes: notes.into_iter().collect(),
            ..output
        }
    }
}
