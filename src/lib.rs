//! Wasserstein gradient flows of discrepancies with Riesz kernels K(x,y) = −|x−y|ʳ, 0 < r < 2.
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
//! and the attraction V_ν(μ) = ∬ |x−y|ʳ dμ(x) dν(y) to a target ν. Together they are, up to a constant,
//! the squared discrepancy D²(μ, ν), so that their flow takes any μ towards ν ([`flows::Mmd`]).
//!
//! **Why not move particles and be done?** Because a point mass repels itself. Under E a Dirac spreads
//! at once, into a density or, for r + d ≥ 4, onto a sphere, and a particle, which can only be at one
//! place, cannot follow
//! ([`flows::scheme::Particle`] does what can be done). For the same reason no *map* x ↦ T(x) can
//! describe a time step: it sends all mass at x to the one point T(x).
//!
//! **Transport plans.** A plan π is a distribution of pairs (x, y): the mass that goes from x to y.
//! Its first marginal is the mass before the step, its second the mass after it, and the mass at one x
//! may go to many y.
//!
//! **Disintegration.** Seen from one x, a plan is a distribution π_x of destinations,
//! π = μ ⊗ π_x. That is a Markov kernel, and here a generative network represents it: π_x is the
//! law of T_θ(x, Z) for a normally distributed Z ([`flows::Transport`]). To draw where a particle goes,
//! draw a Z. A map is the case that ignores Z.
//!
//! **Two schemes.** [`flows::scheme::backward`] learns the plan that minimises cost plus energy after
//! the step (implicit Euler, or JKO),
//!
//! ```math
//! μ^{n+1} = \operatorname*{argmin}_μ\; \frac{W_2^2(μ, μ^n)}{2τ} + F(μ).
//! ```
//!
//! [`flows::scheme::forward`] learns a plan of *velocities* along which the energy falls fastest,
//! rescales it to the speed of the flow, and follows it for a time τ (explicit Euler, or steepest
//! descent). Both train in every time step, from where the last one has ended: draw two minibatches and
//! latents, record T_θ(x, z), record the loss, take its gradient, and let Adam update θ.
//!
//! **What happens at distance zero** decides about the second: the derivative of a distance |u| at
//! u = 0 exists only from one side, and it is what lets a Dirac burst ([`flows::pair_sums`] has the rule).
//!
//! **Standardized coordinates.** Flows from a Dirac pass through all scales, and the network does not
//! see them: it works in coordinates in which the cloud is centred and of size one
//! ([`flows::Transport`]).
//!
//! Source: Altekrüger, Hertrich, Steidl, *Neural Wasserstein Gradient Flows for Discrepancies with
//! Riesz Kernels*, ICML 2023 (arXiv 2301.11624). `docs/notation.md` leads from its symbols to the code;
//! `docs/deviations.md` says where this project departs from it, and why.
//!
//! # A flow
//!
//! One backward step of the interaction energy from a Dirac, judged by the exact one:
//! ```
//! use rieszflow::analytic::{Equilibrium, Law, backward_scale, discrepancy};
//! use rieszflow::flows::scheme::{Backward, Training};
//! use rieszflow::flows::{Flow, Interaction, RieszKernel, time_grid};
//! use rieszflow::nalgebra::DMatrix;
//!
//! let (r, d, tau) = (1.0, 2, 0.5);
//! let functional = Interaction::new(RieszKernel::new(r)?);
//! let scheme = Backward::new(Training { first_iterations: 1000, ..Training::default() });
//! let dirac = DMatrix::<f64>::zeros(200, d);
//! let flow = Flow::new(&functional, &scheme).start(dirac)?.run(&time_grid(&[], tau, tau)?)?;
//!
//! let exact = Law::equilibrium(&Equilibrium::new(d, r)?, backward_scale(r, 0.0, tau)?)?;
//! let found = discrepancy(&flow.state.particles, None, &exact, r)?;
//! assert!(found.v_statistic < 2e-3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The parts
//!
//! * [`flows`]: sums over pairs of particles, functionals, transports, the three schemes, the loop over
//!   time;
//! * [`analytic`]: the closed forms that everything is verified against; it depends on no other part;
//! * [`autodiff`] and [`nets`]: reverse-mode differentiation on a tape, perceptrons, Adam.
//!
//! The program `rieszflow`, with experiments, files and figures, is the package `rieszflow-cli`.

pub use rieszflow_analytic as analytic;
pub use rieszflow_autodiff as autodiff;
pub use rieszflow_flows as flows;
pub use rieszflow_flows::nalgebra;
pub use rieszflow_nets as nets;

/// The code of the README, if there is any, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
