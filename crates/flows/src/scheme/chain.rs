//! The generative chain: networks that learn, one after the other, where a flow with momentum takes particles.
//!
//! A time step of this scheme is one network T. From the particles xᵢ it
//!
//! 1. follows the particle flow of F with momentum m for some steps of size h,
//!
//!    ```math
//!    v_i ← m\,v_i - N\,\frac{∂F(μ_N)}{∂x_i}, \qquad x_i' ← x_i' + h\,v_i \qquad\text{from } x_i' = x_i;
//!    ```
//!
//! 2. fits T to the pairs (xᵢ, xᵢ') by least squares, from the parameters of the last network;
//! 3. moves the particles by T, xᵢ ← T(xᵢ), not to xᵢ', so that the flow goes on from where the networks
//!    would have taken a fresh particle.
//!
//! A fresh particle passes through all networks. Unlike in the neural schemes, T is a map without a latent
//! variable, it learns what a flow of particles has done instead of minimising a functional, and with momentum
//! what is followed is no gradient flow: only its end, the target, is meant.
//!
//! With n conditions a particle is a pair (xᵢ, yᵢ) in ℝᵈ⁺ⁿ, F is a functional of the pairs, and steps move the xᵢ
//! alone. T(xᵢ, yᵢ) then learns to draw from the conditional laws of x given y.
//!
//! Sources: Hertrich, Wald, Altekrüger, Hagemann, *Generative Sliced MMD Flows with Riesz Kernels* (ICLR
//! 2024); Hagemann, Hertrich, Altekrüger, Beinert, Chemseddine, Steidl, *Posterior Sampling Based on Gradient
//! Flows of the MMD with Negative Distance Kernel* (ICLR 2024).

use std::ops::ControlFlow;

use nalgebra::DMatrix;
use rieszflow_nets::Moments;
use rieszflow_numerics::Real;

use super::particle::{check_momentum, velocities_with_momentum};
use super::training::{Draws, Order, Recorded, check_network};
use super::{Callback, Iteration, Scheme, StepReport, Training, check_step, not_diverged};
use crate::state::no_network;
use crate::{Error, Functional, GenerativeNetwork, State, Transport};

/// The name of the scheme, by which its states know it.
const NAME: &str = "chain";

/// The generative chain.
///
/// A step of size τ follows the flow for τ/h steps, rounded, with one gradient of the functional each, and
/// trains a network. [`StepSizes::doubling`](crate::StepSizes::doubling) gives sizes that suit: as the particles
/// come nearer to the target, each network learns a longer piece of the flow.
///
/// Errors: [`Error::Setting`] and [`Error::NotFinite`] at the start, [`Error::TimeStep`],
/// [`Error::Dimension`], [`Error::ForeignState`], [`Error::Diverged`], [`Error::Interrupted`].
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::scheme::{Chain, Scheme, Training};
/// use rieszflow_flows::{Mmd, RieszKernel};
///
/// // From U[0, 1] to U[2, 4] on the line: the map x ↦ 2 + 2x.
/// let target = DMatrix::from_fn(200, 1, |i, _| 2.0 + (i as f64 + 0.5) / 100.0);
/// let functional = Mmd::new(RieszKernel::new(1.0)?, target, None)?;
/// let training = Training {
///     hidden_layers: 1, width: 16, batch: 50, iterations: 2000, first_phase: 0.0, ..Training::default()
/// };
/// let chain = Chain { training, flow_step: 0.1, momentum: 0.5, conditions: 0 };
/// let mut state = chain.start(DMatrix::from_fn(100, 1, |i, _| (i as f64 + 0.5) / 100.0))?;
/// chain.step(&functional, &mut state, 20.0)?;
/// let error = state.particles.iter().enumerate().map(|(i, x)| x - 2.0 - 2.0 * (i as f64 + 0.5) / 100.0);
/// let mean = error.map(f64::abs).sum::<f64>() / 100.0;
/// assert!(mean < 0.05, "{mean}");
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chain {
    /// How each network learns. Minibatches are drawn in sweeps over all particles; `latent_dim` and
    /// `control_variate` have no meaning.
    pub training: Training,
    /// h, the size of a step of the particle flow.
    pub flow_step: f64,
    /// m, the part of its velocity that a particle keeps from step to step, 0 ≤ m < 1.
    pub momentum: f64,
    /// n, the number of last coordinates that stay and that the networks are given as they are.
    pub conditions: usize,
}

impl Chain {
    /// The networks T(x, y), x ∈ ℝ^`dim`, y ∈ ℝⁿ.
    pub fn network(&self, dim: usize) -> GenerativeNetwork {
        let Training {
            width,
            hidden_layers,
            ..
        } = self.training;
        GenerativeNetwork::new(dim, self.conditions, width, hidden_layers)
    }

    /// How many steps of the particle flow a time step of size `tau` has.
    pub fn flow_steps(&self, tau: f64) -> u64 {
        (tau / self.flow_step).round().max(1.0) as u64
    }

