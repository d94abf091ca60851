//! The option `--seeds`: a flow from several seeds, and the mean and spread of the runs.

use std::io::{Write, stdout};

use rieszflow_cli::{Config, Ensemble, EnsembleError, Inputs, Output, Seeds, Status, run_ensemble};

use super::flow::{Naming, failure};
use super::{Failure, INTERRUPTED, print, signals};

/// Runs the configuration from every seed and prints mean and spread.
pub(super) fn run(
    config: &Config,
    inputs: &Inputs,
    seeds: &Seeds,
    output: &Output,
) -> Result<(), Failure> {
    signals::listen(&output.stop)?;
    let folder = output.folder.display().to_string();
    let message = format!("interrupted; continue each run with: rieszflow resume {folder}/seed-…");
    signals::end_late_runs(&output.stop, &output.saving, move || message.clone());
    for note in &output.notes {
        eprintln!("note: {note}");
    }
    let report = |line: &str| {
        if output.progress {
            // A closed pipe does not stop the runs.
            let _ = writeln!(stdout(), "{line}");
        }
    };
    let ensemble = run_ensemble(config, inputs, seeds, output, &report);
    let ensemble = ensemble.map_err(|error| match &error {
        EnsembleError::Run(seed, error) => {
            let failure = failure(error, Naming::Options);
            let message = format!("seed {seed}: {}", failure.message);
            Failure { message, ..failure }
        }
        EnsembleError::Threads(_) => Failure::input(&error),
        _ => Failure::run(error.to_string()),
    })?;
    if output.progress {
        print(|out| {
            if let Some(end) = ensemble.end {
                let runs = end.runs;
                writeln!(
                    out,
                    "D² at the end: {end} (mean ± standard deviation of {runs} runs)"
                )?;
            }
            writeln!(out, "table in {folder}/ensemble.csv")
        })?;
    }
    outcome(&ensemble, seeds)
}

/// The failure of the runs that were interrupted, or else diverged.
fn outcome(ensemble: &Ensemble, seeds: &Seeds) -> Result<(), Failure> {
    let of_status = |status: Status| {
        let runs = ensemble.runs.iter();
        runs.filter(move |(_, _, summary)| summary.status == status)
    };
    let interrupted = of_status(Status::Interrupted);
    let commands: Vec<String> = interrupted
        .map(|(_, folder, _)| format!("rieszflow resume {}", folder.display()))
        .collect();
    let not_started = seeds.as_slice().len() - ensemble.runs.len();
    if !commands.is_empty() || not_started > 0 {
        let not_started = format!("interrupted; {not_started} runs were not started");
        let message = match commands[..] {
            [] => not_started,
            _ => format!("{not_started}; continue with: {}", commands.join("; ")),
        };
        return Err(Failure {
            status: INTERRUPTED,
            message,
        });
    }
    let diverged = of_status(Status::Diverged).map(|(seed, _, summary)| {
        let reason = summary.reason.clone().unwrap_or_default();
        format!("seed {seed} diverged in {reason:#}")
    });
    let diverged: Vec<String> = diverged.collect();
    match diverged[..] {
        [] => Ok(()),
        _ => Err(Failure::run(diverged.join("\n"))),
    }
}
