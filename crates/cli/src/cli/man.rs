//! `rieszflow man`: the manual pages, made from the same descriptions as the help.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use clap_mangen::Man;

use super::{Failure, command, print};

#[derive(Args)]
pub(super) struct ManArguments {
    /// Folder to write the pages of all commands to, instead of printing that of the program
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(arguments: &ManArguments) -> Result<(), Failure> {
    let Some(folder) = &arguments.out else {
        let mut page = Vec::new();
        return Man::new(command())
            .render(&mut page)
            .map_err(|error| Failure::run(error.to_string()))
            .and_then(|()| print(|out| out.write_all(&page)));
    };
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command(), folder))
        .map_err(|error| {
            let folder = folder.display();
            Failure::run(format!("cannot write manual pages to {folder}: {error}"))
        })?;
    print(|out| writeln!(out, "manual pages in {}", folder.display()))
}
