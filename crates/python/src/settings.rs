//! The settings of a run, which the program writes as TOML, as Python's own types.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use toml::{Table, Value};

use crate::error::value_error;

/// The dictionary that a TOML document stands for; Python reads TOML itself from 3.11 on.
#[pyfunction]
pub fn read_toml(py: Python<'_>, text: &str) -> PyResult<Py<PyAny>> {
    let table: Table = toml::from_str(text).map_err(value_error)?;
    object(py, Value::Table(table))
}

fn object(py: Python<'_>, value: Value) -> PyResult<Py<PyAny>> {
    match value {
        Value::String(text) => text.into_py_any(py),
        Value::Integer(number) => number.into_py_any(py),
        Value::Float(number) => number.into_py_any(py),
        Value::Boolean(truth) => truth.into_py_any(py),
        Value::Datetime(time) => time.to_string().into_py_any(py),
        Value::Array(items) => {
            let items = items.into_iter().map(|item| object(py, item));
            items.collect::<PyResult<Vec<_>>>()?.into_py_any(py)
        }
        Value::Table(table) => {
            let entries = PyDict::new(py);
            for (key, value) in table {
                entries.set_item(key, object(py, value)?)?;
            }
            entries.into_py_any(py)
        }
    }
}
