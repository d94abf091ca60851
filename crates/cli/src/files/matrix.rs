//! Writes matrices, stacks of them and vectors as numpy files.

use std::io::{self, Write};

use nalgebra::DMatrix;

use super::npy::header;

/// Writes an N×d matrix in C order, so that numpy reads it as an array of that shape.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_cli::files::matrix::write_matrix;
///
/// let mut bytes = Vec::new();
/// write_matrix(&mut bytes, &DMatrix::from_row_slice(1, 2, &[1.0, 2.0]))?;
/// assert_eq!(bytes[bytes.len() - 8..], 2.0_f64.to_le_bytes());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// What the writer reports.
pub fn write_matrix(mut writer: impl Write, matrix: &DMatrix<f64>) -> io::Result<()> {
    let (rows, columns) = matrix.shape();
    writer.write_all(&header(&[rows, columns]))?;
    rows_of(&mut writer, matrix)
}

/// Writes C matrices of one shape, at least one, as an array (C, N, d).
///
/// # Errors
/// What the writer reports.
pub fn write_matrices(mut writer: impl Write, matrices: &[DMatrix<f64>]) -> io::Result<()> {
    let (rows, columns) = matrices.first().map_or((0, 0), DMatrix::shape);
    writer.write_all(&header(&[matrices.len(), rows, columns]))?;
    matrices
        .iter()
        .try_for_each(|matrix| rows_of(&mut writer, matrix))
}

/// Writes the numbers of a matrix row by row.
fn rows_of(writer: &mut impl Write, matrix: &DMatrix<f64>) -> io::Result<()> {
    matrix.row_iter().try_for_each(|row| {
        row.iter()
            .try_for_each(|x| writer.write_all(&x.to_le_bytes()))
    })
}

/// Writes a vector.
///
/// # Errors
/// What the writer reports.
pub fn write_vector(mut writer: impl Write, vector: &[f64]) -> io::Result<()> {
    writer.write_all(&header(&[vector.len()]))?;
    vector
        .iter()
        .try_for_each(|x| writer.write_all(&x.to_le_bytes()))
}
