//! Time discretisations of the Wasserstein gradient flow of a functional.
//!
//! | scheme | a time step | learns | from a Dirac |
//! |---|---|---|---|
//! | [`Backward`] | implicit Euler: least cost plus energy | a transport plan | every 0 < r < 2 |
//! | [`Forward`] | explicit Euler along steepest descent | a velocity plan | r = 1; rests for r > 1, refused for r < 1 |
//! | [`Particle`] | explicit Euler for N particles | nothing | jittered, cannot split a particle |
//!
//! A scheme holds settings and working memory; everything that evolves is in a [`State`], so a flow can
//! be stopped and continued. [`crate::integrate()`] applies a scheme along a time grid.
//!
//! Near an equilibrium the explicit schemes swing to and fro by what one step moves; the implicit one does
//! not, and allows larger steps there.

pub mod backward;
pub mod forward;
pub mod particle;
mod training;

pub use backward::Backward;
pub use forward::Forward;
pub use particle::Particle;
pub use training::{Iteration, Training};

use std::ops::ControlFlow;

use nalgebra::DMatrix;
use rieszflow_numerics::Real;

use crate::{Error, Functional, State};

/// A rule that takes μⁿ to μⁿ⁺¹.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::scheme::{Particle, Scheme, unwatched};
/// use rieszflow_flows::{Interaction, RieszKernel};
///
/// // Two particles at distance 2 on the line, r = 1, push each other with speed ½.
/// let functional = Interaction::new(RieszKernel::new(1.0)?);
/// let mut scheme = Particle { seed: 0 };
/// let mut state = scheme.start(DMatrix::from_row_slice(2, 1, &[-1.0_f64, 1.0]))?;
/// scheme.step(&functional, &mut state, 0.2, &mut unwatched)?;
/// assert!((state.particles[1] - 1.1).abs() < 1e-8);
/// assert_eq!((state.step, state.time), (1, 0.2));
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
pub trait Scheme<T: Real> {
    /// Prepares a flow that starts at `particles` (N×d).
    ///
    /// # Errors
    /// If the particles and the scheme's settings do not fit.
    fn start(&mut self, particles: DMatrix<T>) -> Result<State<T>, Error>;

    /// One time step of size τ, or the rest of it if the state is inside one.
    ///
    /// `watch` sees every iteration of the inner loop, if there is one, and may stop it.
    ///
    /// # Errors
    /// If the flow diverges or the functional has no derivative, and [`Error::Interrupted`] if
    /// `watch` has stopped it. The particles are then still μⁿ.
    fn step(
        &mut self,
        functional: &dyn Functional<T>,
        state: &mut State<T>,
        tau: f64,
        watch: Watch<'_, T>,
    ) -> Result<StepReport, Error>;
}

/// Sees the state after every iteration of an inner loop, and decides whether to go on.
pub type Watch<'a, T> = &'a mut dyn FnMut(&State<T>, Iteration) -> ControlFlow<()>;

/// A [`Watch`] that lets every inner loop run to its end.
pub fn unwatched<T>(_: &State<T>, _: Iteration) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// What a time step has to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepReport {
    /// Mean training loss over the last tenth of the inner loop; `None` without one.
    pub loss: Option<f64>,
    /// The flow rests: no direction decreases the functional at first order.
    pub rests: bool,
}

/// Checks that a time step is positive and finite.
fn valid_time_step(tau: f64) -> Result<(), Error> {
    if tau > 0.0 && tau.is_finite() {
        Ok(())
    } else {
        Err(Error::TimeStep(tau))
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
