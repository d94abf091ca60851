//! How much memory a run needs, so that one which cannot fit is refused before it starts.

use sysinfo::System;

use crate::config::{Config, ConfigError, KeepKernels, Precision, SchemeKind, check};
use crate::numbers::bytes;
use crate::observers::chosen_steps;

/// A plain zip archive such as `snapshots.npz` holds so many bytes, headers included.
const ARCHIVE: f64 = 4_294_000_000.0;

/// Kernels are kept without being asked for up to so many bytes.
const MOST_KERNELS: f64 = (256 << 20) as f64;

/// A run that does not fit into the machine's memory.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "the run would need at least {} of memory, {} of it for {largest}; this machine has {}",
    bytes(*.needed), bytes(*.part), bytes(*.available)
)]
pub struct MemoryError {
    /// Bytes that would be needed in all.
    pub needed: f64,
    /// What needs the most, with the options that decide about it.
    pub largest: &'static str,
    /// Bytes that it needs.
    pub part: f64,
    /// Bytes that the machine has.
    pub available: f64,
}

/// Refuses runs that need more memory than the machine has.
pub(crate) fn check_memory(config: &Config) -> Result<(), MemoryError> {
    let parts = parts(config);
    let needed = parts.iter().map(|(_, bytes)| bytes).sum();
    let available = available();
    if needed <= available {
        return Ok(());
    }
    let largest = parts.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let (largest, part) = largest.expect("several parts");
    Err(MemoryError {
        needed,
        largest,
        part,
        available,
    })
}

/// Refuses snapshots that do not fit into their archive.
pub(crate) fn check_archive(config: &Config) -> Result<(), ConfigError> {
    let (count, dim) = (config.particles, config.dim);
    let most = (ARCHIVE / (8.0 * count as f64 * dim as f64)).floor();
    let expected = format!(
        "at most {most} times with the first and the last, because snapshots.npz holds 4 GiB \
         (--particles {count} times --dim {dim} numbers of 8 bytes for each time)"
    );
    let fits = snapshots(config) <= most;
    check("save-at", fits, &expected, &config.save_at)
}

/// What has to be in memory at once, in bytes: the large matrices, and nothing small.
fn parts(config: &Config) -> [(&'static str, f64); 4] {
    let size = bytes_of_a_number(config);
    let count = config.particles as f64;
    let dim = config.dim as f64;
    let trained = if config.scheme == SchemeKind::Particle {
        0.0
    } else {
        size
    };
    let latent = config.latent_dim as f64;
    let (width, depth) = (config.width as f64, config.hidden_layers as f64);
    let activations = 2.0 * config.batch as f64 * width * depth;
    [
        // Before and after a time step, and in double precision for the metrics.
        (
            "the particles (--particles, --dim)",
            count * dim * (2.0 * size + 8.0),
        ),
        // As they are collected and as they are written.
        (
            "the snapshots (--save-at, --particles, --dim)",
            16.0 * snapshots(config) * count * dim,
        ),
        // Parameters, their gradient, and two moments of it.
        (
            "the network (--width, --hidden-layers, --latent-dim, --dim)",
            4.0 * trained * weights(config) + trained * count * latent,
        ),
        // Activations and their gradients.
        (
            "the minibatches (--batch, --width, --hidden-layers)",
            2.0 * trained * activations,
        ),
    ]
}

/// How many times are saved, the first and the last included.
fn snapshots(config: &Config) -> f64 {
    chosen_steps(&config.save_at, &config.time_grid()).len() as f64
}

impl Config {
    /// All kernels if they take at most 256 MiB in all, else none.
    pub fn affordable_kernels(&self) -> KeepKernels {
        if self.validate().is_err() || self.kernel_bytes() <= MOST_KERNELS {
            // Whatever is wrong is reported when the run starts.
            KeepKernels::All
        } else {
            KeepKernels::None
        }
    }

    /// About how many bytes the kernels of all time steps take.
    ///
    /// # Panics
    /// If the configuration is not valid.
    pub fn kernel_bytes(&self) -> f64 {
        match self.scheme {
            SchemeKind::Particle => 0.0,
            _ => weights(self) * bytes_of_a_number(self) * self.time_grid().len() as f64,
        }
    }
}

/// Number of weights of the network.
fn weights(config: &Config) -> f64 {
    let (dim, latent) = (config.dim as f64, config.latent_dim as f64);
    let (width, depth) = (config.width as f64, config.hidden_layers as f64);
    width * (2.0 * dim + latent + (depth - 1.0) * width)
}

fn bytes_of_a_number(config: &Config) -> f64 {
    match config.precision {
        Precision::F32 => 4.0,
        Precision::F64 => 8.0,
    }
}

/// Bytes of memory this process may use.
fn available() -> f64 {
    let mut system = System::new();
    system.refresh_memory();
    let limit = system.cgroup_limits().map(|limits| limits.total_memory);
    let total = system.total_memory();
    limit.map_or(total, |limit| limit.min(total)) as f64
}
