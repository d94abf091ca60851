//! `rieszflow plot`: the figures of a run once more, or several runs in one figure.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use rieszflow::{Config, PlotError, plot, plot_together};

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
    let (drawn, done) = match &arguments.folders[..] {
        [folder] => (plot(folder), format!("figures in {}", folder.display())),
        folders => {
            let title = title(&folders[0])?;
            let drawn = plot_together(&[(title, folders.to_vec())], &arguments.out);
            (drawn, arguments.out.display().to_string())
        }
    };
    drawn.map_err(|error| match error {
        PlotError::Figure(_) => Failure::run(error.to_string()),
        _ => Failure::input(&error),
    })?;
    print(|out| writeln!(out, "{done}"))
}

/// Which flow the run in `folder` approximates.
fn title(folder: &Path) -> Result<String, Failure> {
    let config = Config::read(&folder.join("config.toml"));
    Ok(config.map_err(|error| Failure::input(&error))?.flow_title())
}
