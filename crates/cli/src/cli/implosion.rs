//! `rieszflow implosion`: a flow that collapses into a point and spreads again, against its closed form.

use std::time::Instant;

use clap::{Args, Command};
use rieszflow_cli::{Config, Inputs, SchemeKind};

use super::flow::{self, FlowOptions};
use super::{Failure, launch};

const EXPLANATION: &str = "\
Computes the Wasserstein gradient flow of F(μ) = ∫(1_{a<0}|b| − a)dμ − ½∬1_{a≥0,a'≥0}|b−b'|dμdμ' on \
the plane of points (a,b) from δ₋₁⊗U[−1,1]. It implodes into the point (0,0) at flow time 1 and \
explodes again. Each time step is measured against the exact flow.";

#[derive(Args)]
pub(super) struct ImplosionArguments {
    #[command(flatten)]
    flow: FlowOptions,
}

/// The command with its defaults told in its help.
pub(super) fn with_defaults(command: Command) -> Command {
    flow::explain(
        command,
        EXPLANATION,
        Some(&Config::implosion(SchemeKind::Backward)),
    )
}

pub(super) fn run(arguments: ImplosionArguments) -> Result<(), Failure> {
    let options = arguments.flow;
    let config = options.apply(Config::implosion(options.scheme()));
    launch::run(&options, &config, Inputs::default(), Instant::now(), None)
}
