//! A run: a configuration carried out into a folder of files and figures.

use std::cell::RefCell;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use rieszflow_autodiff::Real;
use rieszflow_flows::scheme::{Backward, Forward, Particle};
use rieszflow_flows::{IntegrateError, Observer, ObserverError, Outcome, Scheme, integrate};
use serde::Serialize;

use crate::config::{Config, ConfigError, Precision, SchemeKind, check};
use crate::experiments::Exact;
use crate::files::replace;
use crate::memory::{MemoryError, check_archive, check_memory};
use crate::observers::{Metrics, Plots, Progress, Saved, Snapshots, Table};

/// How to cite what a run computes.
const CITATION: &str = "Altekrüger, Hertrich, Steidl: Neural Wasserstein Gradient Flows for \
                        Discrepancies with Riesz Kernels. ICML 2023 (arXiv:2301.11624)";

/// Where a run's files go, and what is shown meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The folder; it is made with its parents.
    pub folder: PathBuf,
    /// Whether a run already there is replaced.
    pub force: bool,
    /// Whether figures are drawn.
    pub plots: bool,
    /// Whether progress is shown.
    pub progress: bool,
    /// Number of threads; all cores if `None`. The results do not depend on it.
    pub threads: Option<usize>,
}

impl Output {
    /// Files in `folder`, with figures and without a word.
    pub fn quiet(folder: PathBuf) -> Self {
        Self {
            folder,
            force: false,
            plots: true,
            progress: false,
            threads: None,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// At the final time.
    Completed,
    /// Something was no longer a finite number.
    Diverged,
}

/// The content of `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// How the run ended.
    pub status: Status,
    /// Where and why it diverged, if it did.
    pub reason: Option<String>,
    /// Whether the flow rests: no direction decreases the functional at first order.
    pub rests: bool,
    /// Number of time steps done.
    pub steps: u64,
    /// The flow time reached.
    pub time: f64,
    /// D² to the exact measure at the end, V-statistic.
    pub discrepancy: Option<f64>,
    /// The same with the U-statistic for the particles.
    pub discrepancy_u: Option<f64>,
    /// The mean D² of as many independent draws from the exact measure.
    pub sampling_floor: f64,
    /// The functional at the end.
    pub functional: Option<f64>,
    /// The scale of the closed form at the end.
    pub scale_exact: Option<f64>,
    /// √(mean|x|²/m₂) at the end.
    pub scale_measured: Option<f64>,
    /// Wall time of the whole run in seconds.
    pub wall_seconds: f64,
    /// Version of this program.
    pub version: &'static str,
    /// The seed.
    pub seed: u64,
    /// Number of threads that were used.
    pub threads: usize,
    /// What to cite.
    pub citation: &'static str,
}

/// Why a run did not come to a result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A setting is unusable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is a run in the folder already.
    #[error(
        "--out {} already holds a run; choose another folder, or --force to replace it",
        .0.display()
    )]
    Exists(PathBuf),
    /// The run does not fit into memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The folder cannot be made, or nothing can be written there.
    #[error("--out must be a folder to write to, and {} is none: {reason}", folder.display())]
    Folder {
        /// The folder asked for.
        folder: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// The closed form has no value for these settings.
    #[error("--exponent, --dim or --time is out of reach: {0}")]
    Analytic(#[from] rieszflow_analytic::Error),
    /// The scheme cannot be applied.
    #[error(transparent)]
    Flow(#[from] rieszflow_flows::Error),
    /// A file of the run could not be written.
    #[error("cannot write to {}: {reason}", folder.display())]
    Write {
        /// The run's folder.
        folder: PathBuf,
        /// What went wrong.
        reason: ObserverError,
    },
    /// The threads could not be started.
    #[error("--threads {0} could not be started: {1}")]
    Threads(usize, rayon::ThreadPoolBuildError),
}

/// Carries out a configuration and writes the run's folder.
///
/// Divergence is a result: it is told in the summary, and what was computed before is kept.
///
/// # Errors
/// If the configuration is not valid, the folder holds a run, or a file cannot be written.
pub fn run(config: &Config, output: &Output) -> Result<Summary, RunError> {
    config.validate()?;
    check_memory(config)?;
    check_archive(config)?;
    let exact = config.exact(&config.time_grid())?;
    let pool = thread_pool(output.threads)?;
    prepare_folder(config, output)?;
    pool.install(|| match config.precision {
        Precision::F32 => run_in::<f32>(config, output, exact),
        Precision::F64 => run_in::<f64>(config, output, exact),
    })
}

fn thread_pool(threads: Option<usize>) -> Result<rayon::ThreadPool, RunError> {
    if let Some(threads) = threads {
        let expected = "between 1 and 1024";
        check("threads", (1..=1024).contains(&threads), expected, &threads)?;
    }
    let threads = threads.unwrap_or(0);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| RunError::Threads(threads, error))
}

/// Makes the folder, empties it of an old run if that is wanted, and writes the configuration.
fn prepare_folder(config: &Config, output: &Output) -> Result<(), RunError> {
    const FILES: [&str; 8] = [
        "config.toml",
        "metrics.csv",
        "snapshots.csv",
        "snapshots.npz",
        "final.csv",
        "summary.json",
        "snapshots.png",
        "metrics.png",
    ];
    let folder = &output.folder;
    let files = FILES.map(|file| folder.join(file));
    let old: Vec<&PathBuf> = files.iter().filter(|file| file.exists()).collect();
    if !output.force && !old.is_empty() {
        return Err(RunError::Exists(folder.clone()));
    }
    old.into_iter()
        .try_for_each(fs::remove_file)
        .and_then(|()| fs::create_dir_all(folder))
        .and_then(|()| write_config(config, folder))
        .map_err(|reason| RunError::Folder {
            folder: folder.clone(),
            reason,
        })
}

fn scheme<T: Real>(config: &Config) -> Box<dyn Scheme<T>> {
    match config.scheme {
        SchemeKind::Backward => Box::new(Backward::new(config.training())),
        SchemeKind::Forward => Box::new(Forward::new(config.training())),
        SchemeKind::Particle => Box::new(Particle { seed: config.seed }),
    }
}

fn run_in<T: Real>(
    config: &Config,
    output: &Output,
    exact: Box<dyn Exact>,
) -> Result<Summary, RunError> {
    let since = Instant::now();
    let folder = &output.folder;
    let write = |reason: ObserverError| RunError::Write {
        folder: folder.clone(),
        reason,
    };
    let grid = config.time_grid();
    let exact: Rc<dyn Exact> = exact.into();
    let functional = config.functional::<T>()?;
    let mut scheme = scheme::<T>(config);
    let mut state = scheme.start(config.start())?;

    let (table, saved) = (Table::default(), Saved::default());
    let metrics = Metrics::create(
        folder,
        config.functional::<f64>()?,
        exact.clone(),
        table.clone(),
    );
    let mut metrics = metrics.map_err(|error| write(error.into()))?;
    let snapshots = Snapshots::create(folder, &config.save_at, &grid, saved.clone());
    let mut snapshots = snapshots.map_err(|error| write(error.into()))?;
    let mut progress = Progress::new(grid.len() as u64, config.time, table.clone());
    let mut plots = Plots::new(folder, config.title(), exact.clone(), table.clone(), saved);
    let mut rest = Rest::default();

    let mut observers: Vec<&mut dyn Observer<T>> = vec![&mut metrics, &mut snapshots, &mut rest];
    if output.progress {
        observers.push(&mut progress);
    }
    if output.plots {
        observers.push(&mut plots);
    }
    let outcome = integrate(
        &mut *scheme,
        &*functional,
        &mut state,
        &grid,
        &mut observers,
    );
    let outcome = outcome.map_err(|error| match error {
        IntegrateError::Scheme(error) => RunError::Flow(error),
        IntegrateError::Observer(reason) => write(reason),
    })?;

    let (status, reason) = match outcome {
        Outcome::Completed => (Status::Completed, None),
        Outcome::Diverged { step, time, reason } => {
            let reason = format!("time step {step} from t = {time}: {reason}");
            (Status::Diverged, Some(reason))
        }
    };
    let table: &RefCell<_> = &table;
    let table = table.borrow();
    let last = table.last();
    let scale = last.and_then(|row| row.scale);
    let summary = Summary {
        status,
        reason,
        rests: rest.0,
        steps: state.step,
        time: state.time,
        discrepancy: last.map(|row| row.discrepancy),
        discrepancy_u: last.map(|row| row.discrepancy_u),
        sampling_floor: exact.sampling_floor(config.particles),
        functional: last.map(|row| row.functional),
        scale_exact: scale.map(|scale| scale.exact),
        scale_measured: scale.map(|scale| scale.measured),
        wall_seconds: since.elapsed().as_secs_f64(),
        version: env!("CARGO_PKG_VERSION"),
        seed: config.seed,
        threads: rayon::current_num_threads(),
        citation: CITATION,
    };
    write_summary(&summary, folder).map_err(|error| write(error.into()))?;
    Ok(summary)
}

/// Notes whether the flow rests.
#[derive(Default)]
struct Rest(bool);

impl<T> Observer<T> for Rest {
    fn step(
        &mut self,
        _: &rieszflow_flows::State<T>,
        report: &rieszflow_flows::scheme::StepReport,
    ) -> Result<(), ObserverError> {
        self.0 = report.rests;
        Ok(())
    }
}

fn write_config(config: &Config, folder: &Path) -> io::Result<()> {
    let text = toml::to_string(config).map_err(io::Error::other)?;
    replace(&folder.join("config.toml"), |file| {
        file.write_all(text.as_bytes())
    })
}

fn write_summary(summary: &Summary, folder: &Path) -> io::Result<()> {
    replace(&folder.join("summary.json"), |file| {
        serde_json::to_writer_pretty(&mut *file, summary)?;
        writeln!(file)
    })
}
