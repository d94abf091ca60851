//! The folder of a run: its files, who may write to it, and what its summary says.

mod error;
mod metrics;
mod snapshots;
mod summary;

pub use error::{Divergence, FolderError};
pub(crate) use metrics::{MetricsColumns, Row};
pub(crate) use snapshots::{Snapshot, SnapshotFormat, coordinate_names, record};
pub(crate) use summary::{CITATION, SavedSummary};
pub use summary::{Status, Summary};

use std::fs::{self, File, TryLockError};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use nalgebra::DMatrix;
use rieszflow_flows::Origin;

use snapshots::{read_records, read_snapshots};

use crate::config::{Config, ConfigFileError, Precision};
use crate::experiments::{COPIES, InputCopy, Problem};
use crate::files::checkpoint::CheckpointStore;
use crate::files::kernels::{KernelFormat, write_kernels};
use crate::files::matrix::{write_matrix, write_vector};
use crate::files::npz::{NpzArray, read_npz, write_npz};
use crate::files::{remove_temporary_files, replace};

/// The files of a run. A folder that has one of them holds a run.
const FILES: [&str; 17] = [
    "config.toml",
    "target.npy",
    "target_weights.npy",
    COPIES,
    "metrics.csv",
    "snapshots.csv",
    "snapshots.npz",
    "final.csv",
    "kernels.safetensors",
    "summary.json",
    "snapshots.png",
    "metrics.png",
    "flow.gif",
    "posteriors.png",
    KERNEL_DATA,
    SNAPSHOT_DATA,
    CHECKPOINTS,
];

/// Where kernels are collected until the run ends.
const KERNEL_DATA: &str = "kernels.part";

/// Where the snapshots of very many particles are collected until the run ends.
const SNAPSHOT_DATA: &str = "snapshots.part";

/// Where checkpoints are kept until the run ends.
const CHECKPOINTS: &str = "checkpoint";

/// A run's folder.
#[derive(Clone, Debug)]
pub(crate) struct RunFolder(PathBuf);

impl RunFolder {
    /// The folder at `path`, which is expected to hold a run.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Makes the folder, removes an old run if `force` is set, and writes the configuration and the
    /// data of the run.
    ///
    /// # Errors
    /// If it holds a run and `force` is not set, another process writes to it, or it cannot be
    /// written to.
    pub(crate) fn create(
        path: &Path,
        config: &Config,
        problem: &Problem,
        force: bool,
    ) -> Result<(Self, Lock), FolderError> {
        let folder = Self(path.to_owned());
        let unusable = |reason| FolderError::Unusable {
            folder: path.to_owned(),
            reason,
        };
        if !force && folder.holds_a_run() {
            return Err(match folder.status() {
                None | Some(Status::Interrupted) if folder.has_config() => {
                    FolderError::Unfinished(folder.0)
                }
                _ => FolderError::Exists(folder.0),
            });
        }
        fs::create_dir_all(path).map_err(unusable)?;
        let lock = Lock::of(path)?;
        folder
            .clear()
            .and_then(|()| folder.write_data(problem))
            .and_then(|()| folder.write_config(config, &problem.copies))
            .map_err(unusable)?;
        Ok((folder, lock))
    }

    /// Opens the folder of a run that was interrupted.
    ///
    /// # Errors
    /// If it holds no run or one that has ended, or if another process writes to it.
    pub(crate) fn reopen(path: &Path) -> Result<(Self, Lock), FolderError> {
        let folder = Self(path.to_owned());
        if !folder.has_config() {
            return Err(FolderError::NoRun(folder.0));
        }
        let lock = Lock::of(path)?;
        let summary = match folder.read_summary() {
            Some(summary) if summary.status != Status::Interrupted => summary,
            _ => return Ok((folder, lock)),
        };
        // A process that was killed just after it wrote the summary has left these files.
        let removed = folder
            .remove_checkpoints()
            .and_then(|()| remove_temporary_files(path));
        removed.map_err(|reason| FolderError::Unusable {
            folder: path.to_owned(),
            reason,
        })?;
        Err(match summary.status {
            Status::Diverged => FolderError::Diverged(folder.0, summary.into()),
            _ => FolderError::Complete(folder.0),
        })
    }

