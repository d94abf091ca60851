//! The table `metrics.csv`: a row of measurements per time step.

use std::io;

use crate::experiments::{ReferenceMeasure, ScaleComparison, discrepancy};

/// A row of `metrics.csv`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) step: u64,
    pub(crate) time: f64,
    /// F(μ_N).
    pub(crate) functional: f64,
    /// D² to the reference, V-statistic; `None` as long as the energy of the target is not known.
    pub(crate) discrepancy: Option<f64>,
    /// The same with the U-statistic.
    pub(crate) discrepancy_u: Option<f64>,
    /// Mean training loss over the last tenth of the inner loop.
    pub(crate) loss: Option<f64>,
    /// Wall time of the step.
    pub(crate) seconds: f64,
    /// Training iterations.
    pub(crate) iterations: Option<u64>,
    /// Where the exact measure is η* scaled.
    pub(crate) scale: Option<ScaleComparison>,
    /// E(μ_N), where there is a target.
    pub(crate) interaction: Option<f64>,
    /// D² to the target, where the reference is the exact flow towards it, or data held out.
    pub(crate) discrepancy_target: Option<f64>,
}

/// What a flow is measured against, which decides about the last columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricsColumns {
    /// An exact measure.
    Exact,
    /// An exact measure that is η* scaled.
    Scaled,
    /// A target.
    Target,
    /// An exact measure that is η* scaled, on its way to a target.
    ScaledToTarget,
    /// Data that is held out.
    HeldOut,
}

impl MetricsColumns {
    const ALL: [Self; 5] = [
        Self::Exact,
        Self::Scaled,
        Self::Target,
        Self::ScaledToTarget,
        Self::HeldOut,
    ];

    const COMMON: [&'static str; 8] = [
        "step",
        "time",
        "functional",
        "discrepancy",
        "discrepancy_u",
        "loss",
        "seconds",
        "iterations",
    ];

    /// The columns of a flow that is measured against `reference`.
    pub(crate) fn of(reference: &dyn ReferenceMeasure) -> Self {
        if reference.held_out().is_some() {
            return Self::HeldOut;
        }
        match (reference.has_target(), reference.is_scaled()) {
            (true, true) => Self::ScaledToTarget,
            (true, false) => Self::Target,
            (false, true) => Self::Scaled,
            (false, false) => Self::Exact,
        }
    }

    /// The names of the columns.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        let more: &[&str] = match self {
            Self::Exact => &[],
            Self::Scaled => &["scale_exact", "scale_measured"],
            Self::Target => &["interaction"],
            Self::HeldOut => &["discrepancy_target"],
            Self::ScaledToTarget => &[
                "scale_exact",
                "scale_measured",
                "interaction",
                "discrepancy_target",
            ],
        };
        Self::COMMON.into_iter().chain(more.iter().copied())
    }
}

impl Row {
    /// The cells, from left to right.
    pub(crate) fn record(&self) -> impl Iterator<Item = String> {
        let optional = |number: Option<f64>| number.map_or(String::new(), |x| x.to_string());
        let numbers = [
            self.step.to_string(),
            self.time.to_string(),
            self.functional.to_string(),
            optional(self.discrepancy),
            optional(self.discrepancy_u),
            optional(self.loss),
            self.seconds.to_string(),
            self.iterations.map_or(String::new(), |n| n.to_string()),
        ];
        let scale = self.scale.into_iter().flat_map(|s| [s.exact, s.measured]);
        let more = scale.chain(self.interaction).chain(self.discrepancy_target);
        numbers.into_iter().chain(more.map(|x| x.to_string()))
    }

    /// The row with D² to a target of the given energy, for `count` particles.
    #[must_use]
    pub(crate) fn with_target_energy(self, energy: f64, count: usize) -> Self {
        let Some(interaction) = self.interaction else {
            return self;
        };
        let found = discrepancy(self.functional, interaction, energy, count);
        Self {
            discrepancy: Some(found.v_statistic),
            discrepancy_u: Some(found.u_statistic),
            ..self
        }
    }

