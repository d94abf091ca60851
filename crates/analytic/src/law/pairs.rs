//! ∬|x−y|ʳ dν(x)dν'(y) for pairs of components: closed forms, and integrals over a ball.

use nalgebra::{DVector, SymmetricEigen};

use super::component::{Component, Shape};
use super::potential::RadialKind;
use crate::beta_ball;
use crate::error::Error;
use crate::gaussian::{CovarianceMean, IsotropicMean};
use crate::quadrature::{Node, integrate_until};

/// Two results of the quadrature that agree to this leave an error near 1e-14.
const TOLERANCE: f64 = 1e-9;

/// E|X−Y|ʳ of independent X and Y with the laws of the components.
pub(super) fn mean_power_distance(
    first: &Component,
    second: &Component,
    exponent: f64,
) -> Result<f64, Error> {
    let dim = first.centre.len();
    let distance = first.distance(&second.centre);
    match (&first.shape, &second.shape) {
        (
            &Shape::Ball { radius, beta },
            &Shape::Ball {
                radius: r2,
                beta: b2,
            },
        ) if distance == 0.0 && radius == r2 && beta == b2 => {
            let unit = beta_ball::mean_power_distance(dim, exponent, beta);
            Ok(radius.powf(exponent) * unit)
        }
        (&Shape::Ball { radius, beta }, &Shape::Ball { radius: r2, .. }) => {
            if radius > r2 {
                return mean_power_distance(second, first, exponent);
            }
            let inner = BallLaw { dim, radius, beta };
            Ok(inner.mean(distance, r2, &radial(dim, &second.shape, exponent)))
        }
        (&Shape::Ball { radius, beta }, Shape::Gaussian { .. }) => {
            let inner = BallLaw { dim, radius, beta };
            Ok(inner.mean(
                distance,
                f64::INFINITY,
                &radial(dim, &second.shape, exponent),
            ))
        }
        (Shape::Gaussian { .. }, Shape::Ball { .. }) => {
            mean_power_distance(second, first, exponent)
        }
        (Shape::Gaussian { deviation }, Shape::Gaussian { deviation: s2 }) => {
            Ok(IsotropicMean::new(dim, exponent).value(deviation.hypot(*s2), distance))
        }
        (Shape::Ball { radius, .. }, _) | (_, Shape::Ball { radius, .. }) if *radius > 0.0 => {
            Err(Error::Pair)
        }
        _ => Ok(with_covariance(first, second, exponent)),
    }
}

/// D² between N(m, σ²I) and N(m', σ'²I); nothing for other shapes.
pub(super) fn gaussian_discrepancy(
    first: &Component,
    second: &Component,
    exponent: f64,
) -> Option<f64> {
    let (Shape::Gaussian { deviation }, Shape::Gaussian { deviation: other }) =
        (&first.shape, &second.shape)
    else {
        return None;
    };
    let distance = first.distance(&second.centre);
    let mean = IsotropicMean::new(first.centre.len(), exponent);
    Some(mean.discrepancy(*deviation, *other, distance))
}

/// Two Gaussians, or a Gaussian and a Dirac: X − Y is Gaussian with the sum of the covariances.
fn with_covariance(first: &Component, second: &Component, exponent: f64) -> f64 {
    let dim = first.centre.len();
    let mut sum = nalgebra::DMatrix::zeros(dim, dim);
    for shape in [&first.shape, &second.shape] {
        match shape {
            Shape::Gaussian { deviation } => {
                for i in 0..dim {
                    sum[(i, i)] += deviation * deviation;
                }
            }
            Shape::Covariance { covariance, .. } => sum += covariance,
            Shape::Ball { .. } => {}
        }
    }
    let eigen = SymmetricEigen::new(sum);
    let mean = CovarianceMean::new(eigen.eigenvalues.as_slice(), exponent);
    let offset = DVector::from_vec(first.offset(&second.centre));
    mean.value(eigen.eigenvectors.tr_mul(&offset).as_slice())
}

fn radial(dim: usize, shape: &Shape, exponent: f64) -> RadialKind {
    RadialKind::new(dim, shape, exponent).expect("a shape without covariance")
}

/// The law with density ∝ (R² − |y|²)^{β−1}.
struct BallLaw {
    dim: usize,
    radius: f64,
    beta: f64,
}

impl BallLaw {
    /// The mean of U(|p + Y|) over this law, |p| = `distance`; U may have a kink at the radius `edge`.
    ///
    /// Integrates over the length of Y, |Y|²/R² ~ Beta(d/2, β), and within over its angle to p.
    fn mean(&self, distance: f64, edge: f64, potential: &RadialKind) -> f64 {
        let at = |length: f64| spherical_mean(self.dim, distance, length, edge, potential);
        if self.radius == 0.0 || self.beta == 0.0 {
            return at(self.radius);
        }
        let power = 0.5 * self.dim as f64 - 1.0;
        let squared = |length: f64| (length / self.radius).powi(2);
        // The mean over the angle has kinks where the sphere begins or ends to meet the edge.
        let kinks = [(edge - distance).abs(), edge + distance].map(squared);
        weighted_mean(
            [0.5, kinks[0], kinks[1]],
            |x, rest| x.powf(power) * rest.powf(self.beta - 1.0),
            |x| at(self.radius * x.sqrt()),
        )
    }
}

/// The mean of U(|p + Y|) over Y uniform on the sphere of the given radius, |p| = `distance`.
fn spherical_mean(
    dim: usize,
    distance: f64,
    radius: f64,
    edge: f64,
    potential: &RadialKind,
) -> f64 {
    if distance == 0.0 || radius == 0.0 {
        return potential.value(distance + radius);
    }
    if dim == 1 {
        let (near, far) = ((distance - radius).abs(), distance + radius);
        return 0.5 * (potential.value(near) + potential.value(far));
    }
    // With v = sin²(θ/2) the distance is √((|p|−R)² + 4|p|Rv), and v has density ∝ (v(1−v))^{(d−3)/2}.
    let power = 0.5 * (dim as f64 - 3.0);
    let (near, product) = (distance - radius, 4.0 * distance * radius);
    weighted_mean(
        [0.5, (edge - near) * (edge + near) / product, f64::INFINITY],
        |v, rest| (4.0 * v * rest).powf(power),
        |v| potential.value((near * near + product * v).sqrt()),
    )
}

/// The mean of f over [0, 1] with the given density in x and 1 − x, up to a factor, by quadrature
/// between the given points; those outside of (0, 1) are left out.
fn weighted_mean(
    mut splits: [f64; 3],
    density: impl Fn(f64, f64) -> f64,
    f: impl Fn(f64) -> f64,
) -> f64 {
    splits.sort_by(f64::total_cmp);
    let inside = splits
        .into_iter()
        .filter(|split| *split > 0.0 && *split < 1.0);
    let ends: Vec<f64> = std::iter::once(0.0).chain(inside).chain([1.0]).collect();
    let (mut mass, mut sum) = (0.0, 0.0);
    for pair in ends.windows(2) {
        let (low, high) = (pair[0], pair[1]);
        if low == high {
            continue;
        }
        let rest = |at: Node| {
            if high == 1.0 { at.to_high } else { 1.0 - at.x }
        };
        mass += integrate_until(TOLERANCE, low, high, |at| density(at.x, rest(at)));
        sum += integrate_until(TOLERANCE, low, high, |at| density(at.x, rest(at)) * f(at.x));
    }
    sum / mass
}
