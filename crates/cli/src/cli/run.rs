//! `rieszflow run`: a flow from a configuration file.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use rieszflow_cli::{Config, Inputs};

use super::Failure;
use super::flow::{self, Naming};
use super::output::OutputOptions;

#[derive(Args)]
pub(super) struct RunArguments {
    /// A configuration in TOML, such as the config.toml that every run writes; relative paths in it
    /// begin at its folder
    #[arg(value_name = "CONFIG.toml")]
    config: PathBuf,
    #[command(flatten)]
    output: OutputOptions,
}

pub(super) fn run(arguments: &RunArguments) -> Result<(), Failure> {
    let started = Instant::now();
    let config = Config::read(&arguments.config).map_err(|error| Failure::input(&error))?;
    let folder = arguments.config.parent().unwrap_or(Path::new(""));
    let inputs = Inputs::read(&config.experiment, config.dim, config.seed, folder);
    let inputs = inputs.map_err(|error| Failure::input(&error))?;
    let output = arguments.output.output(&config);
    flow::execute(&output, Naming::Keys, || {
        rieszflow_cli::run_with(&config, inputs, started, &output)
    })
}
