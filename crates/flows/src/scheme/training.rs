//! The inner loop of the neural schemes: Adam on the parameters of a Markov kernel.

use nalgebra::DMatrix;
use rand::RngExt;
use rieszflow_autodiff::{Graph, Real, Tape, Var};
use rieszflow_nets::{Adam, Moments};

use crate::company::{Rounds, in_company, join};
use crate::functional::finite_rows;
use crate::latent::{fill_normal, stratified_normal};
use crate::rng::{Purpose, stream};
use crate::{Error, Frame, Learned, MarkovKernel, Motion, State};

use super::Watch;

/// Until this flow time the first number of iterations applies, then the later one.
const FIRST_PHASE: f64 = 1.0;

/// The fraction of the inner loop over which the learning rate rises.
const WARM_UP: f64 = 0.1;

/// How a Markov kernel is learned in each time step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Training {
    /// Hidden layers of the network.
    pub hidden_layers: usize,
    /// Their width.
    pub width: usize,
    /// m, the dimension of the latent variable Z.
    pub latent_dim: usize,
    /// B, the size of each of the two minibatches.
    pub batch: usize,
    /// Iterations per time step while t < 1.
    pub first_iterations: u64,
    /// Iterations per time step from t = 1 on.
    pub iterations: u64,
    /// Adam's learning rate at the start of a time step.
    pub learning_rate: f64,
    /// What fraction of it is left at the end of the time step, reached along a cosine; 1 keeps it.
    pub learning_rate_decay: f64,
    /// Keys all random numbers.
    pub seed: u64,
}

/// An iteration of the inner loop, as an observer sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Iteration {
    /// Its number within the time step, from 0.
    pub index: u64,
    /// How many there will be.
    pub count: u64,
    /// The training loss.
    pub loss: f64,
}

impl Training {
    /// The generative network on ℝ^`dim`.
    pub fn kernel(&self, dim: usize) -> MarkovKernel {
        MarkovKernel::new(dim, self.latent_dim, self.width, self.hidden_layers)
    }

    fn count(&self, time: f64) -> u64 {
        if time < FIRST_PHASE - 1e-9 {
            self.first_iterations
        } else {
            self.iterations
        }
    }

    /// The learning rate rises linearly over the first tenth of the inner loop, then falls along a
    /// cosine. Without the rise the first updates, all of one size, can press the cloud flat.
    fn rate(&self, index: u64, count: u64) -> f64 {
        let progress = (index + 1) as f64 / count as f64;
        let warm = (progress / WARM_UP).min(1.0);
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        let decay = self.learning_rate_decay;
        self.learning_rate * warm * (decay + (1.0 - decay) * cosine)
    }

    /// The minibatches of an iteration of the inner loop.
    fn draw<T: Real>(&self, state: &State<T>, iteration: u64, batches: &mut Batches<T>) {
        let rng = stream(self.seed, Purpose::Training, state.step, iteration);
        batches.draw(&state.particles, rng);
    }

    fn validate(&self, particles: usize) -> Result<(), Error> {
        let positive = [
            ("width", self.width as u64),
            ("hidden-layers", self.hidden_layers as u64),
            ("latent-dim", self.latent_dim as u64),
            ("iterations", self.iterations),
            ("first-iterations", self.first_iterations),
        ];
        let setting = |name, expected: &str, given: String| Error::Setting {
            name,
            expected: expected.to_owned(),
            given,
        };
        for (name, value) in positive {
            if value == 0 {
                return Err(setting(name, "at least 1", "0".to_owned()));
            }
        }
        if self.batch == 0 || self.batch > particles {
            let expected = format!("between 1 and the number of particles, {particles}");
            return Err(setting("batch", &expected, self.batch.to_string()));
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            let given = self.learning_rate.to_string();
            return Err(setting("learning-rate", "positive and finite", given));
        }
        if !(self.learning_rate_decay > 0.0 && self.learning_rate_decay <= 1.0) {
            let given = self.learning_rate_decay.to_string();
            return Err(setting("learning-rate-decay", "in (0, 1]", given));
        }
        Ok(())
    }
}

/// Two minibatches with their latents, one below the other: x is 2B×d, z is 2B×m.
pub(super) struct Batches<T> {
    pub(super) particles: DMatrix<T>,
    pub(super) latents: DMatrix<T>,
    /// 0, 1, …, N−1.
    order: Vec<usize>,
    /// The swaps of a shuffle.
    swaps: Vec<usize>,
}

impl<T: Real> Batches<T> {
    pub(super) fn new(particles: &DMatrix<T>, training: &Training) -> Self {
        Self {
            particles: DMatrix::zeros(2 * training.batch, particles.ncols()),
            latents: DMatrix::zeros(2 * training.batch, training.latent_dim),
            order: (0..particles.nrows()).collect(),
            swaps: Vec::with_capacity(training.batch),
        }
    }

    /// Draws both minibatches without replacement within each, and fresh latents.
    pub(super) fn draw(&mut self, particles: &DMatrix<T>, mut rng: impl rand::Rng) {
        let (count, batch) = (particles.nrows(), self.particles.nrows() / 2);
        for start in [0, batch] {
            // The first `batch` places of a shuffle; all of them in any order are the same batch.
            self.swaps.clear();
            if batch < count {
                self.swaps
                    .extend((0..batch).map(|i| rng.random_range(i..count)));
            }
            for (i, &j) in self.swaps.iter().enumerate() {
                self.order.swap(i, j);
            }
            for k in 0..particles.ncols() {
                let from = &particles.as_slice()[k * count..(k + 1) * count];
                let to = &mut self.particles.as_mut_slice()[2 * k * batch + start..][..batch];
                for (x, &particle) in to.iter_mut().zip(&self.order) {
                    *x = from[particle];
                }
            }
            // Back in order, so that no draw depends on the ones before.
            for (i, &j) in self.swaps.iter().enumerate().rev() {
                self.order.swap(i, j);
            }
        }
        fill_normal(self.latents.as_mut_slice(), &mut rng);
    }
}

