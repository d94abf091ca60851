//! The folder of a run: which files it has, and how they come to be there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nalgebra::DMatrix;
use rieszflow_flows::State;

use super::{RunError, Summary};
use crate::config::Config;
use crate::files::kernels::{Layout, write_kernels};
use crate::files::npz::{Array, write_npz};
use crate::files::replace;
use crate::observers::{Row, Snapshot, coordinate_names, read_snapshots};

/// The files of a run; a folder that has one of them holds a run.
const FILES: [&str; 11] = [
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
];

/// Where kernels are collected until the run ends.
const KERNEL_DATA: &str = "kernels.part";

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
    /// If it holds a run and `force` is not set, or cannot be written to.
    pub(super) fn prepare(path: &Path, config: &Config, force: bool) -> Result<Self, RunError> {
        let files = FILES.map(|file| path.join(file));
        let old: Vec<&PathBuf> = files.iter().filter(|file| file.exists()).collect();
        let folder = Self(path.to_owned());
        if !force && !old.is_empty() {
            return Err(RunError::Exists(folder.0));
        }
        old.into_iter()
            .try_for_each(fs::remove_file)
            .and_then(|()| fs::create_dir_all(path))
            .and_then(|()| folder.write_config(config))
            .map_err(|reason| RunError::Folder {
                folder: path.to_owned(),
                reason,
            })?;
        Ok(folder)
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
        if !steps.is_empty() {
            write_kernels(&self.kernels(), layout, steps, &self.kernel_data())?;
        }
        fs::remove_file(self.kernel_data())
    }

    pub(super) fn write_summary(&self, summary: &Summary) -> io::Result<()> {
        replace(&self.0.join("summary.json"), |file| {
            serde_json::to_writer_pretty(&mut *file, summary)?;
            writeln!(file)
        })
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
    let mut writer = csv::Writer::from_writer(writer);
    writer.write_record(coordinate_names(particles.ncols()))?;
    for particle in particles.row_iter() {
        writer.write_record(particle.iter().map(f64::to_string))?;
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
            Array {
                name: "times",
                shape: vec![times.len()],
                data: &times,
            },
            Array {
                name: "particles",
                shape: vec![saved.len(), count, dim],
                data: &particles,
            },
        ],
    )
}
