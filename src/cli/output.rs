//! Where a run's files go and what is shown meanwhile.

use std::path::PathBuf;

use clap::Args;
use rieszflow::{Config, Output};

use super::{FILES, whole};

#[derive(Args)]
pub(super) struct OutputOptions {
    /// Folder for the run's files [default: runs/<experiment>-<scheme>]
    #[arg(long, value_name = "DIR", help_heading = FILES)]
    out: Option<PathBuf>,
    /// Replace a run that is in the folder already
    #[arg(long, help_heading = FILES)]
    force: bool,
    /// Draw no figures
    #[arg(long, help_heading = FILES)]
    no_plots: bool,
    /// Print nothing but errors
    #[arg(long, help_heading = FILES)]
    quiet: bool,
    /// Number of threads, 1 to 1024; the results do not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    threads: Option<usize>,
}

impl OutputOptions {
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
