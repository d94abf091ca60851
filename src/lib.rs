//! Wasserstein gradient flows of discrepancies with Riesz kernels K(x,y) = −|x−y|ʳ, 0 < r < 2.
//!
//! [`flows`] tells the method on one page, for readers without the paper. Readers with it find its symbols
//! and equations in `docs/notation.md`, and where this project departs from it in `docs/deviations.md`.
//!
//! The project in parts:
//!
//! * [`flows`]: Riesz sums over pairs of particles, functionals, Markov kernels, and the schemes: the
//!   neural backward (JKO) scheme, the neural forward scheme (steepest descent), the particle flow;
//! * [`analytic`]: the closed forms that everything is verified against;
//! * [`autodiff`] and [`nets`]: reverse-mode differentiation on a tape, networks, Adam;
//! * here: experiments as data ([`Config`]), runs of them ([`run`]), their files and figures.
//!
//! A run in a few lines, into a folder of its own:
//! ```
//! use rieszflow::{Config, Output, SchemeKind, run};
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

pub use rieszflow_analytic as analytic;
pub use rieszflow_autodiff as autodiff;
pub use rieszflow_flows as flows;
pub use rieszflow_nets as nets;

mod config;
mod experiments;
pub mod figures;
pub mod files;
mod memory;
pub mod numbers;
mod observers;
mod plot;
mod reproduce;
mod run;
mod sample;
pub mod targets;
pub mod verify;

pub use config::{
    Config, ConfigError, Experiment, KeepKernels, Mmd, Precision, SaveAt, SchemeKind, check_times,
};
pub use experiments::Preset;
pub use memory::MemoryError;
pub use plot::{PlotError, plot, plot_together};
pub use reproduce::{Figure, ReproduceError, Reproduction};
pub use run::{Output, RunError, Status, Summary, resume, run, write_particles};
pub use sample::{SampleError, sample};
