//! The loop over time: a scheme applied step after step, watched by observers.

use std::ops::ControlFlow;

use nalgebra::DMatrix;
use rieszflow_numerics::Real;

use crate::observer::{Observer, ObserverError, Outcome};
use crate::scheme::StepReport;
use crate::{Error, Functional, Scheme, State, TimeStep};

/// Why a flow could not be computed to an outcome.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The scheme cannot be applied.
    #[error(transparent)]
    Scheme(#[from] Error),
    /// An observer failed.
    #[error(transparent)]
    Observer(ObserverError),
}

/// A functional and the scheme that approximates its flow.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::scheme::Particle;
/// use rieszflow_flows::{Flow, Interaction, Outcome, RieszKernel, time_grid};
///
/// let functional = Interaction::new(RieszKernel::new(1.0)?);
/// let dirac = DMatrix::<f64>::zeros(100, 2);
/// let grid = time_grid(&[], 0.05, 1.0)?;
/// let flow = Flow::new(&functional, &Particle { seed: 0, momentum: 0.0 }).start(dirac)?.run(&grid)?;
/// assert_eq!(flow.outcome, Outcome::Completed);
/// // At time 1 the exact measure has the mean square m₂ = (2/3)(π/4)² = 0.411.
/// let mean_square = flow.state.particles.norm_squared() / 100.0;
/// assert!((mean_square - 0.411).abs() < 0.02, "{mean_square}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Flow<'a, T> {
    functional: &'a dyn Functional<T>,
    scheme: &'a dyn Scheme<T>,
}

impl<'a, T: Real> Flow<'a, T> {
    /// The flow of `functional` by `scheme`.
    pub fn new(functional: &'a dyn Functional<T>, scheme: &'a dyn Scheme<T>) -> Self {
        Self { functional, scheme }
    }

    /// Starts at `particles` (N×d), at time 0.
    ///
    /// # Errors
    /// If the particles do not fit the scheme, or are not in the space of the functional.
    pub fn start(self, particles: DMatrix<T>) -> Result<StartedFlow<'a, T>, Error> {
        let found = particles.ncols();
        match self.functional.dim() {
            Some(expected) if expected != found => Err(Error::Dimension { expected, found }),
            _ => Ok(self.resume(self.scheme.start(particles)?)),
        }
    }

    /// Goes on from a state of the scheme.
    pub fn resume(self, state: State<T>) -> StartedFlow<'a, T> {
        StartedFlow {
            flow: self,
            state,
            observers: Vec::new(),
        }
    }
}

/// A flow about to run from a state, with the observers that watch it.
pub struct StartedFlow<'a, T> {
    flow: Flow<'a, T>,
    state: State<T>,
    observers: Vec<&'a mut dyn Observer<T>>,
}

/// Where a flow has arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishedFlow<T> {
    /// The state at its end.
    pub state: State<T>,
    /// How it ended.
    pub outcome: Outcome,
}

impl<'a, T: Real> StartedFlow<'a, T> {
    /// The state that it starts from.
    pub fn state(&self) -> &State<T> {
        &self.state
    }

    /// Lets `observer` watch the flow.
    #[must_use]
    pub fn observe(mut self, observer: &'a mut dyn Observer<T>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Runs along a time grid, such as [`crate::time_grid`] gives.
    ///
    /// Steps of the grid that the state has already done are left out, so an interrupted flow continues.
    ///
    /// # Errors
    /// If the scheme cannot be applied to this functional or an observer fails. Divergence is not an
    /// error but an [`Outcome`].
    pub fn run(mut self, grid: &[TimeStep]) -> Result<FinishedFlow<T>, FlowError> {
        self.notify(|observer, state| observer.start(state))?;
        let mut outcome = Outcome::Completed;
        let done = (self.state.step as usize).min(grid.len());
        for (index, step) in grid.iter().enumerate().skip(done) {
            if self.observers.iter().any(|observer| observer.is_done()) {
                break;
            }
            match self.step(step)? {
                Ok(report) => self.notify(|observer, state| observer.step(state, &report))?,
                Err(Error::Interrupted) => outcome = Outcome::Interrupted,
                Err(error) => {
                    outcome = Outcome::Diverged {
                        step: self.state.step + 1,
                        time: self.state.time,
                        reason: error.to_string(),
                    };
                }
            }
            let is_last = index + 1 == grid.len();
            if outcome == Outcome::Completed && !is_last && self.is_stopped() {
                outcome = Outcome::Interrupted;
            }
            if outcome != Outcome::Completed {
                break;
            }
        }
        self.notify(|observer, state| observer.finish(state, &outcome))?;
        Ok(FinishedFlow {
            state: self.state,
            outcome,
        })
    }

    /// One time step: its report, or how it came to no end; anything else is an error of the flow.
    fn step(&mut self, step: &TimeStep) -> Result<Result<StepReport, Error>, FlowError> {
        let mut failure = None;
        let observers = &mut self.observers;
        let callback = &mut |state: &State<T>, iteration| {
            failure = observers
                .iter_mut()
                .find_map(|observer| observer.iteration(state, iteration).err());
            if failure.is_some() || observers.iter().any(|observer| observer.wants_to_stop()) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let Flow { functional, scheme } = self.flow;
        let done = scheme.step_with(functional, &mut self.state, step.tau, callback);
        if let Some(error) = failure {
            return Err(FlowError::Observer(error));
        }
        match done {
            Ok(report) => {
                self.state.time = step.end;
                Ok(Ok(report))
            }
            Err(
                error @ (Error::Interrupted
                | Error::Diverged(_)
                | Error::Inactive
                | Error::Collision { .. }),
            ) => Ok(Err(error)),
            Err(error) => Err(error.into()),
        }
    }

    fn is_stopped(&self) -> bool {
        self.observers
            .iter()
            .any(|observer| observer.wants_to_stop())
    }

    fn notify(
        &mut self,
        mut event: impl FnMut(&mut dyn Observer<T>, &State<T>) -> Result<(), ObserverError>,
    ) -> Result<(), FlowError> {
        for observer in &mut self.observers {
            event(&mut **observer, &self.state).map_err(FlowError::Observer)?;
        }
        Ok(())
    }
}
