//! `rieszflow plot`: the figures of a run once more, or several runs in one figure.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use rieszflow::{Config, PlotError, RunError, plot, plot_together};

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
            let title = title(folders)?;
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

/// Which flow the runs approximate, if it is one.
fn title(folders: &[PathBuf]) -> Result<String, Failure> {
    let config = |folder: &PathBuf| Config::read(&folder.join("config.toml"));
    let titles = folders
        .iter()
        .map(|folder| Ok(config(folder)?.flow_title()));
    let titles: Result<Vec<String>, RunError> = titles.collect();
    let mut titles = titles.map_err(|error| Failure::input(&error))?;
    titles.dedup();
    Ok(match &titles[..] {
        [title] => title.clone(),
        _ => "Several flows".to_owned(),
    })
}