    /// Checks the settings; the dimension in which N×(d+n) particles move.
    fn validate(&self, (count, coordinates): (usize, usize)) -> Result<usize, Error> {
        let training = Training {
            latent_dim: None,
            ..self.training
        };
        training.validate(count)?;
        check_momentum(self.momentum)?;
        if !(self.flow_step > 0.0 && self.flow_step.is_finite()) {
            let expected = "positive and finite";
            return Err(Error::setting("flow_step", expected, &self.flow_step));
        }
        if self.conditions >= coordinates {
            let expected = format!("fewer than the coordinates, {coordinates}");
            return Err(Error::setting("conditions", &expected, &self.conditions));
        }
        Ok(coordinates - self.conditions)
    }

    /// Follows the particle flow from the particles, or goes on where it was interrupted.
    fn follow<T: Real>(
        &self,
        functional: &dyn Functional<T>,
        state: &mut State<T>,
        (tau, iterations): (f64, u64),
        callback: Callback<'_, T>,
    ) -> Result<(), Error> {
        let count = self.flow_steps(tau);
        let size = T::from_f64(tau / count as f64);
        while state.inner.flow_steps < count {
            let from = state.moved.as_ref().unwrap_or(&state.particles);
            let last = state.velocities.as_ref();
            let mut velocities = velocities_with_momentum(functional, from, last, self.momentum)?;
            let dim = velocities.ncols() - self.conditions;
            velocities.columns_mut(dim, self.conditions).fill(T::zero());
            let moved = from + &velocities * size;
            not_diverged(&moved)?;
            state.moved = Some(moved);
            state.velocities = (self.momentum > 0.0).then_some(velocities);
            let iteration = Iteration {
                index: state.inner.flow_steps,
                count: count + iterations,
                loss: f64::NAN,
            };
            state.inner.flow_steps += 1;
            if callback(state, iteration).is_break() {
                return Err(Error::Interrupted);
            }
        }
        Ok(())
    }
}

impl<T: Real> Scheme<T> for Chain {
    fn start(&self, particles: DMatrix<T>) -> Result<State<T>, Error> {
        let state = State::new(NAME, particles)?;
        let dim = self.validate(state.particles.shape())?;
        Ok(self.training.with_network(state, self.network(dim)))
    }

    fn step_with(
        &self,
        functional: &dyn Functional<T>,
        state: &mut State<T>,
        tau: f64,
        callback: Callback<'_, T>,
    ) -> Result<StepReport, Error> {
        let dim = self.validate(state.particles.shape())?;
        check_step(functional, state, tau)?;
        state.check_scheme(NAME)?;
        let network = check_network(self.network(dim), state)?;
        let iterations = self.training.iterations_at(state.time);
        // Where does the flow take the particles?
        self.follow(functional, state, (tau, iterations), callback)?;
        let moved = state.moved.as_ref().unwrap_or(&state.particles);
        let displacements = (moved - &state.particles).columns(0, dim).into_owned();
        let positions = state.particles.columns(0, dim).into_owned();
        let conditions = state.particles.columns(dim, self.conditions).into_owned();
        let unit = root_mean_square(&displacements);
        let transport = Transport::standardized(network, &positions).with_unit(unit);
        // Learn it: minimise the mean of |T(x, y) − x'|² over minibatches.
        if state.inner.iteration == 0 {
            let kernel = state.kernel.as_mut().ok_or_else(no_network)?;
            kernel.moments = Moments::new(kernel.parameters.len());
        }
        let draws = Draws {
            transport: &transport,
            latents: &conditions,
            rows: self.training.batch,
            order: Order::SweepsWithLatents,
        };
        let before = state.inner.flow_steps;
        let (report, displacements) = self.training.minimise(
            state,
            draws,
            &|graph, draw, _| {
                let output = transport.record_displacement(graph, draw.x, draw.z);
                let wanted = graph.constant_with(draw.rows.len(), dim, |entries| {
                    let columns = entries.chunks_exact_mut(draw.rows.len());
                    for (entries, column) in columns.zip(displacements.column_iter()) {
                        for (entry, &row) in entries.iter_mut().zip(draw.rows) {
                            *entry = column[row];
                        }
                    }
                });
                let error = graph.subtract(output, wanted);
                let squared = graph.sum_of_squares(error);
                let loss = graph.scale(squared, T::from_f64(1.0 / draw.rows.len() as f64));
                Ok(Recorded { loss, output })
            },
            &|_, _| Ok(true),
            &mut |state, iteration| -> ControlFlow<()> {
                let iteration = Iteration {
                    index: before + iteration.index,
                    count: before + iteration.count,
                    ..iteration
                };
                callback(state, iteration)
            },
        )?;
        // Go on from where it takes them: xᵢ ← T(xᵢ, yᵢ).
        Training::finish_step(state, transport, &displacements, tau)?;
        Ok(report)
    }
}

/// The root of the mean square of all entries; 1 if they are 0.
fn root_mean_square<T: Real>(entries: &DMatrix<T>) -> T {
    let squares: f64 = entries.iter().map(|x| x.into_f64().powi(2)).sum();
    let size = T::from_f64((squares / entries.len() as f64).sqrt());
    if size > T::zero() { size } else { T::one() }
}
