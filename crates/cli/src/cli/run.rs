//! `rieszflow run`: a flow from a configuration file.

use std::path::PathBuf;

use clap::Args;
use rieszflow_cli::Config;

use super::output::OutputOptions;
use super::{Failure, flow};

#[derive(Args)]
pub(super) struct Arguments {
    /// A configuration in TOML, such as the config.toml that every run writes
    #[arg(value_name = "CONFIG.toml")]
    config: PathBuf,
    #[command(flatten)]
    output: OutputOptions,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = Config::read(&arguments.config).map_err(|error| Failure::input(&error))?;
    flow::run(&config, &arguments.output.output(&config))
}
