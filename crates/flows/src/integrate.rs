//! The loop over time: a scheme applied step after step, watched by observers.

use rieszflow_autodiff::Real;

use crate::observer::{Observer, ObserverError};
use crate::{Error, Functional, Scheme, State};

/// One step of a time grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeStep {
    /// τ_n, its size.
    pub tau: f64,
    /// t_n, the flow time at its end.
    pub end: f64,
}

/// The steps from flow time 0 to `time`: first the given `initial` sizes, then size `tau`, the last
/// one shortened if need be.
///
/// After initial steps the grid returns to the multiples of `tau`.
///
/// ```
/// use rieszflow_flows::time_grid;
///
/// let grid = time_grid(&[0.01], 0.1, 0.25)?;
/// let ends: Vec<f64> = grid.iter().map(|step| step.end).collect();
/// assert_eq!(ends, [0.01, 0.1, 0.2, 0.25]);
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::TimeStep`] if a size is not positive and finite; a `time` that is not is refused alike.
pub fn time_grid(initial: &[f64], tau: f64, time: f64) -> Result<Vec<TimeStep>, Error> {
    for &size in initial.iter().chain([&tau, &time]) {
        if !(size > 0.0 && size.is_finite()) {
            return Err(Error::TimeStep(size));
        }
    }
    // Grid points closer than this to one another are one.
    let resolution = 1e-9 * tau;
    let mut grid = Vec::new();
    let mut now = 0.0;
    let mut push = |tau: f64, end: f64, now: &mut f64| {
        grid.push(TimeStep { tau, end });
        *now = end;
    };
    for &size in initial {
        if now + size < time {
            let end = now + size;
            push(size, end, &mut now);
        }
    }
    let mut multiple = 1 + ((now + resolution) / tau) as u64;
    while now < time - resolution {
        let next = multiple as f64 * tau;
        // A decimal step size has decimal multiples.
        let next = (next * 1e12).round() / 1e12;
        let end = if next > time - resolution { time } else { next };
        let whole = (end - now - tau).abs() <= resolution;
        push(if whole { tau } else { end - now }, end, &mut now);
        multiple += 1;
    }
    Ok(grid)
}

/// How a flow ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// At the final time.
    Completed,
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
        let watch = &mut |iteration| {
            for observer in &mut *observers {
                observer.iteration(iteration);
            }
        };
        match scheme.step(functional, state, step.tau, watch) {
            Ok(report) => {
                state.time = step.end;
                for observer in &mut *observers {
                    observer
                        .step(state, &report)
                        .map_err(IntegrateError::Observer)?;
                }
            }
            Err(error @ Error::Diverged(_)) => {
                outcome = Outcome::Diverged {
                    step: state.step + 1,
                    time: state.time,
                    reason: error.to_string(),
                };
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    for observer in &mut *observers {
        observer
            .finish(state, &outcome)
            .map_err(IntegrateError::Observer)?;
    }
    Ok(outcome)
}
