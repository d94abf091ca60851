//! The neural backward scheme: the implicit Euler (JKO) step as a transport plan learned per time step.
//!
//! μⁿ⁺¹ = argmin_μ W₂²(μ,μⁿ)/(2τ) + F(μ). Neither measure needs a density, so the step is written
//! over plans π with first marginal μⁿ, disintegrated as π = μⁿ ⊗ π_x, with π_x the law of a
//! generative network T_θ(x, Z). (Altekrüger, Hertrich, Steidl 2023, Section 4.)

use nalgebra::DMatrix;
use rieszflow_autodiff::{Graph, Real, Var};

use super::training::Trainer;
use super::{Iteration, Scheme, StepReport, Training, not_diverged, valid_time_step};
use crate::functional::Energy;
use crate::{Error, Functional, State};

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
        watch: &mut dyn FnMut(Iteration),
    ) -> Result<StepReport, Error> {
        valid_time_step(tau)?;
        // Learn the plan μⁿ ⊗ π_x: minimise L(θ) over minibatches.
        let mean_loss = self.trainer.train(
            state,
            &|graph, particles, moved| loss(graph, functional, tau, particles, moved),
            watch,
        )?;
        // Draw from its second marginal: xᵢ ← T_θ(xᵢ, zᵢ).
        let pushed = self.trainer.push(state);
        not_diverged(&pushed)?;
        state.particles = pushed;
        state.time += tau;
        state.step += 1;
        Ok(StepReport {
            loss: Some(mean_loss),
            rests: false,
        })
    }
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
