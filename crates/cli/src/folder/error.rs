//! Why a folder cannot be used for a run.

use std::io;
use std::path::PathBuf;

use super::summary::SavedSummary;
use crate::numbers::plain;

/// A folder in which no run can be started or continued.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder holds a run that has ended.
    #[error(
        "--out {} already holds a run; choose another folder, or --force to replace it",
        .0.display()
    )]
    Exists(PathBuf),
    /// The folder holds a run that has not ended.
    #[error(
        "--out {folder} already holds a run that has not ended; continue it with rieszflow resume \
         {folder}, choose another folder, or --force to replace it",
        folder = .0.display()
    )]
    Unfinished(PathBuf),
    /// The folder holds no run.
    #[error("{} holds no run to resume: there is no config.toml", .0.display())]
    NoRun(PathBuf),
    /// The run is complete.
    #[error("the run in {} is complete; there is nothing to resume", .0.display())]
    Complete(PathBuf),
    /// The run has diverged.
    #[error(
        "the run in {folder} has diverged and cannot be continued: {reason}; start a new run with \
         other settings; what was computed until t = {time} stands",
        folder = .0.display(), reason = .1.reason, time = plain(.1.valid_until)
    )]
    Diverged(PathBuf, Divergence),
    /// Another process writes to the folder.
    #[error("another process writes to {}; wait until it has ended, or stop it", .0.display())]
    Busy(PathBuf),
    /// The folder cannot be made, or its files cannot be written.
    #[error(
        "--out must be a folder to write to, and {} cannot be used: {reason}",
        folder.display()
    )]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// What the operating system reports.
        reason: io::Error,
    },
}

/// Where and why a run has diverged.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// The time step, what went wrong in it, and the likely cause.
    pub reason: String,
    /// The flow time until which the results stand.
    pub valid_until: f64,
}

impl From<SavedSummary> for Divergence {
    fn from(summary: SavedSummary) -> Self {
        Self {
            reason: summary.reason.unwrap_or_default(),
            valid_until: summary.valid_until.unwrap_or(0.0),
        }
    }
}
