//! Where a run begins: at its start, or at the checkpoint where it was interrupted.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rieszflow_flows::{Scheme, State};
use rieszflow_numerics::Real;

use super::carry_out::Run;
use super::{Folder, RunError};
use crate::config::SchemeKind;
use crate::files::checkpoint::{
    Checkpoint, CheckpointError, Lengths, Loaded, Record, Shape, fingerprint,
};
use crate::files::journal::Journal;
use crate::files::sync_folder;
use crate::observers::{Journals, Row, SharedJournal};

/// What a run goes on from.
pub(super) struct Beginning<T> {
    pub(super) state: State<T>,
    pub(super) record: Record,
    pub(super) journals: Journals,
    /// The rows of `metrics.csv` so far.
    pub(super) rows: Vec<Row>,
}

impl Run<'_> {
    /// The latest checkpoint that is whole, or the start if there is none.
    pub(super) fn begin<T: Real>(
        &self,
        scheme: &mut dyn Scheme<T>,
    ) -> Result<Beginning<T>, RunError> {
        let write = |error: io::Error| self.write(error.into());
        self.folder.tidy().map_err(write)?;
        let (state, record) = if let Some(found) = self.checkpoint::<T>()? {
            (found.state, found.record)
        } else {
            let start = self.problem.start.map(T::from_f64);
            (scheme.start(start)?, Record::default())
        };
        let rows = self.read_rows(record.lengths).map_err(write)?;
        let journals = self.journals(record.lengths).map_err(write)?;
        Ok(Beginning {
            state,
            record,
            journals,
            rows,
        })
    }

    fn is_neural(&self) -> bool {
        self.config.scheme != SchemeKind::Particle
    }

    /// Identifies the run by its settings and by what was drawn or read for it.
    pub(super) fn fingerprint(&self) -> Result<u64, RunError> {
        let config = toml::to_string(self.config);
        let config = config.map_err(|error| self.write(error.into()))?;
        let target = self.problem.target.as_ref();
        let points = target.map(|target| target.points.as_slice());
        let weights = target.and_then(|target| target.weights.as_deref());
        let data = [Some(self.problem.start.as_slice()), points, weights];
        Ok(fingerprint(&config, data.into_iter().flatten()))
    }

    fn shape(&self) -> Result<Shape, RunError> {
        let config = self.config;
        let kernel = |()| config.training().kernel(config.dim);
        let kernel = self.is_neural().then_some(()).map(kernel);
        Ok(Shape {
            fingerprint: self.fingerprint()?,
            particles: self.problem.start.nrows(),
            dim: self.problem.start.ncols(),
            parameters: kernel.map(|kernel| kernel.network().parameter_count()),
            steps: config.time_grid().len() as u64,
        })
    }

    fn checkpoint<T: Real>(&self) -> Result<Option<Checkpoint<T>>, RunError> {
        let fits = |found: &Checkpoint<T>| check_lengths(&self.folder, found.record.lengths);
        let loaded = self.folder.store().load(&self.shape()?, fits);
        let Loaded {
            checkpoint,
            refused,
        } = loaded.map_err(|error| self.write(error.into()))?;
        let say =
            |(path, error): &(PathBuf, CheckpointError)| format!("{} {error}", path.display());
        let reasons: Vec<String> = refused.iter().map(say).collect();
        let Some(found) = checkpoint else {
            if reasons.is_empty() {
                return Ok(None);
            }
            return Err(RunError::Checkpoints {
                folder: self.folder.path().to_owned(),
                reasons: reasons.join("\n"),
            });
        };
        let (step, iteration) = (found.state.step, found.state.inner.iteration);
        for reason in reasons {
            eprintln!(
                "warning: {reason}; the one before it is used, after time step {step} and \
                 {iteration} iterations of the next"
            );
        }
        Ok(Some(found))
    }

    /// The rows that were written before the checkpoint.
    fn read_rows(&self, lengths: Lengths) -> io::Result<Vec<Row>> {
        if lengths.metrics == 0 {
            return Ok(Vec::new());
        }
        let file = fs::File::open(self.folder.metrics())?;
        Row::read_all(io::Read::take(file, lengths.metrics))
    }

    /// The growing files at these lengths; new ones where the length is zero.
    fn journals(&self, lengths: Lengths) -> io::Result<Journals> {
        let folder = &self.folder;
        let kernels = self
            .is_neural()
            .then(|| journal(&folder.kernel_data(), lengths.kernels));
        let journals = Journals {
            metrics: journal(&folder.metrics(), lengths.metrics)?,
            snapshots: journal(&folder.snapshots(), lengths.snapshots)?,
            kernels: kernels.transpose()?,
        };
        sync_folder(folder.path())?;
        Ok(journals)
    }
}

fn journal(path: &Path, len: u64) -> io::Result<SharedJournal> {
    let journal = if len == 0 {
        Journal::create(path)
    } else {
        Journal::take_up(path, len)
    };
    journal
        .map(|journal| Rc::new(RefCell::new(journal)))
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// Whether the run's files still hold what they held when the checkpoint was taken.
fn check_lengths(folder: &Folder, lengths: Lengths) -> Result<(), CheckpointError> {
    for (file, path, expected) in [
        ("metrics.csv", folder.metrics(), lengths.metrics),
        ("snapshots.csv", folder.snapshots(), lengths.snapshots),
        ("kernels.part", folder.kernel_data(), lengths.kernels),
    ] {
        let found = match fs::metadata(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            found => found.map_or(0, |file| file.len()),
        };
        if found < expected {
            return Err(CheckpointError::Journal {
                file,
                expected,
                found,
            });
        }
    }
    Ok(())
}
