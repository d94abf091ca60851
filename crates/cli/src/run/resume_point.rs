//! Where a run starts or continues: at its start, or at the checkpoint where it was interrupted.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rieszflow_flows::{Scheme, State};
use rieszflow_numerics::Real;

use super::{Run, RunError};
use crate::files::append_log::AppendLog;
use crate::files::checkpoint::{
    Checkpoint, CheckpointError, Lengths, LoadedCheckpoint, RunRecord, RunShape, fingerprint,
};
use crate::files::sync_folder;
use crate::folder::{Row, RunFolder};
use crate::observers::{Logs, SharedLog};

/// All that a run continues from.
pub(super) struct ResumePoint<T> {
    pub(super) state: State<T>,
    pub(super) record: RunRecord,
    pub(super) logs: Logs,
    /// The rows of `metrics.csv` so far.
    pub(super) rows: Vec<Row>,
}

impl Run<'_> {
    /// The latest checkpoint that is whole, or the start if there is none.
    pub(super) fn resume_point<T: Real>(
        &self,
        scheme: &dyn Scheme<T>,
    ) -> Result<ResumePoint<T>, RunError> {
        let write_error = |error: io::Error| self.write_error(error.into());
        self.folder.clean().map_err(write_error)?;
        let (state, record) = if let Some(found) = self.checkpoint::<T>()? {
            (found.state, found.record)
        } else {
            let start = self.problem.origin.centre(&self.problem.start);
            (scheme.start(start)?, RunRecord::default())
        };
        let mut lengths = record.lengths;
        let mut rows = Vec::new();
        if lengths.metrics > 0 {
            (rows, lengths.metrics) = self
                .folder
                .read_first_metrics(state.step)
                .map_err(write_error)?;
        }
        let logs = self.open_logs(lengths).map_err(write_error)?;
        Ok(ResumePoint {
            state,
            record,
            logs,
            rows,
        })
    }

    /// Identifies the run by its settings and by the particles of its start and target.
    pub(super) fn fingerprint(&self) -> Result<u64, RunError> {
        let config = toml::to_string(self.config);
        let config = config.map_err(|error| self.write_error(error.into()))?;
        let target = self.problem.target.as_ref();
        let points = target.map(|target| target.points.as_slice());
        let weights = target.and_then(|target| target.weights.as_deref());
        let held_out = self
            .problem
            .held_out
            .as_ref()
            .map(nalgebra::Matrix::as_slice);
        let start = Some(self.problem.start.as_slice());
        let data = [start, points, weights, held_out];
        Ok(fingerprint(&config, data.into_iter().flatten()))
    }

    fn shape(&self) -> Result<RunShape, RunError> {
        let config = self.config;
        Ok(RunShape {
            fingerprint: self.fingerprint()?,
            particles: self.problem.start.nrows(),
            dim: self.problem.start.ncols(),
            steps: config.time_grid().len() as u64,
        })
    }

    fn checkpoint<T: Real>(&self) -> Result<Option<Checkpoint<T>>, RunError> {
        let snapshots = self.folder.snapshots(self.config.snapshot_format());
        let fits = |found: &Checkpoint<T>| {
            check_lengths(&self.folder, snapshots.clone(), found.record.lengths)
        };
        let loaded = self.folder.store().load(&self.shape()?, fits);
        let LoadedCheckpoint {
            checkpoint,
            refused,
        } = loaded.map_err(|error| self.write_error(error.into()))?;
        let line =
            |(path, error): &(PathBuf, CheckpointError)| format!("{} {error}", path.display());
        let reasons: Vec<String> = refused.iter().map(line).collect();
        let Some(found) = checkpoint else {
            if reasons.is_empty() {
                return Ok(None);
            }
            return Err(RunError::Checkpoints {
                folder: self.folder.path().to_owned(),
                reasons: reasons.join("\n"),
            });
        };
        let (step, iteration) = (found.state.step, found.state.inner().done());
        for reason in reasons {
            eprintln!(
                "warning: {reason}; the one before it is used, after time step {step} and \
                 {iteration} iterations of the next"
            );
        }
        Ok(Some(found))
    }

    /// The append-only files, cut back to these lengths; new ones where the length is zero.
    fn open_logs(&self, lengths: Lengths) -> io::Result<Logs> {
        let folder = &self.folder;
        let neural = self.config.scheme.is_neural();
        let kernels = neural.then(|| open_log(&folder.kernel_data(), lengths.kernels));
        let logs = Logs {
            metrics: open_log(&folder.metrics(), lengths.metrics)?,
            snapshots: open_log(
                &folder.snapshots(self.config.snapshot_format()),
                lengths.snapshots,
            )?,
            kernels: kernels.transpose()?,
        };
        sync_folder(folder.path())?;
        Ok(logs)
    }
}

fn open_log(path: &Path, len: u64) -> io::Result<SharedLog> {
    let log = if len == 0 {
        AppendLog::create(path)
    } else {
        AppendLog::reopen(path, len)
    };
    log.map(|log| Rc::new(RefCell::new(log)))
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// Checks that the run's files are at least as long as when the checkpoint was written.
fn check_lengths(
    folder: &RunFolder,
    snapshots: PathBuf,
    lengths: Lengths,
) -> Result<(), CheckpointError> {
    let is_table = snapshots
        .extension()
        .is_some_and(|extension| extension == "csv");
    let name = if is_table {
        "snapshots.csv"
    } else {
        "snapshots.part"
    };
    for (file, path, expected) in [
        ("metrics.csv", folder.metrics(), lengths.metrics),
        (name, snapshots, lengths.snapshots),
        ("kernels.part", folder.kernel_data(), lengths.kernels),
    ] {
        let found = match fs::metadata(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            found => found.map_or(0, |file| file.len()),
        };
        if found < expected {
            return Err(CheckpointError::Log {
                file,
                expected,
                found,
            });
        }
    }
    Ok(())
}
