//! Numpy arrays as matrices and back.

use nalgebra::DMatrix;
use numpy::ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use rieszflow_numerics::Real;

/// A C-contiguous array (N×d) in either precision.
#[derive(FromPyObject)]
pub enum Array<'py> {
    /// Single precision.
    F32(PyReadonlyArray2<'py, f32>),
    /// Double precision.
    F64(PyReadonlyArray2<'py, f64>),
}

/// The array (N×d) as a matrix of its own.
///
/// # Errors
/// If the array is not contiguous.
pub fn matrix<T: Real + Element>(array: &PyReadonlyArray2<'_, T>) -> PyResult<DMatrix<T>> {
    let shape = array.as_array();
    let (rows, columns) = shape.dim();
    Ok(DMatrix::from_row_slice(rows, columns, array.as_slice()?))
}

/// The array (N), if there is one, as a vector.
///
/// # Errors
/// If the array is not contiguous.
pub fn vector(array: Option<PyReadonlyArray1<'_, f64>>) -> PyResult<Option<Vec<f64>>> {
    let vector = array.map(|array| array.as_slice().map(<[f64]>::to_vec));
    Ok(vector.transpose()?)
}

/// The matrix as a numpy array of the same shape.
pub fn array<'py, T: Real + Element>(
    py: Python<'py>,
    matrix: &DMatrix<T>,
) -> Bound<'py, PyArray2<T>> {
    let rows = matrix.transpose().as_slice().to_vec();
    let array = Array2::from_shape_vec(matrix.shape(), rows).expect("as many entries");
    array.into_pyarray(py)
}
