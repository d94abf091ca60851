//! Observers of a flow: they see it start, step and finish, and change nothing.

use std::error::Error as StdError;

use crate::scheme::{Iteration, StepReport};
use crate::{Outcome, State};

/// Why an observer cannot go on, such as a full disk.
pub type ObserverError = Box<dyn StdError + Send + Sync>;

/// Something that watches a flow: progress, files, plots, or a user's own.
///
/// Every method has an empty default. An error stops the flow and is returned to the caller.
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

    /// The flow has ended at `state`.
    ///
    /// # Errors
    /// If the observer cannot do its work.
    fn finish(&mut self, state: &State<T>, outcome: &Outcome) -> Result<(), ObserverError> {
        let _ = (state, outcome);
        Ok(())
    }
}
