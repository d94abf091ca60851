//! Checkpoints while a run goes on: at intervals of wall time, at saved steps, and when it is stopped.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rieszflow_flows::scheme::{Iteration, StepReport};
use rieszflow_flows::{Observer, ObserverError, Outcome, State};
use rieszflow_numerics::Real;

use super::{Clock, SharedJournal};
use crate::files::checkpoint::{Lengths, Record, Store};
use crate::files::journal::Journal;
use crate::files::sync_folder;

/// The files that grow while a run goes on.
#[derive(Clone)]
pub(crate) struct Journals {
    pub(crate) metrics: SharedJournal,
    pub(crate) snapshots: SharedJournal,
    /// Only for schemes that learn kernels.
    pub(crate) kernels: Option<SharedJournal>,
}

impl Journals {
    /// Makes sure that all of them are on the disk; their lengths.
    fn sync(&self) -> io::Result<Lengths> {
        let sync = |journal: &SharedJournal| Journal::sync(&mut journal.borrow_mut());
        let kernels = self.kernels.as_ref().map(sync).transpose()?;
        Ok(Lengths {
            metrics: sync(&self.metrics)?,
            snapshots: sync(&self.snapshots)?,
            kernels: kernels.unwrap_or(0),
        })
    }
}

/// When checkpoints are taken.
pub(crate) struct Schedule {
    /// The time steps that are saved.
    pub(crate) saved: Vec<u64>,
    /// At most so much wall time lies between two checkpoints, give or take an iteration.
    pub(crate) interval: Duration,
    /// Set from outside to have the run stopped.
    pub(crate) stop: Arc<AtomicBool>,
}

/// Writes checkpoints. It comes after all observers that write, so that their files are complete.
pub(crate) struct Checkpoints {
    pub(crate) schedule: Schedule,
    pub(crate) store: Store,
    pub(crate) fingerprint: u64,
    pub(crate) journals: Journals,
    pub(crate) clock: Rc<Clock>,
    pub(crate) rests: Rc<Cell<bool>>,
    pub(crate) last: Instant,
}

impl Checkpoints {
    fn save<T: Real>(&mut self, state: &State<T>) -> Result<(), ObserverError> {
        let record = Record {
            lengths: self.journals.sync()?,
            rests: self.rests.get(),
            seconds: self.clock.seconds(),
            step_seconds: self.clock.step_seconds(),
        };
        let saved = self.store.save(state, &record, self.fingerprint);
        saved.map_err(|error| format!("{}: {error}", self.store.path().display()))?;
        self.last = Instant::now();
        Ok(())
    }

    fn is_due(&self) -> bool {
        self.last.elapsed() >= self.schedule.interval
    }
}

impl<T: Real> Observer<T> for Checkpoints {
    fn start(&mut self, _: &State<T>) -> Result<(), ObserverError> {
        std::fs::create_dir_all(self.store.path())?;
        sync_folder(self.store.path().parent().unwrap_or(self.store.path()))?;
        self.last = Instant::now();
        Ok(())
    }

    fn iteration(&mut self, state: &State<T>, _: Iteration) -> Result<(), ObserverError> {
        if self.is_due() {
            self.save(state)?;
        }
        Ok(())
    }

    fn step(&mut self, state: &State<T>, _: &StepReport) -> Result<(), ObserverError> {
        if self.is_due() || self.schedule.saved.binary_search(&state.step).is_ok() {
            self.save(state)?;
        }
        Ok(())
    }

    fn wants_to_stop(&self) -> bool {
        self.schedule.stop.load(Ordering::Relaxed)
    }

    fn finish(&mut self, state: &State<T>, outcome: &Outcome) -> Result<(), ObserverError> {
        if *outcome == Outcome::Interrupted {
            self.save(state)?;
        }
        Ok(())
    }
}
