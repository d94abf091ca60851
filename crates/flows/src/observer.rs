//! Observers of a flow: they see it start, step and finish, and change nothing.

use std::error::Error as StdError;

use crate::State;
use crate::scheme::{Iteration, StepReport};

/// How a flow ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// At the final time, or before it where an observer [is done](Observer::is_done).
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

/// Why an observer cannot go on, such as a full disk.
pub type ObserverError = Box<dyn StdError + Send + Sync>;

/// Something that watches a flow: progress, files, plots, or a user's own.
///
/// Every method has an empty default. An error stops the flow and is returned to the caller.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::scheme::{Particle, StepReport};
/// use rieszflow_flows::{
///     Flow, Interaction, Observer, ObserverError, RieszKernel, State, time_grid,
/// };
///
/// /// The largest coordinate after each time step.
/// struct Reach(Vec<f64>);
///
/// impl Observer<f64> for Reach {
///     fn step(&mut self, state: &State<f64>, _: &StepReport) -> Result<(), ObserverError> {
///         self.0.push(state.particles.amax());
///         Ok(())
///     }
/// }
///
/// let functional = Interaction::new(RieszKernel::new(1.0)?);
/// let mut reach = Reach(Vec::new());
/// let grid = time_grid(&[], 0.25, 1.0)?;
/// let flow = Flow::new(&functional, &Particle { seed: 0, momentum: 0.0 }).start(DMatrix::zeros(50, 1))?;
/// flow.observe(&mut reach).run(&grid)?;
/// // On the line the flow from a Dirac is U[−t, t].
/// assert!(reach.0.iter().zip([0.25, 0.5, 0.75, 1.0]).all(|(x, t)| (x / t - 0.98).abs() < 1e-6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Observer<T> {
    /// The flow starts at `state`.
    ///
    /// # Errors
    /// If the observer cannot do its work; so for the other methods.
    fn start(&mut self, state: &State<T>) -> Result<(), ObserverError> {
        let _ = state;
        Ok(())
    }

    /// An iteration of the inner loop of the time step in progress is done. Called very often.
    ///
    /// # Errors
    /// If the observer cannot do its work.
    fn iteration(&mut self, state: &State<T>, iteration: Iteration) -> Result<(), ObserverError> {
        let _ = (state, iteration);
        Ok(())
    }

    /// A time step is done and has led to `state`.
    ///
    /// # Errors
    /// If the observer cannot do its work.
    fn step(&mut self, state: &State<T>, report: &StepReport) -> Result<(), ObserverError> {
        let _ = (state, report);
        Ok(())
    }

    /// Asked after every iteration and every time step: whether the flow shall stop there.
    fn wants_to_stop(&self) -> bool {
        false
    }

    /// Asked at the start and after every time step: whether nothing is left to do, so that the flow ends
    /// there.
    fn is_done(&self) -> bool {
        false
    }

    /// The flow has ended at `state`.
    ///
    /// # Errors
    /// If the observer cannot do its work.
    fn finish(&mut self, state: &State<T>, outcome: &Outcome) -> Result<(), ObserverError> {
        let _ = (state, outcome);
        Ok(())
    }
}
