//! The figures of a run, drawn from the files in its folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use nalgebra::DMatrix;

use crate::config::{Config, ConfigFileError, Experiment, PosteriorSettings};
use crate::experiments::{ExperimentError, Inputs, Problem, ReferenceMeasure};
use crate::figures::{
    self, AxisScale, Curve, FigureError, ImagePanel, MetricPanel, Panel, draw_animation,
    draw_image_animation, draw_image_grid, draw_metrics, draw_snapshots,
};
use crate::folder::{Row, RunFolder, Snapshot};
use crate::numbers::{plain, rounded};
use crate::sample::{SampleError, draw_samples};
use crate::targets::{Proportions, Target};

/// The largest number of clouds side by side, the target included.
const CLOUDS: usize = 8;

/// The largest number of grids of images side by side.
const GRIDS: usize = 50;

/// How many posteriors are drawn side by side, and samples of each.
const POSTERIORS: usize = 8;
const DRAWS: usize = 1000;

/// The largest number of frames of an animation.
const FRAMES: usize = 100;

/// Why the figures of a run cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// A file of the run is missing or unusable.
    #[error("cannot read the run: {0}")]
    Read(#[from] std::io::Error),
    /// The configuration of the run is unusable.
    #[error(transparent)]
    ConfigFile(#[from] ConfigFileError),
    /// The target or the reference measure of the run cannot be made.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The posteriors of the run cannot be sampled.
    #[error(transparent)]
    Sample(#[from] Box<SampleError>),
    /// A figure cannot be written.
    #[error(transparent)]
    Figure(#[from] FigureError),
}

/// Redraws `snapshots.png`, `metrics.png` and `flow.gif` of the run in `folder` from its files.
///
/// # Errors
/// If the folder does not hold a run, or a figure cannot be written.
pub fn plot(folder: &Path) -> Result<(), PlotError> {
    let folder = RunFolder::at(folder);
    let config = folder.read_config()?;
    let inputs = Inputs::read(&config.experiment, config.dim, config.seed, folder.path());
    let (config, problem) = config.problem(inputs.map_err(ExperimentError::from)?)?;
    let reference = config.reference(&problem)?;
    let snapshots = folder.read_snapshots(&config)?;
    draw_figures(&folder, &config, &problem, &*reference, &snapshots)
}

/// Draws the discrepancies of several runs over time into one figure at `path`: a panel for each
/// title with the folders of its runs.
///
/// # Errors
/// If a folder does not hold a run, or the figure cannot be written.
pub fn plot_together(panels: &[(String, Vec<PathBuf>)], path: &Path) -> Result<(), PlotError> {
    let mut all = Vec::new();
    for (title, folders) in panels {
        let mut runs = Vec::new();
        for path in folders {
            let folder = RunFolder::at(path);
            runs.push((path, folder.read_config()?, folder.read_metrics()?));
        }
        // Schemes name the runs, if each has its own.
        let schemes: BTreeSet<&str> = runs.iter().map(|run| run.1.scheme.name()).collect();
        let by_scheme = schemes.len() == runs.len();
        let label = |path: &Path, config: &Config| {
            if by_scheme {
                config.scheme.name().to_owned()
            } else {
                path.display().to_string()
            }
        };
        let columns = runs.iter().map(|(path, config, rows)| {
            let (time, discrepancy) = (|row: &Row| row.time, discrepancy_of);
            (
                label(path, config),
                column(rows, time),
                column(rows, discrepancy),
            )
        });
        all.push((title, columns.collect::<Vec<_>>()));
    }
    let panels: Vec<MetricPanel<'_>> = all
        .iter()
        .map(|(title, columns)| MetricPanel {
            title: (*title).clone(),
            x_label: "flow time t".to_owned(),
            y_label: "D²".to_owned(),
            x_scale: AxisScale::Log,
            y_scale: AxisScale::Log,
            curves: columns
                .iter()
                .map(|(label, x, y)| Curve {
                    label: label.clone(),
                    x,
                    y,
                })
                .collect(),
            reference: None,
        })
        .collect();
    Ok(draw_metrics(
        path,
        "Squared discrepancy over time",
        &panels,
    )?)
}

/// Draws all figures of a run whose other files are there.
pub(crate) fn draw_figures(
    folder: &RunFolder,
    config: &Config,
    problem: &Problem,
    reference: &dyn ReferenceMeasure,
    snapshots: &[Snapshot],
) -> Result<(), PlotError> {
    let rows = folder.read_metrics()?;
    let file = |name: &str| folder.path().join(name);
    let (still, moving) = (file("snapshots.png"), file("flow.gif"));
    match problem.image_shape {
        Some(shape) => draw_images(&still, &moving, config, snapshots, shape)?,
        None => draw_clouds(&still, &moving, config, problem, reference, snapshots)?,
    }
    if !rows.is_empty() {
        let count = snapshots.first().map_or(0, |s| s.particles.nrows());
        draw_rows(&file("metrics.png"), config, reference, &rows, count)?;
    }
    if let Experiment::Posterior(posterior) = &config.experiment {
        draw_posteriors(&file("posteriors.png"), folder, config, posterior, &rows)?;
    }
    Ok(())
}

/// The particles as dots, or as a density on the line; the target beside them.
fn draw_clouds(
    still: &Path,
    moving: &Path,
    config: &Config,
    problem: &Problem,
    reference: &dyn ReferenceMeasure,
    snapshots: &[Snapshot],
) -> Result<(), FigureError> {
    let window = config.window(problem);
    let panel = |snapshot| cloud(snapshot, reference);
    let title = config.title();
    let nothing = DMatrix::zeros(0, config.dim);
    let target = reference.target().map(|target| Panel {
        title: "target".to_owned(),
        particles: &nothing,
        target: Some(target),
        support: None,
    });
    let most = CLOUDS - usize::from(target.is_some());
    let chosen = spread(snapshots.len(), most).map(|index| panel(&snapshots[index]));
    let panels: Vec<Panel<'_>> = chosen.chain(target).collect();
    draw_snapshots(still, &title, &panels, window)?;
    let frames = spread(snapshots.len(), FRAMES).map(|index| panel(&snapshots[index]));
    let frames: Vec<Panel<'_>> = frames.collect();
    draw_animation(moving, &title, &frames, window)
}

/// Samples at some observations of the pairs held out, by the networks that `sample` takes; those of the exact
/// posterior, if it is known, in grey.
fn draw_posteriors(
    path: &Path,
    folder: &RunFolder,
    config: &Config,
    posterior: &PosteriorSettings,
    rows: &[Row],
) -> Result<(), PlotError> {
    let known = rows.iter().filter(|row| row.discrepancy.is_some());
    let best = known.min_by(|a, b| discrepancy_of(a).total_cmp(&discrepancy_of(b)));
    let time = best.map_or(0.0, |row| row.time);
    let prepared = config.prepared(posterior, folder.path());
    let prepared = prepared.map_err(ExperimentError::from)?;
    let observations = prepared.spread_observations(POSTERIORS);
    let samples = draw_samples(folder, config, &prepared, (&observations, DRAWS), time);
    let samples = samples.map_err(Box::new)?;
    let rows: Vec<Vec<f64>> = observations
        .row_iter()
        .map(|row| row.iter().copied().collect())
        .collect();
    let exact = posterior.data.problem().map(|problem| {
        let draw = |row: &Vec<f64>| problem.draw_posterior(row, DRAWS, config.seed);
        rows.iter().map(draw).collect::<Result<Vec<_>, _>>()
    });
    let exact = exact.transpose().map_err(ExperimentError::from)?;
    let panel = |(index, particles): (usize, _)| {
        let numbers: Vec<String> = rows[index].iter().map(|y| rounded(*y, 3)).collect();
        Panel {
            title: format!("y = {}", numbers.join(", ")),
            particles,
            target: exact.as_ref().map(|exact| &exact[index]),
            support: None,
        }
    };
    let panels: Vec<Panel<'_>> = samples.iter().enumerate().map(panel).collect();
    Ok(draw_snapshots(path, &config.flow_title(), &panels, None)?)
}

fn cloud<'a>(snapshot: &'a Snapshot, reference: &'a dyn ReferenceMeasure) -> Panel<'a> {
    Panel {
        title: format!("t = {}", plain(snapshot.time)),
        particles: &snapshot.particles,
        target: reference.target(),
        support: reference.support(snapshot.step),
    }
}

/// The particles as images of `height`×`width` pixels.
fn draw_images(
    still: &Path,
    moving: &Path,
    config: &Config,
    snapshots: &[Snapshot],
    (height, width): (usize, usize),
) -> Result<(), FigureError> {
    let panel = |index: usize| ImagePanel {
        title: format!("t = {}", plain(snapshots[index].time)),
        images: &snapshots[index].particles,
        height,
        width,
    };
    let panels = |most| spread(snapshots.len(), most).map(panel).collect::<Vec<_>>();
    draw_image_grid(still, &config.title(), &panels(GRIDS))?;
    draw_image_animation(moving, &config.title(), &panels(FRAMES))
}

/// D², or NaN as long as it is not known; figures leave a gap there.
fn discrepancy_of(row: &Row) -> f64 {
    row.discrepancy.unwrap_or(f64::NAN)
}

fn column(rows: &[Row], value: fn(&Row) -> f64) -> Vec<f64> {
    rows.iter().map(value).collect()
}

fn draw_rows(
    path: &Path,
    config: &Config,
    reference: &dyn ReferenceMeasure,
    rows: &[Row],
    count: usize,
) -> Result<(), FigureError> {
    let time = column(rows, |row| row.time);
    let discrepancy = column(rows, discrepancy_of);
    let functional = column(rows, |row| row.functional);
    let on_target: Vec<f64> = rows
        .iter()
        .filter_map(|row| row.discrepancy_target)
        .collect();
    let scales = rows.iter().filter_map(|row| row.scale);
    let (exact, measured): (Vec<f64>, Vec<f64>) =
        scales.map(|scale| (scale.exact, scale.measured)).unzip();
    let curve = |label: &str, y| Curve {
        label: label.to_owned(),
        x: &time,
        y,
    };
    let panel = |title: &str, y_label: &str, scales: [AxisScale; 2], curves| MetricPanel {
        title: title.to_owned(),
        x_label: "flow time t".to_owned(),
        y_label: y_label.to_owned(),
        x_scale: scales[0],
        y_scale: scales[1],
        curves,
        reference: None,
    };
    let to_target = reference.has_target();
    let time_scale = if to_target {
        AxisScale::Log
    } else {
        AxisScale::Linear
    };
    // The energy of a large target takes long, and is D² − F of any row that has both.
    let energy = rows
        .iter()
        .find_map(|row| Some(row.discrepancy? - row.functional));
    let of_energy = || Some(-energy.filter(|_| to_target)? / count as f64);
    let floor = reference.sampling_floor(count).or_else(of_energy);
    let mut distances = vec![curve("D² (V-statistic)", &discrepancy)];
    if !on_target.is_empty() {
        let label = match reference.held_out() {
            Some(_) => "particles to the training data",
            None => "D² to the target",
        };
        distances.push(curve(label, &on_target));
    }
    let distance = MetricPanel {
        reference: floor.map(|value| figures::ReferenceLevel {
            label: reference.floor_label(count),
            value,
        }),
        ..panel(
            &format!("Squared discrepancy to the {}", reference.name()),
            "D²",
            [time_scale, AxisScale::Log],
            distances,
        )
    };
    let beside = if exact.is_empty() {
        let curves = vec![curve("F of the particles", &functional)];
        panel("Functional", "F", [time_scale, AxisScale::Linear], curves)
    } else {
        let curves = vec![curve("exact", &exact), curve("measured", &measured)];
        panel(
            "Scale of the measure",
            "scale c",
            [AxisScale::Linear; 2],
            curves,
        )
    };
    draw_metrics(path, &config.title(), &[distance, beside])
}

/// `most` of `count` indices, evenly spread, with the first and the last.
fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let shown = count.min(most);
    (0..shown).map(move |i| {
        if shown < 2 {
            0
        } else {
            i * (count - 1) / (shown - 1)
        }
    })
}

impl Config {
    /// The part of the plane that is shown: that of the paper's figures, or around the picture.
    fn window(&self, problem: &Problem) -> Option<[f64; 4]> {
        let Experiment::Mmd(mmd) = &self.experiment else {
            return None;
        };
        match (&mmd.target, problem.aspect) {
            (Target::TwoDiracs, _) => Some([-2.3, 2.3, -2.3, 2.3]),
            (Target::Smiley, _) => Some([-1.1, 1.1, -0.6, 0.6]),
            (Target::Image(_), Some((_, height))) if mmd.proportions == Proportions::Keep => {
                // The flow starts at (±½, 0) and spreads a little beyond the picture.
                let half = (0.62 * height).max(0.3);
                Some([-0.62, 0.62, -half, half])
            }
            (Target::Image(_), _) => Some([-0.62, 0.62, -0.48, 0.48]),
            _ => None,
        }
    }
}
