//! Wasserstein gradient flows of Riesz-kernel functionals: neural backward and forward schemes and the particle flow.
//!
//! # The method in one page
//!
//! A functional F assigns an energy to a distribution of mass μ in ℝᵈ. Its *Wasserstein gradient
//! flow* moves the mass so that F falls as fast as it can, where moving mass by a distance δ costs δ².
//! Here F is made of sums of powers of distances, such as the repulsion
//!
//! ```math
//! E(μ) = -\tfrac12 \iint |x-y|^r \,dμ(x)\,dμ(y), \qquad 0 < r < 2,
//! ```
//!
//! and the attraction to a target ν. Together they are, up to a constant, the squared discrepancy
//! D²(μ, ν), so that their flow takes any μ towards ν.
//!
//! **Why not move particles and be done?** Because a point mass repels itself. Under E a Dirac spreads
//! into a density at once, and a particle, which can only be at one place, cannot follow
//! ([`scheme::Particle`] does what can be done). For the same reason no *map* x ↦ T(x) can describe
//! a time step: it sends all mass at x to the one point T(x).
//!
//! **Transport plans.** A plan π is a distribution of pairs (x, y): so much of the mass at x goes to
//! y. Its first marginal is the mass before the step, its second the mass after it, and the mass at one
//! x may go to many y.
//!
//! **Disintegration.** Seen from one x, a plan is a distribution π_x of destinations,
//! π = μ ⊗ π_x. That is a Markov kernel, and here a generative network represents it: π_x is the
//! law of T_θ(x, Z) for a normally distributed Z ([`MarkovKernel`]). To draw where a particle
//! goes, draw a Z. A map is the case that ignores Z.
//!
//! **Two schemes.** [`scheme::backward`] learns the plan that minimises cost plus energy after the
//! step (implicit Euler, or JKO). [`scheme::forward`] learns a plan of *velocities* along which the
//! energy falls fastest, and follows it for a time τ (explicit Euler, or steepest descent). Both train
//! anew in every time step, from where the last one has ended.
//!
//! **What happens at distance zero** decides about the second: the derivative of a distance |u| at
//! u = 0 exists only from one side, and it is what lets a Dirac burst ([`pair_sums`]).
//!
//! **The frame of the cloud.** Flows from a Dirac pass through all scales, and the network does not
//! see them: it works in coordinates in which the cloud is centred and of size one ([`Frame`]).
//!
//! Source: Altekrüger, Hertrich, Steidl, *Neural Wasserstein Gradient Flows for Discrepancies with
//! Riesz Kernels*, ICML 2023 (arXiv 2301.11624), cited as "Altekrüger et al. 2023".
//!
//! # Conventions
//!
//! Particles are the rows of an N×d matrix. Flow time t and step sizes τ are `f64`, in the same unit;
//! positions are lengths in whatever unit the start has. [`Error`] says what was given and what would be
//! accepted. Equal seeds give equal results to the bit, for any number of threads.
//!
//! Work is done by the current pool of [`rayon`]. On a thread of a pool
//! ([`rayon::ThreadPool::install`]) small networks train on two threads, on any other thread on one.
//!
//! # A flow
//!
//! The interaction energy of a Dirac, which spreads into a density:
//! ```
//! use nalgebra::DMatrix;
//! use rieszflow_flows::scheme::{Particle, Scheme};
//! use rieszflow_flows::{Functional, Interaction, Points, RieszKernel, integrate, time_grid};
//!
//! let functional = Interaction::new(RieszKernel::new(1.0)?);
//! let mut scheme = Particle { seed: 0 };
//! let mut state = scheme.start(DMatrix::<f64>::zeros(100, 2))?;
//! let grid = time_grid(&[], 0.05, 1.0)?;
//! integrate(&mut scheme, &functional, &mut state, &grid, &mut [])?;
//! // The flow from a Dirac is at the scale c(t) = t = 1, where the energy is −m₂ = −(2/3)(π/4)².
//! let energy = functional.energy(Points::from(&state.particles));
//! assert!((energy + 0.411).abs() < 0.01);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod company;
mod error;
mod frame;
mod functional;
mod integrate;
mod kernel;
pub mod latent;
mod markov_kernel;
mod measure;
mod observer;
pub mod pair_sums;
pub mod rng;
pub mod scheme;
mod state;
mod step_sizes;

pub use error::Error;
pub use frame::Frame;
pub use functional::{Functional, ImplosionExplosion, Interaction, Mmd, Potential};
pub use integrate::{IntegrateError, Outcome, integrate};
pub use kernel::{COINCIDENT, RieszKernel};
pub use markov_kernel::{MarkovKernel, Motion};
pub use measure::{Measure, Minibatches, Points};
pub use observer::{Observer, ObserverError};
pub use pair_sums::{GradientRows, Moving, PairSums};
pub use scheme::Scheme;
pub use state::{InnerLoop, Learned, State};
pub use step_sizes::{StepSizes, TimeStep, time_grid};

/// The code of the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
