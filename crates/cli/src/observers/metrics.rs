//! Measures the particles after each time step and writes the row to `metrics.csv` at once.

use std::cell::RefCell;
use std::rc::Rc;

use nalgebra::DMatrix;
use rieszflow_analytic::Error;
use rieszflow_flows::scheme::StepReport;
use rieszflow_flows::{Functional, Observer, ObserverError, Origin, Points, State};
use rieszflow_numerics::Real;

use super::{Clock, SharedLog};
use crate::experiments::{Measurement, ReferenceMeasure};
use crate::folder::{MetricsColumns, Row};

/// The rows so far, shared with the observers that show them.
pub(crate) type Table = Rc<RefCell<Vec<Row>>>;

/// Measures each time step, in double precision if not by the flow's own sums, and writes the row.
pub(crate) struct Metrics<'f, T: Real> {
    pub(crate) reference: Rc<dyn ReferenceMeasure>,
    /// F of the flow, if its next step needs the gradient where the particles are measured.
    pub(crate) measuring: Option<&'f dyn Functional<T>>,
    pub(crate) origin: Origin,
    pub(crate) functional: Box<dyn Functional<f64>>,
    pub(crate) log: SharedLog,
    pub(crate) table: Table,
    pub(crate) clock: Rc<Clock>,
}

impl<T: Real> Metrics<'_, T> {
    fn measure(&self, state: &State<T>, particles: &DMatrix<f64>) -> Result<Measurement, Error> {
        let energies = self
            .measuring
            .and_then(|functional| functional.measure(Points::from(&state.particles)));
        let known = energies.and_then(|energies| {
            self.reference
                .compare_energies(&energies, particles.nrows())
        });
        known.map_or_else(|| self.reference.compare(state.step, particles), Ok)
    }
}

impl<T: Real> Observer<T> for Metrics<'_, T> {
    fn start(&mut self, _: &State<T>) -> Result<(), ObserverError> {
        let mut log = self.log.borrow_mut();
        if log.is_empty() {
            self.clock.begin_step();
            let columns = MetricsColumns::of(&*self.reference);
            log.append_rows([columns.names()])?;
        }
        Ok(())
    }

    fn step(&mut self, state: &State<T>, report: &StepReport) -> Result<(), ObserverError> {
        let particles = self.origin.restore(&state.particles);
        let measurement = self.measure(state, &particles)?;
        let energy = || self.functional.energy(Points::from(&particles));
        let row = Row {
            step: state.step,
            time: state.time,
            functional: measurement.functional.unwrap_or_else(energy),
            discrepancy: measurement.discrepancy.map(|d| d.v_statistic),
            discrepancy_u: measurement.discrepancy.map(|d| d.u_statistic),
            loss: report.loss,
            seconds: self.clock.step_seconds(),
            iterations: report.loss.map(|_| report.iterations),
            scale: measurement.scale,
            interaction: measurement.interaction,
            discrepancy_target: measurement.discrepancy_target,
        };
        self.log.borrow_mut().append_rows([row.record()])?;
        self.table.borrow_mut().push(row);
        self.clock.begin_step();
        Ok(())
    }
}
