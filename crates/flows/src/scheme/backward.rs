//! The neural backward scheme: the implicit Euler (JKO) step as a transport plan learned per time step.
//!
//! μⁿ⁺¹ = argmin_μ W₂²(μ,μⁿ)/(2τ) + F(μ). Neither measure needs a density, so the step is written
//! over plans π with first marginal μⁿ, disintegrated as π = μⁿ ⊗ π_x, with π_x the law of a
//! generative network T_θ(x, Z). (Altekrüger, Hertrich, Steidl 2023, Section 4.)

use nalgebra::DMatrix;
use rieszflow_autodiff::{Graph, Real, Var};

use super::training::Trainer;
use super::{Scheme, StepReport, Training, Watch, not_diverged, valid_time_step};
use crate::functional::Energy;
use crate::latent::stratified_normal;
use crate::rng::{Purpose, stream};
use crate::{Error, Frame, Functional, Motion, Points, State};

/// The neural backward scheme.
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
        let frame = Frame::of(&state.particles, |dirac| spread(functional, tau, dirac));
        let length = frame.length();
        // T_θ(x, z) = x + ℓ N: the network learns displacements in units of the cloud's size.
        let plan = Motion {
            frame,
            factor: length,
        };
        // Learn the plan μⁿ ⊗ π_x: minimise L(θ) over minibatches.
        let mean_loss = self.trainer.train(
            state,
            &plan.frame,
            &|graph, particles, output| {
                let moved = plan.record(graph, particles, output);
                let loss = loss(graph, functional, tau, particles, moved)?;
                Ok(graph.scale(loss, (length * length).recip()))
            },
            watch,
        )?;
        // Draw from its second marginal: xᵢ ← T_θ(xᵢ, zᵢ).
        let pushed = self.trainer.push(state, plan);
        not_diverged(&pushed)?;
        state.advance(pushed, tau);
        Ok(StepReport {
            loss: Some(mean_loss * length.into_f64().powi(2)),
            rests: false,
        })
    }
}

/// About how far the step spreads a Dirac: the ℓ among the powers of two that minimises
/// ℓ²/2 + τF of a normal cloud of size ℓ about it.
fn spread<T: Real>(functional: &dyn Functional<T>, tau: f64, dirac: &Frame<T>) -> T {
    let dim = dirac.centre().len();
    let unit: DMatrix<T> = stratified_normal(256, dim, &mut stream(0, Purpose::Start, 0, 0));
    let objective = |exponent: i32| {
        let length = 2.0_f64.powi(exponent);
        let size = T::from_f64(length / (dim as f64).sqrt());
        let cloud = DMatrix::from_fn(256, dim, |i, k| dirac.centre()[k] + size * unit[(i, k)]);
        0.5 * length * length + tau * functional.energy(Points::from(&cloud))
    };
    let best = (-60..=20).min_by(|&a, &b| objective(a).total_cmp(&objective(b)));
    T::from_f64(2.0_f64.powi(best.expect("a power of two")))
}

/// Records L(θ) = ½ · (1/2B) Σ |x − T_θ(x,z)|² + τ F̂ on two minibatches, one below the other.
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
