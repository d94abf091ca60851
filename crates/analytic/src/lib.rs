//! Closed forms of Wasserstein gradient flows with Riesz kernels.
//!
//! Every numerical part of rieszflow is judged by the exact answers collected here; the crate
//! depends on none of its siblings and can be used alone. The kernel is K(x,y) = −|x−y|ʳ, 0 < r < 2,
//! the interaction energy E(μ) = −½∬|x−y|ʳ dμdμ, and the squared discrepancy
//! D²(μ,ν) = ∬|x−y|ʳ dμdν − ½∬|x−x'|ʳ dμdμ − ½∬|y−y'|ʳ dνdν.
//!
//! * [`Equilibrium`]: the measure η* that the flow of E from a Dirac rescales;
//! * [`flow_scale`], [`backward_scales`], [`forward_scales`]: how large it is after a time t, or
//!   after n steps of either scheme;
//! * [`EquilibriumTarget`]: the same for the discrepancy towards a larger scale of the equilibrium or
//!   a sphere; [`Confinement`]: for E + (λ/2)∫|x|²; [`dirac_descent`]: from one Dirac to another;
//! * [`Law`]: Gaussians, balls, spheres, equilibria and mixtures, with exact potential, gradient,
//!   energy and sampler;
//! * [`discrepancy()`], [`discrepancy_between`]: D² of particles to a law, and between laws, without
//!   sampling;
//! * [`LinearInverseProblem`]: exact posteriors of a mixture of Gaussians that is observed with noise;
//! * [`FieldMinimiser`]: minimisers of E + λ∫|x|^α/α;
//! * [`Shells`]: a radial reference for the flow towards a Gaussian in ℝ³, r = 1;
//! * [`SteepestDescent`]: the exact first forward step at any discrete measure, r = 1;
//! * [`mod@line`]: exact flow and JKO steps towards any target on the line, r = 1, and exact D² and
//!   W₂ there;
//! * [`Implosion`]: a flow in the plane that collapses to a point and spreads again;
//! * [`quadrature`]: numerical integration;
//! * [`special`]: the special functions underneath.
//!
//! Source of most formulas: Altekrüger, Hertrich, Steidl, *Neural Wasserstein Gradient Flows for
//! Discrepancies with Riesz Kernels*, ICML 2023 (arXiv 2301.11624).

mod beta_ball;
mod confinement;
mod discrepancy;
mod equilibrium;
mod equilibrium_target;
mod error;
mod field;
mod gaussian;
mod implosion;
mod interaction;
mod law;
pub mod line;
mod numeric;
pub mod quadrature;
mod shells;
pub mod special;
mod steepest_descent;

pub use confinement::Confinement;
pub use discrepancy::{
    Discrepancy, discrepancy, discrepancy_between, discrepancy_with, pair_blocks, pair_sums,
    sampling_floor,
};
pub use equilibrium::{Equilibrium, EquilibriumKind};
pub use equilibrium_target::EquilibriumTarget;
pub use error::Error;
pub use field::FieldMinimiser;
pub use implosion::Implosion;
pub use interaction::{
    backward_scale, backward_scales, dirac_descent, flow_scale, flow_scale_from, forward_scale,
    forward_scales,
};
pub use law::{Law, LawPotential, LinearInverseProblem, RadialPotential};
pub use shells::Shells;
pub use steepest_descent::SteepestDescent;

/// The code of the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
