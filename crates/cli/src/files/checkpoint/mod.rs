//! Checkpoints: all that a run needs to go on to the same bits, in one checksummed file.
//!
//! All numbers are little-endian. The file begins with `RIESZCKP`, the version (u32), the fingerprint of
//! the run, the lengths of `metrics.csv`, `snapshots.csv` and `kernels.part` (u64 each), whether the flow
//! is stationary (u8), the seconds of the run and of the step (f64), and XXH3 of all this (u64). Then
//! comes the state as [`State::write`] writes it.

mod format;
mod store;

pub use format::{CheckpointError, decode, encode, fingerprint};
pub use store::{CheckpointStore, LoadedCheckpoint};

use rieszflow_flows::State;

const MAGIC: [u8; 8] = *b"RIESZCKP";

/// Files of another version are refused.
const VERSION: u32 = 2;

/// Where a run stood, between two time steps or inside one.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint<T> {
    /// All that evolves.
    pub state: State<T>,
    /// What had been written and measured until then.
    pub record: RunRecord,
}

/// What a run had written and measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RunRecord {
    /// The lengths of its growing files, in bytes.
    pub lengths: Lengths,
    /// Whether the last time step found the flow stationary.
    pub stationary: bool,
    /// Seconds of computing so far.
    pub seconds: f64,
    /// Those of the time step in progress.
    pub step_seconds: f64,
}

/// The lengths of a run's growing files, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    /// `metrics.csv`.
    pub metrics: u64,
    /// `snapshots.csv`.
    pub snapshots: u64,
    /// `kernels.part`; 0 without kernels.
    pub kernels: u64,
}

/// What a checkpoint must fit to be taken up by a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunShape {
    /// See [`fingerprint`].
    pub fingerprint: u64,
    /// N.
    pub particles: usize,
    /// d.
    pub dim: usize,
    /// Number of time steps of the whole flow.
    pub steps: u64,
}

#[cfg(test)]
mod tests;
