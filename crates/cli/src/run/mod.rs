//! A run: a configuration carried out into a folder of files and figures.

mod beginning;
mod carry_out;
mod folder;
mod summary;

pub(crate) use folder::Folder;
pub use folder::write_particles;
pub use summary::{Status, Summary};

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rieszflow_flows::scheme::{Backward, Forward, Particle};
use rieszflow_flows::{ObserverError, Scheme};
use rieszflow_numerics::Real;

use crate::config::{Config, ConfigError, Precision, SchemeKind, check};
use crate::files::kernels::Layout;
use crate::memory::{MemoryError, check_archive, check_memory};
use crate::targets::TargetError;
use carry_out::Run;
use folder::Lock;

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
    /// What to say on standard error once the run has its folder.
    pub note: Option<String>,
    /// Number of threads; all cores if `None`. The results do not depend on it.
    pub threads: Option<usize>,
    /// Wall time between two checkpoints; there is also one at every saved time step.
    pub checkpoint_every: Duration,
    /// Set it, from a signal handler or another thread, to have the run write a checkpoint and stop.
    pub stop: Arc<AtomicBool>,
}

impl Output {
    /// A checkpoint a minute.
    pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);

    /// Files in `folder`, with figures and without a word.
    pub fn quiet(folder: PathBuf) -> Self {
        Self {
            folder,
            force: false,
            plots: true,
            progress: false,
            note: None,
            threads: None,
            checkpoint_every: Self::CHECKPOINT_EVERY,
            stop: Arc::default(),
        }
    }
}

/// Why a run did not come to a result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A setting is unusable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A target or start is unusable.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A configuration file cannot be read or is not valid.
    #[error("{}: {reason}", path.display())]
    ConfigFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// There is a run in the folder already.
    #[error(
        "--out {} already holds a run; choose another folder, or --force to replace it",
        .0.display()
    )]
    Exists(PathBuf),
    /// There is a run in the folder that has not ended.
    #[error(
        "--out {folder} already holds a run that has not ended; continue it with rieszflow resume \
         {folder}, choose another folder, or --force to replace it",
        folder = .0.display()
    )]
    Unfinished(PathBuf),
    /// There is nothing to resume.
    #[error("{} holds no run to resume: there is no config.toml", .0.display())]
    NoRun(PathBuf),
    /// The run has come to its end.
    #[error("the run in {folder} {1}; there is nothing to resume", folder = .0.display())]
    Ended(PathBuf, &'static str),
    /// Another process is writing there.
    #[error("another process is carrying out the run in {}; wait for it or stop it", .0.display())]
    Busy(PathBuf),
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
    /// The environment asks for no number of threads.
    #[error("RAYON_NUM_THREADS must be between 1 and 1024, or 0 for all cores, not {0:?}")]
    Environment(String),
    /// The threads could not be started.
    #[error("--threads {0} could not be started: {1}")]
    Threads(usize, rayon::ThreadPoolBuildError),
}

/// More threads than any machine has cores would only exhaust it.
const MOST_THREADS: usize = 1024;

/// Carries out a configuration and writes the run's folder.
///
/// Divergence is a result: it is told in the summary, and what was computed before is kept.
///
/// # Errors
/// If the configuration is not valid, the folder holds a run, or a file cannot be written.
pub fn run(config: &Config, output: &Output) -> Result<Summary, RunError> {
    carry_out(config, output, || {
        Folder::prepare(&output.folder, config, output.force)
    })
}

/// Continues the run in `output.folder` from its latest checkpoint that is whole, or from the start
/// if it was interrupted before the first. It comes to the same bits as if it had never stopped.
///
/// # Errors
/// If the folder holds no run or one that has ended, another process is carrying it out, there are
/// checkpoints and none can be used, or a file cannot be written.
pub fn resume(output: &Output) -> Result<Summary, RunError> {
    let (folder, lock) = Folder::take_up(&output.folder)?;
    let config = folder.read_config()?;
    carry_out(&config, output, || Ok((folder, lock)))
}

fn carry_out(
    config: &Config,
    output: &Output,
    folder: impl FnOnce() -> Result<(Folder, Lock), RunError> + Send,
) -> Result<Summary, RunError> {
    config.validate()?;
    check_memory(config)?;
    check_archive(config)?;
    let problem = config.problem()?;
    let pool = thread_pool(output.threads)?;
    pool.install(|| {
        let reference = config.reference(&problem)?;
        let (folder, _lock) = folder()?;
        if let Some(note) = &output.note {
            eprintln!("note: {note}");
        }
        let run = Run {
            config,
            output,
            problem,
            reference: reference.into(),
            folder,
        };
        match config.precision {
            Precision::F32 => run.carry_out::<f32>(),
            Precision::F64 => run.carry_out::<f64>(),
        }
    })
}

fn thread_pool(threads: Option<usize>) -> Result<rayon::ThreadPool, RunError> {
    let threads = match threads {
        Some(threads) => {
            let valid = (1..=MOST_THREADS).contains(&threads);
            check("threads", valid, "between 1 and 1024", &threads)?;
            threads
        }
        None => threads_of_environment()?,
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| RunError::Threads(threads, error))
}

/// What RAYON_NUM_THREADS says; 0, for all cores, if it is not set.
fn threads_of_environment() -> Result<usize, RunError> {
    let Some(text) = std::env::var_os("RAYON_NUM_THREADS") else {
        return Ok(0);
    };
    let text = text.to_string_lossy();
    let threads = text.parse().ok();
    threads
        .filter(|threads| *threads <= MOST_THREADS)
        .ok_or_else(|| RunError::Environment(text.into_owned()))
}

impl Config {
    /// The scheme with its settings.
    pub fn scheme<T: Real>(&self) -> Box<dyn Scheme<T>> {
        match self.scheme {
            SchemeKind::Backward => Box::new(Backward::new(self.training())),
            SchemeKind::Forward => Box::new(Forward::new(self.training())),
            SchemeKind::Particle => Box::new(Particle { seed: self.seed }),
        }
    }

    /// How the kernels of a neural scheme are stored; `None` if there are none to store.
    pub(crate) fn kernel_layout<T: Real>(&self) -> Option<Layout> {
        let neural = self.scheme != SchemeKind::Particle;
        neural.then(|| Layout::new::<T>(self.training().kernel(self.dim)))
    }
}
