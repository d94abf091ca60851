//! The folder of a run: which files it has, and how they come to be there.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nalgebra::DMatrix;
use rieszflow_flows::State;

use super::summary::Ending;
use super::{RunError, Status, Summary};
use crate::config::Config;
use crate::files::checkpoint::Store;
use crate::files::kernels::{Layout, write_kernels};
use crate::files::npz::{NpzArray, write_npz};
use crate::files::{replace, sweep};
use crate::observers::{Row, Snapshot, coordinate_names, read_snapshots};

/// The files of a run; a folder that has one of them holds a run.
const FILES: [&str; 12] = [
    "config.toml",
    "metrics.csv",
    "snapshots.csv",
    "snapshots.npz",
    "final.csv",
    "kernels.safetensors",
    "summary.json",
    "snapshots.png",
    "metrics.png",
    "flow.gif",
    KERNEL_DATA,
    CHECKPOINTS,
];

/// Where kernels are collected until the run ends.
const KERNEL_DATA: &str = "kernels.part";

/// Where checkpoints are kept until the run ends.
const CHECKPOINTS: &str = "checkpoint";

/// A run's folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A folder that holds a run.
    pub(crate) fn of_run(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Makes the folder, empties it of an old run if that is wanted, and writes the configuration.
    ///
    /// # Errors
    /// If it holds a run and `force` is not set, another process writes to it, or it cannot be
    /// written to.
    pub(super) fn prepare(
        path: &Path,
        config: &Config,
        force: bool,
    ) -> Result<(Self, Lock), RunError> {
        let folder = Self(path.to_owned());
        let wrong = |reason| RunError::Folder {
            folder: path.to_owned(),
            reason,
        };
        if !force && folder.holds_a_run() {
            return Err(match folder.ending() {
                None | Some(Status::Interrupted) if folder.has_config() => {
                    RunError::Unfinished(folder.0)
                }
                _ => RunError::Exists(folder.0),
            });
        }
        fs::create_dir_all(path).map_err(wrong)?;
        let lock = Lock::of(path)?;
        folder
            .clear()
            .and_then(|()| folder.write_config(config))
            .map_err(wrong)?;
        Ok((folder, lock))
    }

    /// The folder of a run that has been interrupted.
    ///
    /// # Errors
    /// If it holds no run, a run that has ended, or one that another process is carrying out.
    pub(super) fn take_up(path: &Path) -> Result<(Self, Lock), RunError> {
        let folder = Self(path.to_owned());
        if !folder.has_config() {
            return Err(RunError::NoRun(folder.0));
        }
        let lock = Lock::of(path)?;
        let how = match folder.ending() {
            Some(Status::Interrupted) | None => return Ok((folder, lock)),
            Some(Status::Completed) => "is complete",
            Some(Status::Diverged) => "has diverged",
        };
        // The process may have been killed between the summary and this.
        let closed = folder.close().and_then(|()| sweep(path));
        closed.map_err(|reason| RunError::Folder {
            folder: path.to_owned(),
            reason,
        })?;
        Err(RunError::Ended(folder.0, how))
    }

    fn holds_a_run(&self) -> bool {
        FILES.iter().any(|file| self.0.join(file).exists())
    }

    fn has_config(&self) -> bool {
        self.0.join("config.toml").is_file()
    }

    /// What the summary says, if there is one.
    fn ending(&self) -> Option<Status> {
        let text = fs::read_to_string(self.0.join("summary.json")).ok()?;
        serde_json::from_str(&text)
            .map(|ending: Ending| ending.status)
            .ok()
    }

    /// Removes an old run; its checkpoints first, so that none is left to a new run.
    fn clear(&self) -> io::Result<()> {
        self.store().remove()?;
        for file in FILES.map(|file| self.0.join(file)) {
            if file.exists() {
                fs::remove_file(file)?;
            }
        }
        sweep(&self.0)
    }

    /// Removes unfinished files, and the summary of the interruption.
    pub(super) fn tidy(&self) -> io::Result<()> {
        sweep(&self.0)?;
        if self.store().path().exists() {
            sweep(self.store().path())?;
        }
        remove_if_there(&self.0.join("summary.json"))
    }

    /// The run's checkpoints.
    pub(super) fn store(&self) -> Store {
        Store::new(self.0.join(CHECKPOINTS))
    }

    /// Removes what only an unfinished run needs.
    pub(super) fn close(&self) -> io::Result<()> {
        self.store().remove()?;
        remove_if_there(&self.kernel_data())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn metrics(&self) -> PathBuf {
        self.0.join("metrics.csv")
    }

    pub(crate) fn snapshots(&self) -> PathBuf {
        self.0.join("snapshots.csv")
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
    pub(crate) fn read_config(&self) -> Result<Config, RunError> {
        Config::read(&self.0.join("config.toml"))
    }

    /// # Errors
    /// If the measurements cannot be read.
    pub(crate) fn read_metrics(&self) -> io::Result<Vec<Row>> {
        named(&self.metrics(), Row::read_all)
    }

    /// # Errors
    /// If the snapshots cannot be read.
    pub(crate) fn read_snapshots(&self) -> io::Result<Vec<Snapshot>> {
        named(&self.snapshots(), read_snapshots)
    }

    fn write_config(&self, config: &Config) -> io::Result<()> {
        let text = toml::to_string(config).map_err(io::Error::other)?;
        replace(&self.0.join("config.toml"), |file| {
            file.write_all(text.as_bytes())
        })
    }

    /// Writes `final.csv`.
    pub(super) fn write_final<T: rieszflow_autodiff::Real>(
        &self,
        state: &State<T>,
    ) -> io::Result<()> {
        replace(&self.0.join("final.csv"), |file| {
            write_particles(file, &crate::observers::widen(&state.particles))
        })
    }

    /// Writes `snapshots.npz`.
    pub(super) fn write_archive(&self, snapshots: &[Snapshot]) -> io::Result<()> {
        write_archive(&self.0.join("snapshots.npz"), snapshots)
    }

    /// Makes `kernels.safetensors` of the collected kernels of `steps`.
    pub(super) fn write_kernels(&self, layout: &Layout, steps: &[u64]) -> io::Result<()> {
        if steps.is_empty() {
            return Ok(());
        }
        write_kernels(&self.kernels(), layout, steps, &self.kernel_data())
    }

    pub(super) fn write_summary(&self, summary: &Summary) -> io::Result<()> {
        replace(&self.0.join("summary.json"), |file| {
            serde_json::to_writer_pretty(&mut *file, summary)?;
            writeln!(file)
        })
    }
}

/// The right to write into a folder, which one process has at a time.
#[derive(Debug)]
pub(super) struct Lock {
    /// Open as long as the right is held; the system ends it with the process, however that ends.
    _folder: Option<File>,
}

impl Lock {
    /// # Errors
    /// If another process has it. Where folders cannot be locked, nothing is demanded.
    fn of(path: &Path) -> Result<Self, RunError> {
        let folder = File::open(path).ok();
        match folder.as_ref().map(File::try_lock) {
            Some(Err(TryLockError::WouldBlock)) => Err(RunError::Busy(path.to_owned())),
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

/// Opens and reads a file, and names it if that fails.
fn named<V>(path: &Path, read: impl FnOnce(File) -> io::Result<V>) -> io::Result<V> {
    File::open(path)
        .and_then(read)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// Writes particles (N×d) as CSV with a header x0,x1,….
///
/// # Errors
/// What the writer reports.
pub fn write_particles(writer: impl Write, particles: &DMatrix<f64>) -> io::Result<()> {
    // The kind of an error is kept: a reader who has left is told from a full disk.
    let unwrapped = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    };
    let mut writer = csv::Writer::from_writer(writer);
    let head = coordinate_names(particles.ncols());
    writer.write_record(head).map_err(unwrapped)?;
    for particle in particles.row_iter() {
        let row = particle.iter().map(f64::to_string);
        writer.write_record(row).map_err(unwrapped)?;
    }
    writer.flush()
}

/// `times` (S) and `particles` (S×N×d).
fn write_archive(path: &Path, saved: &[Snapshot]) -> io::Result<()> {
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
            },
            NpzArray {
                name: "particles",
                shape: vec![saved.len(), count, dim],
                data: &particles,
            },
        ],
    )
}
