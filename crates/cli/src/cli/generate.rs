//! `rieszflow generate`: a chain of networks that learns to sample the law of data.

use std::path::Path;
use std::time::Instant;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Command};
use rieszflow_cli::files::particles::Columns;
use rieszflow_cli::targets::Data;
use rieszflow_cli::{Config, Experiment, GenerateSettings, Inputs, Output, run_with};

use super::chain::ChainOptions;
use super::flow::{self, FOLDER, Naming};
use super::{Failure, whole};

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
    /// Dimension d of gaussian-mixture, at least 2
    #[arg(long, value_name = "D", default_value_t = 2, value_parser = whole::<usize>)]
    dim: usize,
    /// Number N of particles [default: as many as training samples, at most 20000]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    particles: Option<usize>,
    #[command(flatten)]
    chain: ChainOptions,
}

/// Reads data; a path that is not UTF-8 is refused by name.
fn data_parser() -> impl TypedValueParser<Value = Data> {
    OsStringValueParser::new().try_map(|text| Data::from_os_str(&text))
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
    let (dim, seed) = (arguments.dim, arguments.chain.seed());
    let inputs = Inputs::read(&experiment, dim, seed, Path::new(""));
    let inputs = inputs.map_err(|error| Failure::input(&error))?;
    let settings = arguments.held_out(settings, &inputs);
    let config = Config::generate(&settings, &inputs, arguments.chain.exponent(), seed);
    let config = config.map_err(|error| Failure::input(&error))?;
    let particles = arguments.particles.unwrap_or(config.particles);
    let config = arguments.chain.apply(Config {
        particles,
        ..config
    });
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
            held_out: self
                .chain
                .held_out()
                .unwrap_or(GenerateSettings::LEAST_HELD_OUT),
            patience: self.chain.patience(),
            data: self.data.clone(),
        }
    }

    /// The settings with the default for what is held out.
    fn held_out(&self, settings: GenerateSettings, inputs: &Inputs) -> GenerateSettings {
        match self.chain.held_out() {
            Some(_) => settings,
            None => settings.holding_out_of(inputs),
        }
    }

    fn output(&self, config: &Config) -> Output {
        let output = self.chain.output(config);
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
