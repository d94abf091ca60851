//! The same flow from several seeds: a folder for each run, mean and spread in one table and figure.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::config::Config;
use crate::experiments::{ExperimentError, Inputs};
use crate::figures::{Curve, FigureError, MetricPanel, Scale, draw_metrics};
use crate::files::replace;
use crate::folder::{Row, RunFolder, Status, Summary};
use crate::run::{Output, RunError, run_with};
use crate::threads::thread_pool;

/// The largest number of runs.
const MOST_RUNS: u64 = 10_000;

/// Seeds, written as `0..9` (both ends included) or `1,4,7`.
///
/// ```
/// use rieszflow_cli::Seeds;
///
/// let seeds: Seeds = "0..2,7".parse()?;
/// assert_eq!(seeds.as_slice(), [0, 1, 2, 7]);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(Vec<u64>);

impl Seeds {
    /// The seeds, each once, in ascending order.
    pub fn as_slice(&self) -> &[u64] {
        &self.0
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            format!("expected seeds such as 0..9 or 1,4,7, at most {MOST_RUNS}, not '{text:.100}'")
        };
        let mut seeds = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once("..").unwrap_or((part, part));
            let number = |text: &str| text.trim().parse::<u64>().map_err(|_| expected());
            let (first, last) = (number(first)?, number(last)?);
            if first > last || last - first >= MOST_RUNS {
                return Err(expected());
            }
            seeds.extend(first..=last);
        }
        seeds.sort_unstable();
        seeds.dedup();
        if seeds.len() as u64 > MOST_RUNS {
            return Err(expected());
        }
        Ok(Self(seeds))
    }
}

/// What the runs of an ensemble have come to.
#[derive(Clone, Debug)]
pub struct Ensemble {
    /// Seed, folder and summary of each run that was started, in the order of the seeds.
    pub runs: Vec<(u64, PathBuf, Summary)>,
    /// Mean and spread at the end of the completed runs; `None` if there are none.
    pub end: Option<Spread>,
}

/// Mean and standard deviation over runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of the runs, with the divisor n − 1; 0 for a single one.
    pub deviation: f64,
    /// n, the number of runs.
    pub runs: usize,
}

/// Why an ensemble has no result.
#[derive(Debug, thiserror::Error)]
pub enum EnsembleError {
    /// A run has failed.
    #[error("seed {0}: {1}")]
    Run(u64, Box<RunError>),
    /// The threads could not be started.
    #[error(transparent)]
    Threads(#[from] crate::threads::ThreadsError),
    /// The table cannot be made.
    #[error("cannot write to {}: {source}", folder.display())]
    Table {
        /// The folder.
        folder: PathBuf,
        /// What the operating system reports.
        source: std::io::Error,
    },
    /// The figure cannot be made.
    #[error(transparent)]
    Figure(#[from] FigureError),
}

impl Spread {
    fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        (!values.is_empty()).then(|| Self {
            mean,
            deviation: (squares / (count - 1.0).max(1.0)).sqrt(),
            runs: values.len(),
        })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3e} ± {:.1e}", self.mean, self.deviation)
    }
}

/// Runs the configuration from every seed, several at a time, in `output.folder/seed-S`, and writes
/// `ensemble.csv` and `ensemble.png` there. `report` gets a line for each run that has ended.
///
/// The results of a run do not depend on the others.
///
/// # Errors
/// If a run fails. Divergence and interruption are results of a run.
pub fn run_ensemble(
    config: &Config,
    inputs: &Inputs,
    seeds: &Seeds,
    output: &Output,
    report: &(dyn Fn(&str) + Sync),
) -> Result<Ensemble, EnsembleError> {
    let threads = thread_pool(output.threads)?.current_num_threads();
    let workers = threads.min(seeds.0.len());
    let next = AtomicUsize::new(0);
    let ended = Mutex::new(Vec::new());
    let work = || {
        while let Some(&seed) = seeds.0.get(next.fetch_add(1, Ordering::Relaxed)) {
            if output.stop.load(Ordering::Relaxed) {
                break;
            }
            let member = member_output(output, seed, (threads / workers).max(1));
            let result = run_member(config, inputs, seed, &member);
            if let Ok(summary) = &result {
                report(&line(seed, summary));
            }
            let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
            ended.push((seed, member.folder, result));
        }
    };
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let mut ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
    ended.sort_by_key(|run| run.0);
    let mut runs = Vec::new();
    for (seed, folder, result) in ended {
        let summary = result.map_err(|error| EnsembleError::Run(seed, error.into()))?;
        runs.push((seed, folder, summary));
    }
    let table = tabulate(&runs, &output.folder)?;
    let end = table.last().map(|row| row.discrepancy);
    if output.plots && !table.is_empty() {
        draw(
            &config.flow_title(),
            &table,
            &output.folder.join("ensemble.png"),
        )?;
    }
    Ok(Ensemble { runs, end })
}

fn member_output(output: &Output, seed: u64, threads: usize) -> Output {
    Output {
        folder: output.folder.join(format!("seed-{seed}")),
        progress: false,
        notes: Vec::new(),
        threads: Some(threads),
        ..output.clone()
    }
}

