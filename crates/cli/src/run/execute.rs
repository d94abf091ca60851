//! Executes a run: the flow with its observers, and then the files that are made of the whole.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use rieszflow_flows::scheme::StepReport;
use rieszflow_flows::{IntegrateError, Observer, ObserverError, Outcome, State, integrate};
use rieszflow_numerics::Real;

use super::resume_point::ResumePoint;
use super::{Run, RunError};
use crate::config::{Config, SchemeKind, chosen_steps};
use crate::folder::{CITATION, Status, Summary};
use crate::numbers::plain;
use crate::observers::{
    Checkpoints, Clock, Kernels, Logs, Metrics, Progress, Schedule, Snapshots, Table, widen,
};
use crate::plot::draw_figures;
use crate::setting::Phrase;

/// What the observers of a run share.
struct Shared {
    logs: Logs,
    table: Table,
    clock: Rc<Clock>,
    stationary: Rc<Cell<bool>>,
}

impl Run<'_> {
    pub(super) fn execute<T: Real>(&self) -> Result<Summary, RunError> {
        let mut scheme = self.config.scheme::<T>();
        let ResumePoint {
            mut state,
            record,
            logs,
            rows,
        } = self.resume_point(&mut *scheme)?;
        let shared = Shared {
            logs,
            table: Rc::new(RefCell::new(rows)),
            clock: Rc::new(Clock::new(record.seconds, record.step_seconds)),
            stationary: Rc::new(Cell::new(record.rests)),
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
            IntegrateError::Observer(reason) => self.write_error(reason),
        })?;
        let summary = self.summary(&state, outcome, &shared);
        self.finish(&state, &summary)
            .map_err(|error| self.write_error(error))?;
        Ok(summary)
    }

    /// The observers of the flow; the checkpoints come last.
    fn observers<T: Real>(
        &self,
        state: &State<T>,
        shared: &Shared,
    ) -> Result<Vec<Box<dyn Observer<T>>>, RunError> {
        let config = self.config;
        let grid = config.time_grid();
        let saved = chosen_steps(&config.save_at, &grid);
        let logs = &shared.logs;
        let snapshots = Snapshots::new(saved.clone(), logs.snapshots.clone(), state.step);
        let mut observers: Vec<Box<dyn Observer<T>>> = vec![
            Box::new(self.metrics(shared)?),
            Box::new(snapshots),
            Box::new(StationaryFlag(shared.stationary.clone())),
        ];
        if let Some((format, log)) = config.kernel_format::<T>().zip(logs.kernels.clone()) {
            observers.push(Box::new(Kernels {
                keep: config.keep_kernels,
                format,
                log,
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
        let functional = self.config.functional::<f64>(&self.problem)?;
        Ok(Metrics {
            reference: self.reference.clone(),
            functional,
            log: shared.logs.metrics.clone(),
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
            logs: shared.logs.clone(),
            clock: shared.clock.clone(),
            stationary: shared.stationary.clone(),
            last: Instant::now(),
        })
    }

    fn summary<T: Real>(&self, state: &State<T>, outcome: Outcome, shared: &Shared) -> Summary {
        let (status, reason) = match outcome {
            Outcome::Completed => (Status::Completed, None),
            Outcome::Interrupted => (Status::Interrupted, None),
            Outcome::Diverged { step, time, reason } => {
                let what = format!("time step {step} from t = {time}: {reason}; ");
                (Status::Diverged, Some(likely_cause(self.config, what)))
            }
        };
        let summary = Summary {
            status,
            reason,
            stationary: shared.stationary.get(),
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

    /// Writes the files that are made of the whole run. The summary comes last: until it is written
    /// the run can be resumed.
    fn finish<T: Real>(&self, state: &State<T>, summary: &Summary) -> Result<(), ObserverError> {
        let (config, folder) = (self.config, &self.folder);
        if summary.status == Status::Interrupted {
            return Ok(folder.write_summary(summary)?);
        }
        let snapshots = folder.read_snapshots()?;
        folder.write_final(&widen(&state.particles))?;
        folder.write_archive(&snapshots)?;
        let keeps = |step: &u64| config.keep_kernels.keeps(*step);
        let kept: Vec<u64> = (1..=state.step).filter(keeps).collect();
        if let Some(format) = config.kernel_format::<T>() {
            folder.write_kernels(&format, &kept)?;
        }
        if self.output.plots {
            draw_figures(folder, config, &*self.reference, &snapshots)?;
        }
        folder.write_summary(summary)?;
        Ok(folder.remove_checkpoints()?)
    }
}

/// The likely cause of a divergence, after the text `what`, which says where it happened.
fn likely_cause(config: &Config, what: String) -> Phrase {
    let (exponent, tau) = (plain(config.exponent), format!(" {}", config.tau));
    let what = Phrase::from(what);
    match config.scheme {
        SchemeKind::Particle if config.exponent < 1.0 => what
            .text(format!(
                "for r = {exponent} < 1 the forces grow without bound where particles collide, and "
            ))
            .setting("tau")
            .text(tau + " is likely too large for the particle flow"),
        SchemeKind::Particle => what
            .text("likely ")
            .setting("tau")
            .text(tau + " is too large for the particle flow, or the particles have left the range of ")
            .setting("precision"),
        SchemeKind::Forward if config.exponent < 1.0 => what
            .text(format!(
                "likely particles collide, where for r = {exponent} < 1 there is no direction of \
                 steepest descent; "
            ))
            .setting("scheme")
            .text(" backward has no such limit"),
        SchemeKind::Backward | SchemeKind::Forward => what
            .text("likely ")
            .setting("learning-rate")
            .text(format!(" {} is too large", plain(config.learning_rate))),
    }
}

/// Records whether the last time step found the flow stationary.
struct StationaryFlag(Rc<Cell<bool>>);

impl<T> Observer<T> for StationaryFlag {
    fn step(&mut self, _: &State<T>, report: &StepReport) -> Result<(), ObserverError> {
        self.0.set(report.rests);
        Ok(())
    }
}
