//! The potential of a law at points, prepared for one exponent.

use super::Law;
use super::component::{Component, Shape};
use crate::beta_ball::BallPotential;
use crate::error::{Error, check_point};
use crate::gaussian::{CovarianceMean, IsotropicMean};

/// The potential U(x) = ∫|x−y|ʳ dν(y) of a [`Law`] ν, prepared for one exponent r.
///
/// A value costs one series of at most a few hundred terms per component; with a covariance about
/// 500·d operations.
#[derive(Clone, Debug)]
pub struct LawPotential<'a> {
    dim: usize,
    parts: Vec<Part<'a>>,
}

/// A component with its weight and what its potential needs.
#[derive(Clone, Debug)]
struct Part<'a> {
    weight: f64,
    component: &'a Component,
    kind: Kind<'a>,
}

#[derive(Clone, Debug)]
enum Kind<'a> {
    Radial(RadialKind),
    Covariance {
        mean: CovarianceMean,
        eigenvectors: &'a nalgebra::DMatrix<f64>,
    },
}

#[derive(Clone, Debug)]
pub(super) enum RadialKind {
    Ball {
        potential: Box<BallPotential>,
        radius: f64,
    },
    Gaussian {
        mean: IsotropicMean,
        deviation: f64,
    },
}

impl RadialKind {
    /// The potential of a radial shape; nothing for a covariance.
    pub(super) fn new(dim: usize, shape: &Shape, exponent: f64) -> Option<Self> {
        match *shape {
            Shape::Ball { radius, beta } => Some(Self::Ball {
                potential: Box::new(BallPotential::new(dim, exponent, beta)),
                radius,
            }),
            Shape::Gaussian { deviation } => Some(Self::Gaussian {
                mean: IsotropicMean::new(dim, exponent),
                deviation,
            }),
            Shape::Covariance { .. } => None,
        }
    }

    pub(super) fn value(&self, rho: f64) -> f64 {
        match self {
            Self::Ball { potential, radius } => potential.value(*radius, rho),
            Self::Gaussian { mean, deviation } => mean.value(*deviation, rho),
        }
    }

    fn slope(&self, rho: f64) -> f64 {
        match self {
            Self::Ball { potential, radius } => potential.slope(*radius, rho),
            Self::Gaussian { mean, deviation } => rho * mean.slope_over_rho(*deviation, rho),
        }
    }
}

impl<'a> Part<'a> {
    fn new(weight: f64, component: &'a Component, exponent: f64) -> Self {
        let kind = match &component.shape {
            Shape::Covariance {
                eigenvalues,
                eigenvectors,
                ..
            } => Kind::Covariance {
                mean: CovarianceMean::new(eigenvalues, exponent),
                eigenvectors,
            },
            radial => {
                let kind = RadialKind::new(component.centre.len(), radial, exponent);
                Kind::Radial(kind.expect("a shape without covariance"))
            }
        };
        Self {
            weight,
            component,
            kind,
        }
    }

    fn value(&self, point: &[f64]) -> f64 {
        match &self.kind {
            Kind::Radial(kind) => kind.value(self.component.distance(point)),
            Kind::Covariance { mean, eigenvectors } => {
                let offset = nalgebra::DVector::from_vec(self.component.offset(point));
                mean.value(eigenvectors.tr_mul(&offset).as_slice())
            }
        }
    }

    /// Adds the weighted gradient.
    fn add_gradient(&self, point: &[f64], sum: &mut [f64]) {
        let offset = self.component.offset(point);
        match &self.kind {
            Kind::Radial(kind) => {
                let rho = self.component.distance(point);
                if rho > 0.0 || rho.is_nan() {
                    let slope = self.weight * kind.slope(rho);
                    for (to, x) in sum.iter_mut().zip(offset) {
                        *to += slope * (x / rho);
                    }
                }
            }
            Kind::Covariance { mean, eigenvectors } => {
                let rotated = eigenvectors.tr_mul(&nalgebra::DVector::from_vec(offset));
                let gradient = mean.gradient(rotated.as_slice());
                let gradient = *eigenvectors * nalgebra::DVector::from_vec(gradient);
                for (to, g) in sum.iter_mut().zip(&gradient) {
                    *to += self.weight * g;
                }
            }
        }
    }
}

