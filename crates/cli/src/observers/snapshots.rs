//! Writes the particles at the saved times to `snapshots.csv`, or to `snapshots.part` if there are very many.

use std::io;

use nalgebra::DMatrix;
use rieszflow_flows::scheme::StepReport;
use rieszflow_flows::{Observer, ObserverError, Origin, Outcome, State};
use rieszflow_numerics::Real;

use super::{SharedLog, Verdict};
use crate::folder::{Snapshot, SnapshotFormat, coordinate_names, record};

/// Saves the particles at the start, at the chosen times, and at the end.
pub(crate) struct Snapshots {
    chosen: Vec<u64>,
    log: SharedLog,
    /// The step that was saved last.
    last: Option<u64>,
    format: SnapshotFormat,
    verdict: Verdict,
    /// The particles at time 0, as they were given.
    start: DMatrix<f64>,
    origin: Origin,
}

impl Snapshots {
    /// For a flow whose steps `chosen` are saved, in order, and that is new or goes on after `done`
    /// of its time steps.
    pub(crate) fn new(
        chosen: Vec<u64>,
        log: SharedLog,
        done: u64,
        verdict: Verdict,
        start: DMatrix<f64>,
        origin: Origin,
    ) -> Self {
        let is_new = log.borrow().is_empty();
        let saved = chosen.iter().rev().find(|&&step| step <= done).copied();
        Self {
            chosen,
            log,
            last: saved.filter(|_| !is_new),
            format: SnapshotFormat::Csv,
            verdict,
            start,
            origin,
        }
    }

    /// The same in another format.
    pub(crate) fn in_format(self, format: SnapshotFormat) -> Self {
        Self { format, ..self }
    }

    fn save<T: Real>(&mut self, state: &State<T>) -> io::Result<()> {
        let particles = match state.step {
            0 => self.start.clone(),
            _ => self.origin.restore(&state.particles),
        };
        if let SnapshotFormat::Records { is_single, .. } = self.format {
            let snapshot = Snapshot {
                step: state.step,
                time: state.time,
                particles,
            };
            self.log
                .borrow_mut()
                .append(&record(&snapshot, is_single))?;
            self.last = Some(state.step);
            return Ok(());
        }
        let rows = particles.row_iter().enumerate().map(|(index, particle)| {
            let head = [
                state.step.to_string(),
                state.time.to_string(),
                index.to_string(),
            ];
            let coordinates: Vec<String> = particle.iter().map(f64::to_string).collect();
            head.into_iter().chain(coordinates)
        });
        self.log.borrow_mut().append_rows(rows)?;
        self.last = Some(state.step);
        Ok(())
    }
}

impl<T: Real> Observer<T> for Snapshots {
    fn start(&mut self, state: &State<T>) -> Result<(), ObserverError> {
        if self.last.is_none() {
            if matches!(self.format, SnapshotFormat::Csv) {
                let head = ["step", "time", "particle"].map(str::to_owned);
                let names = coordinate_names(state.particles.ncols());
                let mut log = self.log.borrow_mut();
                log.append_rows([head.into_iter().chain(names)])?;
            }
            self.save(state)?;
        }
        Ok(())
    }

    fn step(&mut self, state: &State<T>, _: &StepReport) -> Result<(), ObserverError> {
        if self.chosen.binary_search(&state.step).is_ok() {
            self.save(state)?;
        }
        Ok(())
    }

    fn finish(&mut self, state: &State<T>, outcome: &Outcome) -> Result<(), ObserverError> {
        // A flow that diverges or is done may end before its last step, and its last particles are saved too.
        let implausible = self.verdict.borrow().is_some();
        let ended = implausible || *outcome != Outcome::Interrupted;
        if ended && self.last != Some(state.step) {
            self.save(state)?;
        }
        Ok(())
    }
}
