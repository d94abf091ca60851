//! Executes a run: the flow with its observers, and then the files that are made of the whole.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use rieszflow_flows::scheme::StepReport;
use rieszflow_flows::{
    FinishedFlow, Flow, FlowError, Functional, HeldOut, NormalStart, Observer, ObserverError,
    Outcome, Points, RieszKernel, State, ranks, with_awake_worker,
};
use rieszflow_numerics::Real;

use super::resume_point::ResumePoint;
use super::{Run, RunError, effort, report};
use crate::config::{Config, Experiment, SchemeKind, chosen_steps};
use crate::experiments::{PosteriorAccuracy, Problem, TargetEnergy};
use crate::folder::{CITATION, MetricsColumns, Status, Summary};
use crate::numbers::{plain, rounded};
use crate::observers::{
    Bounds, Checkpoints, Clock, FreshSamples, Implausible, Kernels, Logs, Metrics, Plausibility,
    Progress, Schedule, Snapshots, Table, Verdict,
};
use crate::plot::draw_figures;
use crate::sample::draw_samples;
use crate::setting::Phrase;

/// How many draws each posterior is judged by.
const POSTERIOR_DRAWS: usize = 1000;

/// What the observers of a run share.
struct Shared {
    logs: Logs,
    table: Table,
    clock: Rc<Clock>,
    stationary: Rc<Cell<bool>>,
    verdict: Verdict,
    warning: Verdict,
}

