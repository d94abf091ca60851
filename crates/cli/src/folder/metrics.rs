//! The table `metrics.csv`: a row of measurements per time step.

use std::io;

use crate::experiments::ScaleComparison;

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
    pub(crate) scale: Option<ScaleComparison>,
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

    /// The names of the columns.
    pub(crate) fn columns(scaled: bool) -> impl Iterator<Item = &'static str> {
        let scale = scaled.then_some(Self::SCALE_COLUMNS);
        Self::COLUMNS.into_iter().chain(scale.into_iter().flatten())
    }

    /// The cells, from left to right.
    pub(crate) fn record(&self) -> impl Iterator<Item = String> {
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

    /// Reads a row back; `None` if the record is not a row of measurements.
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
                .map(|(exact, measured)| ScaleComparison { exact, measured }),
        })
    }

    /// The rows of a `metrics.csv`.
    ///
    /// # Errors
    /// If a line is not such a row; the message names the line.
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