    /// Reads a row back; `None` if the record is not a row of measurements.
    fn parse(record: &csv::StringRecord, columns: MetricsColumns) -> Option<Self> {
        let number = |index: usize| record.get(index)?.parse::<f64>().ok();
        // Of a column that this table has, the number, which must be one.
        let named = |name: &str| match columns.names().position(|column| column == name) {
            Some(index) => number(index).map(Some),
            None => Some(None),
        };
        let scale = named("scale_exact")?.zip(named("scale_measured")?);
        Some(Self {
            step: record.get(0)?.parse().ok()?,
            time: number(1)?,
            functional: number(2)?,
            discrepancy: number(3),
            discrepancy_u: number(4),
            loss: number(5),
            seconds: number(6)?,
            iterations: record.get(7)?.parse().ok(),
            scale: scale.map(|(exact, measured)| ScaleComparison { exact, measured }),
            interaction: named("interaction")?,
            discrepancy_target: named("discrepancy_target")?,
        })
    }

    /// The rows of a `metrics.csv`.
    ///
    /// # Errors
    /// If a line is not such a row; the message names the line.
    pub(crate) fn read_all(reader: impl io::Read) -> io::Result<Vec<Self>> {
        let mut reader = csv::Reader::from_reader(reader);
        let head = reader.headers()?;
        let columns = MetricsColumns::ALL
            .into_iter()
            .find(|columns| head.iter().eq(columns.names()));
        let columns = columns.ok_or_else(|| {
            let expected = MetricsColumns::COMMON.join(",");
            io::Error::other(format!("line 1: expected the columns {expected}"))
        })?;
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            let row = Self::parse(&record, columns);
            rows.push(row.ok_or_else(|| {
                io::Error::other(format!("line {line}: expected a row of measurements"))
            })?);
        }
        Ok(rows)
    }

    /// The bytes of the whole table.
    pub(crate) fn write_all(
        writer: impl io::Write,
        columns: MetricsColumns,
        rows: &[Self],
    ) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(writer);
        writer.write_record(columns.names())?;
        for row in rows {
            writer.write_record(row.record())?;
        }
        writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_back_and_filled_in() {
        let row = Row {
            step: 3,
            time: 0.3,
            functional: 1.5,
            discrepancy: None,
            discrepancy_u: None,
            loss: Some(-0.25),
            seconds: 2.0,
            iterations: Some(400),
            scale: None,
            interaction: Some(-0.5),
            discrepancy_target: None,
        };
        let mut bytes = Vec::new();
        Row::write_all(
            &mut bytes,
            MetricsColumns::Target,
            std::slice::from_ref(&row),
        )
        .expect("bytes");
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert_eq!(text.lines().nth(1), Some("3,0.3,1.5,,,-0.25,2,400,-0.5"));
        let rows = Row::read_all(text.as_bytes()).expect("rows");
        assert_eq!(rows, std::slice::from_ref(&row));
        // D² = F + E(ν); leaving out the pairs of 11 particles with themselves divides by 11·10 pairs.
        let filled = row.with_target_energy(-1.0, 11);
        assert_eq!(filled.discrepancy, Some(0.5));
        let expected = 1.5 + 0.5 - 0.5 * 11.0 / 10.0 - 1.0;
        let error = filled.discrepancy_u.expect("a value") - expected;
        assert!(error.abs() < 1e-15, "{error}");
    }

    #[test]
    fn rows_of_every_table_are_read_back() {
        let scale = ScaleComparison {
            exact: 0.5,
            measured: 0.75,
        };
        for columns in MetricsColumns::ALL {
            let has = |name: &str| columns.names().any(|column| column == name);
            let row = Row {
                step: 1,
                time: 0.1,
                functional: -1.0,
                discrepancy: Some(0.25),
                discrepancy_u: Some(-0.125),
                loss: None,
                seconds: 1.0,
                iterations: None,
                scale: has("scale_exact").then_some(scale),
                interaction: has("interaction").then_some(-2.0),
                discrepancy_target: has("discrepancy_target").then_some(3.0),
            };
            let rows = vec![row.clone(), row];
            let mut bytes = Vec::new();
            Row::write_all(&mut bytes, columns, &rows).expect("bytes");
            assert_eq!(Row::read_all(&bytes[..]).expect("rows"), rows);
        }
    }
}
