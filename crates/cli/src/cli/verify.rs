//! `rieszflow verify`: every closed-form check, as a table.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use rieszflow_cli::verify::{Check, to_csv, to_line, to_markdown, verify};
use rieszflow_cli::with_threads;

use super::{Failure, print};

const EXPLANATION: &str = "\
Checks gradients, closed forms, convergence and the neural schemes against exact answers, and prints \
a line for each: result, measured error ≤ allowed error, what is checked against what, and the \
observed order of convergence where one is claimed. The exit status is 1 if a check fails.";

#[derive(Args)]
#[command(after_help = EXPLANATION)]
pub(super) struct VerifyArguments {
    /// Only what takes under half a minute on two cores; the whole takes minutes
    #[arg(long)]
    quick: bool,
    /// Also write the table to verify.csv and verify.md in this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(arguments: &VerifyArguments) -> Result<(), Failure> {
    if let Some(folder) = &arguments.out {
        fs::create_dir_all(folder).map_err(|error| Failure {
            status: 2,
            message: format!(
                "--out {} is not a folder that can be written to: {error}",
                folder.display()
            ),
        })?;
    }
    let checks = with_threads(None, || {
        verify(arguments.quick, &mut |check| {
            // A closed pipe does not stop the checks.
            let _ = writeln!(io::stdout(), "{}", line(check));
        })
    });
    let checks = checks.map_err(|error| Failure::input(&error))?;
    let failed = checks.iter().filter(|check| !check.passes()).count();
    let passed = checks.len() - failed;
    print(|out| writeln!(out, "{passed} passed, {failed} failed"))?;
    if let Some(folder) = &arguments.out {
        write(folder, &checks).map_err(|error| {
            Failure::run(format!("cannot write to {}: {error}", folder.display()))
        })?;
    }
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::run(format!("{failed} checks failed")))
}

fn line(check: &Check) -> String {
    let line = to_line(check);
    match (io::stdout().is_terminal(), check.passes()) {
        (false, _) => line,
        (true, true) => format!("\x1b[32m{}\x1b[0m{}", &line[..4], &line[4..]),
        (true, false) => format!("\x1b[31m{}\x1b[0m{}", &line[..4], &line[4..]),
    }
}

fn write(folder: &std::path::Path, checks: &[Check]) -> io::Result<()> {
    fs::write(
        folder.join("verify.csv"),
        to_csv(checks).map_err(io::Error::other)?,
    )?;
    fs::write(folder.join("verify.md"), to_markdown(checks))
}
