//! Linear inverse problems whose posteriors are exact: a mixture of Gaussians, observed with noise.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use super::Law;
use super::component::{Component, Shape};
use crate::error::{Error, check_coordinate, check_point};

/// The law of an unknown X in ℝᵈ and its observation Y = AX + bε in ℝⁿ, ε ~ N(0, I), where X is a
/// mixture of Gaussians.
///
/// The law of X given Y = y, the posterior, is a mixture of Gaussians again: Σ wₖN(mₖ, Sₖ) becomes
///
/// ```math
/// \tilde S_k = (A^\top A/b^2 + S_k^{-1})^{-1}, \quad
/// \tilde m_k = \tilde S_k(A^\top y/b^2 + S_k^{-1}m_k), \quad
/// \tilde w_k ∝ w_k\,N(y; Am_k, AS_kA^\top + b^2I)
/// ```
///
/// It is computed with the gain Kₖ = SₖAᵀ(ASₖAᵀ + b²I)⁻¹, which takes n×n factorisations alone.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_analytic::{Law, LinearInverseProblem, discrepancy_between};
///
/// // X ~ N(0, 1), Y = X + ½ε: the posterior at y is N(0.8y, 0.2).
/// let prior = Law::gaussian(&[0.0], 1.0)?;
/// let problem = LinearInverseProblem::new(prior, DMatrix::identity(1, 1), 0.5)?;
/// let posterior = problem.posterior(&[2.0])?;
/// let expected = Law::gaussian(&[1.6], 0.2_f64.sqrt())?;
/// assert!(discrepancy_between(&posterior, &expected, 1.0)? < 1e-15);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LinearInverseProblem {
    prior: Law,
    operator: DMatrix<f64>,
    noise: f64,
    parts: Vec<Part>,
}

/// What a component of the prior contributes, whatever is observed.
#[derive(Clone, Debug)]
struct Part {
    weight: f64,
    mean: DVector<f64>,
    /// Am.
    observed_mean: DVector<f64>,
    /// The factorised covariance ASAᵀ + b²I of the observation.
    observed_covariance: Cholesky<f64, Dyn>,
    /// K (d×n).
    gain: DMatrix<f64>,
    /// The posterior's component, with mean 0.
    centred: Law,
}

impl LinearInverseProblem {
    /// The problem with the given prior, operator A (n×d) and noise level b > 0.
    ///
    /// # Errors
    /// [`Error::Prior`] unless the prior consists of Gaussians, [`Error::Operator`] unless A is finite
    /// and n×d with n ≥ 1, [`Error::Deviation`] unless b is finite and positive, [`Error::Covariance`]
    /// if b is so small that a posterior is degenerate in double precision.
    pub fn new(prior: Law, operator: DMatrix<f64>, noise: f64) -> Result<Self, Error> {
        let (rows, columns) = operator.shape();
        if rows == 0 || columns != prior.dim || operator.iter().any(|entry| !entry.is_finite()) {
            return Err(Error::Operator {
                rows,
                columns,
                dim: prior.dim,
            });
        }
        if !(noise > 0.0 && noise.is_finite()) {
            return Err(Error::Deviation(noise));
        }
        let part = |(weight, component): &(f64, Component)| {
            Part::new(*weight, component, &operator, noise)
        };
        let parts = prior
            .components
            .iter()
            .map(part)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            prior,
            operator,
            noise,
            parts,
        })
    }

    /// The law of the unknown.
    pub fn prior(&self) -> &Law {
        &self.prior
    }

    /// n, the number of coordinates that are observed.
    pub fn observed_dim(&self) -> usize {
        self.operator.nrows()
    }

    /// Computes the law of the unknown given the observation y, by its n coordinates.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are n coordinates, [`Error::Coordinate`] unless they are finite.
    ///
    /// ```
    /// use nalgebra::DMatrix;
    /// use rieszflow_analytic::{Law, LinearInverseProblem};
    ///
    /// // Of two Gaussians the observation tells which one it was.
    /// let (low, high) = (Law::gaussian(&[-1.0], 0.1)?, Law::gaussian(&[1.0], 0.1)?);
    /// let prior = Law::mixture(&[(0.5, low), (0.5, high)])?;
    /// let problem = LinearInverseProblem::new(prior, DMatrix::identity(1, 1), 0.1)?;
    /// let posterior = problem.posterior(&[0.8])?;
    /// // Its mean is halfway from 1 to 0.8, so that the distance to −1 has the mean 1.9.
    /// assert!((posterior.potential(1.0)?.value(&[-1.0])? - 1.9).abs() < 1e-9);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn posterior(&self, observation: &[f64]) -> Result<Law, Error> {
        check_point(observation, self.observed_dim())?;
        for &coordinate in observation {
            check_coordinate(0, coordinate)?;
        }
        let observation = DVector::from_column_slice(observation);
        let logarithms: Vec<f64> = self
            .parts
            .iter()
            .map(|part| part.log_evidence(&observation))
            .collect();
        // The likeliest component gets the weight 1, so that a far observation leaves one.
        let largest = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let component = |(part, logarithm): (&Part, &f64)| {
            let mean = part.posterior_mean(&observation);
            let law = part.centred.clone().translated(mean.as_slice())?;
            Ok(((logarithm - largest).exp(), law))
        };
        let weighted = self.parts.iter().zip(&logarithms).map(component);
        Law::mixture(&weighted.collect::<Result<Vec<_>, Error>>()?)
    }

    /// Draws `count` independent unknowns (`count`×d) with their observations (`count`×n).
    ///
    /// The first rows do not depend on `count`.
    ///
    /// ```
    /// use nalgebra::DMatrix;
    /// use rand::SeedableRng;
    /// use rieszflow_analytic::{Law, LinearInverseProblem};
    ///
    /// let sum = DMatrix::from_row_slice(1, 2, &[1.0, 1.0]);
    /// let problem = LinearInverseProblem::new(Law::gaussian(&[0.0, 0.0], 1.0)?, sum, 1e-3)?;
    /// let (x, y) = problem.sample(10, &mut rand_chacha::ChaCha8Rng::seed_from_u64(1));
    /// assert_eq!((x.shape(), y.shape()), ((10, 2), (10, 1)));
    /// assert!((x.row(3).sum() - y[(3, 0)]).abs() < 1e-2);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn sample<R: Rng + ?Sized>(
        &self,
        count: usize,
        rng: &mut R,
    ) -> (DMatrix<f64>, DMatrix<f64>) {
        let mut unknowns = DMatrix::zeros(count, self.prior.dim);
        let mut observations = DMatrix::zeros(count, self.observed_dim());
        for row in 0..count {
            let unknown = self.prior.sample(1, rng);
            unknowns.row_mut(row).copy_from(&unknown.row(0));
            let exact = &self.operator * unknown.row(0).transpose();
            for (to, exact) in observations.row_mut(row).iter_mut().zip(&exact) {
                let epsilon: f64 = StandardNormal.sample(rng);
                *to = exact + self.noise * epsilon;
            }
        }
        (unknowns, observations)
    }
}

