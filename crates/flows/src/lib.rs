//! Wasserstein gradient flows of Riesz-kernel functionals: neural backward and forward schemes and the particle flow.
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
