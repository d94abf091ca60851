//! The bytes of a checkpoint: a head about the run, and the state of the flow.

use std::io::{self, Read, Write};

use rieszflow_flows::{State, StateError};
use rieszflow_numerics::Real;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::{Checkpoint, Lengths, MAGIC, RunRecord, RunShape, VERSION};

/// Bytes of the head without its checksum.
const HEAD: usize = 8 + 4 + 8 + 3 * 8 + 1 + 2 * 8;

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
    /// It was taken of another run.
    #[error("belongs to a run with another configuration or other input files")]
    OtherRun,
    /// It has no complete head, or bytes after its end.
    #[error("is cut short or damaged: it has {0} bytes")]
    Length(u64),
    /// The checksum of the head is another one.
    #[error("is damaged: its checksum does not fit its content")]
    Checksum,
    /// A value is out of the range of this run.
    #[error("is damaged: it holds an impossible {0}")]
    Value(&'static str),
    /// The state in it cannot be used.
    #[error("holds no usable state: {0}")]
    State(#[from] StateError),
    /// A file of the run has lost what was written before the checkpoint.
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
    let mut head = Vec::with_capacity(HEAD + 8);
    head.extend(MAGIC);
    head.extend(VERSION.to_le_bytes());
    for number in [
        fingerprint,
        lengths.metrics,
        lengths.snapshots,
        lengths.kernels,
    ] {
        head.extend(number.to_le_bytes());
    }
    head.push(u8::from(record.stationary));
    head.extend(record.seconds.to_le_bytes());
    head.extend(record.step_seconds.to_le_bytes());
    head.extend(xxh3_64(&head).to_le_bytes());
    writer.write_all(&head)?;
    state.write(writer)
}

/// Reads a checkpoint of `len` bytes for a run of the given shape.
///
/// Memory is bounded by the length of the file.
///
/// # Errors
/// If it is damaged in any way, of another version or precision, or of another run.
pub fn decode<T: Real>(
    mut reader: impl Read,
    len: u64,
    shape: &RunShape,
) -> Result<Checkpoint<T>, CheckpointError> {
    if len < (HEAD + 8) as u64 {
        return Err(CheckpointError::Length(len));
    }
    let mut bytes = [0; HEAD + 8];
    reader.read_exact(&mut bytes)?;
    let record = head(&bytes, shape.fingerprint)?;
    let state = State::<T>::read(&mut reader)?;
    if reader.read(&mut [0])? > 0 {
        return Err(CheckpointError::Length(len));
    }
    if state.particles.shape() != (shape.particles, shape.dim) {
        return Err(CheckpointError::OtherRun);
    }
    if state.particles.iter().any(|x| !x.is_finite()) {
        return Err(CheckpointError::Value("particle"));
    }
    if state.step > shape.steps {
        return Err(CheckpointError::Value("step"));
    }
    Ok(Checkpoint { state, record })
}

/// Reads the head.
fn head(bytes: &[u8; HEAD + 8], fingerprint: u64) -> Result<RunRecord, CheckpointError> {
    let (content, checksum) = bytes.split_at(HEAD);
    let (magic, rest) = content.split_at(MAGIC.len());
    let (version, rest) = rest.split_at(4);
    if magic != MAGIC {
        return Err(CheckpointError::Magic);
    }
    let version = u32::from_le_bytes(version.try_into().expect("four bytes"));
    if version != VERSION {
        return Err(CheckpointError::Version(version));
    }
    if xxh3_64(content).to_le_bytes() != checksum {
        return Err(CheckpointError::Checksum);
    }
    let (counts, rest) = rest.split_at(4 * 8);
    let counts = counts.as_chunks().0;
    let [found, metrics, snapshots, kernels] = [0, 1, 2, 3].map(|k| u64::from_le_bytes(counts[k]));
    if found != fingerprint {
        return Err(CheckpointError::OtherRun);
    }
    let seconds = rest[1..].as_chunks().0;
    let [seconds, step_seconds] = [0, 1].map(|k| f64::from_le_bytes(seconds[k]));
    Ok(RunRecord {
        lengths: Lengths {
            metrics,
            snapshots,
            kernels,
        },
        stationary: rest[0] != 0,
        seconds,
        step_seconds,
    })
}