fn run_member(
    config: &Config,
    inputs: &Inputs,
    seed: u64,
    output: &Output,
) -> Result<Summary, RunError> {
    let started = Instant::now();
    let config = Config {
        seed,
        ..config.clone()
    };
    let inputs = inputs.with_seed(&config.experiment, seed);
    run_with(
        &config,
        inputs.map_err(ExperimentError::from)?,
        started,
        output,
    )
}

fn line(seed: u64, summary: &Summary) -> String {
    let status = match summary.status {
        Status::Completed => "completed",
        Status::Diverged => "diverged",
        Status::Interrupted => "interrupted",
    };
    let discrepancy = summary
        .discrepancy
        .map_or(String::new(), |d| format!(", D² {d:.3e}"));
    format!(
        "seed {seed}: {status}{discrepancy}, {:.1} s",
        summary.wall_seconds
    )
}

/// A time step of the completed runs.
struct EnsembleRow {
    step: u64,
    time: f64,
    discrepancy: Spread,
    discrepancy_u: Spread,
    functional: Spread,
}

/// Writes `ensemble.csv`: mean and spread of the completed runs after each time step.
fn tabulate(
    runs: &[(u64, PathBuf, Summary)],
    folder: &Path,
) -> Result<Vec<EnsembleRow>, EnsembleError> {
    let failed = |source| EnsembleError::Table {
        folder: folder.to_owned(),
        source,
    };
    let completed = runs
        .iter()
        .filter(|(_, _, summary)| summary.status == Status::Completed);
    let metrics = completed.map(|(_, folder, _)| RunFolder::at(folder).read_metrics());
    let metrics: Vec<Vec<Row>> = metrics.collect::<Result<_, _>>().map_err(failed)?;
    let steps = metrics.first().map_or(0, Vec::len);
    let row = |step: usize| {
        let spread = |value: fn(&Row) -> Option<f64>| {
            let values = metrics.iter().filter_map(|rows| value(rows.get(step)?));
            Spread::of(&values.collect::<Vec<_>>())
        };
        Some(EnsembleRow {
            step: metrics[0][step].step,
            time: metrics[0][step].time,
            discrepancy: spread(|row| row.discrepancy)?,
            discrepancy_u: spread(|row| row.discrepancy_u)?,
            functional: spread(|row| Some(row.functional))?,
        })
    };
    let table: Vec<EnsembleRow> = (0..steps).filter_map(row).collect();
    replace(&folder.join("ensemble.csv"), |file| {
        write_table(file, &table)
    })
    .map_err(failed)?;
    Ok(table)
}

fn write_table(file: impl Write, table: &[EnsembleRow]) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record([
        "step",
        "time",
        "runs",
        "discrepancy_mean",
        "discrepancy_std",
        "discrepancy_u_mean",
        "discrepancy_u_std",
        "functional_mean",
        "functional_std",
    ])?;
    for row in table {
        let head = [
            row.step.to_string(),
            row.time.to_string(),
            row.discrepancy.runs.to_string(),
        ];
        let spreads = [row.discrepancy, row.discrepancy_u, row.functional];
        let numbers = spreads
            .iter()
            .flat_map(|spread| [spread.mean, spread.deviation]);
        writer.write_record(head.into_iter().chain(numbers.map(|x| x.to_string())))?;
    }
    writer.flush()
}

fn draw(title: &str, table: &[EnsembleRow], path: &Path) -> Result<(), FigureError> {
    let time: Vec<f64> = table.iter().map(|row| row.time).collect();
    let shifted = |by: f64| -> Vec<f64> {
        let value = |row: &EnsembleRow| row.discrepancy.mean + by * row.discrepancy.deviation;
        table.iter().map(value).collect()
    };
    let curves = [
        ("mean", shifted(0.0)),
        ("mean + standard deviation", shifted(1.0)),
        ("mean − standard deviation", shifted(-1.0)),
    ];
    let runs = table.last().map_or(0, |row| row.discrepancy.runs);
    let panel = MetricPanel {
        title: format!("Squared discrepancy of {runs} runs"),
        x_label: "flow time t".to_owned(),
        y_label: "D²".to_owned(),
        x_scale: Scale::Log,
        y_scale: Scale::Log,
        curves: curves
            .iter()
            .map(|(label, y)| Curve {
                label: (*label).to_owned(),
                x: &time,
                y,
            })
            .collect(),
        reference: None,
    };
    draw_metrics(path, title, &[panel])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_ranges_and_lists() {
        let seeds = |text: &str| text.parse::<Seeds>().map(|seeds| seeds.0);
        assert_eq!(seeds("0..3"), Ok(vec![0, 1, 2, 3]));
        assert_eq!(seeds("7,4,7"), Ok(vec![4, 7]));
        for text in ["", "3..1", "a", "0..", "0..10000", "-1"] {
            assert!(seeds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_spread_is_mean_and_standard_deviation() {
        let spread = Spread::of(&[1.0, 2.0, 6.0]).expect("values");
        assert_eq!((spread.mean, spread.deviation), (3.0, 7.0_f64.sqrt()));
        assert_eq!(Spread::of(&[5.0]).expect("a value").deviation, 0.0);
        assert_eq!(Spread::of(&[]), None);
    }
}
