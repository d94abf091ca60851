//! The inner loop of the neural schemes: Adam on the parameters θ of the network.

use std::f64::consts::PI;

use nalgebra::{DMatrix, DMatrixView, DVectorView};
use rieszflow_autodiff::{Graph, Tape, Var};
use rieszflow_nets::{Adam, Moments};
use rieszflow_numerics::Real;

use super::control_variate::{Copies, Weights};
use super::{Callback, Iteration, StepReport, not_diverged};
use crate::latent::stratified_normal;
use crate::minibatches::{Draw, MinibatchSampler};
use crate::rng::{Purpose, stream};
use crate::state::{InnerLoop, TrainedKernel, no_network};
use crate::{Error, GenerativeNetwork, State, Transport};

/// The fraction of the inner loop over which the learning rate rises.
const WARM_UP: f64 = 0.1;
/// Latents of at most this dimension stay for a time step. Those of more dimensions tell the particles
/// apart: a network learns them by heart, and has to begin anew with the next ones.
const MOST_LASTING: usize = 10;
/// The inner loop is repeated at most this often, as long as its plan has not been learned.
const MOST_ROUNDS: u64 = 10;

/// How a plan is learned in each time step.
///
/// ```
/// use rieszflow_flows::scheme::Training;
///
/// let training = Training { iterations: 1000, seed: 7, ..Training::default() };
/// assert_eq!((training.width, training.batch), (64, 100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Training {
    /// Hidden layers of the network; 2 by default.
    pub hidden_layers: usize,
    /// Their width; 64 by default.
    pub width: usize,
    /// m, the dimension of the latent variable Z; that of the space if `None`, the default.
    pub latent_dim: Option<usize>,
    /// B, the size of each of the two minibatches; 100 by default.
    pub batch: usize,
    /// Iterations per time step until the flow time [`first_phase`](Self::first_phase); 500 by default.
    pub first_iterations: u64,
    /// Iterations per time step from then on; 500 by default. If after them the plan is worse than to stay
    /// (backward) or does not descend (forward), another round of them follows, up to ten.
    pub iterations: u64,
    /// The flow time until which [`first_iterations`](Self::first_iterations) applies; 1 by default.
    pub first_phase: f64,
    /// Adam's learning rate, from which it falls in each time step; 3·10⁻³ by default.
    pub learning_rate: f64,
    /// The rate at the end of a time step divided by that at its start, reached along a cosine; 10⁻² by
    /// default. With 1 the rate stays.
    pub learning_rate_decay: f64,
    /// Whether minibatches are drawn in sweeps over all particles, each (if m ≤ 10) with the latent that
    /// will push it, and a control variate tells them what the others contribute; without, the default,
    /// minibatches and latents are independent in each iteration, as in the paper.
    pub control_variate: bool,
    /// Keys all random numbers; 0 by default.
    pub seed: u64,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            hidden_layers: 2,
            width: 64,
            latent_dim: None,
            batch: 100,
            first_iterations: 500,
            iterations: 500,
            first_phase: 1.0,
            learning_rate: 3e-3,
            learning_rate_decay: 1e-2,
            control_variate: false,
            seed: 0,
        }
    }
}

/// Records an iteration from its minibatches and, with a control variate, the copies of all particles.
pub(super) type Loss<'a, T> =
    &'a dyn Fn(&mut Graph<'_, T>, Draw<'_, T>, Option<Copies<'_, T>>) -> Result<Recorded, Error>;

/// Whether a plan has been learned that displaces the particles like this (N×d).
pub(super) type IsLearned<'a, T> = &'a dyn Fn(&State<T>, &DMatrix<T>) -> Result<bool, Error>;

/// What is trained, and on what.
#[derive(Clone, Copy)]
pub(super) struct Draws<'a, T> {
    pub(super) transport: &'a Transport<T>,
    /// The latents that push the particles at the end, N×m.
    pub(super) latents: &'a DMatrix<T>,
    /// Particles of an iteration.
    pub(super) rows: usize,
    pub(super) order: Order,
}

