//! Probability laws as targets: potential, gradient and D² are exact, and no particles are drawn.

use std::fmt;

use nalgebra::DMatrix;
use rieszflow_analytic::{Equilibrium, EquilibriumTarget, Error, Law};

use super::toy;
use crate::numbers::plain;

/// A law around 0 whose Riesz potential is known, written as in `sphere:1.5`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ExactLaw {
    /// The equilibrium η* of the interaction energy scaled by A; it depends on the exponent r.
    Equilibrium(f64),
    /// The uniform law on the sphere of radius A; two points on the line.
    Sphere(f64),
    /// The uniform law on the ball of radius A.
    Ball(f64),
    /// The normal law N(0, S²I).
    Gaussian(f64),
    /// K Gaussians of standard deviation 0.1 with means equally spaced on the unit circle of the first two
    /// coordinates: from a Dirac in the middle, mass leaves in all K directions at once.
    GaussianMixture(usize),
}

/// The sizes A and S that are read.
const SIZES: std::ops::RangeInclusive<f64> = 1e-30..=1e30;

impl ExactLaw {
    /// The most Gaussians of a mixture whose potential is summed exactly.
    pub const MOST_COMPONENTS: usize = 1000;

    /// The law of the kind `name` (`equilibrium`, `sphere`, `ball` or `gaussian`) and the given size;
    /// `None` for another kind.
    pub(super) fn parse(name: &str, size: &str) -> Option<Result<Self, String>> {
        let law = match name {
            "equilibrium" => Self::Equilibrium,
            "sphere" => Self::Sphere,
            "ball" => Self::Ball,
            "gaussian" => Self::Gaussian,
            _ => return None,
        };
        let number = size.parse().ok();
        let number = number.filter(|number| SIZES.contains(number));
        Some(number.map(law).ok_or_else(|| {
            let symbol = if name == "gaussian" { "S" } else { "A" };
            format!(
                "expected {name}:{symbol} with a number {symbol} between 1e-30 and 1e30, not \
                 '{name}:{size:.100}'"
            )
        }))
    }

    /// The dimension of flows towards it; `None` if that is for the user to choose.
    pub fn dim(self) -> Option<usize> {
        match self {
            Self::GaussianMixture(_) => Some(2),
            _ => None,
        }
    }

    /// The least dimension in which it is a law.
    pub(crate) fn least_dim(self) -> usize {
        match self {
            Self::GaussianMixture(_) => 2,
            _ => 1,
        }
    }

    /// The law in ℝ^`dim` for the kernel with the given exponent.
    ///
    /// # Errors
    /// If the dimension is 0, or there is no equilibrium in range for the exponent.
    pub fn law(self, dim: usize, exponent: f64) -> Result<Law, Error> {
        let component = self.component(dim, exponent)?;
        let centres = self.centres(dim);
        let around = |centre: Vec<f64>| Ok((1.0, component.clone().translated(&centre)?));
        let all = centres.row_iter().map(|row| row.iter().copied().collect());
        Law::mixture(&all.map(around).collect::<Result<Vec<_>, Error>>()?)
    }

    /// The law around each of its centres, moved to 0. It is rotation invariant.
    pub(crate) fn component(self, dim: usize, exponent: f64) -> Result<Law, Error> {
        let origin = vec![0.0; dim];
        match self {
            Self::Equilibrium(scale) => Law::equilibrium(&Equilibrium::new(dim, exponent)?, scale),
            Self::Sphere(radius) => Law::sphere(&origin, radius),
            Self::Ball(radius) => Law::ball(&origin, radius),
            Self::Gaussian(deviation) => Law::gaussian(&origin, deviation),
            Self::GaussianMixture(_) => Law::gaussian(&origin, toy::DEVIATION),
        }
    }

    /// Its centres, which have equal weight (K×d).
    pub(crate) fn centres(self, dim: usize) -> DMatrix<f64> {
        match self {
            Self::GaussianMixture(components) => {
                toy::circle(components).resize_horizontally(dim, 0.0)
            }
            _ => DMatrix::zeros(1, dim),
        }
    }

    /// The flow of the discrepancy towards it from smaller scales of it, a Dirac included; `None` for
    /// laws to which none is known.
    ///
    /// # Errors
    /// If the dimension or the exponent is unusable, or for a sphere with r + d < 4.
    pub fn exact_flow(self, dim: usize, exponent: f64) -> Option<Result<EquilibriumTarget, Error>> {
        match self {
            Self::Equilibrium(scale) => {
                let equilibrium = Equilibrium::new(dim, exponent);
                Some(equilibrium.and_then(|eta| EquilibriumTarget::new(&eta, scale)))
            }
            Self::Sphere(radius) => Some(EquilibriumTarget::sphere(dim, exponent, radius)),
            _ => None,
        }
    }

    /// The points of equal weight that it consists of (M×d), if it does: a sphere on the line is two.
    pub(crate) fn atoms(self, dim: usize) -> Option<DMatrix<f64>> {
        match self {
            Self::Sphere(radius) if dim == 1 => {
                Some(DMatrix::from_column_slice(2, 1, &[-radius, radius]))
            }
            _ => None,
        }
    }

    /// About how far from its centre the law around it reaches: the radius, or S√d.
    pub(crate) fn radius(self, dim: usize, exponent: f64) -> Result<f64, Error> {
        Ok(match self {
            Self::Equilibrium(scale) => scale * Equilibrium::new(dim, exponent)?.radius(),
            Self::Sphere(radius) | Self::Ball(radius) => radius,
            Self::Gaussian(deviation) => deviation * (dim as f64).sqrt(),
            Self::GaussianMixture(_) => toy::DEVIATION * (dim as f64).sqrt(),
        })
    }
}

impl fmt::Display for ExactLaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Equilibrium(scale) => write!(f, "equilibrium:{}", plain(scale)),
            Self::Sphere(radius) => write!(f, "sphere:{}", plain(radius)),
            Self::Ball(radius) => write!(f, "ball:{}", plain(radius)),
            Self::Gaussian(deviation) => write!(f, "gaussian:{}", plain(deviation)),
            Self::GaussianMixture(components) => write!(f, "gaussian-mixture:{components}"),
        }
    }
}
