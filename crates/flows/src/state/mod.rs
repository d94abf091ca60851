//! Everything that evolves along a flow: particles, time, and what has been learned.

mod file;

pub use file::StateError;

use nalgebra::DMatrix;
use rieszflow_nets::Moments;
use rieszflow_numerics::Real;

use crate::functional::finite_rows;
use crate::{Error, GenerativeNetwork, Transport};

/// The state of a scheme: all it needs to go on, between two time steps or inside one.
///
/// [`Scheme::start`](crate::Scheme::start) makes it, and it belongs to that scheme: another one, or one
/// with another network, refuses it with [`Error::ForeignState`]. [`State::write`] and [`State::read`]
/// keep it in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct State<T> {
    /// The particles of μⁿ, N×d.
    pub particles: DMatrix<T>,
    /// Flow time t_n.
    pub time: f64,
    /// n, the number of time steps done.
    pub step: u64,
    /// The name of the scheme that made it.
    scheme: String,
    pub(crate) kernel: Option<TrainedKernel<T>>,
    pub(crate) inner: InnerLoop,
    pub(crate) copies: Option<DMatrix<T>>,
    pub(crate) velocities: Option<DMatrix<T>>,
    pub(crate) moved: Option<DMatrix<T>>,
}

/// The inner loop of a time step in progress; all zero between two time steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct InnerLoop {
    /// Number of flow steps done, in a chain.
    pub flow_steps: u64,
    /// Number of training iterations done.
    pub iteration: u64,
    /// Sum of the training losses of the last tenth of the loop, as far as it has come.
    pub loss_sum: f64,
    /// How many they are.
    pub loss_count: u64,
}

impl InnerLoop {
    /// How far it has come: flow steps and iterations.
    pub fn done(&self) -> u64 {
        self.flow_steps + self.iteration
    }
}

/// A trained Markov kernel with its optimiser's memory.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedKernel<T> {
    /// The network whose parameters they are.
    pub network: GenerativeNetwork,
    /// θ, the parameters of the network.
    pub parameters: Vec<T>,
    /// Adam's moments; only a [`Chain`](crate::scheme::Chain) resets them.
    pub moments: Moments<T>,
    /// How the last time step moved its particles; `None` before the first.
    pub transport: Option<Transport<T>>,
}

impl<T> TrainedKernel<T> {
    /// Whether parameters and moments are as many as the network has.
    pub(crate) fn fits(&self) -> bool {
        let count = self.network.network().parameter_count();
        let moments = &self.moments;
        [&self.parameters, &moments.first, &moments.second].map(Vec::len) == [count; 3]
    }
}

impl<T: Real> State<T> {
    /// The state of a flow about to start at `particles` (N×d) at time 0, for the scheme of that name.
    ///
    /// A new scheme calls it in its [`start`](crate::Scheme::start).
    ///
    /// # Errors
    /// [`Error::Setting`] without a particle or a coordinate, [`Error::NotFinite`] for a coordinate
    /// that is no number.
    pub fn new(scheme: &str, particles: DMatrix<T>) -> Result<Self, Error> {
        if particles.is_empty() {
            let (rows, columns) = particles.shape();
            let given = format!("{rows}×{columns}");
            return Err(Error::setting("particles", "N×d with N, d ≥ 1", &given));
        }
        finite_rows("particle", &particles)?;
        Ok(Self {
            particles,
            time: 0.0,
            step: 0,
            scheme: scheme.to_owned(),
            kernel: None,
            inner: InnerLoop::default(),
            copies: None,
            velocities: None,
            moved: None,
        })
    }

    /// The name of the scheme that made it.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The network of the last step, which the next one starts from; `None` for particle flows.
    pub fn kernel(&self) -> Option<&TrainedKernel<T>> {
        self.kernel.as_ref()
    }

    /// Where the time step in progress stands.
    pub fn inner(&self) -> InnerLoop {
        self.inner
    }

    /// Inside a time step with [`Training::control_variate`](crate::scheme::Training::control_variate),
    /// where the transport took every particle when it was last drawn, N×d.
    pub fn copies(&self) -> Option<&DMatrix<T>> {
        self.copies.as_ref()
    }

    /// Of a flow with momentum, the velocities of the last step, N×d.
    pub fn velocities(&self) -> Option<&DMatrix<T>> {
        self.velocities.as_ref()
    }

    /// Inside a time step of a [`Chain`](crate::scheme::Chain), where its flow has taken the particles, N×d.
    pub fn moved(&self) -> Option<&DMatrix<T>> {
        self.moved.as_ref()
    }

    /// An error unless the scheme of that name made the state.
    ///
    /// # Errors
    /// [`Error::ForeignState`].
    pub fn check_scheme(&self, scheme: &str) -> Result<(), Error> {
        if self.scheme == scheme {
            return Ok(());
        }
        Err(Error::ForeignState {
            expected: format!("scheme {scheme}"),
            found: format!("scheme {}", self.scheme),
        })
    }

    /// The time step is done: μⁿ⁺¹ is at `particles`, τ later.
    pub fn advance(&mut self, particles: DMatrix<T>, tau: f64) {
        self.particles = particles;
        self.time += tau;
        self.step += 1;
        self.inner = InnerLoop::default();
        self.copies = None;
        self.moved = None;
    }

    /// The network that the scheme trains, or an error for a state of a scheme that trains none.
    pub(crate) fn trained(&self) -> Result<&TrainedKernel<T>, Error> {
        self.kernel.as_ref().ok_or_else(no_network)
    }
}

/// The error for a state of a scheme that learns nothing.
pub(crate) fn no_network() -> Error {
    Error::ForeignState {
        expected: "network".to_owned(),
        found: "no network".to_owned(),
    }
}
