//! `rieszflow interaction`: the flow of the interaction energy from a Dirac, against its closed form.

use std::time::Instant;

use clap::{Args, Command};
use rieszflow_cli::{Config, Inputs, SchemeKind};

use super::flow::{self, FlowOptions};
use super::{Failure, launch};

const EXPLANATION: &str = "\
Computes the Wasserstein gradient flow of E(μ) = −½∬|x−y|ʳ dμdμ from a Dirac at 0 in ℝᵈ. At flow \
time t it is an equilibrium measure scaled by c(t) = ((2−r)t)^{1/(2−r)}. Each time step is measured \
against the exact measure of its scheme: the exact JKO iterate for the backward scheme, exact \
steepest descent for the forward scheme, the flow itself for the particle flow. The forward scheme \
takes 2000 iterations a time step by default. From d = 5 on the backward scheme has one hidden layer of \
max(128, d) units by default. Its first step takes more iterations than the others: 2500 and 140, \
1000 and 200 for d = 1, 2000 and 125 from d = 5 on, 1000 and 250 for r < 1.";

#[derive(Args)]
pub(super) struct InteractionArguments {
    #[command(flatten)]
    flow: FlowOptions,
}

/// The command with its defaults told in its help.
pub(super) fn with_defaults(command: Command) -> Command {
    let config = Config::interaction(SchemeKind::Backward, 2, 1.0);
    flow::explain(command, EXPLANATION, Some(&config))
}

pub(super) fn run(arguments: InteractionArguments) -> Result<(), Failure> {
    let options = arguments.flow;
    let defaults = Config::interaction(
        options.scheme(),
        options.dim().unwrap_or(2),
        options.exponent().unwrap_or(1.0),
    );
    let config = options.apply(defaults);
    launch::run(&options, &config, Inputs::default(), Instant::now(), None)
}
