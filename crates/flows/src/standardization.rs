//! The coordinates in which a conditional chain computes: the residual of the unknown after a linear regression on
//! the observation, and the observation, both standardised.

use nalgebra::{DMatrix, DMatrixView, RowDVector};

/// The affine map of pairs (x, y), x ∈ ℝᵈ, y ∈ ℝⁿ, that takes x to the residual of its linear regression on y, with
/// standard deviation 1 in each coordinate, and y to mean 0 and standard deviation s in each.
///
/// Unknowns that are standard normal in these coordinates are, at y, normal about the regression in those of the
/// data. Networks learn how the posterior differs from that.
///
/// D² adds up squares of all coordinates, so that their units matter. With a large s pairs whose observations
/// differ a little are far apart, and the force on a particle comes from the few pairs with observations like its
/// own: less bias, more noise.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::Standardization;
///
/// // x = 10y ± 1.
/// let pairs = DMatrix::from_fn(2000, 2, |i, k| {
///     let y = (i / 2) as f64;
///     if k == 1 { y } else { 10.0 * y + [1.0, -1.0][i % 2] }
/// });
/// let standardization = Standardization::of(&pairs, 1, 3.0);
/// let standard = standardization.standardize(&pairs);
/// assert!((standard[(6, 0)] - 1.0).abs() < 0.1 && (standard[(7, 0)] + 1.0).abs() < 0.1);
/// let (x, y) = (standard.columns(0, 1).into_owned(), standard.columns(1, 1).into_owned());
/// assert!((standardization.restore(&x, &y) - pairs.columns(0, 1)).amax() < 1e-9);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Standardization {
    mean: RowDVector<f64>,
    /// What one unit of a standardised coordinate is.
    unit: RowDVector<f64>,
    /// What the regression adds to the unknowns for each unit of a standardised observation (n×d).
    slope: DMatrix<f64>,
}

impl Standardization {
    /// The one for pairs (N×(d+n)), of which the last n = `conditions` columns are observed; `scale` is s.
    ///
    /// The regression is a ridge regression: with the observations standardised to 1, their matrix of second
    /// moments has (n/N)² added to its diagonal. With N ≫ n this is least squares, and with few pairs they are
    /// not interpolated.
    pub fn of(pairs: &DMatrix<f64>, conditions: usize, scale: f64) -> Self {
        let dim = pairs.ncols() - conditions;
        let mean = RowDVector::from_iterator(
            pairs.ncols(),
            pairs.column_iter().map(|column| column.mean()),
        );
        let mut unit = standard_deviations(pairs);
        unit.columns_range_mut(dim..).unscale_mut(scale);
        let slope = DMatrix::zeros(conditions, dim);
        let mut standardization = Self { mean, unit, slope };
        let standard = standardization.standardize(pairs);
        let (x, y) = standard.columns_range_pair(..dim, dim..);
        let ridge = (scale * conditions as f64).powi(2) / pairs.nrows() as f64;
        if let Some(slope) = ridge_regression(&x, &y, ridge) {
            let residuals = standard_deviations(&(x - y * &slope));
            for k in 0..dim {
                let unit = &mut standardization.unit[k];
                if *unit > 0.0 {
                    let slope = slope.column(k) * *unit;
                    standardization.slope.set_column(k, &slope);
                    *unit *= residuals[k];
                }
            }
        }
        standardization
    }

    /// The one with these means and units of the d + n columns, and this regression (n×d).
    ///
    /// # Panics
    /// If their sizes differ.
    pub fn new(mean: RowDVector<f64>, unit: RowDVector<f64>, slope: DMatrix<f64>) -> Self {
        let columns = slope.nrows() + slope.ncols();
        assert_eq!(
            [mean.len(), unit.len()],
            [columns; 2],
            "a mean and a unit a column"
        );
        Self { mean, unit, slope }
    }

    /// The means of the columns (d + n).
    pub fn mean(&self) -> &RowDVector<f64> {
        &self.mean
    }

    /// What one unit of each standardised column is (d + n); 0 if the column does not vary.
    pub fn unit(&self) -> &RowDVector<f64> {
        &self.unit
    }

    /// What the regression adds to the unknowns for each unit of a standardised observation (n×d).
    pub fn slope(&self) -> &DMatrix<f64> {
        &self.slope
    }

    /// d, the number of unknowns.
    pub fn dim(&self) -> usize {
        self.slope.ncols()
    }

    /// n, the number of observed coordinates.
    pub fn conditions(&self) -> usize {
        self.slope.nrows()
    }

    /// Pairs (N×(d+n)), standardised.
    pub fn standardize(&self, pairs: &DMatrix<f64>) -> DMatrix<f64> {
        let dim = self.dim();
        let y = self.standardize_observations(&pairs.columns_range(dim..).into_owned());
        let regression = &y * &self.slope;
        DMatrix::from_fn(pairs.nrows(), pairs.ncols(), |i, k| {
            if k < dim {
                (pairs[(i, k)] - self.mean[k] - regression[(i, k)]) / self.unit[k]
            } else {
                y[(i, k - dim)]
            }
        })
    }

    /// Observations (C×n), standardised.
    pub fn standardize_observations(&self, observations: &DMatrix<f64>) -> DMatrix<f64> {
        let dim = self.dim();
        DMatrix::from_fn(observations.nrows(), observations.ncols(), |i, k| {
            (observations[(i, k)] - self.mean[dim + k]) / self.unit[dim + k]
        })
    }

    /// Unknowns (N×d) from standardised ones and their standardised observations (N×n).
    pub fn restore(&self, unknowns: &DMatrix<f64>, observations: &DMatrix<f64>) -> DMatrix<f64> {
        let regression = observations * &self.slope;
        DMatrix::from_fn(unknowns.nrows(), unknowns.ncols(), |i, k| {
            self.mean[k] + regression[(i, k)] + self.unit[k] * unknowns[(i, k)]
        })
    }

    /// Observations (N×n) from standardised ones.
    pub fn restore_observations(&self, observations: &DMatrix<f64>) -> DMatrix<f64> {
        let dim = self.dim();
        DMatrix::from_fn(observations.nrows(), observations.ncols(), |i, k| {
            self.mean[dim + k] + self.unit[dim + k] * observations[(i, k)]
        })
    }
}

/// The standard deviations of columns.
fn standard_deviations(columns: &DMatrix<f64>) -> RowDVector<f64> {
    let deviations = columns.column_iter().map(|column| column.variance().sqrt());
    RowDVector::from_iterator(columns.ncols(), deviations)
}

/// B (n×d) for which Σ|xᵢ − Bᵀyᵢ|² + `ridge`·|B|² is least; none if a column of y is not finite.
fn ridge_regression(
    x: &DMatrixView<'_, f64>,
    y: &DMatrixView<'_, f64>,
    ridge: f64,
) -> Option<DMatrix<f64>> {
    let mut moments = y.tr_mul(y);
    for k in 0..y.ncols() {
        moments[(k, k)] += ridge;
    }
    Some(moments.cholesky()?.solve(&y.tr_mul(x)))
}
