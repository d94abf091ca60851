//! Why a folder cannot be used for a run.

use std::io;
use std::path::PathBuf;

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
    /// The run has ended.
    #[error("the run in {folder} {1}; there is nothing to resume", folder = .0.display())]
    Ended(PathBuf, &'static str),
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
