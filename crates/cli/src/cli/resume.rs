//! `rieszflow resume`: an interrupted run continued from its latest checkpoint.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::flow::{self, Naming};
use super::output::RunningOptions;

const EXPLANATION: &str = "\
Continues from the latest checkpoint that is whole, inside a time step too, or from the start if the \
run was interrupted before the first. The result is the same, to the bit, as if the run had never \
stopped, whatever the number of threads; only the wall times differ.";

#[derive(Args)]
#[command(after_help = EXPLANATION, allow_negative_numbers = true)]
pub(super) struct ResumeArguments {
    /// The folder of a run that was interrupted
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    running: RunningOptions,
}

pub(super) fn run(arguments: &ResumeArguments) -> Result<(), Failure> {
    let output = arguments.running.output(arguments.folder.clone());
    flow::execute(&output, Naming::Keys, || rieszflow_cli::resume(&output))
}
