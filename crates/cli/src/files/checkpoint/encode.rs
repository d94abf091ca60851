//! Writing a checkpoint.

use std::io::{self, Write};

use nalgebra::DMatrix;
use rieszflow_flows::{Learned, State};
use rieszflow_numerics::Real;
use xxhash_rust::xxh3::Xxh3;

use super::super::kernels::put_number;
use super::{BLOCK, MAGIC, Record, VERSION};

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
    writer: impl Write,
    state: &State<T>,
    record: &Record,
    fingerprint: u64,
) -> io::Result<()> {
    let mut sink = Sink {
        writer,
        hasher: Xxh3::new(),
    };
    let learned = state.learned.as_ref();
    sink.head::<T>(&state.particles, learned, fingerprint)?;
    sink.place(state)?;
    sink.record(record)?;
    sink.numbers(state.particles.as_slice())?;
    if let Some(learned) = learned {
        sink.learned(learned)?;
    }
    let digest = sink.hasher.digest();
    sink.writer.write_all(&digest.to_le_bytes())
}

/// A writer that keeps a checksum.
struct Sink<W> {
    writer: W,
    hasher: Xxh3,
}

impl<W: Write> Sink<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.writer.write_all(bytes)
    }

    fn counts<const K: usize>(&mut self, counts: [u64; K]) -> io::Result<()> {
        counts
            .iter()
            .try_for_each(|count| self.put(&count.to_le_bytes()))
    }

    fn head<T: Real>(
        &mut self,
        particles: &DMatrix<T>,
        learned: Option<&Learned<T>>,
        fingerprint: u64,
    ) -> io::Result<()> {
        let parameters = learned.map_or(0, |learned| learned.parameters.len());
        let motion = learned.and_then(|learned| learned.motion.as_ref());
        self.put(&MAGIC)?;
        self.put(&VERSION.to_le_bytes())?;
        self.put(&[size_of::<T>() as u8])?;
        let (count, dim) = particles.shape();
        self.counts([fingerprint, count as u64, dim as u64, parameters as u64])?;
        self.put(&[u8::from(motion.is_some())])
    }

    fn place<T: Real>(&mut self, state: &State<T>) -> io::Result<()> {
        let inner = state.inner;
        let learned = state.learned.as_ref();
        self.put(&state.time.to_le_bytes())?;
        self.counts([state.step, inner.iteration])?;
        self.put(&inner.loss_sum.to_le_bytes())?;
        let updates = learned.map_or(0, |learned| learned.moments.updates);
        self.counts([inner.loss_count, updates])
    }

    fn record(&mut self, record: &Record) -> io::Result<()> {
        let lengths = record.lengths;
        self.counts([lengths.metrics, lengths.snapshots, lengths.kernels])?;
        self.put(&[u8::from(record.rests)])?;
        self.put(&record.seconds.to_le_bytes())?;
        self.put(&record.step_seconds.to_le_bytes())
    }

    fn learned<T: Real>(&mut self, learned: &Learned<T>) -> io::Result<()> {
        self.numbers(&learned.parameters)?;
        self.numbers(&learned.moments.first)?;
        self.numbers(&learned.moments.second)?;
        if let Some(motion) = &learned.motion {
            self.numbers(motion.frame.centre().as_slice())?;
            self.numbers(&[motion.frame.length(), motion.factor])?;
        }
        Ok(())
    }

    fn numbers<T: Real>(&mut self, numbers: &[T]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(BLOCK * size_of::<T>());
        for block in numbers.chunks(BLOCK) {
            bytes.clear();
            for &x in block {
                put_number(x, &mut bytes);
            }
            self.put(&bytes)?;
        }
        Ok(())
    }
}
