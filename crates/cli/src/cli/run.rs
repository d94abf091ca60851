//! `rieszflow run`: a flow from a configuration file.

use std::path::PathBuf;

use clap::Args;
use rieszflow_cli::Config;

use super::Failure;
use super::flow::{self, Naming};
use super::output::OutputOptions;

#[derive(Args)]
pub(super) struct RunArguments {
    /// A configuration in TOML, such as the config.toml that every run writes
    #[arg(value_name = "CONFIG.toml")]
    config: PathBuf,
    #[command(flatten)]
    output: OutputOptions,
}

pub(super) fn run(arguments: &RunArguments) -> Result<(), Failure> {
    let config = Config::read(&arguments.config).map_err(|error| Failure::input(&error))?;
    let output = arguments.output.output(&config);
    flow::execute(&output, Naming::Keys, || {
        rieszflow_cli::run(&config, &output)
    })
}
