//! Reading a checkpoint, which may be cut short, damaged or of another run.

use std::io::{self, Read};

use nalgebra::{DMatrix, RowDVector};
use rieszflow_flows::{Frame, InnerLoop, Learned, Motion, State};
use rieszflow_nets::Moments;
use rieszflow_numerics::Real;
use xxhash_rust::xxh3::Xxh3;

use super::super::kernels::number;
use super::{BLOCK, Checkpoint, Lengths, MAGIC, Record, Shape, VERSION};

/// Bytes besides the arrays: head, place, record and checksum.
const FIXED: u64 = 46 + 48 + 41 + 8;

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
    /// It holds numbers of another precision.
    #[error("holds numbers of {found} bytes, and the run's have {expected}")]
    Precision {
        /// Bytes of a number of the run.
        expected: usize,
        /// What the file says.
        found: u8,
    },
    /// It was taken of another run.
    #[error("belongs to a run with another configuration or other input files")]
    OtherRun,
    /// It has too few or too many bytes.
    #[error("is cut short or damaged: it has {found} bytes instead of {expected}")]
    Length {
        /// Bytes that its head and the configuration call for.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// The checksum does not fit.
    #[error("is damaged: its checksum does not fit its content")]
    Checksum,
    /// A value is none that a run can have.
    #[error("is damaged: it holds an impossible {0}")]
    Value(&'static str),
    /// A file of the run has lost what was written before the checkpoint.
    #[error("needs the first {expected} bytes of {file}, which has {found}")]
    Journal {
        /// The file.
        file: &'static str,
        /// Its length at the time of the checkpoint.
        expected: u64,
        /// Its length now.
        found: u64,
    },
}

/// Reads a checkpoint of `len` bytes for a run of the given shape.
///
/// Memory is taken for what the shape calls for, never for what the file claims.
///
/// # Errors
/// If it is damaged in any way, of another version or precision, or of another run.
pub fn decode<T: Real>(
    reader: impl Read,
    len: u64,
    shape: &Shape,
) -> Result<Checkpoint<T>, CheckpointError> {
    let mut source = Source {
        reader,
        hasher: Xxh3::new(),
        len,
    };
    let motion = source.head::<T>(shape)?;
    let expected = bytes::<T>(shape, motion);
    if len != expected {
        return Err(source.wrong_length(expected));
    }
    let (mut state, updates) = source.place(shape)?;
    let record = source.record()?;
    let particles: Vec<T> = source.numbers(shape.particles * shape.dim)?;
    state.particles = DMatrix::from_vec(shape.particles, shape.dim, particles);
    if let Some(count) = shape.parameters {
        state.learned = Some(source.learned(count, updates, motion, shape.dim)?);
    }
    let digest = source.hasher.digest();
    if source.count()? != digest {
        return Err(CheckpointError::Checksum);
    }
    if state.particles.iter().any(|x| !x.is_finite()) {
        return Err(CheckpointError::Value("particle"));
    }
    Ok(Checkpoint { state, record })
}

/// Bytes of a checkpoint of the given shape.
fn bytes<T>(shape: &Shape, motion: bool) -> u64 {
    let moved = if motion { shape.dim as u64 + 2 } else { 0 };
    let learned = shape.parameters.map_or(0, |count| 3 * count as u64);
    let particles = shape.particles as u64 * shape.dim as u64;
    FIXED + size_of::<T>() as u64 * (particles + learned + moved)
}

/// A reader that keeps a checksum.
struct Source<R> {
    reader: R,
    hasher: Xxh3,
    /// Bytes of the whole file.
    len: u64,
}

impl<R: Read> Source<R> {
    fn wrong_length(&self, expected: u64) -> CheckpointError {
        CheckpointError::Length {
            expected,
            found: self.len,
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), CheckpointError> {
        self.reader.read_exact(bytes).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                // Even the fixed part is not there.
                self.wrong_length(FIXED.max(self.len + 1))
            } else {
                CheckpointError::Io(error)
            }
        })?;
        self.hasher.update(bytes);
        Ok(())
    }

    fn array<const K: usize>(&mut self) -> Result<[u8; K], CheckpointError> {
        let mut bytes = [0; K];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, CheckpointError> {
        Ok(self.array::<1>()?[0])
    }

    fn count(&mut self) -> Result<u64, CheckpointError> {
        self.array().map(u64::from_le_bytes)
    }

    fn float(&mut self) -> Result<f64, CheckpointError> {
        self.array().map(f64::from_le_bytes)
    }

    /// A finite number of seconds, or time, that is not negative.
    fn duration(&mut self, what: &'static str) -> Result<f64, CheckpointError> {
        let value = self.float()?;
        let valid = value >= 0.0 && value.is_finite();
        valid.then_some(value).ok_or(CheckpointError::Value(what))
    }

    /// Checks all that tells this run from others; whether a motion follows.
    fn head<T>(&mut self, shape: &Shape) -> Result<bool, CheckpointError> {
        if self.array()? != MAGIC {
            return Err(CheckpointError::Magic);
        }
        let version = u32::from_le_bytes(self.array()?);
        if version != VERSION {
            return Err(CheckpointError::Version(version));
        }
        let (expected, found) = (size_of::<T>(), self.byte()?);
        if usize::from(found) != expected {
            return Err(CheckpointError::Precision { expected, found });
        }
        let head = [self.count()?, self.count()?, self.count()?, self.count()?];
        let parameters = shape.parameters.unwrap_or(0);
        let [particles, dim, parameters] =
            [shape.particles, shape.dim, parameters].map(|size| size as u64);
        if head != [shape.fingerprint, particles, dim, parameters] {
            return Err(CheckpointError::OtherRun);
        }
        let motion = self.byte()?;
        if motion > u8::from(shape.parameters.is_some()) {
            return Err(CheckpointError::Value("motion"));
        }
        Ok(motion == 1)
    }

    /// A state still without its arrays, and the number of Adam's updates.
    fn place<T: Real>(&mut self, shape: &Shape) -> Result<(State<T>, u64), CheckpointError> {
        let mut state = State::new(DMatrix::zeros(0, 0));
        state.time = self.duration("time")?;
        state.step = self.count()?;
        if state.step > shape.steps {
            return Err(CheckpointError::Value("step"));
        }
        state.inner = InnerLoop {
            iteration: self.count()?,
            loss_sum: self.float()?,
            loss_count: self.count()?,
        };
        if state.inner.loss_count > state.inner.iteration {
            return Err(CheckpointError::Value("number of iterations"));
        }
        Ok((state, self.count()?))
    }

    fn record(&mut self) -> Result<Record, CheckpointError> {
        Ok(Record {
            lengths: Lengths {
                metrics: self.count()?,
                snapshots: self.count()?,
                kernels: self.count()?,
            },
            rests: self.byte()? != 0,
            seconds: self.duration("wall time")?,
            step_seconds: self.duration("wall time")?,
        })
    }

    fn learned<T: Real>(
        &mut self,
        count: usize,
        updates: u64,
        motion: bool,
        dim: usize,
    ) -> Result<Learned<T>, CheckpointError> {
        let parameters = self.numbers(count)?;
        let moments = Moments {
            first: self.numbers(count)?,
            second: self.numbers(count)?,
            updates,
        };
        let motion = motion.then(|| self.motion(dim)).transpose()?;
        Ok(Learned {
            parameters,
            moments,
            motion,
        })
    }

    fn motion<T: Real>(&mut self, dim: usize) -> Result<Motion<T>, CheckpointError> {
        let centre = RowDVector::from_vec(self.numbers(dim)?);
        let rest: Vec<T> = self.numbers(2)?;
        Ok(Motion {
            frame: Frame::new(centre, rest[0]),
            factor: rest[1],
        })
    }

    fn numbers<T: Real>(&mut self, count: usize) -> Result<Vec<T>, CheckpointError> {
        let mut numbers = Vec::with_capacity(count);
        let mut bytes = vec![0; BLOCK * size_of::<T>()];
        while numbers.len() < count {
            let block = (count - numbers.len()).min(BLOCK) * size_of::<T>();
            self.fill(&mut bytes[..block])?;
            let block = bytes[..block].chunks_exact(size_of::<T>());
            numbers.extend(block.map(number::<T>));
        }
        Ok(numbers)
    }
}
