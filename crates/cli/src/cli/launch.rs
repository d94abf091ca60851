//! Runs what options describe: one flow, or one from each seed.

use std::time::Instant;

use rieszflow_cli::{Config, Inputs};

use super::flow::{self, FlowOptions, Naming};
use super::{Failure, ensemble};

/// Runs a configuration with the inputs that have been read since `started`, and prints the folder and
/// the main results.
pub(super) fn run(
    options: &FlowOptions,
    config: &Config,
    inputs: Inputs,
    started: Instant,
    notes: Option<String>,
) -> Result<(), Failure> {
    let mut output = options.output(config);
    if output.progress {
        output.notes.extend(notes);
    }
    match options.seeds() {
        Some(seeds) => ensemble::run(config, &inputs, seeds, &output),
        None => flow::execute(&output, Naming::Options, || {
            rieszflow_cli::run_with(config, inputs, started, &output)
        }),
    }
}
