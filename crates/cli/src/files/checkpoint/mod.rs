//! Checkpoints: all that a run needs to go on to the same bits, in one checksummed file.
//!
//! All numbers are little-endian. The file begins with `RIESZCKP`, the version (u32) and the
//! fingerprint of the run (u64). Then come the lengths of `metrics.csv`, `snapshots.csv` and
//! `kernels.part` (u64 each), whether the flow is stationary (u8), the seconds of the run and of the
//! step (f64 each), the CRC-32 of everything before (u32), and the state as [`State::write`] writes it.

mod store;

pub use store::{CheckpointStore, LoadedCheckpoint};

use std::io::{self, ErrorKind, Read, Write};

use rieszflow_flows::{State, StateError};
use rieszflow_numerics::Real;
use xxhash_rust::xxh3::Xxh3;

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
    /// The lengths of its append-only files, in bytes.
    pub lengths: Lengths,
    /// Whether the last time step found the flow stationary.
    pub is_stationary: bool,
    /// Seconds of computing so far.
    pub seconds: f64,
    /// Those of the time step in progress.
    pub step_seconds: f64,
}

/// The lengths of a run's append-only files, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    /// `metrics.csv`.
    pub metrics: u64,
    /// `snapshots.csv`.
    pub snapshots: u64,
    /// `kernels.part`; 0 without kernels.
    pub kernels: u64,
}

/// The run that a checkpoint must belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunIdentity {
    /// See [`fingerprint`].
    pub fingerprint: u64,
    /// N and d.
    pub particles: (usize, usize),
    /// The number of time steps of the whole flow.
    pub steps: u64,
}

/// Why a checkpoint is refused.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The operating system fails.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It begins with something else.
    #[error("is no checkpoint: it does not begin with RIESZCKP")]
    Magic,
    /// It is of another version of the format.
    #[error("has format version {0}, and this program reads version {VERSION}")]
    Version(u32),
    /// It was written for another run.
    #[error("belongs to a run with another configuration or other input files")]
    OtherRun,
    /// It ends too early.
    #[error("is cut off")]
    CutOff,
    /// Bytes follow its end.
    #[error("is damaged: bytes follow its end")]
    TooLong,
    /// The checksum of its head does not fit.
    #[error("is damaged: its checksum is wrong")]
    Checksum,
    /// The state cannot be read.
    #[error("cannot be used: {0}")]
    State(#[from] StateError),
    /// A value is out of its range.
    #[error("is damaged: its {0} is out of range")]
    Value(&'static str),
    /// An append-only file of the run is shorter than when the checkpoint was written.
    #[error("needs the first {expected} bytes of {file}, which has {found}")]
    Log {
        /// The file.
        file: &'static str,
        /// Its length at the time of the checkpoint.
        expected: u64,
        /// Its length now.
        found: u64,
    },
}

/// Identifies a run: its configuration as text, and the numbers that it reads from elsewhere.
///
/// Two runs with the same fingerprint compute the same.
pub fn fingerprint<'a>(config: &str, data: impl IntoIterator<Item = &'a [f64]>) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(config.as_bytes());
    for numbers in data {
        hasher.update(&(numbers.len() as u64).to_le_bytes());
        for number in numbers {
            hasher.update(&number.to_le_bytes());
        }
    }
    hasher.digest()
}

/// Writes a checkpoint of the run with this fingerprint.
///
/// # Errors
/// What the writer reports.
pub fn encode<T: Real>(
    mut writer: impl Write,
    state: &State<T>,
    record: &RunRecord,
    fingerprint: u64,
) -> io::Result<()> {
    let lengths = record.lengths;
    let mut head = MAGIC.to_vec();
    head.extend(VERSION.to_le_bytes());
    for number in [
        fingerprint,
        lengths.metrics,
        lengths.snapshots,
        lengths.kernels,
    ] {
        head.extend(number.to_le_bytes());
    }
    head.push(u8::from(record.is_stationary));
    head.extend(record.seconds.to_le_bytes());
    head.extend(record.step_seconds.to_le_bytes());
    head.extend(crc32fast::hash(&head).to_le_bytes());
    writer.write_all(&head)?;
    state.write(writer)
}

/// Reads a checkpoint of the given run.
///
/// Memory is bounded by the length of what is read.
///
/// # Errors
/// If it is damaged in any way, of another version or precision, or of another run.
pub fn decode<T: Real>(
    mut reader: impl Read,
    run: &RunIdentity,
) -> Result<Checkpoint<T>, CheckpointError> {
    let record = decode_head(&mut reader, run.fingerprint)?;
    let state = State::<T>::read(&mut reader)?;
    if reader.read(&mut [0])? > 0 {
        return Err(CheckpointError::TooLong);
    }
    if state.particles.shape() != run.particles {
        return Err(CheckpointError::OtherRun);
    }
    if state.step > run.steps {
        return Err(CheckpointError::Value("step"));
    }
    if state.particles.iter().any(|x| !x.is_finite()) {
        return Err(CheckpointError::Value("particle"));
    }
    Ok(Checkpoint { state, record })
}

/// Bytes of the head without its checksum.
const HEAD: usize = 8 + 4 + 4 * 8 + 1 + 2 * 8;

fn decode_head(reader: &mut impl Read, fingerprint: u64) -> Result<RunRecord, CheckpointError> {
    let mut bytes = [0; HEAD + 4];
    reader
        .read_exact(&mut bytes)
        .map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => CheckpointError::CutOff,
            _ => CheckpointError::Io(error),
        })?;
    let mut rest = &bytes[..];
    if take(&mut rest) != MAGIC {
        return Err(CheckpointError::Magic);
    }
    let version = u32::from_le_bytes(take(&mut rest));
    if version != VERSION {
        return Err(CheckpointError::Version(version));
    }
    let [found, metrics, snapshots, kernels] =
        std::array::from_fn(|_| u64::from_le_bytes(take(&mut rest)));
    let [stationary] = take(&mut rest);
    let [seconds, step_seconds] = std::array::from_fn(|_| f64::from_le_bytes(take(&mut rest)));
    if u32::from_le_bytes(take(&mut rest)) != crc32fast::hash(&bytes[..HEAD]) {
        return Err(CheckpointError::Checksum);
    }
    if found != fingerprint {
        return Err(CheckpointError::OtherRun);
    }
    let is_time = |seconds: f64| seconds >= 0.0 && seconds.is_finite();
    if !is_time(seconds) || !is_time(step_seconds) {
        return Err(CheckpointError::Value("wall time"));
    }
    Ok(RunRecord {
        lengths: Lengths {
            metrics,
            snapshots,
            kernels,
        },
        is_stationary: stationary != 0,
        seconds,
        step_seconds,
    })
}

/// The next `K` bytes of the head, which has as many.
fn take<const K: usize>(bytes: &mut &[u8]) -> [u8; K] {
    let (first, rest) = bytes.split_at(K);
    *bytes = rest;
    std::array::from_fn(|k| first[k])
}

#[cfg(test)]
mod tests;
