//! The neural forward scheme: Wasserstein steepest descent with a velocity plan learned per time step.
//!
//! The direction of steepest descent at μⁿ is a velocity plan v̂ ∈ argmin D_vF(μⁿ)/‖v‖ with first
//! marginal μⁿ, disintegrated as v = μⁿ ⊗ v_x, with v_x the law of a generative network v_θ(x, Z).
//! Rescaled to v = ((D_v̂F)⁻/‖v̂‖²) v̂ it moves the measure: μⁿ⁺¹ = (π₁ + τπ₂)_# v.
//! (Altekrüger, Hertrich, Steidl 2023, Section 5.)

use nalgebra::DMatrix;
use rieszflow_autodiff::{Graph, Real, Var};

use super::training::{Batches, Trainer};
use super::{Scheme, StepReport, Training, Watch, not_diverged, valid_time_step};
use crate::functional::Derivative;
use crate::rng::{Purpose, stream};
use crate::{Error, Frame, Functional, Minibatches, Motion, Points, State};

/// ε in the training loss D̂_vF/(‖v‖ + ε).
pub const DENOMINATOR_OFFSET: f64 = 1e-2;

/// Size of the two fresh batches that estimate the rescaling, if there are so many particles.
const RESCALING_BATCH: usize = 2000;

/// The neural forward scheme.
pub struct Forward<T> {
    training: Training,
    trainer: Trainer<T>,
}

impl<T: Real> Forward<T> {
    /// The scheme with the given training of its velocity plans.
    pub fn new(training: Training) -> Self {
        Self {
            training,
            trainer: Trainer::new(training),
        }
    }
}

impl<T: Real> Scheme<T> for Forward<T> {
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
        let frame = Frame::of(&state.particles, |_| T::one());
        // Learn the direction v̂: minimise D̂_vF/(‖v‖ + ε) over minibatches.
        let mean_loss = self.trainer.train(
            state,
            &frame,
            &|graph, particles, velocities| loss(graph, functional, particles, velocities),
            watch,
        )?;
        // Rescale it to (D_v̂F)⁻/‖v̂‖² v̂ on fresh large batches.
        let factor = self.estimate_factor(functional, state, &frame)?;
        // Step: xᵢ ← xᵢ + τ (D_v̂F)⁻/‖v̂‖² v_θ(xᵢ, zᵢ).
        let velocities = Motion {
            frame,
            factor: T::from_f64(tau * factor),
        };
        let moved = self.trainer.push(state, velocities);
        not_diverged(&moved)?;
        state.advance(moved, tau);
        Ok(StepReport {
            loss: Some(mean_loss),
            rests: factor == 0.0,
        })
    }
}

impl<T: Real> Forward<T> {
    fn estimate_factor(
        &self,
        functional: &dyn Functional<T>,
        state: &State<T>,
        frame: &Frame<T>,
    ) -> Result<f64, Error> {
        let batch = RESCALING_BATCH.min(state.particles.nrows());
        let mut batches = Batches::new(
            &state.particles,
            &Training {
                batch,
                ..self.training
            },
        );
        let rng = stream(self.training.seed, Purpose::Rescaling, state.step, 0);
        batches.draw(&state.particles, rng);
        let learned = state.learned.as_ref().expect("started by this scheme");
        let kernel = self.training.kernel(state.particles.ncols());
        let velocities = kernel.evaluate(
            &learned.parameters,
            frame,
            &batches.particles,
            &batches.latents,
            |_, _, output| output,
        );
        step_factor(functional, &batches.particles, &velocities)
    }
}

/// Records D̂_vF/(‖v‖ + ε) on two minibatches, one below the other.
///
/// `particles` are their x (2B×d), `velocities` the node of their v_θ(x, z) (2B×d); ‖v‖ is the root
/// mean square over both.
///
/// # Errors
/// [`Error::Collision`] if the derivative is infinite.
///
/// # Panics
/// If the shapes differ or the number of rows is odd.
pub fn loss<T: Real>(
    graph: &mut Graph<'_, T>,
    functional: &dyn Functional<T>,
    particles: &DMatrix<T>,
    velocities: Var,
) -> Result<Var, Error> {
    let positions = Minibatches::new(Points::from(particles));
    let derivative = graph.custom(
        &Derivative {
            functional,
            positions,
        },
        velocities,
    )?;
    let squared = graph.sum_of_squares(velocities);
    let mean = graph.scale(squared, T::from_f64(1.0 / particles.nrows() as f64));
    let norm = graph.sqrt(mean);
    let denominator = graph.shift(norm, T::from_f64(DENOMINATOR_OFFSET));
    Ok(graph.divide(derivative, denominator))
}

/// (D_v̂F)⁻/‖v̂‖², the factor that makes a direction of steepest descent the velocity of the flow.
///
/// Particles and velocities are two minibatches, one below the other (2B×d each). 0 where no
/// direction descends: there the flow rests.
///
/// # Errors
/// [`Error::Collision`] if the derivative is infinite.
pub fn step_factor<T: Real>(
    functional: &dyn Functional<T>,
    particles: &DMatrix<T>,
    velocities: &DMatrix<T>,
) -> Result<f64, Error> {
    let mut unused = vec![T::zero(); velocities.len()];
    let derivative = functional.minibatch_derivative(
        Minibatches::new(Points::from(particles)),
        Minibatches::new(Points::from(velocities)),
        &mut unused,
    )?;
    let squared: f64 = velocities.iter().map(|v| v.into_f64().powi(2)).sum();
    let norm_squared = squared / velocities.nrows() as f64;
    Ok(if derivative < 0.0 {
        -derivative / norm_squared
    } else {
        0.0
    })
}
