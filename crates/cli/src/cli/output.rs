//! Where a run's files go and what is shown meanwhile.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use rieszflow_cli::{Config, Output};

use super::{FILES, number, whole};

#[derive(Args)]
pub(super) struct OutputOptions {
    /// Folder for the run's files [default: runs/<experiment>-<scheme>]
    #[arg(long, value_name = "DIR", help_heading = FILES)]
    out: Option<PathBuf>,
    /// Replace a run that is in the folder already
    #[arg(long, help_heading = FILES)]
    force: bool,
    #[command(flatten)]
    running: RunningOptions,
}

/// What new and resumed runs share.
#[derive(Args)]
pub(super) struct RunningOptions {
    /// Draw no figures
    #[arg(long, help_heading = FILES)]
    no_plots: bool,
    /// Print nothing but errors
    #[arg(long, help_heading = FILES)]
    quiet: bool,
    /// Number of threads, 1 to 1024; the results do not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    threads: Option<usize>,
    /// Seconds of wall time between two checkpoints; there is also one at every saved time step
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = Output::CHECKPOINT_EVERY.as_secs_f64(),
        value_parser = seconds,
        help_heading = FILES
    )]
    checkpoint_every: f64,
}

/// Reads a wall time.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds = number(text)?;
    if (0.0..=1e9).contains(&seconds) {
        return Ok(seconds);
    }
    Err("expected seconds between 0 and 1e9".to_owned())
}

impl OutputOptions {
    pub(super) fn output(&self, config: &Config) -> Output {
        let default = || PathBuf::from(format!("runs/{}-{}", config.experiment, config.scheme));
        let folder = self.out.clone().unwrap_or_else(default);
        Output {
            force: self.force,
            ..self.running.output(folder)
        }
    }
}

impl RunningOptions {
    pub(super) fn output(&self, folder: PathBuf) -> Output {
        Output {
            plots: !self.no_plots,
            progress: !self.quiet,
            threads: self.threads,
            checkpoint_every: Duration::from_secs_f64(self.checkpoint_every),
            ..Output::quiet(folder)
        }
    }
}