impl Part {
    fn new(
        weight: f64,
        component: &Component,
        operator: &DMatrix<f64>,
        noise: f64,
    ) -> Result<Self, Error> {
        let dim = component.centre.len();
        let identity = DMatrix::<f64>::identity(dim, dim);
        let prior = match &component.shape {
            Shape::Gaussian { deviation } => &identity * (deviation * deviation),
            Shape::Covariance { covariance, .. } => covariance.clone(),
            Shape::Ball { .. } => return Err(Error::Prior),
        };
        let variance = noise * noise;
        let crossed = &prior * operator.transpose();
        let mut observed = operator * &crossed;
        for i in 0..observed.nrows() {
            observed[(i, i)] += variance;
        }
        let degenerate = || Error::Covariance("noise that is lost beside the prior".to_owned());
        let observed = Cholesky::new(observed).ok_or_else(degenerate)?;
        let gain = observed.solve(&crossed.transpose()).transpose();
        // (I − KA)S(I − KA)ᵀ + b²KKᵀ, in which nothing cancels.
        let rest = identity - &gain * operator;
        let posterior = &rest * prior * rest.transpose() + &gain * gain.transpose() * variance;
        let mean = DVector::from_column_slice(&component.centre);
        Ok(Self {
            weight,
            observed_mean: operator * &mean,
            observed_covariance: observed,
            mean,
            gain,
            centred: centred_gaussian(&posterior)?,
        })
    }

    /// ln wN(y; Am, ASAᵀ + b²I), but for a constant.
    fn log_evidence(&self, observation: &DVector<f64>) -> f64 {
        let factor = self.observed_covariance.l_dirty();
        let log_determinant: f64 = factor.diagonal().iter().map(|entry| 2.0 * entry.ln()).sum();
        let residual = observation - &self.observed_mean;
        let square = residual.dot(&self.observed_covariance.solve(&residual));
        self.weight.ln() - 0.5 * (log_determinant + square)
    }

    /// m + K(y − Am).
    fn posterior_mean(&self, observation: &DVector<f64>) -> DVector<f64> {
        &self.mean + &self.gain * (observation - &self.observed_mean)
    }
}

/// N(0, Σ), as N(0, σ²I) if Σ is that.
fn centred_gaussian(covariance: &DMatrix<f64>) -> Result<Law, Error> {
    let dim = covariance.nrows();
    let origin = vec![0.0; dim];
    let variance = covariance[(0, 0)];
    if *covariance == DMatrix::identity(dim, dim) * variance {
        return Law::gaussian(&origin, variance.sqrt());
    }
    let symmetric = (covariance + covariance.transpose()) * 0.5;
    Law::gaussian_with_covariance(&origin, &symmetric)
}
