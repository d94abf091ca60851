//! A state in a file: little-endian numbers behind a header, and a checksum at the end.
//!
//! The file begins with `RIESZST4` and the bytes of a number T (u8, 4 or 8). Then come the name of the
//! scheme (its length as u64, UTF-8), N, d (u64), time (f64), step, flow steps and iterations done (u64),
//! sum (f64) and number (u64) of the losses, and the particles column by column (T). Then u8: 0 without a
//! kernel, 1 with one that has not moved particles yet, 2 with one that has. A kernel is the dimension that
//! it moves, m, width, number of hidden layers, Adam's updates (u64), the parameters and both moments, and
//! for 2 the centre, scale and unit of the transport (T). Then three matrices of the shape of the
//! particles, each u8: 1 and its entries (T), or 0 without: where the transport took the particles when they
//! were last drawn, their velocities, and where the flow of a chain has taken them. The end is the CRC-32 of
//! everything before (u32).

use std::io::{self, ErrorKind, Read, Write};

use nalgebra::{DMatrix, RowDVector};
use rieszflow_nets::Moments;
use rieszflow_numerics::Real;

use super::{InnerLoop, State, TrainedKernel};
use crate::{GenerativeNetwork, Transport};

const MAGIC: [u8; 8] = *b"RIESZST4";
/// Numbers are read and written in blocks of this many.
const BLOCK: usize = 4096;
/// No scheme has a longer name.
const LONGEST_NAME: u64 = 100;
/// No network has more units in a layer or more layers: larger sizes come from a damaged file.
const LARGEST_SIZE: u64 = 1 << 24;

/// Why a file holds no usable state.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The file begins with something else.
    #[error("it is not the state of a flow")]
    NoState,
    /// The file ends too early.
    #[error("it is cut off")]
    CutOff,
    /// Numbers have another precision.
    #[error("its numbers have {found} bytes, and {expected} are expected")]
    Precision {
        /// Bytes of the numbers asked for.
        expected: usize,
        /// Bytes of the numbers in the file.
        found: u8,
    },
    /// A value is out of its range.
    #[error("its {0} is out of range")]
    Value(&'static str),
    /// The checksum is another one.
    #[error("its checksum is wrong: it is damaged")]
    Checksum,
}

impl<T: Real> State<T> {
    /// Writes the state; [`State::read`] reads it back to the bit.
    ///
    /// ```
    /// use nalgebra::DMatrix;
    /// use rieszflow_flows::scheme::{Particle, Scheme};
    /// use rieszflow_flows::State;
    ///
    /// let state = Particle::default().start(DMatrix::<f64>::zeros(10, 2))?;
    /// let mut file = Vec::new();
    /// state.write(&mut file)?;
    /// assert_eq!(State::read(&file[..])?, state);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What the writer reports.
    pub fn write(&self, writer: impl Write) -> io::Result<()> {
        let mut file = StateWriter {
            writer,
            checksum: crc32fast::Hasher::new(),
        };
        file.put(&MAGIC)?;
        file.put(&[size_of::<T>() as u8])?;
        file.count(self.scheme.len())?;
        file.put(self.scheme.as_bytes())?;
        let (count, dim) = self.particles.shape();
        file.count(count)?;
        file.count(dim)?;
        file.put(&self.time.to_le_bytes())?;
        file.put(&self.step.to_le_bytes())?;
        file.put(&self.inner.flow_steps.to_le_bytes())?;
        file.put(&self.inner.iteration.to_le_bytes())?;
        file.put(&self.inner.loss_sum.to_le_bytes())?;
        file.put(&self.inner.loss_count.to_le_bytes())?;
        file.numbers(self.particles.as_slice())?;
        match &self.kernel {
            None => file.put(&[0])?,
            Some(kernel) => file.kernel(kernel)?,
        }
        for matrix in [&self.copies, &self.velocities, &self.moved] {
            file.put(&[u8::from(matrix.is_some())])?;
            if let Some(matrix) = matrix {
                file.numbers(matrix.as_slice())?;
            }
        }
        let checksum = file.checksum.finalize();
        file.writer.write_all(&checksum.to_le_bytes())
    }

    /// Reads a state that [`State::write`] has written.
    ///
    /// Memory is bounded by the length of what is read.
    ///
    /// # Errors
    /// If the reader fails, or what it gives is not a whole and undamaged state in this precision.
    pub fn read(reader: impl Read) -> Result<Self, StateError> {
        let mut file = StateReader {
            reader,
            checksum: crc32fast::Hasher::new(),
        };
        if file.bytes::<8>()? != MAGIC {
            return Err(StateError::NoState);
        }
        let [found] = file.bytes()?;
        if usize::from(found) != size_of::<T>() {
            let expected = size_of::<T>();
            return Err(StateError::Precision { expected, found });
        }
        let scheme = file.name()?;
        let (count, dim) = (file.size("number of particles")?, file.size("dimension")?);
        let time = f64::from_le_bytes(file.bytes()?);
        let step = u64::from_le_bytes(file.bytes()?);
        let inner = InnerLoop {
            flow_steps: u64::from_le_bytes(file.bytes()?),
            iteration: u64::from_le_bytes(file.bytes()?),
            loss_sum: f64::from_le_bytes(file.bytes()?),
            loss_count: u64::from_le_bytes(file.bytes()?),
        };
        let entries = count.checked_mul(dim).filter(|&entries| entries > 0);
        let entries = entries.ok_or(StateError::Value("number of particles"))?;
        let particles = DMatrix::from_vec(count, dim, file.numbers(entries)?);
        let kernel = file.kernel(dim)?;
        let mut matrix = |what| {
            Ok(match file.bytes()? {
                [0] => None,
                [1] => Some(DMatrix::from_vec(count, dim, file.numbers(entries)?)),
                _ => return Err(StateError::Value(what)),
            })
        };
        let copies = matrix("mark of copies")?;
        let velocities = matrix("mark of velocities")?;
        let moved = matrix("mark of a flow")?;
        file.verify()?;
        if !time.is_finite() {
            return Err(StateError::Value("time"));
        }
        Ok(Self {
            particles,
            time,
            step,
            scheme,
            kernel,
            inner,
            copies,
            velocities,
            moved,
        })
    }
}

