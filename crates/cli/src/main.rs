//! The command line `rieszflow`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
