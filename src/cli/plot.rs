//! `rieszflow plot`: the figures of a run once more, or several runs in one figure.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use rieszflow::{PlotError, plot, plot_together};

use super::{Failure, print};

#[derive(Args)]
pub(super) struct Arguments {
    /// Folders of runs: one to redraw its figures, several to compare their discrepancies
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Figure that compares several runs
    #[arg(long, value_name = "FILE", default_value = "metrics.png")]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folders: Vec<&Path> = arguments.folders.iter().map(PathBuf::as_path).collect();
    let (drawn, done) = match folders[..] {
        [folder] => (plot(folder), format!("figures in {}", folder.display())),
        _ => (
            plot_together(&folders, &arguments.out),
            arguments.out.display().to_string(),
        ),
    };
    drawn.map_err(|error| match error {
        PlotError::Figure(_) => Failure::run(error.to_string()),
        _ => Failure::input(&error),
    })?;
    print(|out| writeln!(out, "{done}"))
}
