//! `metrics.csv`: a row of measurements per time step, written as soon as the step is done.

use std::cell::RefCell;
use std::fs::File;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use rieszflow_autodiff::Real;
use rieszflow_flows::scheme::StepReport;
use rieszflow_flows::{Functional, Observer, ObserverError, Points, State};

use super::widen;
use crate::experiments::{Exact, Scale};

/// A row of `metrics.csv`.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) step: u64,
    pub(crate) time: f64,
    /// F(μ_N).
    pub(crate) functional: f64,
    /// D² to the exact measure, V-statistic.
    pub(crate) discrepancy: f64,
    /// The same with the U-statistic.
    pub(crate) discrepancy_u: f64,
    /// Mean training loss over the last tenth of the inner loop.
    pub(crate) loss: Option<f64>,
    /// Wall time of the step.
    pub(crate) seconds: f64,
    /// Where the exact measure is η* scaled.
    pub(crate) scale: Option<Scale>,
}

impl Row {
    const COLUMNS: [&'static str; 7] = [
        "step",
        "time",
        "functional",
        "discrepancy",
        "discrepancy_u",
        "loss",
        "seconds",
    ];
    const SCALE_COLUMNS: [&'static str; 2] = ["scale_exact", "scale_measured"];

    fn columns(scaled: bool) -> impl Iterator<Item = &'static str> {
        let scale = scaled.then_some(Self::SCALE_COLUMNS);
        Self::COLUMNS.into_iter().chain(scale.into_iter().flatten())
    }

    fn record(&self) -> impl Iterator<Item = String> {
        let numbers = [
            self.step.to_string(),
            self.time.to_string(),
            self.functional.to_string(),
            self.discrepancy.to_string(),
            self.discrepancy_u.to_string(),
            self.loss.map_or(String::new(), |loss| loss.to_string()),
            self.seconds.to_string(),
        ];
        let scale = self.scale.into_iter().flat_map(|s| [s.exact, s.measured]);
        numbers.into_iter().chain(scale.map(|s| s.to_string()))
    }
}

/// The rows so far, shared with the observers that show them.
pub(crate) type Table = Rc<RefCell<Vec<Row>>>;

/// Measures each time step in double precision and writes the row.
pub(crate) struct Metrics {
    exact: Rc<dyn Exact>,
    functional: Box<dyn Functional<f64>>,
    writer: csv::Writer<File>,
    table: Table,
    since: Instant,
}

impl Metrics {
    pub(crate) fn create(
        folder: &Path,
        functional: Box<dyn Functional<f64>>,
        exact: Rc<dyn Exact>,
        table: Table,
    ) -> csv::Result<Self> {
        Ok(Self {
            exact,
            functional,
            writer: csv::Writer::from_path(folder.join("metrics.csv"))?,
            table,
            since: Instant::now(),
        })
    }
}

impl<T: Real> Observer<T> for Metrics {
    fn start(&mut self, _: &State<T>) -> Result<(), ObserverError> {
        self.since = Instant::now();
        self.writer
            .write_record(Row::columns(self.exact.is_scaled()))?;
        Ok(self.writer.flush()?)
    }

    fn step(&mut self, state: &State<T>, report: &StepReport) -> Result<(), ObserverError> {
        let particles = widen(&state.particles);
        let comparison = self.exact.compare(state.step, &particles)?;
        let row = Row {
            step: state.step,
            time: state.time,
            functional: self.functional.energy(Points::from(&particles)),
            discrepancy: comparison.discrepancy.v_statistic,
            discrepancy_u: comparison.discrepancy.u_statistic,
            loss: report.loss,
            seconds: self.since.elapsed().as_secs_f64(),
            scale: comparison.scale,
        };
        self.writer.write_record(row.record())?;
        self.writer.flush()?;
        self.table.borrow_mut().push(row);
        self.since = Instant::now();
        Ok(())
    }
}
