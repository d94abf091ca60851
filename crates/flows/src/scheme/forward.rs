//! The neural forward scheme: Wasserstein steepest descent with a velocity plan learned per time step.
//!
//! A velocity plan v is a distribution of pairs (x, a) of a position and a velocity, with first marginal
//! μⁿ. Mass that starts together may leave with different velocities. Steepest descent takes the plan
//! along which F falls fastest per unit of speed, and gives it the speed at which the gradient flow runs:
//!
//! ```math
//! \hat v \in \operatorname*{argmin}_v \frac{D_vF(μ^n)}{\|v\|}, \qquad
//! v = \frac{(D_{\hat v}F(μ^n))^-}{\|\hat v\|^2}\,\hat v, \qquad
//! μ^{n+1} = \text{law of } x + τ a,\; (x,a) \sim v
//! ```
//!
//! with ‖v‖² = ∫|a|² dv and (s)⁻ = max(−s, 0). The plan is disintegrated as v = μⁿ ⊗ v_x, with v_x the
//! law of a generative network v_θ(x, Z).
//!
//! A time step: train θ on minibatches ([`loss`]; the inner loop is in `training.rs`), measure the speed
//! on fresh large ones ([`step_factor`]), then draw a fresh Z for every particle and move it. Only the
//! direction is trained for, because the quotient D_vF/‖v‖ does not change when v is scaled.
//!
//! With [`Training::control_variate`], and if no two particles coincide, D_vF is the mean of
//! ⟨N ∂F/∂xᵢ, vᵢ⟩ over all particles, with coefficients that one sum over all pairs gives for the whole time
//! step.
//!
//! D_vF is the one-sided derivative of [`crate::pair_sums`]; what it is at coincident particles decides
//! whether a Dirac bursts (r = 1), is stationary (r > 1) or has no steepest descent (r < 1).
//!
//! Source: Altekrüger, Hertrich, Steidl 2023, Section 5.

use std::cell::Cell;
use std::cmp::Ordering;

use nalgebra::DMatrix;
use rieszflow_autodiff::{Graph, Var};
use rieszflow_numerics::Real;

use super::training::Recorded;
use super::{Callback, Scheme, StepReport, Training, check_step};
use crate::functional::record_with_gradient;
use crate::minibatches::{Draw, MinibatchSampler};
use crate::rng::{Purpose, stream};
use crate::{Error, Functional, Minibatches, Points, State, Transport};

/// The name of the scheme, by which its states know it.
const NAME: &str = "forward";

/// ε in the training loss D̂_vF/(‖v‖ + ε).
pub const DENOMINATOR_OFFSET: f64 = 1e-2;

/// Size of the two fresh batches that estimate the rescaling, if there are that many particles.
const RESCALING_BATCH: usize = 2000;

/// The neural forward scheme.
///
/// One step costs as many training iterations as [`Training`] says, each with one forward and one
/// backward pass of the network on 2B particles and one sum over B² pairs (2BM for a target of M atoms),
/// and one such evaluation on up to 2·2000 particles for the speed. With full batches, B = N, the
/// positions are the same in each iteration, and one such sum a step is enough.
///
/// Errors: [`Error::Setting`] and [`Error::NotFinite`] at the start, [`Error::TimeStep`],
/// [`Error::Dimension`], [`Error::ForeignState`], [`Error::Collision`] for r < 1 and coincident
/// particles, [`Error::Diverged`], [`Error::Inactive`], [`Error::Interrupted`]. Where no direction
/// descends, the step reports that the flow is stationary.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::scheme::{Forward, Scheme, Training};
/// use rieszflow_flows::{Error, Interaction, RieszKernel};
///
/// let scheme = Forward::new(Training {
///     hidden_layers: 1, width: 16, batch: 50, first_iterations: 1000,
///     ..Training::default()
/// });
/// let dirac = DMatrix::<f64>::zeros(100, 1);
/// // One step of size τ = ½ from a Dirac on the line, r = 1, leads to U[−½, ½].
/// let mut state = scheme.start(dirac.clone())?;
/// let functional = Interaction::new(RieszKernel::new(1.0)?);
/// scheme.step(&functional, &mut state, 0.5)?;
/// let variance = state.particles.norm_squared() / 100.0;
/// assert!((variance - 1.0 / 12.0).abs() < 1e-2, "{variance}");
/// // For r < 1 the energy of a Dirac falls infinitely fast.
/// let mut state = scheme.start(dirac)?;
/// let functional = Interaction::new(RieszKernel::new(0.5)?);
/// let refused = scheme.step(&functional, &mut state, 0.5);
/// assert_eq!(refused, Err(Error::Collision { exponent: 0.5 }));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forward {
    training: Training,
}

