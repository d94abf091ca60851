//! Everything that evolves along a flow: particles, time, and what has been learned.

use nalgebra::DMatrix;
use rieszflow_autodiff::Real;
use rieszflow_nets::Moments;

/// The state of a scheme between two time steps.
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
}

/// A trained Markov kernel with its optimiser's memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned<T> {
    /// θ, the parameters of the network.
    pub parameters: Vec<T>,
    /// Adam's moments, never reset.
    pub moments: Moments<T>,
}

impl<T: Real> State<T> {
    /// A flow about to start at `particles` at time 0.
    pub fn new(particles: DMatrix<T>) -> Self {
        Self {
            particles,
            time: 0.0,
            step: 0,
            learned: None,
        }
    }
}
