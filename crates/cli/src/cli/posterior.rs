//! `rieszflow posterior`: a chain of networks that learns to sample an unknown given its observation.

use std::path::Path;
use std::time::Instant;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Command};
use rieszflow_cli::files::particles::Columns;
use rieszflow_cli::posterior::PairData;
use rieszflow_cli::{
    Config, Experiment, GenerateSettings, Inputs, Output, PosteriorSettings, run_with,
};

use super::chain::ChainOptions;
use super::flow::{self, FOLDER, Naming};
use super::{Failure, number, whole};

const EXPLANATION: &str = "\
Learns to draw an unknown x given its observation y from pairs (x, y). Particles (x_i, y_i) start with \
normal x_i and the y_i of the training pairs, and follow the flow of F(μ) = D²(μ,ν) − E(ν) in the space of \
pairs, where only the x_i move; a chain of networks T(x, y) learns their way as in rieszflow generate. \
rieszflow sample DIR --condition y1,y2,… --count N draws from the posterior at y: normal starts that pass \
through all networks with this y. --condition csv:PATH or npy:PATH takes an observation from each row.

DATA: csv:PATH (a pair in each row), npy:PATH (a matrix, a pair in each row); csv:- and npy:- read \
standard input. --observed names the columns that are observed, in the order of conditions; the others are \
unknown. Problems with an exact posterior, to try it with: linear-gaussian (x from N(0, 1), y = x + ε/2, so \
that the posterior is N(0.8y, 0.2)) and linear-mixture:K (x from gaussian-mixture:K in the plane, y its first \
coordinate plus ε/4). Their mean posterior D² is printed: that of 1000 draws to the exact posterior, over 50 \
observations.

A linear regression on the observations is subtracted from the unknowns, so that networks learn how posteriors \
differ from it. The residuals are scaled to standard deviation 1, the observations to --observation-scale. \
snapshots, final.csv and target.npy show pairs in these coordinates, the observed columns last; sample gives \
unknowns in the units of the data.

A part of the pairs is held out. After each network fresh samples at their observations are compared with \
them: D² of pairs is the column discrepancy of metrics.csv, and discrepancy_target that of the flow's own \
particles to the training pairs. When the least of them is --patience networks old, the run ends, and \
rieszflow sample takes the networks up to there.";

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct PosteriorArguments {
    /// The pairs to learn from, see below
    #[arg(long, value_name = "DATA", value_parser = data_parser())]
    data: PairData,
    /// The observed columns, NAME,… or numbers from 1 for files without a header
    #[arg(long, value_name = "COLUMNS")]
    observed: Option<Columns>,
    /// Columns of a csv file that count, NAME,… or numbers from 1 for files without a header
    /// [default: all]
    #[arg(long, value_name = "NAMES")]
    columns: Option<Columns>,
    /// Number of pairs taken from a file or drawn of a problem, those held out included
    /// [default: all in the file; 11000 of a problem]
    #[arg(long, value_name = "M", value_parser = whole::<usize>)]
    count: Option<usize>,
    /// Standard deviation of the observations, where that of the unknowns is 1: a larger one keeps
    /// observations apart that differ little
    #[arg(
        long,
        value_name = "S",
        default_value_t = PosteriorSettings::OBSERVATION_SCALE,
        value_parser = number
    )]
    observation_scale: f64,
    #[command(flatten)]
    chain: ChainOptions,
}

/// Reads data; a path that is not UTF-8 is refused by name.
fn data_parser() -> impl TypedValueParser<Value = PairData> {
    OsStringValueParser::new().try_map(|text| PairData::from_os_str(&text))
}

/// The command with what it computes in its help.
pub(super) fn with_explanation(command: Command) -> Command {
    command.after_help(format!("{EXPLANATION}\n\n{FOLDER}"))
}

pub(super) fn run(arguments: &PosteriorArguments) -> Result<(), Failure> {
    let started = Instant::now();
    let chain = &arguments.chain;
    let settings = arguments.settings();
    settings
        .validate()
        .map_err(|error| Failure::input(&error))?;
    let experiment = Experiment::Posterior(settings.clone());
    let inputs = Inputs::read(&experiment, 0, chain.seed(), Path::new(""));
    let inputs = inputs.map_err(|error| Failure::input(&error))?;
    let settings = match chain.held_out() {
        Some(_) => settings,
        None => settings.holding_out_of(&inputs),
    };
    let config = Config::posterior(&settings, &inputs, chain.exponent(), chain.seed());
    let config = config.map_err(|error| Failure::input(&error))?;
    let config = chain.apply(config);
    let output = arguments.output(&config);
    flow::execute(&output, Naming::Options, || {
        run_with(&config, inputs, started, &output)
    })
}

impl PosteriorArguments {
    fn settings(&self) -> PosteriorSettings {
        let held_out = self.chain.held_out();
        PosteriorSettings {
            data: self.data.clone(),
            observed: self.observed.clone().unwrap_or_default(),
            columns: self.columns.clone().unwrap_or_default(),
            count: self.count,
            observation_scale: self.observation_scale,
            held_out: held_out.unwrap_or(GenerateSettings::LEAST_HELD_OUT),
            patience: self.chain.patience(),
        }
    }

    fn output(&self, config: &Config) -> Output {
        let output = self.chain.output(config);
        let unused = self.columns.is_some() && !matches!(self.data, PairData::Csv(_));
        let unused: &[&str] = if unused { &["--columns"] } else { &[] };
        let notes = flow::no_effect(unused, &format!("--data {}", self.data));
        Output {
            notes: notes.filter(|_| output.progress).into_iter().collect(),
            ..output
        }
    }
}
