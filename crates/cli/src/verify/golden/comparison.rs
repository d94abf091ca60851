//! What is computed against golden values, value by value.

use nalgebra::DMatrix;

/// The relative error that a value may have.
const RELATIVE: f64 = 1e-9;
/// The error in units of what a value is summed up from: where the summands cancel, their rounding
/// (1e-16 each, through a few layers) remains, and it is no longer small relative to the sum.
const CANCELLED: f64 = 1e-13;

/// Compares value by value and remembers what differs.
#[derive(Default)]
pub(super) struct Comparison {
    case: String,
    pub(super) compared: usize,
    pub(super) worst: f64,
    pub(super) failures: Vec<String>,
}

impl Comparison {
    pub(super) fn start(&mut self, case: String) {
        self.case = case;
    }

    /// Compares a value that is a sum of terms of size `terms`.
    pub(super) fn value(&mut self, what: &str, got: f64, expected: f64, terms: f64) {
        self.compared += 1;
        let allowed = RELATIVE * expected.abs() + CANCELLED * terms;
        let error = (got - expected).abs();
        if error > 0.0 {
            self.worst = self.worst.max(error / allowed);
        }
        if error > allowed || error.is_nan() {
            self.failures.push(format!(
                "{}, {what}: {got:e} instead of {expected:e}, off by {error:.1e}",
                self.case
            ));
        }
    }

    pub(super) fn matrix(
        &mut self,
        what: &str,
        got: &DMatrix<f64>,
        expected: &DMatrix<f64>,
        terms: f64,
    ) {
        assert_eq!(got.shape(), expected.shape(), "{}, {what}", self.case);
        for column in 0..got.ncols() {
            for row in 0..got.nrows() {
                let what = format!("{what} [{row}, {column}]");
                self.value(&what, got[(row, column)], expected[(row, column)], terms);
            }
        }
    }
}
