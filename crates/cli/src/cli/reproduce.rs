//! `rieszflow reproduce`: the paper's figures, with a page that shows them.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use rieszflow_cli::{Figure, Preset, ReproduceError, Reproduction, RunError};

use super::{Failure, INTERRUPTED, signals, whole};

#[derive(Args)]
pub(super) struct ReproduceArguments {
    /// Which figures: benchmark, interaction, two-diracs, smiley, drawing, mnist, implosion
    /// [default: all whose files are given]
    #[arg(value_name = "FIGURE", value_parser = figure)]
    figures: Vec<Figure>,
    /// Image for the drawing (PNG, JPEG or WebP)
    #[arg(long, value_name = "PATH")]
    image: Option<PathBuf>,
    /// IDX file of digits for mnist
    #[arg(long, value_name = "PATH")]
    digits: Option<PathBuf>,
    /// The paper's settings, in days, instead of settings that take minutes
    #[arg(long)]
    paper: bool,
    /// Folder for the figures, the runs and index.html
    #[arg(long, value_name = "DIR", default_value = "reproduction")]
    out: PathBuf,
    /// Number of threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    threads: Option<usize>,
}

fn figure(name: &str) -> Result<Figure, String> {
    let names = Figure::ALL.map(Figure::name).join(", ");
    Figure::of_name(name).ok_or_else(|| format!("expected one of {names}"))
}

pub(super) fn run(arguments: &ReproduceArguments) -> Result<(), Failure> {
    let has_file = |figure: &Figure| match figure {
        Figure::Drawing => arguments.image.is_some(),
        Figure::Mnist => arguments.digits.is_some(),
        _ => true,
    };
    let mut figures = arguments.figures.clone();
    if figures.is_empty() {
        figures = Figure::ALL.into_iter().filter(has_file).collect();
    }
    let preset = if arguments.paper {
        Preset::Paper
    } else {
        Preset::Fast
    };
    let reproduction = Reproduction {
        folder: arguments.out.clone(),
        image: arguments.image.clone(),
        digits: arguments.digits.clone(),
        preset,
        threads: arguments.threads,
        stop: Arc::default(),
    };
    signals::listen(&reproduction.stop)?;
    signals::end_late_runs(&reproduction.stop, &Arc::default(), || {
        "interrupted; the same command makes the figures again".to_owned()
    });
    // A closed pipe does not stop the runs.
    let mut report = |line: &str| drop(writeln!(stdout(), "{line}"));
    reproduction
        .make(&figures, &mut report)
        .map_err(|error| match error {
            ReproduceError::Interrupted { figure, .. } => {
                interrupted(&error, figure, &figures, arguments)
            }
            ReproduceError::Page { .. }
            | ReproduceError::Plot(_)
            | ReproduceError::Run(RunError::Write { .. }) => Failure::run(error.to_string()),
            _ => Failure::input(&error),
        })?;
    report(&format!(
        "open {} to see them",
        reproduction.folder.join("index.html").display()
    ));
    Ok(())
}

/// Lists the finished figures, and gives the command that makes the others.
fn interrupted(
    error: &ReproduceError,
    figure: Figure,
    figures: &[Figure],
    arguments: &ReproduceArguments,
) -> Failure {
    let names = |figures: &[Figure]| figures.iter().map(|f| f.name()).collect::<Vec<_>>();
    let done = figures.iter().take_while(|&&other| other != figure).count();
    let (done, left) = figures.split_at(done);
    let finished = match done {
        [] => "no figure is finished".to_owned(),
        _ => format!("finished: {}", names(done).join(", ")),
    };
    let files = [
        ("image", &arguments.image),
        ("digits", &arguments.digits),
        ("out", &Some(arguments.out.clone())),
    ];
    let files = files.into_iter().filter_map(|(option, path)| {
        let path = path.as_ref()?.display();
        Some(format!(" --{option} {path}"))
    });
    Failure {
        status: INTERRUPTED,
        message: format!(
            "{error}; {finished}; make the others with: rieszflow reproduce {}{}{}",
            names(left).join(" "),
            files.collect::<String>(),
            if arguments.paper { " --paper" } else { "" }
        ),
    }
}
