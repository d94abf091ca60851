//! The commands and what they share: parsing, dispatch, exit status.

mod closed_form;
mod flow;
mod implosion;
mod interaction;
mod line;
mod verify;

use std::error::Error;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Wasserstein gradient flows of discrepancies with Riesz kernels −|x−y|ʳ, 0 < r < 2.
#[derive(Parser)]
#[command(name = "rieszflow", version, about, long_about = None, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Flow of the interaction energy from a Dirac, measured against its closed form
    Interaction(interaction::Arguments),
    /// Flow that collapses into a point and spreads again, measured against its closed form
    Implosion(implosion::Arguments),
    /// Evaluate the closed forms of the interaction energy from a Dirac
    ClosedForm(closed_form::Arguments),
    /// Check everything that has an exact answer, as a table; exit 1 if a check fails
    Verify(verify::Arguments),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the program: 0 done, 1 the flow diverged or a file could not be written, 2 bad input.
pub(crate) fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Interaction(arguments) => interaction::run(arguments),
        Command::Implosion(arguments) => implosion::run(arguments),
        Command::ClosedForm(arguments) => closed_form::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Completions { shell } => {
            let command = &mut Cli::command();
            clap_complete::generate(shell, command, "rieszflow", &mut std::io::stdout());
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", failure.message);
            ExitCode::from(failure.status)
        }
    }
}

/// A message for a person, and the exit status.
struct Failure {
    status: u8,
    message: String,
}

impl Failure {
    /// Bad arguments or input.
    fn input(error: &dyn Error) -> Self {
        Self {
            status: 2,
            message: error.to_string(),
        }
    }

    /// The flow diverged, or its files could not be written.
    fn run(message: String) -> Self {
        Self { status: 1, message }
    }
}