impl Run<'_> {
    pub(super) fn execute<T: Real>(&self) -> Result<Summary, RunError> {
        let scheme = self.config.scheme::<T>();
        let ResumePoint {
            state,
            record,
            logs,
            rows,
        } = self.resume_point(&*scheme)?;
        let shared = Shared {
            logs,
            table: Rc::new(RefCell::new(rows)),
            clock: Rc::new(Clock::new(
                self.started,
                record.seconds,
                record.step_seconds,
            )),
            stationary: Rc::new(Cell::new(record.stationary)),
            verdict: Rc::default(),
            warning: Rc::default(),
        };
        let origin = &self.problem.origin;
        let functional = self.config.functional_from::<T>(origin, &self.problem)?;
        self.announce(&*functional, &state);
        let mut observers = self.observers(&*functional, &state, &shared)?;
        let flow = Flow::new(&*functional, &*scheme).resume(state);
        let flow = observers
            .iter_mut()
            .fold(flow, |flow, observer| flow.observe(&mut **observer));
        let grid = self.config.time_grid();
        let finished = if self.config.scheme.is_neural() {
            with_awake_worker(|| flow.run(&grid))
        } else {
            flow.run(&grid)
        };
        let FinishedFlow { state, outcome } = finished.map_err(|error| match error {
            FlowError::Scheme(error) => RunError::Flow(error),
            FlowError::Observer(reason) => self.write_error(reason),
        })?;
        let interrupted = outcome == Outcome::Interrupted && shared.verdict.borrow().is_none();
        let known = interrupted
            || self
                .fill_in(&shared)
                .map_err(|error| self.write_error(error))?;
        let outcome = if known { outcome } else { Outcome::Interrupted };
        let mut summary = self.summary(&state, outcome, &shared);
        self.finish(&state, &mut summary, &shared)
            .map_err(|error| self.write_error(error))?;
        Ok(summary)
    }

    /// Says what takes long before it begins.
    fn announce<T: Real>(&self, functional: &dyn Functional<T>, state: &State<T>) {
        if !self.output.progress {
            return;
        }
        let target = self.problem.target.as_ref();
        let atoms = target.map_or(0, |target| target.points.nrows());
        if let Some(note) = effort::note(self.config, functional, &state.particles, atoms) {
            report(&[format!("{note:#}")]);
        }
        let energy = self.reference.target_energy();
        if energy.is_some_and(|energy| energy.get().is_none()) {
            let pairs = rounded(0.5 * (atoms as f64).powi(2), 2);
            report(&[format!(
                "D² is known once the energy of the target is, a sum of {pairs} pairs beside the flow"
            )]);
        }
    }

    /// Waits for the energy of the target, and completes the rows of `metrics.csv` that were written
    /// before it was known; `false` if the run is to stop before.
    fn fill_in(&self, shared: &Shared) -> Result<bool, ObserverError> {
        let Some(energy) = self.reference.target_energy() else {
            return Ok(true);
        };
        let Some(energy) = self.wait_for(energy) else {
            return Ok(false);
        };
        let mut table = shared.table.borrow_mut();
        if table.iter().all(|row| row.discrepancy.is_some()) {
            return Ok(true);
        }
        let count = self.problem.start.nrows();
        for row in table.iter_mut() {
            *row = row.clone().with_target_energy(energy, count);
        }
        let columns = MetricsColumns::of(&*self.reference);
        self.folder.write_metrics(columns, &table)?;
        Ok(true)
    }

    /// The energy of the target, after a line about each tenth of it that is left to compute.
    fn wait_for(&self, energy: &TargetEnergy) -> Option<f64> {
        let mut tenths = None;
        energy.finish(&self.output.stop, |part| {
            let done = (10.0 * part) as u32;
            if self.output.progress && tenths != Some(done) {
                tenths = Some(done);
                report(&[format!("energy of the target, for D²: {} %", 10 * done)]);
            }
        })
    }

    /// The observers of the flow; the checkpoints come last.
    fn observers<'f, T: Real>(
        &self,
        functional: &'f dyn Functional<T>,
        state: &State<T>,
        shared: &Shared,
    ) -> Result<Vec<Box<dyn Observer<T> + 'f>>, RunError> {
        let config = self.config;
        let grid = config.time_grid();
        let saved = chosen_steps(&config.save_at, &grid);
        let logs = &shared.logs;
        let verdict = shared.verdict.clone();
        let (start, origin) = (self.problem.start.clone(), self.problem.origin.clone());
        let log = logs.snapshots.clone();
        let format = config.snapshot_format();
        let snapshots = Snapshots::new(saved.clone(), log, state.step, verdict, start, origin);
        let snapshots = snapshots.in_format(format);
        let mut observers: Vec<Box<dyn Observer<T> + 'f>> = Vec::new();
        if let Some(fresh) = self.fresh_samples::<T>()? {
            observers.push(Box::new(fresh));
        }
        observers.push(Box::new(self.metrics(functional, shared)?));
        observers.push(Box::new(self.plausibility(shared)?));
        observers.push(Box::new(snapshots));
        observers.push(Box::new(StationaryFlag(shared.stationary.clone())));
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

    /// The stopping rule of a chain.
    fn fresh_samples<T: Real>(&self) -> Result<Option<FreshSamples<T>>, RunError> {
        let Problem {
            target,
            held_out,
            origin,
            ..
        } = &self.problem;
        let (Some(patience), Some(target), Some(held_out), Some(found)) = (
            self.config.patience(),
            target,
            held_out,
            self.reference.held_out(),
        ) else {
            return Ok(None);
        };
        let (seed, conditions) = (self.config.seed, self.config.conditions());
        let moving = target
            .points
            .columns(0, self.config.dim - conditions)
            .into_owned();
        let starts = NormalStart::of(&moving).compared(held_out.nrows(), seed);
        // With the conditions of the data held out.
        let mut fresh = held_out.clone();
        fresh.columns_mut(0, starts.ncols()).copy_from(&starts);
        let compared = (origin.centre(&fresh), &origin.centre(held_out));
        let kernel = RieszKernel::new(self.config.exponent)?;
        let format = self.config.kernel_format::<T>().expect("a chain");
        Ok(Some(FreshSamples {
            held_out: HeldOut::new(kernel, compared, conditions, patience)?,
            found: found.clone(),
            kernels: (format, self.folder.kernel_data()),
        }))
    }

    /// The flow time of the networks whose fresh samples are nearest to the data held out, and D² there.
    fn best(&self, shared: &Shared) -> Option<(f64, f64)> {
        let start = self.reference.held_out()?.after(0)?;
        let table = shared.table.borrow();
        let rows = table.iter();
        let found = rows.filter_map(|row| Some((row.time, row.discrepancy?)));
        let all = std::iter::once((0.0, start.v_statistic)).chain(found);
        all.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn metrics<'f, T: Real>(
        &self,
        functional: &'f dyn Functional<T>,
        shared: &Shared,
    ) -> Result<Metrics<'f, T>, RunError> {
        let is_next = self.config.scheme == SchemeKind::Particle;
        Ok(Metrics {
            measuring: is_next.then_some(functional),
            origin: self.problem.origin.clone(),
            reference: self.reference.clone(),
            functional: self.config.functional(&self.problem)?,
            log: shared.logs.metrics.clone(),
            table: shared.table.clone(),
            clock: shared.clock.clone(),
        })
    }

    fn plausibility(&self, shared: &Shared) -> Result<Plausibility, RunError> {
        let start = &self.problem.start;
        let functional = self.config.functional(&self.problem)?;
        Ok(Plausibility {
            scheme: self.config.scheme,
            bounds: Bounds::new(&*self.reference, start.nrows(), self.config.sums_error()),
            start: functional.energy(Points::from(start)),
            table: shared.table.clone(),
            verdict: shared.verdict.clone(),
            warning: shared.warning.clone(),
        })
    }

    fn checkpoints(&self, saved: Vec<u64>, shared: &Shared) -> Result<Checkpoints, RunError> {
        Ok(Checkpoints {
            schedule: Schedule {
                saved,
                interval: self.output.checkpoint_every,
                stop: self.output.stop.clone(),
            },
            saving: self.output.saving.clone(),
            store: self.folder.store(),
            fingerprint: self.fingerprint()?,
            logs: shared.logs.clone(),
            clock: shared.clock.clone(),
            stationary: shared.stationary.clone(),
            last: Instant::now(),
        })
    }

    fn summary<T: Real>(&self, state: &State<T>, outcome: Outcome, shared: &Shared) -> Summary {
        let (status, fault) = match outcome {
            Outcome::Diverged { step, time, reason } => {
                let fault = Implausible { step, time, reason };
                (Status::Diverged, Some(fault))
            }
            outcome => match (&*shared.verdict.borrow(), outcome) {
                (Some(fault), _) => (Status::Diverged, Some(fault.clone())),
                (None, Outcome::Interrupted) => (Status::Interrupted, None),
                (None, _) => (Status::Completed, None),
            },
        };
        let best = self.best(shared);
        let summary = Summary {
            status,
            valid_until: fault.as_ref().map(|fault| fault.time),
            reason: fault.map(|fault| likely_cause(self.config, &fault)),
            warning: shared
                .warning
                .borrow()
                .as_ref()
                .map(|fault| likely_cause(self.config, fault)),
            rounding: self.rounding.clone(),
            stationary: shared.stationary.get(),
            steps: state.step,
            time: state.time,
            reference: self.reference.name(),
            discrepancy: None,
            discrepancy_u: None,
            discrepancy_target: None,
            sample_time: best.map(|(time, _)| time),
            sample_discrepancy: best.map(|(_, discrepancy)| discrepancy),
            posterior_discrepancy: None,
            posterior_floor: None,
            sampling_floor: self.reference.sampling_floor(self.config.particles),
            functional: None,
            scale_exact: None,
            scale_measured: None,
            wall_seconds: shared.clock.seconds(),
            version: env!("CARGO_PKG_VERSION"),
            seed: self.config.seed,
            threads: rayon::current_num_threads(),
            ranks: ranks::size(),
            citation: CITATION,
        };
        summary.measured(shared.table.borrow().last())
    }

    /// D² to exact posteriors, by the networks that samples pass through.
    fn posterior_accuracy(
        &self,
        summary: &Summary,
    ) -> Result<Option<PosteriorAccuracy>, ObserverError> {
        let Experiment::Posterior(posterior) = &self.config.experiment else {
            return Ok(None);
        };
        let (Some(problem), Some(time)) = (posterior.data.problem(), summary.sample_time) else {
            return Ok(None);
        };
        let (config, folder) = (self.config, &self.folder);
        let prepared = config.prepared(posterior, folder.path())?;
        let observations = problem.judged_observations(config.seed)?;
        let wanted = (&observations, POSTERIOR_DRAWS);
        let samples = draw_samples(folder, config, &prepared, wanted, time)?;
        Ok(Some(problem.judge(
            &observations,
            &samples,
            config.exponent,
        )?))
    }

    /// Writes the files that are made of the whole run. The summary comes last: until it is written
    /// the run can be resumed.
    fn finish<T: Real>(
        &self,
        state: &State<T>,
        summary: &mut Summary,
        shared: &Shared,
    ) -> Result<(), ObserverError> {
        let (config, folder) = (self.config, &self.folder);
        if summary.status == Status::Interrupted {
            return Ok(folder.write_summary(summary)?);
        }
        let snapshots = folder.read_snapshots(config)?;
        if config.writes_csv() {
            folder.write_final(&self.problem.origin.restore(&state.particles))?;
        }
        folder.write_archive(&snapshots, config.snapshot_format())?;
        let keeps = |step: &u64| config.keep_kernels.keeps(*step);
        let kept: Vec<u64> = (1..=state.step).filter(keeps).collect();
        if let Some(format) = config.kernel_format::<T>() {
            folder.write_kernels(&format, &kept, &self.problem.origin)?;
        }
        if let Some(accuracy) = self.posterior_accuracy(summary)? {
            summary.posterior_discrepancy = Some(accuracy.discrepancy);
            summary.posterior_floor = Some(accuracy.floor);
        }
        if self.output.plots {
            draw_figures(folder, config, &self.problem, &*self.reference, &snapshots)?;
        }
        summary.wall_seconds = shared.clock.seconds();
        folder.write_summary(summary)?;
        Ok(folder.remove_checkpoints()?)
    }
}

/// Where and why a flow went wrong, with the likely cause.
fn likely_cause(config: &Config, fault: &Implausible) -> Phrase {
    let Implausible { step, time, reason } = fault;
    let what = format!("time step {step} from t = {}: {reason}; ", plain(*time));
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
        SchemeKind::Chain => what
            .text("likely ")
            .setting("flow-step")
            .text(" or ")
            .setting("learning-rate")
            .text(format!(" {} is too large", plain(config.learning_rate))),
        SchemeKind::Backward | SchemeKind::Forward => what
            .text("likely ")
            .setting("learning-rate")
            .text(format!(" {} is too large, or ", plain(config.learning_rate)))
            .setting("iterations")
            .text(format!(" {} are too few", config.iterations)),
    }
}

/// Records whether the last time step found the flow stationary.
struct StationaryFlag(Rc<Cell<bool>>);

impl<T> Observer<T> for StationaryFlag {
    fn step(&mut self, _: &State<T>, report: &StepReport) -> Result<(), ObserverError> {
        self.0.set(report.is_stationary);
        Ok(())
    }
}
