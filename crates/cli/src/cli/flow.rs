//! The options that all flows share, their execution, and what is printed at its end.

use std::io::{self, ErrorKind, Write};

use clap::{Args, Command, ValueEnum};
use rieszflow_cli::numbers::{bytes, plain, rounded};
use rieszflow_cli::{
    Config, Experiment, FolderError, KeepKernels, Output, Precision, Preset, RunError, SaveAt,
    SchemeKind, Seeds, Status, Summary, SumsKind, ThreadsError,
};
use rieszflow_flows::StepSizes;

use super::output::OutputOptions;
use super::{FILES, Failure, INTERRUPTED, number, one_of, print, signals, whole};

const TRAINING: &str = "Training of the networks (backward and forward schemes)";

pub(super) const FOLDER: &str = "\
The run's folder holds config.toml (every setting), metrics.csv (a row per time step: functional, \
squared discrepancy D² to the exact measure or the target, loss, scale), snapshots.csv and \
snapshots.npz (the particles at the saved times), final.csv, target.npy and input/ (what was read, so \
that the folder needs no other file), kernels.safetensors (what was learned, \
for rieszflow sample), summary.json, snapshots.png, metrics.png and flow.gif.

Ctrl-C and SIGTERM write a checkpoint and exit with 130, and rieszflow resume DIR continues from the \
latest checkpoint, to the same bits; a second Ctrl-C exits at once.

Exit status: 0 done, 1 the flow diverged or a file could not be written, 2 bad arguments, 130 \
interrupted.";

#[derive(Clone, Copy, ValueEnum)]
enum PresetArgument {
    /// Every setting of the paper, with its constant learning rate
    Paper,
}

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct FlowOptions {
    /// backward (neural JKO steps: transport plans are learned), forward (neural steepest descent:
    /// velocity plans are learned) or particle (explicit Euler for N particles, the baseline)
    #[arg(
        long,
        value_name = "SCHEME",
        default_value_t = SchemeKind::Backward,
        value_parser = one_of::<SchemeKind>(&SchemeKind::ALL.map(SchemeKind::as_str)),
        hide_possible_values = true
    )]
    scheme: SchemeKind,
    /// paper: the paper's settings, which take many times longer; options given besides it still
    /// count
    #[arg(long, value_enum, hide_possible_values = true)]
    preset: Option<PresetArgument>,
    /// Dimension d of the space
    #[arg(long, value_name = "D", value_parser = whole::<usize>)]
    dim: Option<usize>,
    /// Exponent r of the kernel −|x−y|ʳ, 0 < r < 2
    #[arg(long, value_name = "R", value_parser = number)]
    exponent: Option<f64>,
    /// Size τ of a time step, in flow time; 0.5,5:1,25:2 is 0.5 at first, 1 from t = 5 on, 2 from 25
    /// on. Without this option a flow from a Dirac with r < 1 begins with steps 1e-8, 1e-7, …, 1e-2
    #[arg(long, value_name = "TAU", allow_hyphen_values = true)]
    tau: Option<StepSizes>,
    /// Final flow time; the last time step is shortened to end there
    #[arg(long, value_name = "T", value_parser = number)]
    time: Option<f64>,
    /// Number N of particles, at least 2
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    particles: Option<usize>,
    /// How sums over pairs of particles are computed: exact (all pairs, time N²) or sliced (estimated by
    /// projections on directions, time N log N)
    #[arg(
        long,
        value_name = "SUMS",
        default_value_t = SumsKind::Exact,
        value_parser = one_of::<SumsKind>(&SumsKind::ALL.map(SumsKind::as_str)),
        hide_possible_values = true
    )]
    sums: SumsKind,
    /// Number P of directions of sliced sums, drawn anew for every sum [default: 64 in the plane, 128 for
    /// d = 3, else 256]
    #[arg(long, value_name = "P", value_parser = whole::<usize>)]
    directions: Option<usize>,
    /// Part of its velocity that a particle keeps from step to step, from 0 to below 1 (particle scheme)
    /// [default: 0]
    #[arg(long, value_name = "M", value_parser = number)]
    momentum: Option<f64>,
    /// Seed of all random numbers; equal seeds give equal results
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = whole::<u64>)]
    seed: u64,
    /// Run from several seeds, 0..9 or 1,4,7, each into a folder seed-S below --out, several at a
    /// time; mean and spread in ensemble.csv and ensemble.png
    #[arg(long, value_name = "SEEDS", conflicts_with = "seed")]
    seeds: Option<Seeds>,
    /// Precision of particles and networks: f32 (single) or f64 (double)
    #[arg(
        long,
        value_name = "PRECISION",
        default_value_t = Precision::F32,
        value_parser = one_of::<Precision>(&Precision::ALL.map(Precision::as_str)),
        hide_possible_values = true
    )]
    precision: Precision,
    /// Training iterations per time step
    #[arg(long, value_name = "K", value_parser = whole::<u64>, help_heading = TRAINING)]
    iterations: Option<u64>,
    /// The same in the first phase of the flow, if different; --iterations alone sets both
    #[arg(long, value_name = "K", value_parser = whole::<u64>, help_heading = TRAINING)]
    first_iterations: Option<u64>,
    /// Flow time at which the first phase ends
    #[arg(long, value_name = "T", value_parser = number, help_heading = TRAINING)]
    first_phase: Option<f64>,
    /// Particles B in each of the two minibatches of an iteration, at most N
    #[arg(long, value_name = "B", value_parser = whole::<usize>, help_heading = TRAINING)]
    batch: Option<usize>,
    /// Width of the network's hidden layers
    #[arg(long, value_name = "W", value_parser = whole::<usize>, help_heading = TRAINING)]
    width: Option<usize>,
    /// Number of the network's hidden layers
    #[arg(long, value_name = "H", value_parser = whole::<usize>, help_heading = TRAINING)]
    hidden_layers: Option<usize>,
    /// Dimension m of the latent variable [default: d]
    #[arg(long, value_name = "M", value_parser = whole::<usize>, help_heading = TRAINING)]
    latent_dim: Option<usize>,
    /// Learning rate of Adam
    #[arg(long, value_name = "A", value_parser = number, help_heading = TRAINING)]
    learning_rate: Option<f64>,
    /// Fraction of it that is left at the end of each time step; 1 keeps it
    #[arg(long, value_name = "F", value_parser = number, help_heading = TRAINING)]
    learning_rate_decay: Option<f64>,
    /// Whether a control variate reduces the variance of gradients: true, or false for minibatches as in
    /// the paper
    #[arg(long, value_name = "BOOL", help_heading = TRAINING)]
    control_variate: Option<bool>,

    /// Flow times to save, t1,t2,… or every:K time steps; the first and the last are always saved
    /// [default: about eight]
    #[arg(
        long,
        value_name = "TIMES",
        allow_hyphen_values = true,
        help_heading = FILES
    )]
    save_at: Option<SaveAt>,
    /// Of which time steps to keep the learned kernels in kernels.safetensors: all, none or every:K
    /// [default: all if that takes no more than 256 MiB, else none]
    #[arg(long, value_name = "WHICH", help_heading = FILES)]
    keep_kernels: Option<KeepKernels>,
    /// Whether to write the particles as snapshots.csv and final.csv besides snapshots.npz: true or false
    /// [default: true up to 100000 particles]
    #[arg(long, value_name = "BOOL", help_heading = FILES)]
    csv: Option<bool>,
    #[command(flatten)]
    output: OutputOptions,
}