impl Forward {
    /// The scheme with the given training of its velocity plans.
    pub fn new(training: Training) -> Self {
        Self { training }
    }
}

impl<T: Real> Scheme<T> for Forward {
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
        let direction = Transport::standardized(network, &state.particles);
        let coefficients = self.coefficients(functional, state);
        let factor = Cell::new(0.0);
        let latents = self.training.latents(state, &direction);
        // Learn the direction v̂: minimise D̂_vF/(‖v‖ + ε) over minibatches, until it descends.
        let (report, velocities) = self.training.minimise(
            state,
            self.training.draws(&direction, &latents),
            &|graph, draw, _| {
                let output = direction.record_displacement(graph, draw.x, draw.z);
                let loss = match &coefficients {
                    Some(coefficients) => {
                        let derivative = record_with_gradient(graph, output, |v, gradient| {
                            Ok(linear_derivative(coefficients, draw.rows, v, gradient))
                        })?;
                        quotient(graph, derivative, output)
                    }
                    None => loss(graph, functional, draw.x, output, draw.index)?,
                };
                Ok(Recorded { loss, output })
            },
            &|state, velocities| {
                // Rescale it to (D_v̂F)⁻/‖v̂‖² v̂: over all particles, or on fresh large batches.
                factor.set(match &coefficients {
                    Some(coefficients) => {
                        factor_of(inner_mean(coefficients, velocities), velocities)
                    }
                    None => self.estimate_factor(functional, state, &direction)?,
                });
                Ok(factor.get() > 0.0)
            },
            callback,
        )?;
        // Step: xᵢ ← xᵢ + τ (D_v̂F)⁻/‖v̂‖² v_θ(xᵢ, zᵢ).
        let length = T::from_f64(tau * factor.get());
        let transport = direction.with_unit(length);
        Training::finish_step(state, transport, &(velocities * length), tau)?;
        Ok(StepReport {
            is_stationary: factor.get() == 0.0,
            ..report
        })
    }
}

impl Forward {
    fn estimate_factor<T: Real>(
        &self,
        functional: &dyn Functional<T>,
        state: &State<T>,
        direction: &Transport<T>,
    ) -> Result<f64, Error> {
        let batch = RESCALING_BATCH.min(state.particles.nrows());
        let rng = stream(self.training.seed, Purpose::Rescaling, state.step, 0);
        let mut sampler = MinibatchSampler::new(2 * batch, &state.particles, direction.network());
        let Draw { x, z, .. } = sampler.draw(&state.particles, rng, 0);
        let velocities = direction.displacements(&state.trained()?.parameters, x, z);
        step_factor(functional, x, &velocities)
    }

    /// N ∂F/∂xᵢ (N×d), with which D_vF is the mean of ⟨N ∂F/∂xᵢ, vᵢ⟩: if no two particles coincide, one
    /// sum over all pairs a time step tells all that the training needs of F.
    fn coefficients<T: Real>(
        &self,
        functional: &dyn Functional<T>,
        state: &State<T>,
    ) -> Option<DMatrix<T>> {
        let particles = &state.particles;
        let count = particles.nrows();
        if !self.training.has_control_variate(count) || !are_distinct(particles) {
            return None;
        }
        let mut gradient = DMatrix::zeros(count, particles.ncols());
        functional.gradient(Points::from(particles), gradient.as_mut_slice());
        Some(gradient * T::from_f64(count as f64))
    }
}

