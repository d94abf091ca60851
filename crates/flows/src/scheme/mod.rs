//! Time discretisations of the Wasserstein gradient flow of a functional.
//!
//! | scheme | a time step | learns | from a Dirac |
//! |---|---|---|---|
//! | [`Backward`] | implicit Euler: least cost plus energy | a transport plan | every 0 < r < 2 |
//! | [`Forward`] | explicit Euler along steepest descent | a velocity plan | r = 1; stationary for r > 1, refused for r < 1 |
//! | [`Particle`] | explicit Euler for N particles | nothing | jittered, cannot split a particle |
//! | [`Chain`] | many of these, with momentum, and a network that repeats them | a map | nothing: it needs a start with a density |
//!
//! A scheme holds settings alone; everything that evolves is in a [`State`], so a flow can be stopped
//! and continued, and one scheme serves any number of flows. [`Flow`](crate::Flow) applies a scheme
//! along a time grid.
//!
//! Near an equilibrium the explicit schemes swing to and fro by what one step moves; the implicit one does
//! not, and allows larger steps there.

pub mod backward;
pub mod chain;
mod control_variate;
mod defaults;
pub mod forward;
pub mod particle;
mod training;

pub use backward::Backward;
pub use chain::Chain;
pub use forward::Forward;
pub use particle::Particle;
pub use training::Training;

use std::ops::ControlFlow;

use nalgebra::DMatrix;
use rieszflow_numerics::Real;

use crate::{Error, Functional, State};

/// A rule that takes μⁿ to μⁿ⁺¹.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::scheme::{Particle, Scheme};
/// use rieszflow_flows::{Interaction, RieszKernel};
///
/// // Two particles at distance 2 on the line, r = 1, push each other with speed ½.
/// let functional = Interaction::new(RieszKernel::new(1.0)?);
/// let scheme = Particle::default();
/// let mut state = scheme.start(DMatrix::from_row_slice(2, 1, &[-1.0_f64, 1.0]))?;
/// scheme.step(&functional, &mut state, 0.2)?;
/// assert_eq!(state.particles[1], 1.1);
/// assert_eq!((state.step, state.time), (1, 0.2));
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
pub trait Scheme<T: Real>: Sync {
    /// The state of a flow that starts at `particles` (N×d).
    ///
    /// # Errors
    /// If the particles and the scheme's settings do not fit.
    fn start(&self, particles: DMatrix<T>) -> Result<State<T>, Error>;

    /// One time step of size τ, or the rest of it if the state is inside one.
    ///
    /// # Errors
    /// If the state belongs to another scheme, its particles are not in the space of the functional,
    /// the flow diverges, or the functional has no derivative. The particles are then still μⁿ.
    fn step(
        &self,
        functional: &dyn Functional<T>,
        state: &mut State<T>,
        tau: f64,
    ) -> Result<StepReport, Error> {
        let mut go_on = |_: &State<T>, _| ControlFlow::Continue(());
        self.step_with(functional, state, tau, &mut go_on)
    }

    /// The same with a callback after every iteration of the inner loop, if there is one.
    ///
    /// # Errors
    /// As [`step`](Self::step), and [`Error::Interrupted`] if the callback has stopped it.
    fn step_with(
        &self,
        functional: &dyn Functional<T>,
        state: &mut State<T>,
        tau: f64,
        callback: Callback<'_, T>,
    ) -> Result<StepReport, Error>;
}

/// Called with the state after every iteration of an inner loop; it decides whether to go on.
pub type Callback<'a, T> = &'a mut dyn FnMut(&State<T>, Iteration) -> ControlFlow<()>;

/// An iteration of the inner loop, as a callback sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Iteration {
    /// Its number within the time step, from 0.
    pub index: u64,
    /// How many there will be.
    pub count: u64,
    /// The training loss; NaN in the flow steps of a [`Chain`].
    pub loss: f64,
}

/// What is known of a time step after it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepReport {
    /// Mean training loss over the last tenth of the inner loop; `None` without one.
    pub loss: Option<f64>,
    /// Iterations of the inner loop.
    pub iterations: u64,
    /// No direction decreases the functional at first order.
    pub is_stationary: bool,
}

/// Checks that a time step is positive and finite, and that particles and functional fit.
fn check_step<T: Real>(
    functional: &dyn Functional<T>,
    state: &State<T>,
    tau: f64,
) -> Result<(), Error> {
    if !(tau > 0.0 && tau.is_finite()) {
        return Err(Error::TimeStep(tau));
    }
    let found = state.particles.ncols();
    match functional.dim() {
        Some(expected) if expected != found => Err(Error::Dimension { expected, found }),
        _ => Ok(()),
    }
}

/// Checks that all particles are still numbers.
fn not_diverged<T: Real>(particles: &DMatrix<T>) -> Result<(), Error> {
    match particles.iter().position(|x| !x.is_finite()) {
        Some(index) => {
            let row = index % particles.nrows();
            Err(Error::Diverged(format!("particle {row}")))
        }
        None => Ok(()),
    }
}
