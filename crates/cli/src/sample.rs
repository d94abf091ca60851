//! Fresh particles of a finished neural flow or chain: its start pushed through what was learned.

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use nalgebra::DMatrix;
use rieszflow_flows::latent::fill_normal;
use rieszflow_flows::rng::{Purpose, stream};
use rieszflow_flows::{NetworkChain, Origin, step_reaching};
use rieszflow_numerics::Real;

use crate::config::{Config, ConfigFileError, Experiment, KeepKernels, Precision};
use crate::experiments::Prepared;
use crate::files::kernels::{KernelFile, KernelFileError};
use crate::folder::{Divergence, RunFolder, Status};
use crate::numbers::plain;
use crate::posterior::Conditions;
use crate::setting::{Phrase, SettingError, check};
use crate::targets::TargetError;
use crate::threads::{ThreadsError, with_threads};

/// Why no particles can be drawn from a run.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The configuration of the run cannot be read or is not valid.
    #[error(transparent)]
    ConfigFile(#[from] ConfigFileError),
    /// The start of the run cannot be read.
    #[error(transparent)]
    Start(#[from] TargetError),
    /// The threads could not be started.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
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
    /// The run has diverged before the flow time asked for.
    #[error(fmt = diverged)]
    Diverged(PathBuf, Divergence),
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
/// measure that the flow has learned. The networks of a chain are maps, and those that its stopping rule
/// found to be one too many are left out.
///
/// # Errors
/// If the folder holds no finished neural run, or not the kernels of all these time steps, or a run that learned
/// posteriors.
pub fn sample(
    folder: &Path,
    count: usize,
    time: Option<f64>,
    seed: u64,
) -> Result<DMatrix<f64>, SampleError> {
    let valid = (1..=MOST_SAMPLES).contains(&count);
    check("count", valid, "between 1 and 10⁹", &count)?;
    let FinishedRun {
        folder,
        config,
        time,
    } = FinishedRun::open(folder, time)?;
    if let Experiment::Posterior(posterior) = &config.experiment {
        let count = posterior.conditions();
        let expected = format!("y1,y2,…, the {count} observed coordinates, csv:PATH or npy:PATH");
        check("condition", false, expected, &"left out")?;
    }
    with_threads(None, || {
        Ok(match config.precision {
            Precision::F32 => push::<f32>(&folder, &config, count, time, seed)?,
            Precision::F64 => push::<f64>(&folder, &config, count, time, seed)?,
        })
    })?
}

/// Samples from posteriors, and what to know of them.
#[derive(Clone, Debug, PartialEq)]
pub struct PosteriorSamples {
    /// The samples at each of the conditions (N×d each).
    pub samples: Vec<DMatrix<f64>>,
    /// A condition beyond the observations of the training pairs, in words.
    pub note: Option<String>,
}

/// Draws `count` samples from the posterior at each of the conditions, by the chain that `rieszflow posterior` has
/// learned in `folder`, as at flow time `time` or where it is best.
///
/// # Errors
/// If the folder holds no such run that is finished, or the conditions do not fit its observations.
pub fn sample_posteriors(
    folder: &Path,
    conditions: &Conditions,
    count: usize,
    time: Option<f64>,
    seed: u64,
) -> Result<PosteriorSamples, SampleError> {
    let run = FinishedRun::open(folder, time)?;
    let Experiment::Posterior(posterior) = &run.config.experiment else {
        let expected = "left out, since the run has not learned posteriors";
        return Err(check("condition", false, expected, conditions)
            .expect_err("refused")
            .into());
    };
    let prepared = run.config.prepared(posterior, run.folder.path())?;
    let observations = conditions.load(&prepared.observed)?;
    let most = MOST_SAMPLES / observations.nrows();
    let expected = format!(
        "between 1 and {most}, with {} conditions",
        observations.nrows()
    );
    check("count", (1..=most).contains(&count), expected, &count)?;
    let samples = with_threads(None, || {
        let config = Config {
            seed,
            ..run.config.clone()
        };
        let wanted = (&observations, count);
        draw_samples(&run.folder, &config, &prepared, wanted, run.time)
    })??;
    Ok(PosteriorSamples {
        samples,
        note: prepared.beyond(&observations),
    })
}

/// Draws `count` samples at each of the observations with the networks up to a flow time; the seed is that of
/// the configuration.
///
/// # Errors
/// If the networks cannot be read.
pub(crate) fn draw_samples(
    folder: &RunFolder,
    config: &Config,
    prepared: &Prepared,
    (observations, count): (&DMatrix<f64>, usize),
    time: f64,
) -> Result<Vec<DMatrix<f64>>, SampleError> {
    Ok(match config.precision {
        Precision::F32 => {
            let networks = read_networks::<f32>(folder, config, time)?;
            prepared.sample(&networks, observations, count, config.seed)
        }
        Precision::F64 => {
            let networks = read_networks::<f64>(folder, config, time)?;
            prepared.sample(&networks, observations, count, config.seed)
        }
    })
}

/// The most samples that are drawn at once.
const MOST_SAMPLES: usize = 1_000_000_000;

/// A neural run that has ended, and the flow time at which it is sampled.
struct FinishedRun {
    folder: RunFolder,
    config: Config,
    time: f64,
}

impl FinishedRun {
    /// The run in `folder`, sampled at the given time or where that is best.
    fn open(folder: &Path, time: Option<f64>) -> Result<Self, SampleError> {
        let folder = RunFolder::at(folder);
        let config = folder.read_config()?;
        if !config.scheme.is_neural() {
            return Err(SampleError::Particle(folder.path().display().to_string()));
        }
        if config.keep_kernels == KeepKernels::None {
            return Err(SampleError::Missing { step: 1 });
        }
        let summary = folder.read_summary();
        // A chain may end before the last time step, and has learned most some networks before.
        let chain = summary.as_ref().and_then(|summary| summary.sample_time);
        let reached = summary.as_ref().and_then(|summary| summary.time);
        let end = chain.and(reached).unwrap_or(config.time);
        let time = time.or(chain).unwrap_or(end);
        let expected = format!("between 0 and {}, the end of the run", plain(end));
        let valid = (0.0..=end).contains(&time);
        check("time", valid, expected, &plain(time))?;
        match summary {
            Some(summary) if summary.status == Status::Diverged => {
                let divergence = Divergence::from(summary);
                if time > divergence.valid_until {
                    return Err(SampleError::Diverged(folder.path().to_owned(), divergence));
                }
            }
            Some(summary) if summary.status == Status::Completed => {}
            _ => return Err(SampleError::Unfinished(folder.path().to_owned())),
        }
        Ok(Self {
            folder,
            config,
            time,
        })
    }
}

/// The networks of a chain until the given flow time.
///
/// # Errors
/// If they cannot be read.
fn read_networks<T: Real>(
    folder: &RunFolder,
    config: &Config,
    time: f64,
) -> Result<NetworkChain<T>, SampleError> {
    let steps = step_reaching(time, &config.time_grid());
    let mut networks = NetworkChain::default();
    if steps == 0 {
        return Ok(networks);
    }
    let format = config.kernel_format::<T>().expect("a chain");
    let mut kernels = KernelFile::open(&folder.kernels(), format)?;
    for step in 1..=steps {
        if !kernels.has(step) {
            return Err(SampleError::Missing { step });
        }
        let (parameters, transport) = kernels.read(step)?;
        networks.push(parameters, transport);
    }
    Ok(networks)
}

fn push<T: Real>(
    folder: &RunFolder,
    config: &Config,
    count: usize,
    time: f64,
    seed: u64,
) -> Result<DMatrix<f64>, SampleError> {
    let start = config.draw_start(count, seed, folder.path())?;
    let steps = step_reaching(time, &config.time_grid());
    if steps == 0 {
        return Ok(start);
    }
    let format = config.kernel_format::<T>().expect("a neural scheme");
    let mut kernels = KernelFile::open(&folder.kernels(), format)?;
    let origin = Origin::at(kernels.origin()?);
    let mut particles: DMatrix<T> = origin.centre(&start);
    let mut latents = DMatrix::zeros(count, config.latent_dim);
    for step in 1..=steps {
        if !kernels.has(step) {
            return Err(SampleError::Missing { step });
        }
        let (parameters, transport) = kernels.read(step)?;
        let rng = &mut stream(seed, Purpose::Sample, step, 0);
        fill_normal(latents.as_mut_slice(), rng);
        particles = transport.push_forward(&parameters, &particles, &latents);
    }
    Ok(origin.restore(&particles))
}

fn diverged(folder: &Path, divergence: &Divergence, f: &mut Formatter<'_>) -> fmt::Result {
    let Divergence {
        reason,
        valid_until,
    } = divergence;
    write!(
        f,
        "the run in {} has diverged: {reason}; ",
        folder.display()
    )?;
    let remedy = if *valid_until > 0.0 {
        Phrase::from("draw with ")
            .setting("time")
            .text(format!(" at most {}, or run the flow", plain(*valid_until)))
    } else {
        Phrase::from("nothing was learned before; run the flow")
    };
    remedy.text(" again with other settings").fmt(f)
}