/// Records D̂_vF/(‖v‖ + ε) on two minibatches, one below the other.
///
/// ```math
/// L(θ) = \frac{\hat D_{v_θ}F}{\|v_θ\| + ε}, \qquad
/// \|v_θ\|^2 = \frac1{2B} \sum_{b=1}^{2} \sum_{i=1}^{B} |v_θ(x^b_i, z^b_i)|^2, \qquad ε = 10^{-2}
/// ```
///
/// ε is [`DENOMINATOR_OFFSET`]; it keeps the quotient from being 0/0. With it a longer v has a
/// slightly smaller loss; its best direction is the same.
/// D̂ is [`Functional::minibatch_derivative`]. Source: Altekrüger et al. 2023, Section 5, the loss of
/// the neural forward scheme.
///
/// `particles` are their x (2B×d), `velocities` the node of their v_θ(x, z) (2B×d), `draw` their number in the training; ‖v‖ is the root
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
    draw: u64,
) -> Result<Var, Error> {
    let positions = Minibatches::new(Points::from(particles)).of_draw(draw);
    let derivative = record_with_gradient(graph, velocities, |velocities, gradient| {
        functional.minibatch_derivative(positions, Minibatches::new(velocities), gradient)
    })?;
    Ok(quotient(graph, derivative, velocities))
}

/// D_vF = (1/2B) Σ ⟨N ∂F/∂xᵢ, vᵢ⟩ of distinct particles, from the coefficients N ∂F/∂xᵢ of all (N×d) and the
/// velocities of those in `rows` (2B×d); its gradient in the velocities is added.
fn linear_derivative<T: Real>(
    coefficients: &DMatrix<T>,
    rows: &[usize],
    velocities: Points<'_, T>,
    gradient: &mut [T],
) -> f64 {
    let per_row = T::from_f64(1.0 / rows.len() as f64);
    let mut derivative = 0.0;
    for (k, gradient) in gradient.chunks_exact_mut(rows.len()).enumerate() {
        let velocities = velocities.coordinate(k);
        for ((g, &row), v) in gradient.iter_mut().zip(rows).zip(velocities) {
            let slope = per_row * coefficients[(row, k)];
            *g += slope;
            derivative += slope.into_f64() * v.into_f64();
        }
    }
    derivative
}

/// Records D_vF/(‖v‖ + ε).
fn quotient<T: Real>(graph: &mut Graph<'_, T>, derivative: Var, velocities: Var) -> Var {
    let (rows, _) = graph.shape(velocities);
    let squared = graph.sum_of_squares(velocities);
    let mean = graph.scale(squared, T::from_f64(1.0 / rows as f64));
    let norm = graph.sqrt(mean);
    let denominator = graph.shift(norm, T::from_f64(DENOMINATOR_OFFSET));
    graph.divide(derivative, denominator)
}

/// (D_v̂F)⁻/‖v̂‖², the factor that makes a direction of steepest descent the velocity of the flow.
///
/// It minimises s D_v̂F + ½ s²‖v̂‖² over s ≥ 0. Multiplying v̂ by a number divides it by that number.
/// Source: Altekrüger et al. 2023, the rescaling of steepest descent and its use in Section 5.
///
/// Particles and velocities are two minibatches, one below the other (2B×d each). 0 where no
/// direction descends: there the flow is stationary.
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
    Ok(factor_of(derivative, velocities))
}

/// (D_vF)⁻/‖v‖² from D_vF and the velocities.
fn factor_of<T: Real>(derivative: f64, velocities: &DMatrix<T>) -> f64 {
    if derivative < 0.0 {
        -derivative / inner_mean(velocities, velocities)
    } else {
        0.0
    }
}

/// The mean of ⟨aᵢ, bᵢ⟩ over the rows.
fn inner_mean<T: Real>(a: &DMatrix<T>, b: &DMatrix<T>) -> f64 {
    let products = a.iter().zip(b).map(|(a, b)| a.into_f64() * b.into_f64());
    products.sum::<f64>() / a.nrows() as f64
}

/// Whether no two particles are at the same place.
fn are_distinct<T: Real>(particles: &DMatrix<T>) -> bool {
    let compare = |&i: &usize, &j: &usize| {
        let mut orders = particles.column_iter().map(|x| x[i].partial_cmp(&x[j]));
        let first = orders.find(|order| *order != Some(Ordering::Equal));
        first.flatten().unwrap_or(Ordering::Equal)
    };
    let mut order: Vec<usize> = (0..particles.nrows()).collect();
    order.sort_unstable_by(compare);
    order
        .windows(2)
        .all(|pair| compare(&pair[0], &pair[1]).is_ne())
}