impl<'a> LawPotential<'a> {
    pub(super) fn new(law: &'a Law, exponent: f64) -> Self {
        let part =
            |(weight, component): &'a (f64, Component)| Part::new(*weight, component, exponent);
        Self {
            dim: law.dim,
            parts: law.components.iter().map(part).collect(),
        }
    }

    /// Computes U(x) at the point x, given by its d coordinates.
    ///
    /// Measured against 40-digit values the relative error is below 1e-14: for d from 1 to 10⁴, r from
    /// 0.05 to 1.95, inside and outside of the support, and for covariances with eigenvalues over
    /// eight orders of magnitude.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are d coordinates.
    ///
    /// ```
    /// use rieszflow_analytic::Law;
    /// let dirac = Law::dirac(&[3.0, 4.0])?;
    /// assert_eq!(dirac.potential(1.0)?.value(&[0.0, 0.0])?, 5.0);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn value(&self, point: &[f64]) -> Result<f64, Error> {
        check_point(point, self.dim)?;
        Ok(self.at(point))
    }

    /// Computes ∇U(x) at the point x, given by its d coordinates; 0 at the centre of a component.
    ///
    /// Measured over the same range as [`LawPotential::value`] the relative error of its length is below
    /// 1e-14. Within 1e-6 of the edge of a ball or sphere, where for small r + d the slope is steep or
    /// changes its sign, it is below 1e-9.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are d coordinates.
    ///
    /// ```
    /// use rieszflow_analytic::{Equilibrium, Law};
    /// let disc = Equilibrium::new(2, 1.0)?;
    /// let law = Law::equilibrium(&disc, 1.0)?.translated(&[1.0, 0.0])?;
    /// // Inside its support the equilibrium satisfies ∇U(x) = x − p.
    /// let gradient = law.potential(1.0)?.gradient(&[1.0, 0.5])?;
    /// assert!(gradient[0] == 0.0 && (gradient[1] - 0.5).abs() < 1e-15);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn gradient(&self, point: &[f64]) -> Result<Vec<f64>, Error> {
        check_point(point, self.dim)?;
        let mut sum = vec![0.0; self.dim];
        for part in &self.parts {
            part.add_gradient(point, &mut sum);
        }
        Ok(sum)
    }

    /// The potential as a function of the distance from the centre, if the law has one component that
    /// is rotation invariant.
    ///
    /// ```
    /// use rieszflow_analytic::Law;
    /// let law = Law::sphere(&[1.0, 0.0, 0.0], 2.0)?;
    /// let potential = law.potential(1.0)?;
    /// let radial = potential.radial().expect("a single sphere");
    /// assert_eq!(radial.centre(), [1.0, 0.0, 0.0]);
    /// assert!((radial.value(0.0) - 2.0).abs() < 1e-15);
    /// assert_eq!(radial.slope(0.0), 0.0);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn radial(&self) -> Option<RadialPotential<'_>> {
        match &self.parts[..] {
            [
                Part {
                    component,
                    kind: Kind::Radial(kind),
                    ..
                },
            ] => Some(RadialPotential { component, kind }),
            _ => None,
        }
    }

    /// U(x) at a point whose number of coordinates is known to be right.
    pub(crate) fn at(&self, point: &[f64]) -> f64 {
        let values = self
            .parts
            .iter()
            .map(|part| part.weight * part.value(point));
        values.sum()
    }
}

/// The potential of a rotation invariant law as a function of the distance ρ from its centre.
#[derive(Clone, Copy, Debug)]
pub struct RadialPotential<'a> {
    component: &'a Component,
    kind: &'a RadialKind,
}

impl RadialPotential<'_> {
    /// The centre, as d coordinates.
    pub fn centre(&self) -> &[f64] {
        &self.component.centre
    }

    /// Computes U at the distance ρ from the centre; NaN for a negative or NaN ρ.
    pub fn value(&self, rho: f64) -> f64 {
        self.kind.value(rho)
    }

    /// Computes dU/dρ, the gradient's length, at the distance ρ from the centre.
    pub fn slope(&self, rho: f64) -> f64 {
        self.kind.slope(rho)
    }
}