/// In which order particles are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Independently in each iteration, with fresh latents.
    Independent,
    /// In sweeps over all of them, with fresh latents.
    Sweeps,
    /// In sweeps over all of them, each with the latent that will push it.
    SweepsWithLatents,
}

/// What has been recorded.
pub(super) struct Recorded {
    pub(super) loss: Var,
    /// The transported particles, or their velocities, 2B×d.
    pub(super) output: Var,
}

impl Training {
    /// The network of the plans on ℝ^`dim`.
    pub fn network(&self, dim: usize) -> GenerativeNetwork {
        let latent_dim = self.latent_dim.unwrap_or(dim);
        GenerativeNetwork::new(dim, latent_dim, self.width, self.hidden_layers)
    }

    /// Minimises the loss over θ from where the last time step left it, or goes on inside the loop, in
    /// rounds until the plan is learned. Reports the iterations and the mean loss of the last tenth of the
    /// last round; with it, by how much the transport displaces every particle with its latent (N×d).
    ///
    /// A loss whose gradient vanishes in the first iteration ends the loop, and is returned: this is a
    /// Dirac in the forward scheme with r > 1.
    pub(super) fn minimise<T: Real>(
        &self,
        state: &mut State<T>,
        draws: Draws<'_, T>,
        loss: Loss<'_, T>,
        is_learned: IsLearned<'_, T>,
        callback: Callback<'_, T>,
    ) -> Result<(StepReport, DMatrix<T>), Error> {
        let Draws {
            transport, latents, ..
        } = draws;
        let count = self.iterations_at(state.time);
        // Adam's ε means the same for steps of every length if the loss is divided by u².
        let per_unit = (transport.unit() * transport.unit()).recip();
        let particles = state.particles.nrows();
        let mut sampler = MinibatchSampler::new(draws.rows, &state.particles, transport.network());
        let displacements = |state: &State<T>| {
            let parameters = &state.trained()?.parameters;
            Ok(transport.displacements(parameters, &state.particles, latents))
        };
        let lasting = (draws.order == Order::SweepsWithLatents).then_some(latents);
        let mut weights = Weights::new(particles);
        let mut tape = Tape::new();
        let mut gradient = vec![T::zero(); state.trained()?.parameters.len()];
        let displacements = loop {
            let iteration = state.inner.iteration;
            let (round, index) = (iteration / count, iteration % count);
            if index == 0 && round > 0 {
                let displacements = displacements(state)?;
                if is_learned(state, &displacements)? || round == MOST_ROUNDS {
                    break displacements;
                }
                state.inner = InnerLoop {
                    iteration,
                    ..InnerLoop::default()
                };
            }
            let draw = if draws.order == Order::Independent {
                let rng = stream(self.seed, Purpose::Training, state.step, iteration);
                sampler.draw(&state.particles, rng, iteration)
            } else {
                let key = (self.seed, state.step, iteration);
                sampler.sweep(&state.particles, lasting, key)
            };
            let copies = state.copies.as_ref();
            let copies = copies.map(|copies| weights.of_draw(copies, draw.rows));

            let kernel = state.kernel.as_mut().ok_or_else(no_network)?;
            let mut graph = tape.record(&kernel.parameters);
            let Recorded { loss, output } = loss(&mut graph, draw, copies)?;
            let value = graph.scalar(loss).into_f64();
            if !value.is_finite() {
                let what = format!("the training loss in iteration {}", iteration + 1);
                return Err(Error::Diverged(what));
            }
            let scaled = graph.scale(loss, per_unit);
            graph.gradient(scaled, &mut gradient);
            if iteration == 0 && gradient.iter().all(T::is_zero) {
                let report = StepReport {
                    loss: Some(value),
                    ..StepReport::default()
                };
                return Ok((report, displacements(state)?));
            }
            if let Some(copies) = &mut state.copies {
                write_rows(graph.value(output), draw.rows, copies);
            }

            self.adam().update(
                self.rate(index, count),
                &mut kernel.parameters,
                &gradient,
                &mut kernel.moments,
            );

            state.inner.iteration += 1;
            if 10 * (index + 1) > 9 * count {
                state.inner.loss_sum += value;
                state.inner.loss_count += 1;
            }
            let iteration = Iteration {
                index,
                count,
                loss: value,
            };
            // A break after the last iteration of a round is ignored: the step may be done.
            if callback(state, iteration).is_break() && index + 1 < count {
                return Err(Error::Interrupted);
            }
        };
        let iterations = state.inner.iteration;
        let parameters = &state.trained()?.parameters;
        if let Some(index) = parameters.iter().position(|p| !p.is_finite()) {
            let what = format!("parameter {index} of the network after iteration {iterations}");
            return Err(Error::Diverged(what));
        }
        let report = StepReport {
            loss: Some(state.inner.loss_sum / state.inner.loss_count as f64),
            iterations,
            is_stationary: false,
        };
        Ok((report, displacements))
    }

