//! One component of a law: a centre and the shape around it.

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::beta_ball::draw_in_ball;
use crate::error::Error;

/// The smallest eigenvalue of a covariance in units of the largest.
const LEAST_EIGENVALUE: f64 = 1e-12;

#[derive(Clone, Debug)]
pub(super) struct Component {
    pub(super) centre: Vec<f64>,
    pub(super) shape: Shape,
}

/// The law of the distance vector from the centre.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// Density ∝ (R² − |x|²)^{β−1}; uniform on the sphere for β = 0.
    Ball { radius: f64, beta: f64 },
    /// N(0, σ²I).
    Gaussian { deviation: f64 },
    /// N(0, Σ) with the eigenvalues of Σ and, as columns, its eigenvectors.
    Covariance {
        covariance: DMatrix<f64>,
        eigenvalues: Vec<f64>,
        eigenvectors: DMatrix<f64>,
    },
}

impl Component {
    /// x − p.
    pub(super) fn offset(&self, point: &[f64]) -> Vec<f64> {
        point.iter().zip(&self.centre).map(|(x, p)| x - p).collect()
    }

    /// |x − p|.
    pub(super) fn distance(&self, point: &[f64]) -> f64 {
        let from_centre = point.iter().zip(&self.centre).map(|(x, p)| x - p);
        from_centre
            .map(|offset| offset * offset)
            .sum::<f64>()
            .sqrt()
    }

    /// Draws one point.
    pub(super) fn draw<R: Rng + ?Sized>(&self, point: &mut [f64], rng: &mut R) {
        match &self.shape {
            Shape::Ball { radius, beta } => draw_in_ball(point, *radius, *beta, rng),
            Shape::Gaussian { deviation } => {
                for x in &mut *point {
                    let z: f64 = StandardNormal.sample(rng);
                    *x = deviation * z;
                }
            }
            Shape::Covariance {
                eigenvalues,
                eigenvectors,
                ..
            } => {
                let draw = |value: &f64| -> f64 {
                    let z: f64 = StandardNormal.sample(rng);
                    value.sqrt() * z
                };
                let coordinates = DVector::from_iterator(point.len(), eigenvalues.iter().map(draw));
                let rotated = eigenvectors * coordinates;
                point.copy_from_slice(rotated.as_slice());
            }
        }
        point
            .iter_mut()
            .zip(&self.centre)
            .for_each(|(x, p)| *x += p);
    }
}

/// The shape N(0, Σ), after checking Σ.
pub(super) fn covariance(dim: usize, covariance: &DMatrix<f64>) -> Result<Shape, Error> {
    let refuse = |what: String| Err(Error::Covariance(what));
    let (rows, columns) = covariance.shape();
    if (rows, columns) != (dim, dim) {
        return refuse(format!(
            "{rows}×{columns} matrix for a mean with {dim} coordinates"
        ));
    }
    if covariance.iter().any(|entry| !entry.is_finite()) {
        return refuse("matrix with an entry that is not finite".to_owned());
    }
    let asymmetry = (covariance - covariance.transpose()).amax();
    if asymmetry > 1e-12 * covariance.amax() {
        return refuse(format!(
            "matrix that differs from its transpose by {asymmetry:e}"
        ));
    }
    let eigen = SymmetricEigen::new(covariance.clone());
    let (least, largest) = (eigen.eigenvalues.min(), eigen.eigenvalues.max());
    if !(least >= LEAST_EIGENVALUE * largest && largest > 0.0) {
        return refuse(format!(
            "matrix with eigenvalues from {least:e} to {largest:e}"
        ));
    }
    Ok(Shape::Covariance {
        covariance: covariance.clone(),
        eigenvalues: eigen.eigenvalues.iter().copied().collect(),
        eigenvectors: eigen.eigenvectors,
    })
}