/// Adds to a command's help what it computes and the defaults of its settings.
pub(super) fn explain(command: Command, explanation: &str, defaults: Option<&Config>) -> Command {
    let defaults = serde_json::to_value(defaults).expect("a configuration has a JSON form");
    let command = command.after_help(format!("{explanation}\n\n{FOLDER}"));
    command.mut_args(|option| {
        let default = option.get_long().and_then(|name| defaults.get(name));
        let help = option.get_help().map(ToString::to_string);
        match (default, help) {
            (Some(default), Some(help))
                if default.is_number()
                    && option.get_default_values().is_empty()
                    && !help.contains("[default") =>
            {
                option.help(format!("{help} [default: {default}]"))
            }
            _ => option,
        }
    })
}

impl FlowOptions {
    pub(super) fn scheme(&self) -> SchemeKind {
        self.scheme
    }

    pub(super) fn dim(&self) -> Option<usize> {
        self.dim
    }

    pub(super) fn exponent(&self) -> Option<f64> {
        self.exponent
    }

    /// The experiment's configuration, changed by the options.
    pub(super) fn apply(&self, mut config: Config) -> Config {
        fn set<V: Clone>(setting: &mut V, option: Option<&V>) {
            if let Some(value) = option {
                setting.clone_from(value);
            }
        }
        if self.preset() == Preset::Paper {
            config = config.paper();
        }
        let default_particles = config.particles;
        set(&mut config.dim, self.dim.as_ref());
        set(&mut config.exponent, self.exponent.as_ref());
        set(&mut config.tau, self.tau.as_ref());
        set(&mut config.time, self.time.as_ref());
        set(&mut config.particles, self.particles.as_ref());
        let full = config.batch == default_particles;
        let batch = if full {
            config.particles
        } else {
            config.batch.min(config.particles)
        };
        config.batch = self.batch.unwrap_or(batch);
        set(&mut config.iterations, self.iterations.as_ref());
        set(&mut config.first_iterations, self.iterations.as_ref());
        set(&mut config.first_iterations, self.first_iterations.as_ref());
        set(&mut config.first_phase, self.first_phase.as_ref());
        set(&mut config.width, self.width.as_ref());
        set(&mut config.hidden_layers, self.hidden_layers.as_ref());
        set(&mut config.latent_dim, self.latent_dim.as_ref());
        set(&mut config.learning_rate, self.learning_rate.as_ref());
        set(
            &mut config.learning_rate_decay,
            self.learning_rate_decay.as_ref(),
        );
        set(&mut config.control_variate, self.control_variate.as_ref());
        config.sums = self.sums;
        config.directions = self.directions.or(config.directions);
        set(&mut config.momentum, self.momentum.as_ref());
        config.csv = self.csv.or(config.csv);
        config.seed = self.seed;
        config.precision = self.precision;
        let config = match self.tau {
            // The steps asked for are the steps taken.
            Some(_) => Config {
                initial_steps: Vec::new(),
                ..config
            },
            None => config.with_initial_steps(),
        };
        let save_at = self.save_at.clone().unwrap_or_else(|| about_eight(&config));
        let keep_kernels = self
            .keep_kernels
            .unwrap_or_else(|| config.affordable_kernels());
        Config {
            save_at,
            keep_kernels,
            ..config
        }
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) fn seeds(&self) -> Option<&Seeds> {
        self.seeds.as_ref()
    }

