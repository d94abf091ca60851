//! `rieszflow mmd`: the flow of the squared discrepancy from a start towards a target.

use clap::{Args, Command};
use rieszflow_cli::targets::{Start, Target};
use rieszflow_cli::{Config, MmdSettings};

use super::flow::{self, FlowOptions};
use super::{Failure, number, whole};

const EXPLANATION: &str = "\
Computes the Wasserstein gradient flow of F(μ) = D²(μ,ν) − E(ν) from a start to a target ν, where D² \
is the squared discrepancy ∬|x−y|ʳdμdν − ½∬|x−x'|ʳdμdμ − ½∬|y−y'|ʳdνdν. A Dirac has to split: no \
transport map does that, which is why plans are learned.

TARGET: two-diracs, smiley (drawn by the program), image:PATH (PNG, JPEG or WebP; its ink is the \
mass), csv:PATH (a row per particle, optional column weight), npy:PATH (a matrix, a row per \
particle), idx:PATH (images such as MNIST's, plain or gzipped), gaussian-mixture:K, circle, line.
START: dirac:x1,x2,… (one number stands for all coordinates), diracs:x1,x2;y1,y2;…, uniform:lo,hi, \
gaussian, csv:PATH, npy:PATH.

The defaults depend on the target and take minutes; --preset paper takes the paper's settings for \
two-diracs, smiley, an image (its drawing) and idx (its digits), and hours.";

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct MmdArguments {
    /// The target to flow to, see below
    #[arg(long, value_name = "TARGET")]
    target: Target,
    /// Where the flow starts, see below [default: the paper's start for the target, else a Dirac at 0]
    #[arg(long, value_name = "START", allow_hyphen_values = true)]
    start: Option<Start>,
    /// Width of the filter that smooths an image or the smiley, in pixels of 100×100
    /// [default: 0.1 for images, 2 for the smiley]
    #[arg(long, value_name = "S", value_parser = number)]
    sigma: Option<f64>,
    /// Number M of particles drawn from images, the smiley, gaussian-mixture, circle and line
    /// [default: 6000 for images, else 2000]
    #[arg(long, value_name = "M", value_parser = whole::<usize>)]
    target_particles: Option<usize>,
    /// Number K of images taken from an idx file [default: 100]
    #[arg(long, value_name = "K", value_parser = whole::<usize>)]
    count: Option<usize>,
    #[command(flatten)]
    flow: FlowOptions,
}

/// The command with what it computes in its help.
pub(super) fn with_explanation(command: Command) -> Command {
    flow::explain(command, EXPLANATION, None)
}

pub(super) fn run(arguments: MmdArguments) -> Result<(), Failure> {
    let options = &arguments.flow;
    let mut mmd = MmdSettings::towards(arguments.target);
    mmd.start = arguments.start.unwrap_or(mmd.start);
    mmd.sigma = arguments.sigma.unwrap_or(mmd.sigma);
    mmd.target_particles = arguments.target_particles.unwrap_or(mmd.target_particles);
    mmd.count = arguments.count.unwrap_or(mmd.count);
    let config = Config::mmd(options.scheme(), &mmd, options.seed(), options.preset());
    let config = options.apply(config.map_err(|error| Failure::input(&error))?);
    flow::run(&config, &options.output(&config))
}
