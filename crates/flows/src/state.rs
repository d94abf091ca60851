//! Everything that evolves along a flow: particles, time, and what has been learned.

use nalgebra::DMatrix;
use rieszflow_nets::Moments;
use rieszflow_numerics::Real;

use crate::Motion;

/// The state of a scheme: all it needs to go on, between two time steps or inside one.
#[derive(Clone, Debug, PartialEq)]
pub struct State<T> {
    /// The particles of μⁿ, N×d.
    pub particles: DMatrix<T>,
    /// Flow time t_n.
    pub time: f64,
    /// n, the number of time steps done.
    pub step: u64,
    /// The network of the last step, which the next one starts from; `None` for particle flows.
    pub learned: Option<Learned<T>>,
    /// Where the time step in progress stands.
    pub inner: InnerLoop,
}

/// The inner loop of a time step in progress; all zero between two time steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct InnerLoop {
    /// Number of iterations done.
    pub iteration: u64,
    /// Sum of the training losses of the last tenth of the loop, as far as it has come.
    pub loss_sum: f64,
    /// How many they are.
    pub loss_count: u64,
}

/// A trained Markov kernel with its optimiser's memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned<T> {
    /// θ, the parameters of the network.
    pub parameters: Vec<T>,
    /// Adam's moments, never reset.
    pub moments: Moments<T>,
    /// How the last time step moved its particles with the kernel; `None` before the first.
    pub motion: Option<Motion<T>>,
}

impl<T: Real> State<T> {
    /// A flow about to start at `particles` at time 0.
    pub fn new(particles: DMatrix<T>) -> Self {
        Self {
            particles,
            time: 0.0,
            step: 0,
            learned: None,
            inner: InnerLoop::default(),
        }
    }

    /// The time step is done: μⁿ⁺¹ is at `particles`, τ later.
    pub(crate) fn advance(&mut self, particles: DMatrix<T>, tau: f64) {
        self.particles = particles;
        self.time += tau;
        self.step += 1;
        self.inner = InnerLoop::default();
    }
}
