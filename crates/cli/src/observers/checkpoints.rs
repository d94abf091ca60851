//! Writes checkpoints: at intervals of wall time, at saved steps, and when the run is interrupted.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rieszflow_flows::scheme::{Iteration, StepReport};
use rieszflow_flows::{Observer, ObserverError, Outcome, State};
use rieszflow_numerics::Real;

use super::{Clock, SharedLog};
use crate::files::append_log::AppendLog;
use crate::files::checkpoint::{CheckpointStore, Lengths, RunRecord};
use crate::files::sync_folder;

/// The append-only files of a run.
#[derive(Clone)]
pub(crate) struct Logs {
    pub(crate) metrics: SharedLog,
    pub(crate) snapshots: SharedLog,
    /// `None` for schemes without a network.
    pub(crate) kernels: Option<SharedLog>,
}

impl Logs {
    /// Flushes all of them to the disk; their lengths.
    fn sync(&self) -> io::Result<Lengths> {
        let sync = |log: &SharedLog| AppendLog::sync(&mut log.borrow_mut());
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
    /// The wall time between two checkpoints, up to an iteration.
    pub(crate) interval: Duration,
    /// Set from outside to interrupt the run.
    pub(crate) stop: Arc<AtomicBool>,
}

/// Writes checkpoints. It is the last of the observers, so that the files of the others are complete.
pub(crate) struct Checkpoints {
    pub(crate) schedule: Schedule,
    /// Set while a checkpoint is written.
    pub(crate) saving: Arc<AtomicBool>,
    pub(crate) store: CheckpointStore,
    pub(crate) fingerprint: u64,
    pub(crate) logs: Logs,
    pub(crate) clock: Rc<Clock>,
    pub(crate) stationary: Rc<Cell<bool>>,
    pub(crate) last: Instant,
}

impl Checkpoints {
    fn save<T: Real>(&mut self, state: &State<T>) -> Result<(), ObserverError> {
        let record = RunRecord {
            lengths: self.logs.sync()?,
            stationary: self.stationary.get(),
            seconds: self.clock.seconds(),
            step_seconds: self.clock.step_seconds(),
        };
        self.saving.store(true, Ordering::Relaxed);
        let saved = self.store.save(state, &record, self.fingerprint);
        self.saving.store(false, Ordering::Relaxed);
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
