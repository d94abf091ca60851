//! Fresh particles of a finished neural flow: its start pushed through the learned kernels.

use std::path::{Path, PathBuf};

use nalgebra::DMatrix;
use rand::RngExt;
use rieszflow_flows::latent::fill_normal;
use rieszflow_flows::rng::{Purpose, stream};
use rieszflow_numerics::Real;

use crate::config::{Config, ConfigFileError, KeepKernels, Precision, step_reaching};
use crate::experiments::ExperimentError;
use crate::files::kernels::{KernelFile, KernelFileError};
use crate::folder::RunFolder;
use crate::numbers::plain;
use crate::observers::widen;
use crate::setting::{SettingError, check};

/// Why no particles can be drawn from a run.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The configuration of the run cannot be read or is not valid.
    #[error(transparent)]
    ConfigFile(#[from] ConfigFileError),
    /// The start of the run cannot be made.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// A setting is unusable.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The kernels cannot be read.
    #[error(transparent)]
    Kernels(#[from] KernelFileError),
    /// A particle flow has no kernels.
    #[error("{0} holds a particle flow, which learns no kernels to push fresh particles through")]
    Particle(String),
    /// The run has not ended.
    #[error(
        "{} holds a run that has not ended, so that its kernels are not there yet; continue it with \
         rieszflow resume",
        .0.display()
    )]
    Unfinished(PathBuf),
    /// The kernel of a time step was not kept.
    #[error(
        "the kernel of time step {step} was not kept, and fresh particles must pass through all of \
         them; run the flow with --keep-kernels all"
    )]
    Missing {
        /// The time step, from 1.
        step: u64,
    },
}

/// Draws `count` fresh particles of the neural flow in `folder` at flow time `time`, or at its end
/// (`count`×d).
///
/// They start where the flow starts and pass through the learned kernels of all time steps until
/// the first that reaches `time`, with independent latents: xⁿ⁺¹ = T_θ(xⁿ, z) in the backward
/// scheme, xⁿ⁺¹ = xⁿ + c v_θ(xⁿ, z) in the forward scheme. So they are independent draws from the
/// measure that the flow has learned.
///
/// # Errors
/// If the folder holds no finished neural run, or not the kernels of all these time steps.
pub fn sample(
    folder: &Path,
    count: usize,
    time: Option<f64>,
    seed: u64,
) -> Result<DMatrix<f64>, SampleError> {
    let valid = (1..=1_000_000_000).contains(&count);
    check("count", valid, "between 1 and 10⁹", &count)?;
    let folder = RunFolder::at(folder);
    let config = folder.read_config()?;
    if !config.scheme.is_neural() {
        return Err(SampleError::Particle(folder.path().display().to_string()));
    }
    if config.keep_kernels == KeepKernels::None {
        return Err(SampleError::Missing { step: 1 });
    }
    if !folder.kernels().exists() {
        return Err(SampleError::Unfinished(folder.path().to_owned()));
    }
    let time = time.unwrap_or(config.time);
    let expected = format!("between 0 and {}, the end of the run", plain(config.time));
    let valid = (0.0..=config.time).contains(&time);
    check("time", valid, expected, &plain(time))?;
    Ok(match config.precision {
        Precision::F32 => widen(&push::<f32>(&folder, &config, count, time, seed)?),
        Precision::F64 => push::<f64>(&folder, &config, count, time, seed)?,
    })
}

fn push<T: Real>(
    folder: &RunFolder,
    config: &Config,
    count: usize,
    time: f64,
    seed: u64,
) -> Result<DMatrix<T>, SampleError> {
    let mut particles = fresh_start(config, count, seed)?.map(T::from_f64);
    let steps = step_reaching(time, &config.time_grid());
    if steps == 0 {
        return Ok(particles);
    }
    let format = config.kernel_format::<T>().expect("a neural scheme");
    let mut kernels = KernelFile::open(&folder.kernels(), format)?;
    let kernel = config.training().kernel(config.dim);
    let mut latents = DMatrix::zeros(count, config.latent_dim);
    for step in 1..=steps {
        if !kernels.has(step) {
            return Err(SampleError::Missing { step });
        }
        let (parameters, motion) = kernels.read(step)?;
        let rng = &mut stream(seed, Purpose::Sample, step, 0);
        fill_normal(latents.as_mut_slice(), rng);
        particles = kernel.push(&parameters, &motion, &particles, &latents);
    }
    Ok(particles)
}

/// Independent draws from the start; of a start given by particles, some of them drawn again.
fn fresh_start(config: &Config, count: usize, seed: u64) -> Result<DMatrix<f64>, SampleError> {
    let config = Config {
        seed,
        particles: count.max(2),
        ..config.clone()
    };
    let start = config.problem()?.start;
    let mut rng = stream(seed, Purpose::Sample, 0, 0);
    let rows: Vec<usize> = if start.nrows() == count {
        (0..count).collect()
    } else {
        (0..count)
            .map(|_| rng.random_range(0..start.nrows()))
            .collect()
    };
    Ok(start.select_rows(&rows))
}
