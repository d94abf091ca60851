//! How much memory a run needs, so that one which cannot fit is refused before it starts.

use std::fmt::{self, Display, Formatter};

use rieszflow_flows::Sums;
use sysinfo::System;

use crate::config::{Config, Experiment, KeepKernels, Precision, SchemeKind, chosen_steps};
use crate::numbers::bytes;
use crate::setting::Phrase;

/// The largest size, in bytes, of kernels that are kept by default.
const MOST_KERNELS: f64 = (256 << 20) as f64;

/// A run that does not fit into the machine's memory.
///
/// Written with `{}`, settings have the names of their keys; with `{:#}`, those of their options.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryError {
    /// Bytes that would be needed in all.
    pub needed: f64,
    /// What needs the most, with the settings that decide about it.
    pub largest: Phrase,
    /// Bytes that it needs.
    pub part: f64,
    /// Bytes that the machine has.
    pub available: f64,
}

impl Display for MemoryError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [needed, part, available] = [self.needed, self.part, self.available].map(bytes);
        write!(
            f,
            "the run would need at least {needed} of memory, {part} of it for "
        )?;
        self.largest.fmt(f)?;
        write!(f, "; this machine has {available}")
    }
}

impl std::error::Error for MemoryError {}

/// Refuses runs that need more memory than the machine has.
pub(crate) fn check_memory(config: &Config, threads: Option<usize>) -> Result<(), MemoryError> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let parts = parts(config, threads.unwrap_or_else(cores));
    let needed = parts.iter().map(|(_, bytes)| bytes).sum();
    let available = available();
    if needed <= available {
        return Ok(());
    }
    let largest = parts.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let ((name, settings), part) = largest.expect("several parts");
    Err(MemoryError {
        needed,
        largest: with_settings(name, settings),
        part,
        available,
    })
}

/// "the particles (particles, dim)".
fn with_settings(name: &'static str, settings: &[&'static str]) -> Phrase {
    let start = Phrase::from(name);
    let phrase = settings.iter().enumerate().fold(start, |phrase, (k, key)| {
        phrase.text(if k == 0 { " (" } else { ", " }).setting(key)
    });
    phrase.text(")")
}

/// What takes memory, and the settings that decide about it.
type Part = (&'static str, &'static [&'static str]);

/// The bytes of the large matrices that are in memory at once.
fn parts(config: &Config, threads: usize) -> [(Part, f64); 5] {
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
            ("the particles", &["particles", "dim"]),
            count * dim * (2.0 * size + 8.0),
        ),
        (
            ("the sliced sums", &["particles", "dim", "directions"]),
            sliced_sums(config, threads),
        ),
        // As they are collected and as they are written.
        (
            ("the snapshots", &["save-at", "particles", "dim"]),
            16.0 * snapshots(config) * count * dim,
        ),
        // Parameters, their gradient, and two moments of it.
        (
            (
                "the network",
                &["width", "hidden-layers", "latent-dim", "dim"],
            ),
            4.0 * trained * weights(config) + trained * count * latent,
        ),
        // Activations and their gradients.
        (
            ("the minibatches", &["batch", "width", "hidden-layers"]),
            2.0 * trained * activations,
        ),
    ]
}

/// The bytes of sliced sums over the particles, or over minibatches, and a target that is drawn.
fn sliced_sums(config: &Config, threads: usize) -> f64 {
    let Sums::Sliced(slicing) = config.sums() else {
        return 0.0;
    };
    let drawn = match &config.experiment {
        Experiment::Mmd(mmd) => mmd.target_particles.unwrap_or(0),
        Experiment::Generate(generate) => generate.count.unwrap_or(config.particles),
        Experiment::Posterior(_) => config.particles,
        _ => 0,
    };
    let size = bytes_of_a_number(config) as usize;
    slicing.memory(config.particles + drawn, config.dim, size, threads)
}

/// The number of saved times, the first and the last included.
fn snapshots(config: &Config) -> f64 {
    chosen_steps(&config.save_at, &config.time_grid()).len() as f64
}

impl Config {
    /// All kernels if they take at most 256 MiB in all, else none.
    pub fn affordable_kernels(&self) -> KeepKernels {
        if self.validate().is_err() || self.kernel_bytes() <= MOST_KERNELS {
            // An unusable setting is reported when the run starts.
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
