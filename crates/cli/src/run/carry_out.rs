//! Carrying out a run: the flow with all that watches it, and the files made of the whole.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use rieszflow_flows::scheme::StepReport;
use rieszflow_flows::{IntegrateError, Observer, ObserverError, Outcome, State, integrate};
use rieszflow_numerics::Real;

use super::beginning::Beginning;
use super::summary::CITATION;
use super::{Folder, Output, RunError, Status, Summary};
use crate::config::{Config, SchemeKind};
use crate::experiments::{Problem, Reference};
use crate::numbers::plain;
use crate::observers::{
    Checkpoints, Clock, Journals, Kernels, Metrics, Progress, Schedule, Snapshots, Table,
    chosen_steps,
};
use crate::plot::draw_figures;

/// A configuration being carried out.
pub(super) struct Run<'a> {
    pub(super) config: &'a Config,
    pub(super) output: &'a Output,
    pub(super) problem: Problem,
    pub(super) reference: Rc<dyn Reference>,
    pub(super) folder: Folder,
}

/// What the observers of a run share.
struct Shared {
    journals: Journals,
    table: Table,
    clock: Rc<Clock>,
    rests: Rc<Cell<bool>>,
}

impl Run<'_> {
    pub(super) fn carry_out<T: Real>(&self) -> Result<Summary, RunError> {
        let mut scheme = self.config.scheme::<T>();
        let Beginning {
            mut state,
            record,
            journals,
            rows,
        } = self.begin(&mut *scheme)?;
        let shared = Shared {
            journals,
            table: Rc::new(RefCell::new(rows)),
            clock: Rc::new(Clock::new(record.seconds, record.step_seconds)),
            rests: Rc::new(Cell::new(record.rests)),
        };
        let functional = self.config.functional::<T>(&self.problem)?;
        let mut observers = self.observers(&state, &shared)?;
        let mut observers: Vec<&mut dyn Observer<T>> =
            observers.iter_mut().map(|o| &mut **o as _).collect();
        let outcome = integrate(
            &mut *scheme,
            &*functional,
            &mut state,
            &self.config.time_grid(),
            &mut observers,
        );
        let outcome = outcome.map_err(|error| match error {
            IntegrateError::Scheme(error) => RunError::Flow(error),
            IntegrateError::Observer(reason) => self.write(reason),
        })?;
        let summary = self.summary(&state, outcome, &shared);
        self.finish(&state, &summary)
            .map_err(|error| self.write(error))?;
        Ok(summary)
    }

    /// All that watches the flow; the checkpoints come last.
    fn observers<T: Real>(
        &self,
        state: &State<T>,
        shared: &Shared,
    ) -> Result<Vec<Box<dyn Observer<T>>>, RunError> {
        let config = self.config;
        let grid = config.time_grid();
        let saved = chosen_steps(&config.save_at, &grid);
        let journals = &shared.journals;
        let snapshots = Snapshots::new(saved.clone(), journals.snapshots.clone(), state.step);
        let mut observers: Vec<Box<dyn Observer<T>>> = vec![
            Box::new(self.metrics(shared)?),
            Box::new(snapshots),
            Box::new(Rest(shared.rests.clone())),
        ];
        if let Some((layout, journal)) = config.kernel_layout::<T>().zip(journals.kernels.clone()) {
            observers.push(Box::new(Kernels {
                keep: config.keep_kernels,
                layout,
                journal,
            }));
        }
        if self.output.progress {
            let table = shared.table.clone();
            let progress = Progress::new(grid.len() as u64, config.time, table);
            observers.push(Box::new(progress));
        }
        observers.push(Box::new(self.checkpoints(saved, shared)?));
        Ok(observers)
    }

    fn metrics(&self, shared: &Shared) -> Result<Metrics, RunError> {
        Ok(Metrics {
            reference: self.reference.clone(),
            functional: self.config.functional::<f64>(&self.problem)?,
            journal: shared.journals.metrics.clone(),
            table: shared.table.clone(),
            clock: shared.clock.clone(),
        })
    }

    fn checkpoints(&self, saved: Vec<u64>, shared: &Shared) -> Result<Checkpoints, RunError> {
        Ok(Checkpoints {
            schedule: Schedule {
                saved,
                interval: self.output.checkpoint_every,
                stop: self.output.stop.clone(),
            },
            store: self.folder.store(),
            fingerprint: self.fingerprint()?,
            journals: shared.journals.clone(),
            clock: shared.clock.clone(),
            rests: shared.rests.clone(),
            last: Instant::now(),
        })
    }

    fn summary<T: Real>(&self, state: &State<T>, outcome: Outcome, shared: &Shared) -> Summary {
        let (status, reason) = match outcome {
            Outcome::Completed => (Status::Completed, None),
            Outcome::Interrupted => (Status::Interrupted, None),
            Outcome::Diverged { step, time, reason } => {
                let cause = likely_cause(self.config);
                let reason = format!("time step {step} from t = {time}: {reason}; {cause}");
                (Status::Diverged, Some(reason))
            }
        };
        let summary = Summary {
            status,
            reason,
            rests: shared.rests.get(),
            steps: state.step,
            time: state.time,
            reference: self.reference.name(),
            discrepancy: None,
            discrepancy_u: None,
            sampling_floor: self.reference.sampling_floor(self.config.particles),
            functional: None,
            scale_exact: None,
            scale_measured: None,
            wall_seconds: shared.clock.seconds(),
            version: env!("CARGO_PKG_VERSION"),
            seed: self.config.seed,
            threads: rayon::current_num_threads(),
            citation: CITATION,
        };
        summary.measured(shared.table.borrow().last())
    }

    /// Writes what is made of the whole run. The summary ends it: until then it can be resumed.
    fn finish<T: Real>(&self, state: &State<T>, summary: &Summary) -> Result<(), ObserverError> {
        let (config, folder) = (self.config, &self.folder);
        if summary.status == Status::Interrupted {
            return Ok(folder.write_summary(summary)?);
        }
        let snapshots = folder.read_snapshots()?;
        folder.write_final(state)?;
        folder.write_archive(&snapshots)?;
        let keeps = |step: &u64| config.keep_kernels.keeps(*step);
        let kept: Vec<u64> = (1..=state.step).filter(keeps).collect();
        if let Some(layout) = config.kernel_layout::<T>() {
            folder.write_kernels(&layout, &kept)?;
        }
        if self.output.plots {
            draw_figures(folder, config, &*self.reference, &snapshots)?;
        }
        folder.write_summary(summary)?;
        Ok(folder.close()?)
    }

    /// What is said when a file of the run cannot be written.
    pub(super) fn write(&self, reason: ObserverError) -> RunError {
        RunError::Write {
            folder: self.folder.path().to_owned(),
            reason,
        }
    }
}

/// What most often makes such a flow diverge.
fn likely_cause(config: &Config) -> String {
    let (exponent, tau) = (plain(config.exponent), &config.tau);
    match config.scheme {
        SchemeKind::Particle if config.exponent < 1.0 => format!(
            "for r = {exponent} < 1 the forces grow without bound where particles collide, and \
             --tau {tau} is likely too large for the particle flow"
        ),
        SchemeKind::Particle => format!(
            "likely --tau {tau} is too large for the particle flow, or the particles have left the \
             range of --precision"
        ),
        SchemeKind::Forward if config.exponent < 1.0 => format!(
            "likely particles collide, where for r = {exponent} < 1 there is no direction of \
             steepest descent; --scheme backward has no such limit"
        ),
        SchemeKind::Backward | SchemeKind::Forward => format!(
            "likely --learning-rate {} is too large",
            plain(config.learning_rate)
        ),
    }
}

/// Notes whether the flow rests.
struct Rest(Rc<Cell<bool>>);

impl<T> Observer<T> for Rest {
    fn step(&mut self, _: &State<T>, report: &StepReport) -> Result<(), ObserverError> {
        self.0.set(report.rests);
        Ok(())
    }
}
