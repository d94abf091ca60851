//! Errors of the libraries as exceptions of Python.

use pyo3::PyErr;
use pyo3::exceptions::PyValueError;

/// A `ValueError` with the message of `error`.
pub fn value_error(error: impl ToString) -> PyErr {
    PyValueError::new_err(error.to_string())
}
