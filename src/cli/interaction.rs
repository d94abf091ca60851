//! `rieszflow interaction`: the flow of the interaction energy from a Dirac, against its closed form.

use clap::Args;
use rieszflow::Config;

use super::Failure;
use super::flow::{self, FlowOptions};

/// Computes the Wasserstein gradient flow of E(μ) = −½∬|x−y|ʳ dμdμ from a Dirac at 0 in ℝᵈ, and
/// measures each time step against the exact measure. Writes a folder with config.toml,
/// metrics.csv, snapshots.csv, snapshots.npz, final.csv, summary.json, snapshots.png and
/// metrics.png.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    flow: FlowOptions,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let options = arguments.flow;
    let config = Config::interaction(options.scheme(), options.dim(), options.exponent());
    let config = options.apply(config);
    flow::run(&config, &options.output(&config))
}
