//! The neural backward scheme: the implicit Euler (JKO) step as a transport plan learned per time step.
//!
//! ```math
//! μ^{n+1} = \operatorname*{argmin}_μ\; \frac{W_2^2(μ, μ^n)}{2τ} + F(μ)
//! ```
//!
//! Neither measure needs a density, so the step is written over plans π with first marginal μⁿ,
//! disintegrated as π = μⁿ ⊗ π_x, with π_x the law of a generative network T_θ(x, Z). Multiplied by
//! τ, the problem becomes one in the parameters θ:
//!
//! ```math
//! \min_θ\; \tfrac12 \int \mathbb E\,|x - T_θ(x,Z)|^2 \,dμ^n(x)
//!        + τ F(\text{law of } T_θ(X, Z)), \qquad X \sim μ^n,\; Z \sim N(0, I_m)
//! ```
//!
//! A time step: train θ on minibatches ([`loss`]; the inner loop is in `training.rs`), then draw a fresh
//! Z for every particle and move it, xᵢ ← T_θ(xᵢ, zᵢ). The distance W₂ is never computed: the cheapest of all plans is the optimal one,
//! and the minimisation finds it along with its second marginal.
//!
//! Source: Altekrüger, Hertrich, Steidl 2023, Section 4.

use nalgebra::DMatrix;
use rieszflow_autodiff::{Graph, Var};
use rieszflow_numerics::Real;

use super::training::Recorded;
use super::{Callback, Scheme, StepReport, Training, check_step};
use crate::functional::record_with_gradient;
use crate::{Error, Functional, Minibatches, Points, State, Transport};

/// The name of the scheme, by which its states know it.
const NAME: &str = "backward";

/// The neural backward scheme.
///
/// One step costs as many training iterations as [`Training`] says, each with one forward and one
/// backward pass of the network on 2B particles and one sum over B² pairs (2BM for a target of M atoms,
/// and 2BN with a control variate).
///
/// Errors: [`Error::Setting`] and [`Error::NotFinite`] at the start, [`Error::TimeStep`],
/// [`Error::Dimension`], [`Error::ForeignState`], [`Error::Diverged`], [`Error::Inactive`],
/// [`Error::Interrupted`].
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::scheme::{Backward, Scheme, Training};
/// use rieszflow_flows::{Interaction, RieszKernel};
///
/// // One step of size τ = ½ from a Dirac on the line, r = 1, leads to U[−½, ½].
/// let scheme = Backward::new(Training {
///     hidden_layers: 1, width: 16, batch: 50, first_iterations: 1000,
///     ..Training::default()
/// });
/// let mut state = scheme.start(DMatrix::<f64>::zeros(100, 1))?;
/// let functional = Interaction::new(RieszKernel::new(1.0)?);
/// scheme.step(&functional, &mut state, 0.5)?;
/// let variance = state.particles.norm_squared() / 100.0;
/// assert!((variance - 1.0 / 12.0).abs() < 1e-2, "{variance}");
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backward {
    training: Training,
}

impl Backward {
    /// The scheme with the given training of its plans.
    pub fn new(training: Training) -> Self {
        Self { training }
    }
}

impl<T: Real> Scheme<T> for Backward {
    fn start(&self, particles: DMatrix<T>) -> Result<State<T>, Error> {
        self.training.start(NAME, particles)
    }

    fn step_with(
        &self,
        functional: &dyn Functional<T>,
        state: &mut State<T>,
        tau: f64,
        callback: Callback<'_, T>,
    ) -> Result<StepReport, Error> {
        check_step(functional, state, tau)?;
        let network = self.training.network_of(NAME, state)?;
        let transport = Transport::standardized(network, &state.particles).with_unit_of_step(
            functional,
            &state.particles,
            tau,
        );
        self.training.start_copies(state, &transport)?;
        let latents = self.training.latents(state, &transport);
        // Learn the plan μⁿ ⊗ π_x: minimise L(θ) over minibatches, until it is not worse than to stay, as
        // the best plan never is. Less than u²/2, about what a step gains, is noise of the training.
        let (report, displacements) = self.training.minimise(
            state,
            self.training.draws(&transport, &latents),
            &|graph, draw, copies| {
                let output = transport.record(graph, draw.x, draw.z);
                let mut loss = loss(graph, functional, tau, draw.x, output, draw.index)?;
                if let Some(copies) = copies {
                    let variate = record_with_gradient(graph, output, |transported, gradient| {
                        let transported = Minibatches::new(transported);
                        Ok(copies.control_variate(functional, transported, gradient))
                    })?;
                    let variate = graph.scale(variate, T::from_f64(tau));
                    loss = graph.add(loss, variate);
                }
                Ok(Recorded { loss, output })
            },
            &|state, displacements| {
                let gain = gain(functional, &state.particles, displacements, tau);
                Ok(gain >= -0.5 * transport.unit().into_f64().powi(2))
            },
            callback,
        )?;
        // Draw from its second marginal: xᵢ ← T_θ(xᵢ, zᵢ).
        Training::finish_step(state, transport, &displacements, tau)?;
        Ok(report)
    }
}

/// τF(μⁿ) − L(θ), what the displacements (N×d) gain on staying.
fn gain<T: Real>(
    functional: &dyn Functional<T>,
    particles: &DMatrix<T>,
    displacements: &DMatrix<T>,
    tau: f64,
) -> f64 {
    let squared: f64 = displacements.iter().map(|d| d.into_f64().powi(2)).sum();
    let transported = particles + displacements;
    let energy = |particles| functional.energy(Points::from(particles));
    let decrease = energy(particles) - energy(&transported);
    tau * decrease - 0.5 * squared / particles.nrows() as f64
}

/// Records L(θ) = ½ · (1/2B) Σ |x − T_θ(x,z)|² + τ F̂ on two minibatches, one below the other.
///
/// ```math
/// L(θ) = \frac1{4B} \sum_{b=1}^{2} \sum_{i=1}^{B} |x^b_i - T_θ(x^b_i, z^b_i)|^2
///      + τ\,\hat F\bigl(T_θ(x^1,z^1),\, T_θ(x^2,z^2)\bigr)
/// ```
///
/// F̂ is [`Functional::minibatch_energy`]; for an energy of pairs it takes one batch against the other
/// and is unbiased. Source: Altekrüger et al. 2023, Section 4, the loss of the neural backward scheme.
///
/// `particles` are their x (2B×d), `transported` the node of their T_θ(x, z) (2B×d),
/// `draw` their number in the training.
///
/// # Errors
/// If the functional has no value there.
///
/// # Panics
/// If the shapes differ or the number of rows is odd.
pub fn loss<T: Real>(
    graph: &mut Graph<'_, T>,
    functional: &dyn Functional<T>,
    tau: f64,
    particles: &DMatrix<T>,
    transported: Var,
    draw: u64,
) -> Result<Var, Error> {
    let x = graph.constant(particles);
    let displacement = graph.subtract(x, transported);
    let squared = graph.sum_of_squares(displacement);
    let cost = graph.scale(squared, T::from_f64(0.5 / particles.nrows() as f64));
    let energy = record_with_gradient(graph, transported, |transported, gradient| {
        let transported = Minibatches::new(transported).of_draw(draw);
        Ok(functional.minibatch_energy(transported, gradient))
    })?;
    let energy = graph.scale(energy, T::from_f64(tau));
    Ok(graph.add(cost, energy))
}
