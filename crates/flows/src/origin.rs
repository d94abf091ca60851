//! The origin that a flow computes from: data far from zero is moved there, and back in every result.

use nalgebra::{DMatrix, RowDVector};
use rieszflow_numerics::Real;

/// The distance of the data from zero, in units of its size, up to which it stays where it is.
const NEAR: f64 = 8.0;

/// A point close to the data, from which a flow computes.
///
/// The flow commutes with translations, and single precision does not: at 5·10⁶ its numbers are ½ apart.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::Origin;
///
/// let (start, target) = (DMatrix::from_element(3, 2, 1e8), DMatrix::from_element(3, 2, 1e8 + 0.1));
/// let origin = Origin::of(&start, &target);
/// let centred: DMatrix<f32> = origin.centre(&target);
/// assert!((origin.restore(&centred) - target).amax() < 1e-7);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Origin(RowDVector<f64>);

impl Origin {
    /// The mean of the points of start (N×d) and target (M×d), or 0 if they are not far from it by their own
    /// size.
    pub fn of(start: &DMatrix<f64>, target: &DMatrix<f64>) -> Self {
        let count = (start.nrows() + target.nrows()) as f64;
        let mean = RowDVector::from_fn(start.ncols(), |_, k| {
            (start.column(k).sum() + target.column(k).sum()) / count
        });
        let reach = |points: &DMatrix<f64>| {
            let offsets = points.column_iter().zip(mean.iter());
            offsets
                .map(|(column, mean)| column.add_scalar(-mean).amax())
                .fold(0.0, f64::max)
        };
        let size = reach(start).max(reach(target));
        if mean.amax() <= NEAR * size {
            Self::zero(start.ncols())
        } else {
            Self(mean)
        }
    }

    /// The origin at a given point.
    pub fn at(point: RowDVector<f64>) -> Self {
        Self(point)
    }

    /// The point.
    pub fn point(&self) -> &RowDVector<f64> {
        &self.0
    }

    /// 0 in `dim` dimensions.
    pub fn zero(dim: usize) -> Self {
        Self(RowDVector::zeros(dim))
    }

    /// Points (N×d) as the flow computes with them.
    pub fn centre<T: Real>(&self, points: &DMatrix<f64>) -> DMatrix<T> {
        DMatrix::from_fn(points.nrows(), points.ncols(), |i, k| {
            T::from_f64(points[(i, k)] - self.0[k])
        })
    }

    /// Particles of the flow (N×d) where the data is.
    pub fn restore<T: Real>(&self, particles: &DMatrix<T>) -> DMatrix<f64> {
        DMatrix::from_fn(particles.nrows(), particles.ncols(), |i, k| {
            particles[(i, k)].into_f64() + self.0[k]
        })
    }
}
