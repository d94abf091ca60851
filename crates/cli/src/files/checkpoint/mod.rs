//! Checkpoints: all that a run needs to go on to the same bits, in one checksummed file.
//!
//! All numbers are little-endian. The file begins with `RIESZCKP`, the version (u32), the bytes of
//! a number T (u8, 4 or 8), the fingerprint of the run (u64), N, d and the number P of parameters
//! (u64 each; 0 for particle flows), and whether a motion follows (u8: 0 or
//! 1). Then come time (f64), step, iteration, loss sum (f64), loss count, Adam's updates,
//! the lengths of `metrics.csv`, `snapshots.csv` and `kernels.part` (u64 unless said otherwise),
//! whether the flow rests (u8), the seconds of the run and of the step (f64); the particles column
//! by column, the parameters, both moments, centre, length and factor of the motion (T each); and
//! XXH3 of everything before (u64).

mod decode;
mod encode;
mod store;

pub use decode::{CheckpointError, decode};
pub use encode::{encode, fingerprint};
pub use store::{Loaded, Store};

use rieszflow_flows::State;

const MAGIC: [u8; 8] = *b"RIESZCKP";

/// Files of another version are refused.
const VERSION: u32 = 1;

/// Numbers are read and written in blocks of so many.
const BLOCK: usize = 4096;

/// Where a run stood, between two time steps or inside one.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint<T> {
    /// All that evolves.
    pub state: State<T>,
    /// What had been written and measured until then.
    pub record: Record,
}

/// What a run had written and measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Record {
    /// The lengths of its growing files, in bytes.
    pub lengths: Lengths,
    /// Whether the last time step found the flow at rest.
    pub rests: bool,
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
pub struct Shape {
    /// See [`fingerprint`].
    pub fingerprint: u64,
    /// N.
    pub particles: usize,
    /// d.
    pub dim: usize,
    /// Number of parameters of the network; `None` for particle flows.
    pub parameters: Option<usize>,
    /// Number of time steps of the whole flow.
    pub steps: u64,
}

#[cfg(test)]
mod tests;