    pub(super) fn preset(&self) -> Preset {
        match self.preset {
            None => Preset::Fast,
            Some(PresetArgument::Paper) => Preset::Paper,
        }
    }

    pub(super) fn output(&self, config: &Config) -> Output {
        let output = self.output.output(config);
        if !output.progress {
            return output;
        }
        let mut notes = Vec::new();
        if self.keep_kernels.is_none() && config.keep_kernels == KeepKernels::None {
            notes.push(format!(
                "the learned kernels are not kept, since they would take {}; --keep-kernels all or \
                 every:K keeps them",
                bytes(config.kernel_bytes())
            ));
        }
        if config.csv.is_none() && !config.writes_csv() {
            notes.push(
                "snapshots.csv and final.csv are not written beyond 100000 particles; snapshots.npz holds \
                 them, and --csv true writes them"
                    .to_owned(),
            );
        }
        let unused = if config.scheme.is_neural() {
            Vec::new()
        } else {
            self.training_options()
        };
        notes.extend(no_effect(&unused, "--scheme particle"));
        if config.scheme.is_neural() && self.momentum.is_some() {
            notes.extend(no_effect(
                &["--momentum"],
                &format!("--scheme {}", config.scheme),
            ));
        }
        if self.sums == SumsKind::Exact && self.directions.is_some() {
            notes.extend(no_effect(&["--directions"], "--sums exact"));
        }
        Output { notes, ..output }
    }

    /// The names of the given options that only training uses.
    fn training_options(&self) -> Vec<&'static str> {
        let given = [
            ("--iterations", self.iterations.is_some()),
            ("--first-iterations", self.first_iterations.is_some()),
            ("--first-phase", self.first_phase.is_some()),
            ("--batch", self.batch.is_some()),
            ("--width", self.width.is_some()),
            ("--hidden-layers", self.hidden_layers.is_some()),
            ("--latent-dim", self.latent_dim.is_some()),
            ("--learning-rate", self.learning_rate.is_some()),
            ("--learning-rate-decay", self.learning_rate_decay.is_some()),
            ("--control-variate", self.control_variate.is_some()),
            ("--keep-kernels", self.keep_kernels.is_some()),
        ];
        let given = given.into_iter().filter(|(_, given)| *given);
        given.map(|(name, _)| name).collect()
    }
}

/// A note that the options have no effect with the given choice.
pub(super) fn no_effect(options: &[&str], choice: &str) -> Option<String> {
    let verb = if options.len() == 1 { "has" } else { "have" };
    let names = options.join(", ");
    (!options.is_empty()).then(|| format!("{names} {verb} no effect with {choice}"))
}

/// About seven snapshots between the first and the last: evenly spread, or, towards a target that
/// is approached ever more slowly, at T/2, T/4, T/8, ….
fn about_eight(config: &Config) -> SaveAt {
    if let Experiment::Mmd(_) = config.experiment {
        return SaveAt::halving(config.time);
    }
    let steps = match config.validate() {
        Ok(()) => config.time_grid().len() as u64,
        // An unusable setting is reported when the run starts.
        Err(_) => 1,
    };
    SaveAt::Every(steps.div_ceil(7).max(1))
}