    /// Whether N particles are trained on with a control variate: two at least, for two minibatches.
    pub(super) fn has_control_variate(&self, particles: usize) -> bool {
        self.control_variate && particles >= 2
    }

    /// How a plan is trained: on two minibatches, which are disjoint with a control variate.
    pub(super) fn draws<'a, T: Real>(
        &self,
        transport: &'a Transport<T>,
        latents: &'a DMatrix<T>,
    ) -> Draws<'a, T> {
        let particles = latents.nrows();
        let (batch, order) = if !self.has_control_variate(particles) {
            (self.batch, Order::Independent)
        } else if latents.ncols() <= MOST_LASTING {
            (self.batch.min(particles / 2), Order::SweepsWithLatents)
        } else {
            (self.batch.min(particles / 2), Order::Sweeps)
        };
        Draws {
            transport,
            latents,
            rows: 2 * batch,
            order,
        }
    }

    /// With a control variate, the copies of all particles: where the transport takes them at first.
    pub(super) fn start_copies<T: Real>(
        &self,
        state: &mut State<T>,
        transport: &Transport<T>,
    ) -> Result<(), Error> {
        if self.has_control_variate(state.particles.nrows()) && state.copies.is_none() {
            let latents = self.latents(state, transport);
            let parameters = &state.trained()?.parameters;
            let copies = transport.push_forward(parameters, &state.particles, &latents);
            state.copies = Some(copies);
        }
        Ok(())
    }

    /// Fresh latents that will push the particles at the end of the time step, N×m: stratified over all
    /// particles.
    pub(super) fn latents<T: Real>(
        &self,
        state: &State<T>,
        transport: &Transport<T>,
    ) -> DMatrix<T> {
        let mut rng = stream(self.seed, Purpose::Push, state.step, 0);
        let latent_dim = transport.network().latent_dim();
        stratified_normal(state.particles.nrows(), latent_dim, &mut rng)
    }

    /// With little noise Adam's second moments are small when a time step ends. With a memory of a thousand
    /// iterations the first updates of the next step would be too long; hence one of a hundred.
    fn adam(&self) -> Adam {
        let beta2 = if self.control_variate { 0.99 } else { 0.999 };
        Adam {
            beta2,
            ..Adam::default()
        }
    }

    /// Ends the time step: the transport displaces every particle, in its first coordinates, by this much
    /// (N×d).
    pub(super) fn finish_step<T: Real>(
        state: &mut State<T>,
        transport: Transport<T>,
        displacements: &DMatrix<T>,
        tau: f64,
    ) -> Result<(), Error> {
        let kernel = state.kernel.as_mut().ok_or_else(no_network)?;
        let mut pushed = state.particles.clone();
        let mut moved = pushed.columns_mut(0, displacements.ncols());
        moved += displacements;
        not_diverged(&pushed)?;
        let is_constant = |column: DVectorView<'_, T>| column.iter().all(|x| *x == column[0]);
        let moves = pushed.nrows() > 1 && !transport.unit().is_zero();
        if moves && displacements.column_iter().all(is_constant) {
            return Err(Error::Inactive);
        }
        kernel.transport = Some(transport);
        state.advance(pushed, tau);
        Ok(())
    }

    /// A state with freshly initialised parameters.
    pub(super) fn start<T: Real>(
        &self,
        scheme: &'static str,
        particles: DMatrix<T>,
    ) -> Result<State<T>, Error> {
        self.validate(particles.nrows())?;
        let state = State::new(scheme, particles)?;
        let network = self.network(state.particles.ncols());
        Ok(self.with_network(state, network))
    }

    /// The state with a network whose parameters are fresh.
    pub(super) fn with_network<T: Real>(
        &self,
        mut state: State<T>,
        network: GenerativeNetwork,
    ) -> State<T> {
        let mut rng = stream(self.seed, Purpose::Parameters, 0, 0);
        let parameters = network.initialise(&mut rng);
        state.kernel = Some(TrainedKernel {
            moments: Moments::new(parameters.len()),
            network,
            parameters,
            transport: None,
        });
        state
    }

    /// The network of a state that this training has made, or an error if another one has.
    pub(super) fn network_of<T: Real>(
        &self,
        scheme: &'static str,
        state: &State<T>,
    ) -> Result<GenerativeNetwork, Error> {
        self.validate(state.particles.nrows())?;
        state.check_scheme(scheme)?;
        check_network(self.network(state.particles.ncols()), state)
    }

    pub(super) fn iterations_at(&self, time: f64) -> u64 {
        if time < self.first_phase - 1e-9 {
            self.first_iterations
        } else {
            self.iterations
        }
    }

    /// The learning rate falls along a cosine, times a factor that rises from 0 to 1 over the first tenth
    /// of the inner loop. Without the rise the first updates, all of one size, can press the cloud flat.
    fn rate(&self, index: u64, count: u64) -> f64 {
        let progress = (index + 1) as f64 / count as f64;
        let warm = (progress / WARM_UP).min(1.0);
        let cosine = 0.5 * (1.0 + (PI * progress).cos());
        let decay = self.learning_rate_decay;
        self.learning_rate * warm * (decay + (1.0 - decay) * cosine)
    }

    pub(super) fn validate(&self, particles: usize) -> Result<(), Error> {
        let positive = [
            ("width", self.width as u64),
            ("hidden_layers", self.hidden_layers as u64),
            ("latent_dim", self.latent_dim.unwrap_or(1) as u64),
            ("iterations", self.iterations),
            ("first_iterations", self.first_iterations),
        ];
        for (name, value) in positive {
            if value == 0 {
                return Err(Error::setting(name, "at least 1", &value));
            }
        }
        if self.batch == 0 || self.batch > particles {
            let expected = format!("between 1 and the number of particles, {particles}");
            return Err(Error::setting("batch", &expected, &self.batch));
        }
        if self.first_phase.is_nan() {
            let expected = "a flow time";
            return Err(Error::setting("first_phase", expected, &self.first_phase));
        }
        let rate = self.learning_rate;
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(Error::setting(
                "learning_rate",
                "positive and finite",
                &rate,
            ));
        }
        let decay = self.learning_rate_decay;
        if !(decay > 0.0 && decay <= 1.0) {
            return Err(Error::setting("learning_rate_decay", "in (0, 1]", &decay));
        }
        Ok(())
    }
}

/// The network, if it is the one of the state, else an error.
pub(super) fn check_network<T: Real>(
    network: GenerativeNetwork,
    state: &State<T>,
) -> Result<GenerativeNetwork, Error> {
    let kernel = state.trained()?;
    if kernel.network == network && kernel.fits() {
        Ok(network)
    } else {
        Err(Error::ForeignState {
            expected: format!("network {}", network.describe()),
            found: kernel.network.describe(),
        })
    }
}

/// Writes the rows of `from` to the given rows of `to`.
fn write_rows<T: Real>(from: DMatrixView<'_, T>, rows: &[usize], to: &mut DMatrix<T>) {
    for (from, mut to) in from.column_iter().zip(to.column_iter_mut()) {
        for (&entry, &row) in from.iter().zip(rows) {
            to[row] = entry;
        }
    }
}
