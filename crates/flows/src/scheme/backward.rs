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
//! A time step: train θ on minibatches ([`loss`]), then draw a fresh Z for every particle and move it,
//! xᵢ ← T_θ(xᵢ, zᵢ). The distance W₂ is never computed: the cheapest of all plans is the optimal one,
//! and the minimisation finds it along with its second marginal.
//!
//! Source: Altekrüger, Hertrich, Steidl 2023, Section 4.

use nalgebra::DMatrix;
use rieszflow_autodiff::{Graph, Real, Var};

use super::training::Trainer;
use super::{Iteration, Scheme, StepReport, Training, Watch, not_diverged, valid_time_step};
use crate::functional::Energy;
use crate::latent::stratified_normal;
use crate::rng::{Purpose, stream};
use crate::{Error, Frame, Functional, Motion, Points, State};

/// The neural backward scheme.
///
/// One step costs as many training iterations as [`Training`] says, each with one forward and one
/// reverse pass of the network on 2B particles and one sum over B² pairs (2BM for a target of M atoms).
///
/// Errors: [`Error::Setting`] and [`Error::NotFinite`] at the start, [`Error::TimeStep`],
/// [`Error::Diverged`], [`Error::Interrupted`].
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::scheme::{Backward, Scheme, Training, unwatched};
/// use rieszflow_flows::{Interaction, RieszKernel};
///
/// // One step of size τ = ½ from a Dirac on the line, r = 1, leads to U[−½, ½].
/// let mut scheme = Backward::new(Training {
///     hidden_layers: 1, width: 16, latent_dim: 1, batch: 50,
///     first_iterations: 1000, iterations: 1000,
///     learning_rate: 3e-3, learning_rate_decay: 1e-2, seed: 0,
/// });
/// let mut state = scheme.start(DMatrix::<f64>::zeros(100, 1))?;
/// let functional = Interaction::new(RieszKernel::new(1.0)?);
/// scheme.step(&functional, &mut state, 0.5, &mut unwatched)?;
/// let variance = state.particles.norm_squared() / 100.0;
/// assert!((variance - 1.0 / 12.0).abs() < 1e-2, "{variance}");
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
pub struct Backward<T> {
    trainer: Trainer<T>,
}

impl<T: Real> Backward<T> {
    /// The scheme with the given training of its plans.
    pub fn new(training: Training) -> Self {
        Self {
            trainer: Trainer::new(training),
        }
    }
}

impl<T: Real> Scheme<T> for Backward<T> {
    fn start(&mut self, particles: DMatrix<T>) -> Result<State<T>, Error> {
        self.trainer.start(particles)
    }

    fn step(
        &mut self,
        functional: &dyn Functional<T>,
        state: &mut State<T>,
        tau: f64,
        watch: Watch<'_, T>,
    ) -> Result<StepReport, Error> {
        valid_time_step(tau)?;
        // T_θ(x, z) = x + u N: the network learns displacements in units u of about their size.
        let frame = Frame::of(&state.particles);
        let unit = unit(functional, &state.particles, &frame, tau);
        let plan = Motion {
            frame,
            factor: unit,
        };
        // Learn the plan μⁿ ⊗ π_x: minimise L(θ) over minibatches.
        let mean_loss = self.trainer.train(
            state,
            &plan.frame,
            &|graph, particles, output| {
                let moved = plan.record(graph, particles, output);
                let loss = loss(graph, functional, tau, particles, moved)?;
                Ok(graph.scale(loss, (unit * unit).recip()))
            },
            &mut |state, iteration| {
                let loss = iteration.loss * unit.into_f64().powi(2);
                watch(state, Iteration { loss, ..iteration })
            },
        )?;
        // Draw from its second marginal: xᵢ ← T_θ(xᵢ, zᵢ).
        let pushed = self.trainer.push(state, plan);
        not_diverged(&pushed)?;
        state.advance(pushed, tau);
        Ok(StepReport {
            loss: Some(mean_loss * unit.into_f64().powi(2)),
            rests: false,
        })
    }
}

/// About how far the step moves the particles: τ times their root mean square velocity in the
/// particle flow, but not less than a thousandth of the cloud's size; for a Dirac, how far it
/// spreads.
fn unit<T: Real>(
    functional: &dyn Functional<T>,
    particles: &DMatrix<T>,
    frame: &Frame<T>,
    tau: f64,
) -> T {
    let count = particles.nrows() as f64;
    let mut gradient = DMatrix::<T>::zeros(particles.nrows(), particles.ncols());
    functional.gradient(Points::from(particles), gradient.as_mut_slice());
    let squared: f64 = gradient.iter().map(|g| g.into_f64().powi(2)).sum();
    let drift = tau * (count * squared).sqrt();
    let least = if frame.length().is_zero() {
        spread(functional, tau, frame)
    } else {
        1e-3 * frame.length().into_f64()
    };
    T::from_f64(drift.max(least))
}

/// The ℓ among the powers of two that minimises ℓ²/2 + τF of a normal cloud of size ℓ about a Dirac.
fn spread<T: Real>(functional: &dyn Functional<T>, tau: f64, dirac: &Frame<T>) -> f64 {
    let dim = dirac.centre().len();
    let normal: DMatrix<T> = stratified_normal(256, dim, &mut stream(0, Purpose::Start, 0, 0));
    let objective = |exponent: i32| {
        let length = 2.0_f64.powi(exponent);
        let size = T::from_f64(length / (dim as f64).sqrt());
        let cloud = DMatrix::from_fn(256, dim, |i, k| dirac.centre()[k] + size * normal[(i, k)]);
        0.5 * length * length + tau * functional.energy(Points::from(&cloud))
    };
    let best = (-60..=20).min_by(|&a, &b| objective(a).total_cmp(&objective(b)));
    2.0_f64.powi(best.expect("a power of two"))
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
/// `particles` are their x (2B×d), `moved` the node of their T_θ(x, z) (2B×d).
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
    moved: Var,
) -> Result<Var, Error> {
    let x = graph.constant(particles);
    let displacement = graph.subtract(x, moved);
    let squared = graph.sum_of_squares(displacement);
    let transport = graph.scale(squared, T::from_f64(0.5 / particles.nrows() as f64));
    let energy = graph.custom(&Energy(functional), moved)?;
    let energy = graph.scale(energy, T::from_f64(tau));
    Ok(graph.add(transport, energy))
}
