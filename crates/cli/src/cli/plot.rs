//! `rieszflow plot`: the figures of a run once more, or several runs in one figure.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use rieszflow_cli::{Config, ConfigFileError, PlotError, plot, plot_together};

use super::{Failure, print};

#[derive(Args)]
pub(super) struct PlotArguments {
    /// Folders of runs: one to redraw its figures, several to compare their discrepancies
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Figure that compares several runs, a PNG file [default: metrics.png]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(arguments: &PlotArguments) -> Result<(), Failure> {
    let (drawn, done) = match (&arguments.folders[..], &arguments.out) {
        ([folder], None) => (plot(folder), format!("figures in {}", folder.display())),
        ([folder], Some(_)) => {
            let folder = folder.display();
            return Err(refuse(format!(
                "--out needs several runs to compare; the figures of one are drawn in {folder}"
            )));
        }
        (folders, out) => {
            let out = out.clone().unwrap_or_else(|| PathBuf::from("metrics.png"));
            check_is_png(&out)?;
            let title = title(folders)?;
            let drawn = plot_together(&[(title, folders.to_vec())], &out);
            let (count, out) = (folders.len(), out.display());
            (drawn, format!("{count} runs compared in {out}"))
        }
    };
    drawn.map_err(|error| match error {
        PlotError::Figure(_) => Failure::run(error.to_string()),
        _ => Failure::input(&error),
    })?;
    print(|out| writeln!(out, "{done}"))
}

fn refuse(message: String) -> Failure {
    Failure { status: 2, message }
}

fn check_is_png(path: &Path) -> Result<(), Failure> {
    match path.extension() {
        Some(extension) if extension.eq_ignore_ascii_case("png") => Ok(()),
        _ => Err(refuse(format!(
            "--out must be a file whose name ends in .png, not {}",
            path.display()
        ))),
    }
}

/// The title of the flow that the runs approximate, if it is the same.
fn title(folders: &[PathBuf]) -> Result<String, Failure> {
    let config = |folder: &PathBuf| Config::read(&folder.join("config.toml"));
    let titles = folders
        .iter()
        .map(|folder| Ok(config(folder)?.flow_title()));
    let titles: Result<Vec<String>, ConfigFileError> = titles.collect();
    let mut titles = titles.map_err(|error| Failure::input(&error))?;
    titles.dedup();
    Ok(match &titles[..] {
        [title] => title.clone(),
        _ => "Several flows".to_owned(),
    })
}