/// How messages name settings: as the command that prints them knows them.
#[derive(Clone, Copy)]
pub(super) enum Naming {
    /// As options of the command.
    Options,
    /// As keys of a configuration file.
    Keys,
}

/// Executes `run`, which signals can interrupt, and prints the folder and the main results.
pub(super) fn execute(
    output: &Output,
    naming: Naming,
    run: impl FnOnce() -> Result<Summary, RunError>,
) -> Result<(), Failure> {
    signals::listen(&output.stop)?;
    let folder = output.folder.clone();
    signals::end_late_runs(&output.stop, &output.saving, move || {
        if folder.join("config.toml").exists() {
            let folder = folder.display();
            format!("interrupted; continue with: rieszflow resume {folder}")
        } else {
            "interrupted before the flow began".to_owned()
        }
    });
    let summary = run().map_err(|error| failure(&error, naming))?;
    let folder = output.folder.display();
    if summary.status == Status::Interrupted {
        return Err(Failure {
            status: INTERRUPTED,
            message: format!(
                "interrupted at t = {}; a checkpoint is written, continue with: rieszflow resume \
                 {folder}",
                plain(summary.time)
            ),
        });
    }
    if output.progress {
        print(|out| print_summary(out, &summary, output))?;
    }
    match summary.reason {
        Some(reason) if summary.status == Status::Diverged => {
            let reason = match naming {
                Naming::Options => format!("{reason:#}"),
                Naming::Keys => reason.to_string(),
            };
            Err(Failure::run(format!(
                "the flow diverged in {reason}; what was computed before is in {folder}"
            )))
        }
        _ => Ok(()),
    }
}

/// The failure of a run: status 1 if files or threads are at fault, 2 if the input is.
pub(super) fn failure(error: &RunError, naming: Naming) -> Failure {
    let no_space = [
        ErrorKind::StorageFull,
        ErrorKind::QuotaExceeded,
        ErrorKind::FileTooLarge,
    ];
    let of_the_machine = match error {
        RunError::Write { .. } | RunError::Threads(ThreadsError::Start(..)) => true,
        RunError::Folder(FolderError::Unusable { reason, .. }) => no_space.contains(&reason.kind()),
        _ => false,
    };
    let message = match naming {
        Naming::Options => format!("{error:#}"),
        Naming::Keys => error.to_string(),
    };
    let status = if of_the_machine { 1 } else { 2 };
    Failure { status, message }
}

fn print_summary(out: &mut impl Write, summary: &Summary, output: &Output) -> io::Result<()> {
    if let Some(warning) = &summary.warning {
        writeln!(out, "This cannot be right: {warning:#}")?;
    }
    if summary.stationary {
        writeln!(
            out,
            "The flow is stationary: the forward scheme finds no direction of descent at first \
             order. For r > 1 a Dirac is a stationary point of steepest descent."
        )?;
    }
    if let (Some(time), Some(discrepancy)) = (summary.sample_time, summary.sample_discrepancy) {
        let time = plain(time);
        writeln!(
            out,
            "fresh samples are nearest to the data held out at t = {time}: D² {discrepancy:.3e}"
        )?;
    }
    if let (Some(discrepancy), Some(floor)) =
        (summary.posterior_discrepancy, summary.posterior_floor)
    {
        writeln!(
            out,
            "mean posterior D² {discrepancy:.3e}, of exact draws {floor:.3e}"
        )?;
    }
    if let (Some(v), Some(u)) = (summary.discrepancy, summary.discrepancy_u) {
        let time = plain(summary.time);
        writeln!(
            out,
            "D² to the {} at t = {time}: {v:.3e} (U-statistic {u:.1e})",
            summary.reference
        )?;
    }
    if let Some(discrepancy) = summary.discrepancy_target {
        let what = match summary.sample_time {
            Some(_) => "D² of the particles to the training data",
            None => "D² to the target",
        };
        writeln!(out, "{what} {discrepancy:.3e}")?;
    }
    if let Some(floor) = summary.sampling_floor {
        writeln!(out, "sampling floor {floor:.3e}")?;
    }
    if let (Some(measured), Some(exact)) = (summary.scale_measured, summary.scale_exact) {
        let (measured, exact) = (rounded(measured, 5), rounded(exact, 5));
        writeln!(out, "scale {measured}, exact {exact}")?;
    }
    let seconds = summary.wall_seconds;
    writeln!(out, "{seconds:.1} s, files in {}", output.folder.display())
}
