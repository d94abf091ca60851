//! The commands and what they share: parsing, dispatch, exit status.

mod chain;
mod closed_form;
mod discrepancy;
mod ensemble;
mod flow;
mod generate;
mod hint;
mod implosion;
mod interaction;
mod launch;
mod man;
mod mmd;
#[cfg(feature = "mpi")]
mod mpi;
mod output;
mod plot;
mod posterior;
mod reproduce;
mod resume;
mod run;
mod sample;
mod signals;
mod verify;

use std::error::Error;
use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};
use std::process::ExitCode;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// Exit status after a signal, as of shells.
const INTERRUPTED: u8 = 130;

/// Heading of the options that decide about files.
const FILES: &str = "Files and output";

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
    Interaction(interaction::InteractionArguments),
    /// Flow that collapses into a point and spreads again, measured against its closed form
    Implosion(implosion::ImplosionArguments),
    /// Flow of the squared discrepancy towards a target: images, Diracs, digits, your own particles
    Mmd(mmd::MmdArguments),
    /// Learn to sample the law of data: a chain of networks that follows a flow with momentum
    Generate(generate::GenerateArguments),
    /// Learn to sample an unknown given its observation, from pairs: a conditional chain of networks
    Posterior(posterior::PosteriorArguments),
    /// Any flow from a configuration file, such as a run's config.toml
    Run(run::RunArguments),
    /// Continue an interrupted run from its latest checkpoint, to the same bits
    Resume(resume::ResumeArguments),
    /// Draw fresh samples of a finished generate or posterior run, or fresh particles of a neural flow
    Sample(sample::SampleArguments),
    /// Redraw the figures of a run from its files, or compare several runs in one figure
    Plot(plot::PlotArguments),
    /// Make the paper's figures, with a page that shows them
    Reproduce(reproduce::ReproduceArguments),
    /// Squared discrepancy of two sets of particles, or of particles and an exact law
    Discrepancy(discrepancy::DiscrepancyArguments),
    /// Evaluate the closed forms: of the interaction energy from a Dirac, and of flows to a target
    ClosedForm(closed_form::ClosedFormArguments),
    /// Check everything that has an exact answer, as a table; exit 1 if a check fails
    Verify(verify::VerifyArguments),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write the pages of all commands
    Man(man::ManArguments),
}

/// Runs the program: 0 done, 1 the flow diverged or a file could not be written, 2 bad input,
/// 130 interrupted.
#[cfg(not(feature = "mpi"))]
pub(crate) fn main() -> ExitCode {
    program()
}

/// The same, on the ranks of MPI.
#[cfg(feature = "mpi")]
pub(crate) fn main() -> ExitCode {
    mpi::on_ranks(program)
}

/// Runs what the command line asks for.
fn program() -> ExitCode {
    let matches = command().try_get_matches();
    let given = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    let given = match given {
        Ok(given) => given,
        Err(error) => {
            let error = hint::with_hint(error);
            // A closed pipe is not a failure of its own.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let done = match given.command {
        Command::Interaction(arguments) => interaction::run(arguments),
        Command::Implosion(arguments) => implosion::run(arguments),
        Command::Mmd(arguments) => mmd::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Posterior(arguments) => posterior::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Resume(arguments) => resume::run(&arguments),
        Command::Sample(arguments) => sample::run(&arguments),
        Command::Plot(arguments) => plot::run(&arguments),
        Command::Reproduce(arguments) => reproduce::run(&arguments),
        Command::Discrepancy(arguments) => discrepancy::run(&arguments),
        Command::ClosedForm(arguments) => closed_form::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command(), "rieszflow", &mut script);
            print(|out| out.write_all(&script))
        }
        Command::Man(arguments) => man::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// The program's commands, with the defaults of each experiment in their help.
fn command() -> clap::Command {
    Cli::command()
        .mut_subcommand("interaction", interaction::with_defaults)
        .mut_subcommand("implosion", implosion::with_defaults)
        .mut_subcommand("mmd", mmd::with_explanation)
        .mut_subcommand("generate", generate::with_explanation)
        .mut_subcommand("posterior", posterior::with_explanation)
}

/// Reads a number; its range is checked where its meaning is known.
fn number(text: &str) -> Result<f64, String> {
    let expected = |_| "expected a number such as 0.05".to_owned();
    text.parse().map_err(expected)
}

/// Reads one of a few values by its name.
fn one_of<V: FromStr<Err = String> + Clone + Send + Sync + 'static>(
    names: &[&'static str],
) -> impl TypedValueParser<Value = V> {
    PossibleValuesParser::new(names.iter().copied()).try_map(|name| name.parse())
}

/// Reads a whole number.
fn whole<N: FromStr>(text: &str) -> Result<N, String> {
    let expected = |_| "expected a whole number such as 100, not negative and below 2⁶⁴".to_owned();
    text.parse().map_err(expected)
}

/// Writes to standard output. That the pipe is closed is not a failure.
fn print(
    write: impl FnOnce(&mut BufWriter<StdoutLock<'_>>) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = format!("cannot write to standard output: {error}");
            Err(Failure::run(message))
        }
        _ => Ok(()),
    }
}

/// A message for a person, and the exit status.
struct Failure {
    status: u8,
    message: String,
}

impl Failure {
    /// Bad arguments or input; settings are named as options.
    fn input(error: &dyn Error) -> Self {
        Self {
            status: 2,
            message: format!("{error:#}"),
        }
    }

    /// The flow diverged, or its files could not be written.
    fn run(message: String) -> Self {
        Self { status: 1, message }
    }

    /// Prints the message; the status with which the program ends.
    fn report(&self) -> ExitCode {
        let kind = if self.status == INTERRUPTED {
            ""
        } else {
            "error: "
        };
        eprintln!("{kind}{}", self.message);
        ExitCode::from(self.status)
    }
}
