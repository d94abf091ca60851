//! Runs a configuration: the flow with its observers, and the files and figures of its folder.

mod effort;
mod execute;
mod resume_point;

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rieszflow_flows::scheme::{Backward, Forward, Particle};
use rieszflow_flows::{ObserverError, Scheme};
use rieszflow_numerics::Real;

use crate::config::{Config, ConfigFileError, Precision, SchemeKind};
use crate::experiments::{ExperimentError, Inputs, Problem, ReferenceMeasure};
use crate::files::kernels::KernelFormat;
use crate::folder::{FolderError, Lock, RunFolder, Summary};
use crate::memory::{MemoryError, check_memory};
use crate::setting::{Phrase, SettingError};
use crate::threads::{ThreadsError, with_threads};

/// Where a run's files go, and what is shown meanwhile.
#[derive(Clone, Debug)]
pub struct Output {
    /// The folder; it is made with its parents.
    pub folder: PathBuf,
    /// Whether a run already there is replaced.
    pub force: bool,
    /// Whether figures are drawn.
    pub plots: bool,
    /// Whether progress is shown.
    pub progress: bool,
    /// Notes for standard error, printed once the folder is made.
    pub notes: Vec<String>,
    /// Number of threads; all cores if `None`. The results do not depend on it.
    pub threads: Option<usize>,
    /// Wall time between two checkpoints; there is also one at every saved time step.
    pub checkpoint_every: Duration,
    /// Set it, from a signal handler or another thread, to interrupt the run after a checkpoint.
    pub stop: Arc<AtomicBool>,
    /// Set by the run while it writes a checkpoint, so that who sets `stop` can wait for it.
    pub saving: Arc<AtomicBool>,
}

impl Output {
    /// A checkpoint a minute.
    pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);

    /// Files in `folder`, with figures and without printing.
    pub fn quiet(folder: PathBuf) -> Self {
        Self {
            folder,
            force: false,
            plots: true,
            progress: false,
            notes: Vec::new(),
            threads: None,
            checkpoint_every: Self::CHECKPOINT_EVERY,
            stop: Arc::default(),
            saving: Arc::default(),
        }
    }
}

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A setting is unusable.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A configuration file cannot be read or is not valid.
    #[error(transparent)]
    ConfigFile(#[from] ConfigFileError),
    /// The start, the target, the functional or the reference measure cannot be made.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The run does not fit into memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The threads could not be started.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// There are checkpoints, and none can be used.
    #[error(
        "no checkpoint can be used\n{reasons}\nto start over: rieszflow run {0}/config.toml --out \
         {0} --force",
        folder.display()
    )]
    Checkpoints {
        /// The run's folder.
        folder: PathBuf,
        /// A line for each checkpoint and what is wrong with it.
        reasons: String,
    },
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
}

/// Runs a configuration and writes the run's folder.
///
/// Divergence is a result: the summary says so, and what was computed before is kept.
///
/// # Errors
/// If the configuration is not valid, the folder holds a run, or a file cannot be written.
pub fn run(config: &Config, output: &Output) -> Result<Summary, RunError> {
    let started = Instant::now();
    let here = Path::new("");
    let inputs = Inputs::read(&config.experiment, config.dim, config.seed, here)
        .map_err(ExperimentError::from)?;
    run_with(config, inputs, started, output)
}

/// The same with the start and the target that have been read since `started`.
///
/// # Errors
/// As [`run`].
pub fn run_with(
    config: &Config,
    inputs: Inputs,
    started: Instant,
    output: &Output,
) -> Result<Summary, RunError> {
    execute(config, inputs, started, output, |config, problem| {
        RunFolder::create(&output.folder, config, problem, output.force)
    })
}

/// Continues the run in `output.folder` from its latest checkpoint that is whole, or from the start
/// if it was interrupted before the first. The results are the same, to the bit, as without the
/// interruption.
///
/// # Errors
/// If the folder holds no run or one that has ended, another process writes to it, no checkpoint
/// can be used, or a file cannot be written.
pub fn resume(output: &Output) -> Result<Summary, RunError> {
    let started = Instant::now();
    let (folder, lock) = RunFolder::reopen(&output.folder)?;
    let config = folder.read_config()?;
    let inputs = Inputs::read(&config.experiment, config.dim, config.seed, folder.path());
    let inputs = inputs.map_err(ExperimentError::from)?;
    execute(&config, inputs, started, output, |_, _| Ok((folder, lock)))
}

/// Runs a configuration in the folder that `open` gives once all else is found to be valid.
fn execute(
    config: &Config,
    inputs: Inputs,
    started: Instant,
    output: &Output,
    open: impl FnOnce(&Config, &Problem) -> Result<(RunFolder, Lock), FolderError> + Send,
) -> Result<Summary, RunError> {
    config.validate()?;
    check_memory(config, output.threads)?;
    let mut descriptions: Vec<String> = inputs.descriptions().collect();
    let (config, mut problem) = config.problem(inputs)?;
    descriptions.extend(problem.sharing.clone());
    with_threads(output.threads, || {
        let reference = config.reference(&problem)?.into();
        let (folder, _lock) = open(&config, &problem)?;
        // They are in the folder.
        problem.copies = Vec::new();
        for note in &output.notes {
            eprintln!("note: {note}");
        }
        let rounding = config.rounding(&problem);
        if output.progress {
            report(&descriptions);
            if let Some(rounding) = &rounding {
                eprintln!("warning: {rounding:#}");
            }
        }
        let run = Run {
            config: &config,
            output,
            problem,
            reference,
            folder,
            started,
            rounding,
        };
        match config.precision {
            Precision::F32 => run.execute::<f32>(),
            Precision::F64 => run.execute::<f64>(),
        }
    })?
}

/// A configuration with all that its execution needs.
struct Run<'a> {
    config: &'a Config,
    output: &'a Output,
    problem: Problem,
    reference: Rc<dyn ReferenceMeasure>,
    folder: RunFolder,
    started: Instant,
    /// What the precision loses.
    rounding: Option<Phrase>,
}

/// Prints lines. A closed pipe does not stop the run.
fn report(lines: &[String]) {
    for line in lines {
        let _ = writeln!(stdout(), "{line}");
    }
}

impl Run<'_> {
    /// The error of a file of the run that cannot be written.
    fn write_error(&self, reason: ObserverError) -> RunError {
        RunError::Write {
            folder: self.folder.path().to_owned(),
            reason,
        }
    }
}

impl Config {
    /// The scheme with its settings.
    ///
    /// # Panics
    /// If the settings of a chain are not valid.
    pub fn scheme<T: Real>(&self) -> Box<dyn Scheme<T>> {
        match self.scheme {
            SchemeKind::Backward => Box::new(Backward::new(self.training())),
            SchemeKind::Forward => Box::new(Forward::new(self.training())),
            SchemeKind::Particle => Box::new(Particle {
                seed: self.seed,
                momentum: self.momentum,
            }),
            SchemeKind::Chain => Box::new(self.chain().expect("a valid configuration")),
        }
    }

    /// How the kernels of a neural scheme are stored; `None` for the particle flow.
    pub(crate) fn kernel_format<T: Real>(&self) -> Option<KernelFormat> {
        let network = || match self.chain() {
            Some(chain) => chain.network(self.dim - chain.conditions),
            None => self.training().network(self.dim),
        };
        self.scheme
            .is_neural()
            .then(|| KernelFormat::new::<T>(network()))
    }
}
