//! Wall time of a run and of its time steps, added up over interruptions.

use std::cell::Cell;
use std::time::Instant;

/// Seconds of computing.
#[derive(Debug)]
pub(crate) struct Clock {
    since: Instant,
    /// Seconds before `since`.
    before: f64,
    /// When the time step in progress began, in seconds of computing.
    step_began: Cell<f64>,
}

impl Clock {
    /// Runs since `started`, when the given seconds of the run and of the time step in progress had
    /// been computed.
    pub(crate) fn new(started: Instant, seconds: f64, step_seconds: f64) -> Self {
        Self {
            since: started,
            before: seconds,
            step_began: Cell::new(seconds + started.elapsed().as_secs_f64() - step_seconds),
        }
    }

    /// Seconds of the run.
    pub(crate) fn seconds(&self) -> f64 {
        self.before + self.since.elapsed().as_secs_f64()
    }

    /// Seconds of the time step in progress.
    pub(crate) fn step_seconds(&self) -> f64 {
        self.seconds() - self.step_began.get()
    }

    /// Marks the beginning of a time step.
    pub(crate) fn begin_step(&self) {
        self.step_began.set(self.seconds());
    }
}
