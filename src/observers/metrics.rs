//! `metrics.csv`: a row of measurements per time step, written as soon as the step is done.

use std::cell::RefCell;
use std::fs::File;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use rieszflow_autodiff::Real;
use rieszflow_flows::scheme::StepReport;
use rieszflow_flows::{
    Functional, Interaction, Observer, ObserverError, Points, RieszKernel, State,
};
use serde::Serialize;

use super::widen;
use crate::experiments::interaction::Exact;

/// A row of `metrics.csv`.
#[derive(Clone, Debug, Serialize)]
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
    pub(crate) scale_exact: f64,
    pub(crate) scale_measured: f64,
}

/// The rows so far, shared with the observers that show them.
pub(crate) type Table = Rc<RefCell<Vec<Row>>>;

/// Measures each time step in double precision and writes the row.
pub(crate) struct Metrics {
    exact: Rc<Exact>,
    functional: Interaction<f64>,
    writer: csv::Writer<File>,
    table: Table,
    since: Instant,
}

impl Metrics {
    pub(crate) fn create(
        folder: &Path,
        kernel: RieszKernel,
        exact: Rc<Exact>,
        table: Table,
    ) -> csv::Result<Self> {
        Ok(Self {
            exact,
            functional: Interaction::new(kernel),
            writer: csv::Writer::from_path(folder.join("metrics.csv"))?,
            table,
            since: Instant::now(),
        })
    }
}

impl<T: Real> Observer<T> for Metrics {
    fn start(&mut self, _: &State<T>) -> Result<(), ObserverError> {
        self.since = Instant::now();
        Ok(())
    }

    fn step(&mut self, state: &State<T>, report: &StepReport) -> Result<(), ObserverError> {
        let particles = widen(&state.particles);
        let comparison = self.exact.compare(state.step, &particles);
        let row = Row {
            step: state.step,
            time: state.time,
            functional: self.functional.energy(Points::from(&particles)),
            discrepancy: comparison.discrepancy.v_statistic,
            discrepancy_u: comparison.discrepancy.u_statistic,
            loss: report.loss,
            seconds: self.since.elapsed().as_secs_f64(),
            scale_exact: comparison.scale_exact,
            scale_measured: comparison.scale_measured,
        };
        self.writer.serialize(&row)?;
        self.writer.flush()?;
        self.table.borrow_mut().push(row);
        self.since = Instant::now();
        Ok(())
    }
}
