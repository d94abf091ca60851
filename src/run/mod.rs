//! A run: a configuration carried out into a folder of files and figures.

mod folder;
mod summary;

pub(crate) use folder::Folder;
pub use folder::write_particles;
pub use summary::{Status, Summary};

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use rieszflow_autodiff::Real;
use rieszflow_flows::scheme::{Backward, Forward, Particle, StepReport};
use rieszflow_flows::{IntegrateError, Observer, ObserverError, Outcome, Scheme, State, integrate};

use crate::config::{Config, ConfigError, Precision, SchemeKind, check};
use crate::experiments::{Problem, Reference};
use crate::files::journal::Journal;
use crate::files::kernels::Layout;
use crate::memory::{MemoryError, check_archive, check_memory};
use crate::observers::{Kernels, Metrics, Progress, SharedJournal, Snapshots, Table};
use crate::plot::draw_figures;
use crate::targets::TargetError;
use summary::CITATION;

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
    let problem = config.problem()?;
    let pool = thread_pool(output.threads)?;
    pool.install(|| {
        let reference = config.reference(&problem)?;
        let folder = Folder::prepare(&output.folder, config, output.force)?;
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

/// A configuration being carried out.
struct Run<'a> {
    config: &'a Config,
    output: &'a Output,
    problem: Problem,
    reference: Rc<dyn Reference>,
    folder: Folder,
}

/// The files that grow while a run goes on.
struct Journals {
    metrics: SharedJournal,
    snapshots: SharedJournal,
    /// Only for schemes that learn kernels.
    kernels: Option<SharedJournal>,
}

impl Journals {
    fn create(folder: &Folder, neural: bool) -> io::Result<Self> {
        let create = |path: PathBuf| Journal::create(&path).map(|j| Rc::new(RefCell::new(j)));
        let kernels = neural.then(|| create(folder.kernel_data()));
        Ok(Self {
            metrics: create(folder.metrics())?,
            snapshots: create(folder.snapshots())?,
            kernels: kernels.transpose()?,
        })
    }
}

impl Run<'_> {
    fn carry_out<T: Real>(&self) -> Result<Summary, RunError> {
        let since = Instant::now();
        let (config, problem) = (self.config, &self.problem);
        let grid = config.time_grid();
        let functional = config.functional::<T>(problem)?;
        let mut scheme = config.scheme::<T>();
        let mut state = scheme.start(problem.start.map(T::from_f64))?;
        let neural = config.scheme != SchemeKind::Particle;
        let journals =
            Journals::create(&self.folder, neural).map_err(|error| self.write(error.into()))?;

        let table = Table::default();
        let mut metrics = Metrics {
            reference: self.reference.clone(),
            functional: config.functional::<f64>(problem)?,
            journal: journals.metrics.clone(),
            table: table.clone(),
            since,
        };
        let mut snapshots =
            Snapshots::new(&config.save_at, &grid, journals.snapshots.clone(), None);
        let kept = config.kernel_layout::<T>().zip(journals.kernels.clone());
        let mut kernels = kept.map(|(layout, journal)| Kernels {
            keep: config.keep_kernels,
            layout,
            journal,
        });
        let mut progress = Progress::new(grid.len() as u64, config.time, table.clone());
        let mut rest = Rest::default();
        let mut observers: Vec<&mut dyn Observer<T>> =
            vec![&mut metrics, &mut snapshots, &mut rest];
        observers.extend(
            kernels
                .as_mut()
                .map(|kernels| kernels as &mut dyn Observer<T>),
        );
        if self.output.progress {
            observers.push(&mut progress);
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
            IntegrateError::Observer(reason) => self.write(reason),
        })?;

        let (status, reason) = match outcome {
            Outcome::Completed => (Status::Completed, None),
            Outcome::Interrupted => (Status::Interrupted, None),
            Outcome::Diverged { step, time, reason } => {
                let reason = format!("time step {step} from t = {time}: {reason}");
                (Status::Diverged, Some(reason))
            }
        };
        let summary = Summary {
            status,
            reason,
            rests: rest.0,
            steps: state.step,
            time: state.time,
            reference: self.reference.name(),
            discrepancy: None,
            discrepancy_u: None,
            sampling_floor: self.reference.sampling_floor(config.particles),
            functional: None,
            scale_exact: None,
            scale_measured: None,
            wall_seconds: since.elapsed().as_secs_f64(),
            version: env!("CARGO_PKG_VERSION"),
            seed: config.seed,
            threads: rayon::current_num_threads(),
            citation: CITATION,
        }
        .measured(table.borrow().last());
        self.finish(&state, &summary)
            .map_err(|error| self.write(error))?;
        Ok(summary)
    }

    /// Writes what is made of the whole run.
    fn finish<T: Real>(&self, state: &State<T>, summary: &Summary) -> Result<(), ObserverError> {
        let (config, folder) = (self.config, &self.folder);
        let snapshots = folder.read_snapshots()?;
        folder.write_final(state)?;
        folder.write_archive(&snapshots)?;
        let keeps = |step: &u64| config.keep_kernels.keeps(*step);
        let kept: Vec<u64> = (1..=state.step).filter(keeps).collect();
        if let Some(layout) = config.kernel_layout::<T>() {
            folder.write_kernels(&layout, &kept)?;
        }
        folder.write_summary(summary)?;
        if self.output.plots {
            draw_figures(folder, config, &*self.reference)?;
        }
        Ok(())
    }

    fn write(&self, reason: ObserverError) -> RunError {
        RunError::Write {
            folder: self.folder.path().to_owned(),
            reason,
        }
    }
}

/// Notes whether the flow rests.
#[derive(Default)]
struct Rest(bool);

impl<T> Observer<T> for Rest {
    fn step(&mut self, _: &State<T>, report: &StepReport) -> Result<(), ObserverError> {
        self.0 = report.rests;
        Ok(())
    }
}
