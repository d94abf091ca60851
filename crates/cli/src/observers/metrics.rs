//! `metrics.csv`: a row of measurements per time step, written as soon as the step is done.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use rieszflow_flows::scheme::StepReport;
use rieszflow_flows::{Functional, Observer, ObserverError, Points, State};
use rieszflow_numerics::Real;

use super::{Clock, SharedJournal, widen};
use crate::experiments::{Reference, Scale};

/// A row of `metrics.csv`.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) step: u64,
    pub(crate) time: f64,
    /// F(μ_N).
    pub(crate) functional: f64,
    /// D² to the reference, V-statistic.
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

    /// Reads a row back; `None` if it is not one.
    fn parse(record: &csv::StringRecord) -> Option<Self> {
        let number = |index: usize| record.get(index)?.parse::<f64>().ok();
        Some(Self {
            step: record.get(0)?.parse().ok()?,
            time: number(1)?,
            functional: number(2)?,
            discrepancy: number(3)?,
            discrepancy_u: number(4)?,
            loss: number(5),
            seconds: number(6)?,
            scale: number(7)
                .zip(number(8))
                .map(|(exact, measured)| Scale { exact, measured }),
        })
    }

    /// The rows of a `metrics.csv`.
    ///
    /// # Errors
    /// If a row is none; the message tells its line.
    pub(crate) fn read_all(reader: impl io::Read) -> io::Result<Vec<Self>> {
        let mut reader = csv::Reader::from_reader(reader);
        let head = reader.headers()?;
        if ![false, true]
            .iter()
            .any(|&scaled| head.iter().eq(Self::columns(scaled)))
        {
            let expected = Self::COLUMNS.join(",");
            return Err(io::Error::other(format!(
                "line 1: expected the columns {expected}"
            )));
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            let row = Self::parse(&record);
            rows.push(row.ok_or_else(|| {
                io::Error::other(format!("line {line}: expected a row of measurements"))
            })?);
        }
        Ok(rows)
    }
}

/// The rows so far, shared with the observers that show them.
pub(crate) type Table = Rc<RefCell<Vec<Row>>>;

/// Measures each time step in double precision and writes the row.
pub(crate) struct Metrics {
    pub(crate) reference: Rc<dyn Reference>,
    pub(crate) functional: Box<dyn Functional<f64>>,
    pub(crate) journal: SharedJournal,
    pub(crate) table: Table,
    pub(crate) clock: Rc<Clock>,
}

impl<T: Real> Observer<T> for Metrics {
    fn start(&mut self, _: &State<T>) -> Result<(), ObserverError> {
        let mut journal = self.journal.borrow_mut();
        if journal.is_empty() {
            self.clock.begin_step();
            let columns = Row::columns(self.reference.is_scaled());
            journal.append_rows([columns])?;
        }
        Ok(())
    }

    fn step(&mut self, state: &State<T>, report: &StepReport) -> Result<(), ObserverError> {
        let particles = widen(&state.particles);
        let comparison = self.reference.compare(state.step, &particles)?;
        let energy = || self.functional.energy(Points::from(&particles));
        let row = Row {
            step: state.step,
            time: state.time,
            functional: comparison.functional.unwrap_or_else(energy),
            discrepancy: comparison.discrepancy.v_statistic,
            discrepancy_u: comparison.discrepancy.u_statistic,
            loss: report.loss,
            seconds: self.clock.step_seconds(),
            scale: comparison.scale,
        };
        self.journal.borrow_mut().append_rows([row.record()])?;
        self.table.borrow_mut().push(row);
        self.clock.begin_step();
        Ok(())
    }
}