/// The recorded loss of one iteration, from the minibatches' particles x (2B×d) and the network's
/// output (2B×d).
pub(super) type Loss<'a, T> =
    &'a (dyn Fn(&mut Graph<'_, T>, &DMatrix<T>, Var) -> Result<Var, Error> + Sync);

/// The inner loop with its memory, which is kept from iteration to iteration and step to step.
pub(super) struct Trainer<T> {
    training: Training,
    /// Those of this iteration and those of the next.
    batches: Option<[Batches<T>; 2]>,
    tape: Tape<T>,
    gradient: Vec<T>,
}

impl<T: Real> Trainer<T> {
    pub(super) fn new(training: Training) -> Self {
        Self {
            training,
            batches: None,
            tape: Tape::new(),
            gradient: Vec::new(),
        }
    }

    /// A state with a freshly initialised kernel.
    pub(super) fn start(&self, particles: DMatrix<T>) -> Result<State<T>, Error> {
        self.training.validate(particles.nrows())?;
        finite_rows("particle", &particles)?;
        let kernel = self.training.kernel(particles.ncols());
        let mut rng = stream(self.training.seed, Purpose::Parameters, 0, 0);
        let parameters = kernel.initialise(&mut rng);
        let moments = Moments::new(parameters.len());
        let mut state = State::new(particles);
        state.learned = Some(Learned {
            parameters,
            moments,
            motion: None,
        });
        Ok(state)
    }

    /// Minimises the loss over θ from where the last time step left it, or goes on inside the loop;
    /// returns the mean loss of the last tenth of the iterations.
    ///
    /// A loss whose gradient vanishes at the first iteration has nothing to teach, and ends the loop.
    pub(super) fn train(
        &mut self,
        state: &mut State<T>,
        frame: &Frame<T>,
        loss: Loss<'_, T>,
        watch: Watch<'_, T>,
    ) -> Result<f64, Error> {
        in_company(|rounds| self.iterate(state, frame, loss, watch, rounds))
    }

    fn iterate(
        &mut self,
        state: &mut State<T>,
        frame: &Frame<T>,
        loss: Loss<'_, T>,
        watch: Watch<'_, T>,
        rounds: &mut Rounds<'_>,
    ) -> Result<f64, Error> {
        let count = self.training.count(state.time);
        let kernel = self.training.kernel(state.particles.ncols());
        let new = || [(); 2].map(|()| Batches::new(&state.particles, &self.training));
        let [batches, _] = self.batches.get_or_insert_with(new);
        self.training.draw(state, state.inner.iteration, batches);
        for index in state.inner.iteration..count {
            let value = self.differentiate(&kernel, state, frame, loss)?;
            if index == 0 && self.gradient.iter().all(T::is_zero) {
                return Ok(value);
            }
            let learned = state.learned.as_mut().expect("started by this scheme");
            Adam::default().update(
                self.training.rate(index, count),
                &mut learned.parameters,
                &self.gradient,
                &mut learned.moments,
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
            // After the last iteration the time step is all but done.
            if watch(state, iteration).is_break() && index + 1 < count {
                return Err(Error::Interrupted);
            }
            rounds.round();
        }
        let learned = state.learned.as_ref().expect("started by this scheme");
        if let Some(index) = learned.parameters.iter().position(|p| !p.is_finite()) {
            let what = format!("parameter {index} of the network after iteration {count}");
            return Err(Error::Diverged(what));
        }
        Ok(state.inner.loss_sum / state.inner.loss_count as f64)
    }

    /// The loss on this iteration's minibatches, and its gradient in θ; the minibatches of the next
    /// iteration are drawn meanwhile.
    fn differentiate(
        &mut self,
        kernel: &MarkovKernel,
        state: &State<T>,
        frame: &Frame<T>,
        loss: Loss<'_, T>,
    ) -> Result<f64, Error> {
        let (training, index) = (self.training, state.inner.iteration);
        let learned = state.learned.as_ref().expect("started by this scheme");
        self.gradient.resize(learned.parameters.len(), T::zero());
        let [batches, next] = self.batches.as_mut().expect("drawn before");
        let (x, z) = (&batches.particles, &batches.latents);
        let mut graph = self.tape.record(&learned.parameters);
        let output = kernel.record(&mut graph, frame, x, z);
        let (loss, ()) = join(
            || loss(&mut graph, x, output),
            || training.draw(state, index + 1, next),
        );
        let loss = loss?;
        let value = graph.scalar(loss).into_f64();
        if !value.is_finite() {
            let what = format!("the training loss in iteration {}", index + 1);
            return Err(Error::Diverged(what));
        }
        graph.gradient(loss, &mut self.gradient);
        std::mem::swap(batches, next);
        Ok(value)
    }

    /// Every particle moved by the kernel with fresh latents, stratified over all particles.
    pub(super) fn push(&self, state: &mut State<T>, motion: Motion<T>) -> DMatrix<T> {
        let kernel = self.training.kernel(state.particles.ncols());
        let mut rng = stream(self.training.seed, Purpose::Push, state.step, 0);
        let latents = stratified_normal(state.particles.nrows(), kernel.latent_dim(), &mut rng);
        let learned = state.learned.as_mut().expect("started by this scheme");
        let pushed = kernel.push(&learned.parameters, &motion, &state.particles, &latents);
        learned.motion = Some(motion);
        pushed
    }
}
