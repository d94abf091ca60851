//! The program `rieszflow` as a library: experiments as data, runs of them, their files and figures.
//!
//! The method itself is the package `rieszflow`; this one runs its experiments ([`Config`], [`run`]),
//! reads targets from files ([`targets`]), draws ([`figures`]) and checks everything that has an exact
//! answer ([`verify`]).
//!
//! A run in a few lines, into a folder of its own:
//! ```
//! use rieszflow_cli::{Config, Output, SchemeKind, run};
//!
//! let mut config = Config::interaction(SchemeKind::Particle, 2, 1.0);
//! config.particles = 200;
//! let folder = tempfile::tempdir()?;
//! let output = Output::quiet(folder.path().join("run"));
//! let summary = run(&config, &output)?;
//! // D² to the exact measure at time 1.2.
//! assert!(summary.discrepancy.unwrap() < 2e-3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

/// The code of the README, if there is any, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod config;
mod discrepancy;
mod ensemble;
mod experiments;
pub mod figures;
pub mod files;
mod folder;
mod memory;
pub mod numbers;
mod observers;
mod plot;
pub mod posterior;
mod ranks;
mod reproduce;
mod run;
mod sample;
mod setting;
pub mod targets;
mod threads;
pub mod verify;

pub use config::{
    Config, ConfigFileError, Experiment, GenerateSettings, KeepKernels, MmdSettings,
    PosteriorSettings, Precision, SaveAt, SchemeKind, SumsKind, check_times,
};
pub use discrepancy::{Comparison, ComparisonError, compare};
pub use ensemble::{Ensemble, EnsembleError, Seeds, Spread, run_ensemble};
pub use experiments::{ExperimentError, Inputs, Preset};
pub use folder::{Divergence, FolderError, Status, Summary, write_conditional, write_particles};
pub use memory::MemoryError;
pub use plot::{PlotError, plot, plot_together};
pub use ranks::{assist, offer_ranks, rounding};
pub use reproduce::{Figure, ReproduceError, Reproduction};
pub use run::{Output, RunError, resume, run, run_with};
pub use sample::{PosteriorSamples, SampleError, sample, sample_posteriors};
pub use setting::{Phrase, SettingError};
pub use threads::{ThreadsError, set_default_threads, with_threads};