    fn holds_a_run(&self) -> bool {
        FILES.iter().any(|file| self.0.join(file).exists())
    }

    fn has_config(&self) -> bool {
        self.0.join("config.toml").is_file()
    }

    /// The summary, if there is one.
    pub(crate) fn read_summary(&self) -> Option<SavedSummary> {
        let text = fs::read_to_string(self.0.join("summary.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    fn status(&self) -> Option<Status> {
        self.read_summary().map(|summary| summary.status)
    }

    /// Removes an old run, its checkpoints first, so that a new run cannot use one of them.
    fn clear(&self) -> io::Result<()> {
        self.store().remove()?;
        // Without a configuration, a folder of this name is not known to be that of a run.
        let copies = self.0.join(COPIES);
        if self.has_config() && copies.is_dir() {
            fs::remove_dir_all(copies)?;
        }
        for file in FILES.map(|file| self.0.join(file)) {
            if !file.is_dir() {
                remove_if_there(&file)?;
            }
        }
        remove_temporary_files(&self.0)
    }

    /// Removes temporary files and the summary of the interruption.
    pub(crate) fn clean(&self) -> io::Result<()> {
        remove_temporary_files(&self.0)?;
        if self.store().path().exists() {
            remove_temporary_files(self.store().path())?;
        }
        remove_if_there(&self.0.join("summary.json"))
    }

    /// The run's checkpoints.
    pub(crate) fn store(&self) -> CheckpointStore {
        CheckpointStore::new(self.0.join(CHECKPOINTS))
    }

    /// Removes the files that only an unfinished run needs.
    pub(crate) fn remove_checkpoints(&self) -> io::Result<()> {
        self.store().remove()?;
        remove_if_there(&self.0.join(SNAPSHOT_DATA))?;
        remove_if_there(&self.kernel_data())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn metrics(&self) -> PathBuf {
        self.0.join("metrics.csv")
    }

    /// Where snapshots are collected.
    pub(crate) fn snapshots(&self, format: SnapshotFormat) -> PathBuf {
        self.0.join(match format {
            SnapshotFormat::Csv => "snapshots.csv",
            SnapshotFormat::Records { .. } => SNAPSHOT_DATA,
        })
    }

    pub(crate) fn kernels(&self) -> PathBuf {
        self.0.join("kernels.safetensors")
    }

    pub(crate) fn kernel_data(&self) -> PathBuf {
        self.0.join(KERNEL_DATA)
    }

    /// The configuration in the folder.
    ///
    /// # Errors
    /// If it is missing or unusable.
    pub(crate) fn read_config(&self) -> Result<Config, ConfigFileError> {
        Config::read(&self.0.join("config.toml"))
    }

    /// # Errors
    /// If the measurements cannot be read.
    pub(crate) fn read_metrics(&self) -> io::Result<Vec<Row>> {
        read_file(&self.metrics(), Row::read_all)
    }

    /// The measurements of the first `steps` time steps, and how many bytes of the file they take.
    ///
    /// # Errors
    /// If the measurements cannot be read, or are fewer.
    pub(crate) fn read_first_metrics(&self, steps: u64) -> io::Result<(Vec<Row>, u64)> {
        read_file(&self.metrics(), |mut file| {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            // A line for the header and one for each step; the bytes after it may be part of a line.
            let mut ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            let missing = || io::Error::other(format!("expected the rows of {steps} time steps"));
            let (last, _) = ends.nth(steps as usize).ok_or_else(missing)?;
            let rows = Row::read_all(&bytes[..=last])?;
            Ok((rows, last as u64 + 1))
        })
    }

    /// The snapshots as they were collected, or of the archive if these are no longer there.
    ///
    /// # Errors
    /// If the snapshots cannot be read.
    pub(crate) fn read_snapshots(&self, config: &Config) -> io::Result<Vec<Snapshot>> {
        let format = config.snapshot_format();
        let path = self.snapshots(format);
        match format {
            SnapshotFormat::Csv => read_file(&path, read_snapshots),
            SnapshotFormat::Records {
                count,
                dim,
                is_single,
            } if path.exists() => read_file(&path, |file| {
                read_records(BufReader::new(file), (count, dim, is_single))
            }),
            SnapshotFormat::Records { count, dim, .. } => self.read_archive(config, count, dim),
        }
    }

    /// The snapshots of `snapshots.npz`, whose steps are those of their times.
    fn read_archive(&self, config: &Config, count: usize, dim: usize) -> io::Result<Vec<Snapshot>> {
        let path = self.0.join("snapshots.npz");
        let (_, times) = read_npz(&path, "times")?;
        let (_, numbers) = read_npz(&path, "particles")?;
        if numbers.len() != times.len() * count * dim {
            let message = format!("{}: expected {count} particles", path.display());
            return Err(io::Error::other(message));
        }
        let grid = config.time_grid();
        let step_at = |time: f64| grid.partition_point(|step| step.end <= time) as u64;
        let snapshots = times.iter().zip(numbers.chunks_exact(count * dim));
        Ok(snapshots
            .map(|(&time, numbers)| Snapshot {
                step: step_at(time),
                time,
                particles: DMatrix::from_row_slice(count, dim, numbers),
            })
            .collect())
    }

    /// Writes the configuration, with the sources of the copies as comments.
    fn write_config(&self, config: &Config, copies: &[InputCopy]) -> io::Result<()> {
        let text = toml::to_string(config).map_err(io::Error::other)?;
        replace(&self.0.join("config.toml"), |file| {
            for InputCopy { path, input } in copies {
                // Quoted and escaped, so that the comment ends with its line.
                let source = input.path().to_string_lossy();
                writeln!(file, "# {} is a copy of {source:?}", path.display())?;
            }
            file.write_all(text.as_bytes())
        })
    }

    /// Writes copies of the files that were read, and the particles of the target.
    fn write_data(&self, problem: &Problem) -> io::Result<()> {
        if !problem.copies.is_empty() {
            fs::create_dir_all(self.0.join(COPIES))?;
        }
        for InputCopy { path, input } in &problem.copies {
            replace(&self.0.join(path), |file| file.write_all(input.bytes()))?;
        }
        let Some(target) = &problem.target else {
            return Ok(());
        };
        let path = self.0.join("target.npy");
        replace(&path, |file| write_matrix(file, &target.points))?;
        match &target.weights {
            Some(weights) => {
                let path = self.0.join("target_weights.npy");
                replace(&path, |file| write_vector(file, weights))
            }
            None => Ok(()),
        }
    }

    /// Writes `metrics.csv` anew.
    pub(crate) fn write_metrics(&self, columns: MetricsColumns, rows: &[Row]) -> io::Result<()> {
        replace(&self.metrics(), |file| Row::write_all(file, columns, rows))
    }

    /// Writes `final.csv`.
    pub(crate) fn write_final(&self, particles: &DMatrix<f64>) -> io::Result<()> {
        replace(&self.0.join("final.csv"), |file| {
            write_particles(file, particles)
        })
    }

    /// Writes `snapshots.npz`.
    pub(crate) fn write_archive(
        &self,
        snapshots: &[Snapshot],
        format: SnapshotFormat,
    ) -> io::Result<()> {
        let is_single = matches!(
            format,
            SnapshotFormat::Records {
                is_single: true,
                ..
            }
        );
        write_archive(&self.0.join("snapshots.npz"), snapshots, is_single)
    }

    /// Makes `kernels.safetensors` of the collected kernels of `steps`.
    pub(crate) fn write_kernels(
        &self,
        format: &KernelFormat,
        steps: &[u64],
        origin: &Origin,
    ) -> io::Result<()> {
        if steps.is_empty() {
            return Ok(());
        }
        let (path, data) = (self.kernels(), self.kernel_data());
        write_kernels(&path, format, steps, origin.point(), &data)
    }

    pub(crate) fn write_summary(&self, summary: &Summary) -> io::Result<()> {
        replace(&self.0.join("summary.json"), |file| {
            serde_json::to_writer_pretty(&mut *file, summary)?;
            writeln!(file)
        })
    }
}

impl Config {
    /// How the snapshots of the run are collected.
    pub(crate) fn snapshot_format(&self) -> SnapshotFormat {
        if self.writes_csv() {
            return SnapshotFormat::Csv;
        }
        SnapshotFormat::Records {
            count: self.particles,
            dim: self.dim,
            is_single: self.precision == Precision::F32,
        }
    }
}

/// The right to write to a folder, which one process has at a time.
#[derive(Debug)]
pub(crate) struct Lock {
    /// The system releases the lock when the file is closed, at the latest with the process.
    _folder: Option<File>,
}

impl Lock {
    /// # Errors
    /// If another process has it. On systems that cannot lock folders there is no error.
    fn of(path: &Path) -> Result<Self, FolderError> {
        let folder = File::open(path).ok();
        match folder.as_ref().map(File::try_lock) {
            Some(Err(TryLockError::WouldBlock)) => Err(FolderError::Busy(path.to_owned())),
            _ => Ok(Self { _folder: folder }),
        }
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Opens and reads a file; an error names the file.
fn read_file<V>(path: &Path, read: impl FnOnce(File) -> io::Result<V>) -> io::Result<V> {
    File::open(path)
        .and_then(read)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// Writes particles (N×d) as CSV with a header x0,x1,….
///
/// # Errors
/// What the writer reports.
pub fn write_particles(writer: impl Write, particles: &DMatrix<f64>) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(writer);
    let head = coordinate_names(particles.ncols());
    writer.write_record(head).map_err(into_io)?;
    for particle in particles.row_iter() {
        let row = particle.iter().map(f64::to_string);
        writer.write_record(row).map_err(into_io)?;
    }
    writer.flush()
}

/// Writes samples at each of several conditions (N×d each) as CSV with a header condition,x0,x1,…; conditions
/// are numbered from 0.
///
/// # Errors
/// What the writer reports.
pub fn write_conditional(writer: impl Write, samples: &[DMatrix<f64>]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(writer);
    let dim = samples.first().map_or(0, DMatrix::ncols);
    let head = std::iter::once("condition".to_owned()).chain(coordinate_names(dim));
    writer.write_record(head).map_err(into_io)?;
    for (condition, samples) in samples.iter().enumerate() {
        for sample in samples.row_iter() {
            let row = sample.iter().map(f64::to_string);
            let row = std::iter::once(condition.to_string()).chain(row);
            writer.write_record(row).map_err(into_io)?;
        }
    }
    writer.flush()
}

/// The error of a file; the kind is kept, which tells a closed pipe from a full disk.
fn into_io(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// `times` (S) and `particles` (S×N×d).
fn write_archive(path: &Path, saved: &[Snapshot], is_single: bool) -> io::Result<()> {
    let times: Vec<f64> = saved.iter().map(|s| s.time).collect();
    let (count, dim) = saved.first().map_or((0, 0), |s| s.particles.shape());
    let mut particles = Vec::with_capacity(saved.len() * count * dim);
    for snapshot in saved {
        for row in snapshot.particles.row_iter() {
            particles.extend(row.iter());
        }
    }
    write_npz(
        path,
        &[
            NpzArray {
                name: "times",
                shape: vec![times.len()],
                data: &times,
                is_single: false,
            },
            NpzArray {
                name: "particles",
                shape: vec![saved.len(), count, dim],
                data: &particles,
                is_single,
            },
        ],
    )
}