/// A writer that keeps a checksum.
struct StateWriter<W> {
    writer: W,
    checksum: crc32fast::Hasher,
}

impl<W: Write> StateWriter<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.checksum.update(bytes);
        self.writer.write_all(bytes)
    }

    fn count(&mut self, count: usize) -> io::Result<()> {
        self.put(&(count as u64).to_le_bytes())
    }

    fn numbers<T: Real>(&mut self, numbers: &[T]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(BLOCK * size_of::<T>());
        for block in numbers.chunks(BLOCK) {
            bytes.clear();
            for x in block {
                x.put_le_bytes(&mut bytes);
            }
            self.put(&bytes)?;
        }
        Ok(())
    }

    fn kernel<T: Real>(&mut self, kernel: &TrainedKernel<T>) -> io::Result<()> {
        let (network, moments) = (&kernel.network, &kernel.moments);
        self.put(&[if kernel.transport.is_some() { 2 } else { 1 }])?;
        self.count(network.dim())?;
        self.count(network.latent_dim())?;
        self.count(network.width())?;
        self.count(network.hidden_layers())?;
        self.put(&moments.updates.to_le_bytes())?;
        self.numbers(&kernel.parameters)?;
        self.numbers(&moments.first)?;
        self.numbers(&moments.second)?;
        if let Some(transport) = &kernel.transport {
            self.numbers(transport.centre().as_slice())?;
            self.numbers(&[transport.scale(), transport.unit()])?;
        }
        Ok(())
    }
}

/// A reader that keeps a checksum.
struct StateReader<R> {
    reader: R,
    checksum: crc32fast::Hasher,
}

impl<R: Read> StateReader<R> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), StateError> {
        self.reader
            .read_exact(bytes)
            .map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof => StateError::CutOff,
                _ => StateError::Read(error),
            })?;
        self.checksum.update(bytes);
        Ok(())
    }

    fn bytes<const K: usize>(&mut self) -> Result<[u8; K], StateError> {
        let mut bytes = [0; K];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn size(&mut self, what: &'static str) -> Result<usize, StateError> {
        let size = u64::from_le_bytes(self.bytes()?);
        usize::try_from(size).map_err(|_| StateError::Value(what))
    }

    /// A size of a network, `least` at least.
    fn layer_size(&mut self, least: u64) -> Result<usize, StateError> {
        let size = self.size("network")?;
        if (least..=LARGEST_SIZE).contains(&(size as u64)) {
            Ok(size)
        } else {
            Err(StateError::Value("network"))
        }
    }

    fn name(&mut self) -> Result<String, StateError> {
        let len = u64::from_le_bytes(self.bytes()?);
        if len > LONGEST_NAME {
            return Err(StateError::Value("scheme"));
        }
        let mut name = vec![0; len as usize];
        self.fill(&mut name)?;
        String::from_utf8(name).map_err(|_| StateError::Value("scheme"))
    }

    fn numbers<T: Real>(&mut self, count: usize) -> Result<Vec<T>, StateError> {
        let mut numbers = Vec::new();
        let mut bytes = vec![0; BLOCK * size_of::<T>()];
        while numbers.len() < count {
            let block = (count - numbers.len()).min(BLOCK) * size_of::<T>();
            self.fill(&mut bytes[..block])?;
            let block = bytes[..block].chunks_exact(size_of::<T>());
            numbers.extend(block.map(T::from_le_slice));
        }
        Ok(numbers)
    }

    /// The kernel of particles with `coordinates` coordinates.
    fn kernel<T: Real>(
        &mut self,
        coordinates: usize,
    ) -> Result<Option<TrainedKernel<T>>, StateError> {
        let [kind] = self.bytes()?;
        if kind == 0 {
            return Ok(None);
        }
        if kind > 2 {
            return Err(StateError::Value("kernel"));
        }
        let (dim, latent_dim) = (self.layer_size(1)?, self.layer_size(0)?);
        if dim > coordinates {
            return Err(StateError::Value("network"));
        }
        let (width, hidden_layers) = (self.layer_size(1)?, self.layer_size(1)?);
        let updates = u64::from_le_bytes(self.bytes()?);
        let count = GenerativeNetwork::count_parameters(dim, latent_dim, width, hidden_layers);
        let count = count.ok_or(StateError::Value("network"))?;
        let parameters = self.numbers(count)?;
        let moments = Moments {
            first: self.numbers(count)?,
            second: self.numbers(count)?,
            updates,
        };
        let network = GenerativeNetwork::new(dim, latent_dim, width, hidden_layers);
        let transport = if kind == 2 {
            let centre = RowDVector::from_vec(self.numbers(dim)?);
            let rest: Vec<T> = self.numbers(2)?;
            Some(Transport::new(network.clone(), centre, rest[0], rest[1]))
        } else {
            None
        };
        Ok(Some(TrainedKernel {
            network,
            parameters,
            moments,
            transport,
        }))
    }

    /// Compares the checksum at the end.
    fn verify(mut self) -> Result<(), StateError> {
        let expected = self.checksum.clone().finalize();
        let found = u32::from_le_bytes(self.bytes()?);
        if found == expected {
            Ok(())
        } else {
            Err(StateError::Checksum)
        }
    }
}
