//! The loop over time: a scheme applied step after step, watched by observers.

use std::ops::ControlFlow;

use rieszflow_numerics::Real;

use crate::observer::{Observer, ObserverError};
use crate::{Error, Functional, Scheme, State, TimeStep};

/// How a flow ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// At the final time.
    Completed,
    /// An observer has asked to stop; the state tells where, and goes on from there.
    Interrupted,
    /// Something was no longer a finite number; what was computed before stands.
    Diverged {
        /// The time step that failed, from 1.
        step: u64,
        /// The flow time it started from.
        time: f64,
        /// What was not finite.
        reason: String,
    },
}

/// Why a flow could not be computed to an outcome.
#[derive(Debug, thiserror::Error)]
pub enum IntegrateError {
    /// The scheme cannot be applied.
    #[error(transparent)]
    Scheme(#[from] Error),
    /// An observer failed.
    #[error(transparent)]
    Observer(ObserverError),
}

/// Applies `scheme` along `grid` from `state` on, and tells the observers.
///
/// Steps of the grid that `state` has already done are left out, so an interrupted flow continues.
/// The grid comes from [`crate::time_grid`]; the example of [`Observer`] is one of this function.
///
/// # Errors
/// If the scheme cannot be applied to this functional or an observer fails. Divergence is not an
/// error but an [`Outcome`].
pub fn integrate<T: Real>(
    scheme: &mut dyn Scheme<T>,
    functional: &dyn Functional<T>,
    state: &mut State<T>,
    grid: &[TimeStep],
    observers: &mut [&mut dyn Observer<T>],
) -> Result<Outcome, IntegrateError> {
    for observer in &mut *observers {
        observer.start(state).map_err(IntegrateError::Observer)?;
    }
    let mut outcome = Outcome::Completed;
    for step in &grid[state.step as usize..] {
        let mut failure = None;
        let watch = &mut |state: &State<T>, iteration| {
            failure = observers
                .iter_mut()
                .find_map(|observer| observer.iteration(state, iteration).err());
            let stop =
                failure.is_some() || observers.iter().any(|observer| observer.wants_to_stop());
            if stop {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let done = scheme.step(functional, state, step.tau, watch);
        if let Some(error) = failure {
            return Err(IntegrateError::Observer(error));
        }
        match done {
            Ok(report) => {
                state.time = step.end;
                for observer in &mut *observers {
                    observer
                        .step(state, &report)
                        .map_err(IntegrateError::Observer)?;
                }
            }
            Err(Error::Interrupted) => outcome = Outcome::Interrupted,
            Err(error @ (Error::Diverged(_) | Error::Collision { .. })) => {
                outcome = Outcome::Diverged {
                    step: state.step + 1,
                    time: state.time,
                    reason: error.to_string(),
                };
            }
            Err(error) => return Err(error.into()),
        }
        let more = outcome == Outcome::Completed && (state.step as usize) < grid.len();
        if more && observers.iter().any(|observer| observer.wants_to_stop()) {
            outcome = Outcome::Interrupted;
        }
        if outcome != Outcome::Completed {
            break;
        }
    }
    for observer in &mut *observers {
        observer
            .finish(state, &outcome)
            .map_err(IntegrateError::Observer)?;
    }
    Ok(outcome)
}
