//! The options that all flows share, and what is said when a run is done.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rieszflow::{Config, Output, Precision, RunError, SaveAt, SchemeKind, Status, Summary};

use super::Failure;

#[derive(Clone, Copy, ValueEnum)]
enum SchemeArgument {
    /// Neural backward (JKO) scheme: a transport plan is learned per time step
    Backward,
    /// Neural forward scheme: a velocity plan of steepest descent is learned per time step
    Forward,
    /// Particle flow: explicit Euler for N particles, the baseline
    Particle,
}

#[derive(Clone, Copy, ValueEnum)]
enum PrecisionArgument {
    /// Single precision
    F32,
    /// Double precision
    F64,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Preset {
    /// Every setting of the paper, with its constant learning rate
    Paper,
}

#[derive(Args)]
pub(super) struct FlowOptions {
    /// Which scheme approximates the flow
    #[arg(long, value_enum, default_value = "backward")]
    scheme: SchemeArgument,
    /// Take all settings from the paper; options given besides it still count
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// Dimension d of the space
    #[arg(long, value_name = "D", default_value_t = 2)]
    dim: usize,
    /// Exponent r of the kernel −|x−y|ʳ, 0 < r < 2
    #[arg(
        long,
        value_name = "R",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    exponent: f64,
    /// Size τ of a time step, in flow time [default: 0.05]
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    tau: Option<f64>,
    /// Final flow time [default: 1.2]
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    time: Option<f64>,
    /// Number N of particles [default: 2000]
    #[arg(long, value_name = "N")]
    particles: Option<usize>,
    /// Size B of each of the two minibatches of an iteration [default: 100, at most N]
    #[arg(long, value_name = "B")]
    batch: Option<usize>,
    /// Training iterations per time step [default: 5000]
    #[arg(long, value_name = "K")]
    iterations: Option<u64>,
    /// Training iterations per time step while t < 1 [default: as --iterations]
    #[arg(long, value_name = "K")]
    first_iterations: Option<u64>,
    /// Width of the network's hidden layers [default: 64]
    #[arg(long, value_name = "W")]
    width: Option<usize>,
    /// Number of the network's hidden layers [default: 2]
    #[arg(long, value_name = "L")]
    hidden_layers: Option<usize>,
    /// Dimension m of the latent variable [default: d]
    #[arg(long, value_name = "M")]
    latent_dim: Option<usize>,
    /// Learning rate of Adam [default: 0.001]
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// Fraction of the learning rate left at the end of each time step; 1 keeps it constant
    /// [default: 0.01; 1 with --preset paper]
    #[arg(long, value_name = "F", allow_negative_numbers = true)]
    learning_rate_decay: Option<f64>,
    /// Seed of all random numbers; equal seeds give equal results
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Precision of particles and networks
    #[arg(long, value_enum, default_value = "f32")]
    precision: PrecisionArgument,
    /// Number of threads [default: all cores]; the results do not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Times to save: t1,t2,… or every:K time steps; the first and last always
    /// [default: about eight]
    #[arg(long, value_name = "TIMES")]
    save_at: Option<SaveAt>,
    /// Folder for the run's files [default: runs/<experiment>-<scheme>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace a run that is in the folder already
    #[arg(long)]
    force: bool,
    /// Draw no figures
    #[arg(long)]
    no_plots: bool,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
}

impl FlowOptions {
    pub(super) fn scheme(&self) -> SchemeKind {
        match self.scheme {
            SchemeArgument::Backward => SchemeKind::Backward,
            SchemeArgument::Forward => SchemeKind::Forward,
            SchemeArgument::Particle => SchemeKind::Particle,
        }
    }

    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    pub(super) fn exponent(&self) -> f64 {
        self.exponent
    }

    /// The experiment's configuration with the options put over it.
    pub(super) fn apply(&self, mut config: Config) -> Config {
        fn put<V: Clone>(setting: &mut V, option: Option<&V>) {
            if let Some(value) = option {
                *setting = value.clone();
            }
        }
        if let Some(Preset::Paper) = self.preset {
            config.learning_rate_decay = 1.0;
        }
        put(&mut config.tau, self.tau.as_ref());
        put(&mut config.time, self.time.as_ref());
        put(&mut config.particles, self.particles.as_ref());
        config.batch = self.batch.unwrap_or(config.batch.min(config.particles));
        put(&mut config.iterations, self.iterations.as_ref());
        put(&mut config.first_iterations, self.iterations.as_ref());
        put(&mut config.first_iterations, self.first_iterations.as_ref());
        put(&mut config.width, self.width.as_ref());
        put(&mut config.hidden_layers, self.hidden_layers.as_ref());
        put(&mut config.latent_dim, self.latent_dim.as_ref());
        put(&mut config.learning_rate, self.learning_rate.as_ref());
        put(
            &mut config.learning_rate_decay,
            self.learning_rate_decay.as_ref(),
        );
        config.seed = self.seed;
        config.precision = match self.precision {
            PrecisionArgument::F32 => Precision::F32,
            PrecisionArgument::F64 => Precision::F64,
        };
        let config = config.with_initial_steps();
        let save_at = self.save_at.clone().unwrap_or_else(|| about_eight(&config));
        Config { save_at, ..config }
    }

    pub(super) fn output(&self, config: &Config) -> Output {
        let default = || PathBuf::from(format!("runs/{}-{}", config.experiment, config.scheme));
        Output {
            folder: self.out.clone().unwrap_or_else(default),
            force: self.force,
            plots: !self.no_plots,
            progress: !self.quiet,
            threads: self.threads,
        }
    }
}

/// Every K-th step, so that about eight snapshots fall between the first and the last.
fn about_eight(config: &Config) -> SaveAt {
    let steps = match config.validate() {
        Ok(()) => config.time_grid().len() as u64,
        // Whatever is wrong is reported when the run starts.
        Err(_) => 1,
    };
    SaveAt::Every(steps.div_ceil(7).max(1))
}

/// Carries out the run, and prints its folder and headline figures.
pub(super) fn run(config: &Config, output: &Output) -> Result<(), Failure> {
    let summary = rieszflow::run(config, output).map_err(|error| match error {
        RunError::Write { .. } | RunError::Threads(..) => Failure::run(error.to_string()),
        _ => Failure::input(&error),
    })?;
    if output.progress {
        // A closed pipe is the reader's choice, not an error of the run.
        let _ = tell(&summary, output);
    }
    match summary.reason {
        Some(reason) if summary.status == Status::Diverged => Err(Failure::run(format!(
            "the flow diverged in {reason}; what was computed before is in {}",
            output.folder.display()
        ))),
        _ => Ok(()),
    }
}

fn tell(summary: &Summary, output: &Output) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if summary.rests {
        writeln!(
            out,
            "The flow rests: for r > 1 a Dirac is a stationary point of steepest descent, so the \
             forward scheme does not move it."
        )?;
    }
    if let (Some(v), Some(u)) = (summary.discrepancy, summary.discrepancy_u) {
        writeln!(
            out,
            "t = {}: D² to the exact measure {v:.3e} (U-statistic {u:.1e}, sampling floor {:.3e})",
            summary.time, summary.sampling_floor
        )?;
    }
    if let (Some(measured), Some(exact)) = (summary.scale_measured, summary.scale_exact) {
        writeln!(out, "scale {measured:.5}, exact {exact:.5}")?;
    }
    let seconds = summary.wall_seconds;
    writeln!(out, "{seconds:.1} s, files in {}", output.folder.display())
}
