//! Inverse problems with exact posteriors, by name.

use std::fmt;

use nalgebra::DMatrix;
use rieszflow_analytic::{Error, Law, LinearInverseProblem};

use crate::targets::ExactLaw;

/// A linear observation with noise whose posterior is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExactProblem {
    /// X ~ N(0, 1) is observed as Y = X + ½ε: the posterior at y is N(0.8y, 0.2).
    LinearGaussian,
    /// X is the plane's mixture `gaussian-mixture:K` and Y = X₁ + ¼ε, its first coordinate with noise:
    /// what is seen leaves several Gaussians of different weights.
    LinearMixture(usize),
}

impl ExactProblem {
    /// The most Gaussians of a mixture.
    pub const MOST_COMPONENTS: usize = 100;

    /// Prior, operator and noise.
    ///
    /// # Errors
    /// If there is no Gaussian in the mixture.
    pub fn problem(self) -> Result<LinearInverseProblem, Error> {
        match self {
            Self::LinearGaussian => {
                let prior = Law::gaussian(&[0.0], 1.0)?;
                LinearInverseProblem::new(prior, DMatrix::identity(1, 1), 0.5)
            }
            Self::LinearMixture(components) => {
                let prior = ExactLaw::GaussianMixture(components).law(2, 1.0)?;
                let first = DMatrix::from_row_slice(1, 2, &[1.0, 0.0]);
                LinearInverseProblem::new(prior, first, 0.25)
            }
        }
    }

    /// The problem of the kind `name` with the given argument; `None` for another kind.
    pub(super) fn parse(name: &str, argument: Option<&str>) -> Option<Result<Self, String>> {
        match (name, argument) {
            ("linear-gaussian", None) => Some(Ok(Self::LinearGaussian)),
            ("linear-mixture", Some(count)) => {
                let most = Self::MOST_COMPONENTS;
                let count = count.parse().ok();
                let count = count.filter(|count| (1..=most).contains(count));
                let problem = count.map(Self::LinearMixture);
                Some(problem.ok_or_else(|| {
                    format!("expected linear-mixture:K with a whole number K between 1 and {most}")
                }))
            }
            _ => None,
        }
    }
}

impl fmt::Display for ExactProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinearGaussian => f.write_str("linear-gaussian"),
            Self::LinearMixture(components) => write!(f, "linear-mixture:{components}"),
        }
    }
}
