//! Closed forms of Wasserstein gradient flows with Riesz kernels.
//!
//! Every numerical part of rieszflow is judged by the exact answers collected here; the crate depends on none of its
//! siblings and can be used alone. The kernel is K(x,y) = −|x−y|ʳ with 0 < r < 2, the interaction energy
//! E(μ) = −½∬|x−y|ʳ dμdμ, and the squared discrepancy
//! D²(μ,ν) = ∬|x−y|ʳ dμdν − ½∬|x−x'|ʳ dμdμ − ½∬|y−y'|ʳ dνdν.
//!
//! * [`Equilibrium`]: the measure η* that the flow of E from a Dirac rescales;
//! * [`flow_scale`], [`backward_scales`], [`forward_scales`]: how large it is after a time t, or after n steps of
//!   either scheme;
//! * [`discrepancy_to_equilibrium`]: D² between particles and that exact measure, without sampling it;
//! * [`special`]: the special functions underneath.
//!
//! Source of most formulas: Altekrüger, Hertrich, Steidl, *Neural Wasserstein Gradient Flows for Discrepancies with
//! Riesz Kernels*, ICML 2023 (arXiv 2301.11624).

mod discrepancy;
mod equilibrium;
mod error;
mod interaction;
pub mod special;

pub use discrepancy::{Discrepancy, discrepancy_to_equilibrium, sampling_floor};
pub use equilibrium::{Equilibrium, EquilibriumKind};
pub use error::Error;
pub use interaction::{backward_scale, backward_scales, flow_scale, forward_scale, forward_scales};
