//! `rieszflow mmd`: the flow of the squared discrepancy from a start towards a target.

use std::path::Path;
use std::time::Instant;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Command};
use rieszflow_cli::files::particles::Columns;
use rieszflow_cli::targets::{ExactLaw, Start, Target};
use rieszflow_cli::{Config, Experiment, Inputs, MmdSettings};

use super::flow::{self, FlowOptions};
use super::{Failure, launch, number, whole};

const EXPLANATION: &str = "\
Computes the Wasserstein gradient flow of F(μ) = D²(μ,ν) − E(ν) from a start to a target ν, where D² \
is the squared discrepancy ∬|x−y|ʳdμdν − ½∬|x−x'|ʳdμdμ − ½∬|y−y'|ʳdνdν. A Dirac has to split: no \
transport map does that, which is why plans are learned.

TARGET: two-diracs, smiley (drawn by the program), image:PATH (PNG, JPEG or WebP; its ink is the \
mass), csv:PATH (a row per particle, optional column weight), npy:PATH (a matrix, a row per \
particle), idx:PATH (images such as MNIST's, plain or gzipped), circle, line; csv:- and npy:- read \
standard input. Exact laws, of which no particles are drawn, since their potential is known: \
equilibrium:A (the equilibrium η* of the exponent scaled by A), sphere:A and ball:A (uniform, radius \
A), gaussian:S (N(0, S²I)), in dimension --dim [default: that of the start, else 2], and \
gaussian-mixture:K in the plane (drawn with --target-particles). Towards equilibrium:A, and towards \
sphere:A if r + d ≥ 4, the flow from dirac:0 and the steps of both schemes are known exactly, and D² \
is measured to them.
START: dirac:x1,x2,… (one number stands for all coordinates), diracs:x1,x2;y1,y2;…, uniform:lo,hi, \
gaussian, csv:PATH (a row per particle; with a column weight, N particles share the weights), npy:PATH.

The defaults depend on the target and take minutes; --preset paper takes the paper's settings for \
two-diracs, smiley, an image (its drawing) and idx (its digits), and hours.";

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct MmdArguments {
    /// The target to flow to, see below
    #[arg(long, value_name = "TARGET", value_parser = target_parser())]
    target: Target,
    /// Where the flow starts, see below [default: the paper's start for the target, else a Dirac at 0]
    #[arg(
        long,
        value_name = "START",
        allow_hyphen_values = true,
        value_parser = start_parser()
    )]
    start: Option<Start>,
    /// Width of the filter that smooths an image or the smiley, in pixels of 100×100
    /// [default: 0.1 for images, 2 for the smiley]
    #[arg(long, value_name = "S", value_parser = number)]
    sigma: Option<f64>,
    /// Number M of particles drawn from images, the smiley, circle and line, and from
    /// gaussian-mixture if given [default: 6000 for images, else 2000]
    #[arg(long, value_name = "M", value_parser = whole::<usize>)]
    target_particles: Option<usize>,
    /// Number K of images taken from an idx file [default: 100]
    #[arg(long, value_name = "K", value_parser = whole::<usize>)]
    count: Option<usize>,
    /// Columns of a csv file that are coordinates, NAME,… or numbers from 1 for files without a header
    /// [default: all but weight]
    #[arg(long, value_name = "NAMES")]
    columns: Option<Columns>,
    #[command(flatten)]
    flow: FlowOptions,
}

/// Reads a target; a path that is not UTF-8 is refused by name.
fn target_parser() -> impl TypedValueParser<Value = Target> {
    OsStringValueParser::new().try_map(|text| Target::from_os_str(&text))
}

/// Reads a start in the same way.
fn start_parser() -> impl TypedValueParser<Value = Start> {
    OsStringValueParser::new().try_map(|text| Start::from_os_str(&text))
}

/// The command with what it computes in its help.
pub(super) fn with_explanation(command: Command) -> Command {
    flow::explain(command, EXPLANATION, None)
}

pub(super) fn run(arguments: &MmdArguments) -> Result<(), Failure> {
    let started = Instant::now();
    let options = &arguments.flow;
    let mut mmd = MmdSettings::towards(arguments.target.clone()).with_preset(options.preset());
    mmd.start = arguments.start.clone().unwrap_or(mmd.start);
    mmd.sigma = arguments.sigma.unwrap_or(mmd.sigma);
    mmd.target_particles = arguments.target_particles.or(mmd.target_particles);
    mmd.count = arguments.count.unwrap_or(mmd.count);
    mmd.columns = arguments.columns.clone().unwrap_or(mmd.columns);
    mmd.validate().map_err(|error| Failure::input(&error))?;
    let (scheme, seed, preset) = (options.scheme(), options.seed(), options.preset());
    let experiment = Experiment::Mmd(mmd.clone());
    let inputs = Inputs::read(&experiment, 2, seed, Path::new(""));
    // A law is one in every dimension, if it and the start do not tell.
    let inputs = inputs.map_err(|error| Failure::input(&error))?;
    let inputs = inputs.or_dim(options.dim());
    let config = Config::mmd_with(scheme, &mmd, &inputs, seed, preset);
    let config = options.apply(config);
    launch::run(options, &config, inputs, started, arguments.notes(&mmd))
}

impl MmdArguments {
    /// A note about options that the target and the start do not use.
    fn notes(&self, mmd: &MmdSettings) -> Option<String> {
        let target = &mmd.target;
        let inked = matches!(target, Target::Image(_) | Target::Smiley);
        let drawn = inked
            || matches!(
                target,
                Target::Law(ExactLaw::GaussianMixture(_)) | Target::Circle | Target::Line
            );
        let table = matches!(target, Target::Csv(_)) || matches!(mmd.start, Start::Csv(_));
        let images = matches!(target, Target::Idx(_));
        let given = [
            ("--sigma", self.sigma.is_some() && !inked),
            (
                "--target-particles",
                self.target_particles.is_some() && !drawn,
            ),
            ("--count", self.count.is_some() && !images),
            ("--columns", self.columns.is_some() && !table),
        ];
        let unused = given.into_iter().filter(|(_, unused)| *unused);
        let unused: Vec<&str> = unused.map(|(name, _)| name).collect();
        flow::no_effect(&unused, &format!("--target {target}"))
    }
}
