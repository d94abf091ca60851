//! Wasserstein gradient flows of Riesz-kernel functionals: neural backward and forward schemes and the particle flow.
//!
//! The method on one page is the front page of the package `rieszflow`. Here are its parts, in the order in
//! which a time step uses them:
//!
//! * [`scheme`]: [`scheme::backward`] (JKO), [`scheme::forward`] (steepest descent), [`scheme::particle`], and
//!   the generative [`scheme::chain`]; the inner loop of all networks is in `scheme/training.rs`;
//! * [`Transport`]: T_θ(x, z), whose law over z is the Markov kernel of a plan;
//! * [`Functional`]: the energies E and V_ν, their sum [`Mmd`], and functions of a user;
//! * [`pair_sums`]: the sums over pairs underneath, and what happens at distance zero;
//! * [`sliced`]: estimates of the same sums for very many particles;
//! * [`State`], [`Flow`], [`Observer`]: what evolves, the loop over time, and what watches it;
//! * [`NormalStart`], [`HeldOut`], [`NetworkChain`]: where samples of a chain start, when it has learned enough,
//!   and what it has learned;
//! * [`ranks`]: several processes that compute one flow.
//!
//! Source: Altekrüger, Hertrich, Steidl, *Neural Wasserstein Gradient Flows for Discrepancies with
//! Riesz Kernels*, ICML 2023 (arXiv 2301.11624), cited as "Altekrüger et al. 2023".
//!
//! # Conventions
//!
//! Particles are the rows of an N×d matrix. Flow time t and step sizes τ are `f64`, in the same unit;
//! positions are lengths in whatever unit the start has. [`Error`] says what was given and what would be
//! accepted. Equal seeds give equal results to the bit, for any number of threads and ranks.
//!
//! Work is done by the current pool of [`rayon`], and any number of flows may share one functional, one
//! scheme and one pool. Networks so small that it costs more to wake a thread than to do without it train
//! on one; [`with_awake_worker`] is for a pool that one flow has for itself.

mod conditional;
mod error;
mod flow;
mod functional;
mod held_out;
mod kernel;
pub mod latent;
mod measure;
mod minibatches;
#[cfg(feature = "mpi")]
pub mod mpi;
mod network_chain;
mod observer;
mod origin;
pub mod pair_sums;
pub mod ranks;
pub mod rng;
mod samples;
pub mod scheme;
pub mod sliced;
mod standardization;
mod state;
mod step_sizes;
mod sums;
mod transport;

pub use nalgebra;
pub use rieszflow_numerics::Real;
pub use rieszflow_numerics::parallel::with_awake_worker;

pub use conditional::ConditionalPairs;
pub use error::Error;
pub use flow::{FinishedFlow, Flow, FlowError, StartedFlow};
pub use functional::{
    Functional, ImplosionExplosion, Interaction, Mmd, PairFunction, Potential, PotentialFunction,
    RadialPotential, RadialTable, Sum,
};
pub use held_out::{HeldOut, HeldOutDiscrepancy};
pub use kernel::{COINCIDENT, RieszKernel};
pub use measure::{Measure, Minibatches, Points};
pub use network_chain::NetworkChain;
pub use observer::{Observer, ObserverError, Outcome};
pub use origin::Origin;
pub use pair_sums::{GradientRows, Moving, PairSums};
pub use samples::{NormalStart, hold_out};
pub use scheme::Scheme;
pub use sliced::{DirectionSet, SlicedEnergies, SlicedSums, Slicing};
pub use standardization::Standardization;
pub use state::{InnerLoop, State, StateError, TrainedKernel};
pub use step_sizes::{StepSizes, TimeStep, step_reaching, time_grid};
pub use sums::Sums;
pub use transport::{GenerativeNetwork, Transport};

/// The code of the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
