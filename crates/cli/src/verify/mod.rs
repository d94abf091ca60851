//! Every part of the project against an exact answer: the rows of `rieszflow verify`.

mod closed_forms;
mod convergence;
mod exact_targets;
mod golden;
mod gradients;
mod schemes;

pub use golden::{GoldenReport, check_golden};

use std::fmt::Write;

/// One claim: something computed, an exact answer, and how far they may be apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What is checked.
    pub what: String,
    /// Against what.
    pub against: &'static str,
    /// The error that was measured; what it is an error of is part of `what`.
    pub error: f64,
    /// The error that is allowed.
    pub allowed: f64,
    /// The observed order of convergence, where one is claimed.
    pub order: Option<f64>,
    /// The least order that is claimed.
    pub least_order: Option<f64>,
}

impl Check {
    fn new(what: impl Into<String>, against: &'static str, error: f64, allowed: f64) -> Self {
        Self {
            what: what.into(),
            against,
            error: error.abs(),
            allowed,
            order: None,
            least_order: None,
        }
    }

    fn with_order(self, order: f64, least_order: f64) -> Self {
        Self {
            order: Some(order),
            least_order: Some(least_order),
            ..self
        }
    }

    /// Whether the claim holds. An error that is not a number does not.
    pub fn passes(&self) -> bool {
        let orders = self.order.zip(self.least_order);
        self.error <= self.allowed && orders.is_none_or(|(order, least)| order >= least)
    }

    /// The cells of the table, from left to right.
    fn cells(&self) -> [String; 6] {
        let order = match (self.order, self.least_order) {
            (Some(order), Some(least)) => format!("{order:.2} (≥ {least})"),
            _ => String::new(),
        };
        [
            self.what.clone(),
            self.against.to_owned(),
            format!("{:.1e}", self.error),
            format!("{:.1e}", self.allowed),
            order,
            if self.passes() { "pass" } else { "FAIL" }.to_owned(),
        ]
    }
}

/// The heads of the table's columns.
const COLUMNS: [&str; 6] = ["checked", "against", "error", "allowed", "order", "result"];

/// Carries out every check and shows each to `watch` as soon as it is done.
///
/// `quick` leaves out the neural schemes in more than one dimension and shortens the rest.
pub fn verify(quick: bool, watch: &mut dyn FnMut(&Check)) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut add = |check: Check| {
        watch(&check);
        checks.push(check);
    };
    gradients::check(&mut add);
    closed_forms::check(&mut add);
    convergence::check(quick, &mut add);
    exact_targets::check(quick, &mut add);
    schemes::check(quick, &mut add);
    checks
}

/// The checks as CSV.
///
/// # Errors
/// Never for memory; see [`csv::Error`].
pub fn to_csv(checks: &[Check]) -> csv::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for check in checks {
        let cells = check.cells();
        let precise = [check.error.to_string(), check.allowed.to_string()];
        let order = check.order.map_or(String::new(), |order| order.to_string());
        let [what, against, _, _, _, result] = cells;
        let [error, allowed] = precise;
        writer.write_record([what, against, error, allowed, order, result])?;
    }
    let bytes = writer
        .into_inner()
        .map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The checks as a Markdown table.
pub fn to_markdown(checks: &[Check]) -> String {
    let mut text = format!(
        "| {} |\n|{}\n",
        COLUMNS.join(" | "),
        "---|".repeat(COLUMNS.len())
    );
    for check in checks {
        let cells = check.cells().map(|cell| cell.replace('|', "\\|"));
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

/// One line for a terminal.
pub fn to_line(check: &Check) -> String {
    let [what, against, error, allowed, order, result] = check.cells();
    let order = if order.is_empty() {
        order
    } else {
        format!("  order {order}")
    };
    format!("{result}  {error} ≤ {allowed}  {what}: {against}{order}")
}
