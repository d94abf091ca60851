//! The coordinates in which a conditional chain computes: pairs of unknown and observation, standardised.

use nalgebra::{DMatrix, DMatrixView, RowDVector};

/// The affine map of each column of pairs (x, y), x ∈ ℝᵈ, y ∈ ℝⁿ, after which it has mean 0, and the standard
/// deviation 1 in x and s in y.
///
/// D² adds up squares of all coordinates, so that their units matter. With a large s pairs whose observations
/// differ a little are far apart, and the force on a particle comes from the few pairs with observations like its
/// own: less bias, more noise.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::Standardization;
///
/// let pairs = DMatrix::from_row_slice(2, 2, &[1.0, 30.0, 3.0, 50.0]);
/// let standardization = Standardization::of(&pairs, 1, 3.0);
/// let standard = standardization.standardize(&pairs);
/// assert!((standard - DMatrix::from_row_slice(2, 2, &[-1.0, -3.0, 1.0, 3.0])).amax() < 1e-14);
/// let restored = standardization.restore(&DMatrix::from_element(1, 1, 1.0));
/// assert!((restored[0] - 3.0).abs() < 1e-14);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Standardization {
    mean: RowDVector<f64>,
    /// What one unit of a standardised coordinate is.
    unit: RowDVector<f64>,
    /// n.
    conditions: usize,
}

impl Standardization {
    /// The one for pairs (N×(d+n)), of which the last n = `conditions` columns are observed; `scale` is s.
    pub fn of(pairs: &DMatrix<f64>, conditions: usize, scale: f64) -> Self {
        let dim = pairs.ncols() - conditions;
        let unit = pairs.column_iter().enumerate().map(|(k, column)| {
            let deviation = column.variance().sqrt();
            if k < dim {
                deviation
            } else {
                deviation / scale
            }
        });
        let mean = pairs.column_iter().map(|column| column.mean());
        Self {
            mean: RowDVector::from_iterator(pairs.ncols(), mean),
            unit: RowDVector::from_iterator(pairs.ncols(), unit),
            conditions,
        }
    }

    /// The one with these means and units of the d + n = `mean.len()` columns, of which n are observed.
    ///
    /// # Panics
    /// If they are not as many, or not more than n.
    pub fn new(mean: RowDVector<f64>, unit: RowDVector<f64>, conditions: usize) -> Self {
        assert_eq!(mean.len(), unit.len(), "a unit a column");
        assert!(conditions < mean.len(), "an unknown at least");
        Self {
            mean,
            unit,
            conditions,
        }
    }

    /// The means of the columns (d + n).
    pub fn mean(&self) -> &RowDVector<f64> {
        &self.mean
    }

    /// What one unit of each standardised column is (d + n); 0 if the column does not vary.
    pub fn unit(&self) -> &RowDVector<f64> {
        &self.unit
    }

    /// d, the number of unknowns.
    pub fn dim(&self) -> usize {
        self.mean.len() - self.conditions
    }

    /// n, the number of observed coordinates.
    pub fn conditions(&self) -> usize {
        self.conditions
    }

    /// Pairs (N×(d+n)), standardised.
    pub fn standardize(&self, pairs: &DMatrix<f64>) -> DMatrix<f64> {
        self.standardize_columns(pairs.as_view(), 0)
    }

    /// Observations (C×n), standardised.
    pub fn standardize_observations(&self, observations: &DMatrix<f64>) -> DMatrix<f64> {
        self.standardize_columns(observations.as_view(), self.dim())
    }

    fn standardize_columns(&self, columns: DMatrixView<'_, f64>, first: usize) -> DMatrix<f64> {
        DMatrix::from_fn(columns.nrows(), columns.ncols(), |i, k| {
            (columns[(i, k)] - self.mean[first + k]) / self.unit[first + k]
        })
    }

    /// The inverse of [`standardize`](Self::standardize), of pairs (N×(d+n)) or of unknowns alone (N×d).
    pub fn restore(&self, standard: &DMatrix<f64>) -> DMatrix<f64> {
        DMatrix::from_fn(standard.nrows(), standard.ncols(), |i, k| {
            self.mean[k] + self.unit[k] * standard[(i, k)]
        })
    }
}
