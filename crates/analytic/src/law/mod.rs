//! Probability laws in ℝᵈ whose Riesz potential and interaction energy are known exactly.

mod component;
mod inverse_problem;
mod pairs;
mod potential;

pub use inverse_problem::LinearInverseProblem;
pub use potential::{LawPotential, RadialPotential};

use nalgebra::DMatrix;
use rand::{Rng, RngExt};

use crate::equilibrium::Equilibrium;
use crate::error::{
    Error, check_coordinate, check_exponent, check_point, check_scale, normalised_weights,
};
use component::{Component, Shape};

/// The largest β of [`Law::beta_ball`]; for larger ones the series for the potential would cancel.
const LARGEST_BETA: f64 = 2.0;

/// A probability law in ℝᵈ with exact potential, gradient, energy and sampler: Gaussians, balls,
/// spheres, equilibria, Diracs, and mixtures of them.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_analytic::{Law, discrepancy};
/// let interval = Law::ball(&[5.0], 2.0)?; // uniform on [3, 7]
/// assert!((interval.potential(1.0)?.value(&[1.0])? - 4.0).abs() < 1e-15);
/// let particles = DMatrix::from_element(1, 1, 5.0);
/// let d2 = discrepancy(&particles, None, &interval, 1.0)?.v_statistic;
/// assert!((d2 - (1.0 - 2.0 / 3.0)).abs() < 1e-15); // ∫|y| − ½∬|y−y'|
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Law {
    dim: usize,
    /// The components with their weights, which sum to 1.
    components: Vec<(f64, Component)>,
}

impl Law {
    /// The Dirac at the given point.
    ///
    /// # Errors
    /// [`Error::Dimension`] if there is no coordinate, [`Error::Coordinate`] unless all are finite.
    pub fn dirac(point: &[f64]) -> Result<Self, Error> {
        Self::sphere(point, 0.0)
    }

    /// The uniform law on the sphere with the given centre and radius ≥ 0; two points in d = 1.
    ///
    /// # Errors
    /// As for [`Law::dirac`], and [`Error::Scale`] unless the radius is finite and ≥ 0.
    pub fn sphere(centre: &[f64], radius: f64) -> Result<Self, Error> {
        Self::beta_ball(centre, radius, 0.0)
    }

    /// The uniform law on the ball with the given centre and radius ≥ 0.
    ///
    /// # Errors
    /// As for [`Law::sphere`].
    pub fn ball(centre: &[f64], radius: f64) -> Result<Self, Error> {
        Self::beta_ball(centre, radius, 1.0)
    }

    /// The law with density ∝ (R² − |x−p|²)^{β−1} on the ball with centre p and radius R ≥ 0.
    ///
    /// |x−p|²/R² has the law Beta(d/2, β): β = 1 is uniform on the ball, β = ½ the arcsine law (d = 1),
    /// β = 2 − (r+d)/2 an equilibrium, and the limit β = 0, which is included, uniform on the sphere.
    ///
    /// # Errors
    /// As for [`Law::sphere`], and [`Error::Beta`] unless 0 ≤ β ≤ 2.
    ///
    /// ```
    /// use rieszflow_analytic::Law;
    /// let parabolic = Law::beta_ball(&[0.0], 1.0, 2.0)?; // density ¾(1−x²)
    /// // ∫|x|·¾(1−x²) dx over [−1, 1]
    /// assert!((parabolic.potential(1.0)?.value(&[0.0])? - 0.375).abs() < 1e-15);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn beta_ball(centre: &[f64], radius: f64, beta: f64) -> Result<Self, Error> {
        if !(0.0..=LARGEST_BETA).contains(&beta) {
            return Err(Error::Beta(beta));
        }
        let radius = check_scale(radius)?;
        Self::single(centre, Shape::Ball { radius, beta })
    }

    /// The law of cY with Y ~ η*, which the flow of the interaction energy from δ₀ passes through.
    ///
    /// The scale c ≥ 0 comes from [`crate::flow_scale`], [`crate::backward_scales`] or
    /// [`crate::forward_scales`]; c = 0 is δ₀. A start at p instead of 0 translates the whole flow,
    /// and both schemes, by p: see [`Law::translated`]. Source: Altekrüger, Hertrich, Steidl 2023.
    ///
    /// # Errors
    /// [`Error::Scale`] unless c is finite and ≥ 0.
    pub fn equilibrium(equilibrium: &Equilibrium, scale: f64) -> Result<Self, Error> {
        let shape = Shape::Ball {
            radius: check_scale(scale)? * equilibrium.radius(),
            beta: equilibrium.beta(),
        };
        Self::single(&vec![0.0; equilibrium.dim()], shape)
    }

    /// The normal law N(m, σ²I) with the given mean m and standard deviation σ > 0.
    ///
    /// # Errors
    /// As for [`Law::dirac`], and [`Error::Deviation`] unless σ is finite and positive.
    ///
    /// ```
    /// use rieszflow_analytic::Law;
    /// let normal = Law::gaussian(&[0.0, 0.0], 1.0)?;
    /// let mean_distance = (std::f64::consts::PI / 2.0).sqrt(); // of the Rayleigh law
    /// assert!((normal.potential(1.0)?.value(&[0.0, 0.0])? - mean_distance).abs() < 1e-15);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn gaussian(mean: &[f64], deviation: f64) -> Result<Self, Error> {
        if deviation > 0.0 && deviation.is_finite() {
            Self::single(mean, Shape::Gaussian { deviation })
        } else {
            Err(Error::Deviation(deviation))
        }
    }

    /// The normal law N(m, Σ) with the given mean m and covariance Σ (d×d).
    ///
    /// # Errors
    /// As for [`Law::dirac`], and [`Error::Covariance`] unless Σ is finite, symmetric and positive
    /// definite, the smallest eigenvalue at least 1e-12 times the largest.
    ///
    /// ```
    /// use nalgebra::DMatrix;
    /// use rieszflow_analytic::Law;
    /// let covariance = DMatrix::from_row_slice(2, 2, &[2.0, 0.5, 0.5, 1.0]);
    /// let law = Law::gaussian_with_covariance(&[0.0, 1.0], &covariance)?;
    /// // ∬|x−y|² is twice the trace, and grows with the exponent.
    /// assert!(-2.0 * law.energy(1.9)? < 6.0);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn gaussian_with_covariance(
        mean: &[f64],
        covariance: &DMatrix<f64>,
    ) -> Result<Self, Error> {
        Self::single(mean, component::covariance(mean.len(), covariance)?)
    }

    /// The mixture Σ wₖνₖ of laws of one dimension; the weights are divided by their sum.
    ///
    /// # Errors
    /// [`Error::NoMass`] if there is no law or all weights are 0, [`Error::Weight`] unless they are
    /// finite and ≥ 0, [`Error::Different`] if the laws differ in dimension.
    ///
    /// ```
    /// use rieszflow_analytic::Law;
    /// let (left, right) = (Law::gaussian(&[-2.0], 0.5)?, Law::gaussian(&[2.0], 1.0)?);
    /// let mixture = Law::mixture(&[(0.3, left), (0.7, right)])?;
    /// assert_eq!(mixture.dim(), 1);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn mixture(weighted: &[(f64, Self)]) -> Result<Self, Error> {
        let weights: Vec<f64> = weighted.iter().map(|(weight, _)| *weight).collect();
        let weights = normalised_weights(&weights, weighted.len())?;
        let dim = weighted[0].1.dim;
        let mut components = Vec::new();
        for ((_, law), weight) in weighted.iter().zip(weights) {
            check_dims(dim, law.dim)?;
            let scaled = law
                .components
                .iter()
                .map(|(inner, part)| (weight * inner, part));
            components.extend(
                scaled
                    .filter(|(weight, _)| *weight > 0.0)
                    .map(|(weight, part)| (weight, part.clone())),
            );
        }
        Ok(Self { dim, components })
    }

    /// The law of X + p, where X has this law; p is given by its d coordinates.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are d coordinates, [`Error::Coordinate`] unless they are finite.
    pub fn translated(mut self, offset: &[f64]) -> Result<Self, Error> {
        check_point(offset, self.dim)?;
        for (_, component) in &mut self.components {
            for (centre, &coordinate) in component.centre.iter_mut().zip(offset) {
                *centre += check_coordinate(0, coordinate)?;
            }
        }
        Ok(self)
    }

    /// The dimension d.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Prepares the potential U(x) = ∫|x−y|ʳ dν(y) of the law ν for the exponent r.
    ///
    /// # Errors
    /// [`Error::Exponent`] unless 0 < r < 2.
    pub fn potential(&self, exponent: f64) -> Result<LawPotential<'_>, Error> {
        Ok(LawPotential::new(self, check_exponent(exponent)?))
    }

    /// Computes the interaction energy E(ν) = −½∬|x−y|ʳ dν(x)dν(y) of the law ν.
    ///
    /// Exact for every single Gaussian and ball and for mixtures of Gaussians. Pairs of a ball with a
    /// Gaussian or another ball in a mixture take a numerical integral; see
    /// [`crate::discrepancy_between`].
    ///
    /// # Errors
    /// [`Error::Exponent`] unless 0 < r < 2; [`Error::Pair`] for a mixture that has both a ball and a
    /// Gaussian with a covariance that is not a multiple of the identity.
    ///
    /// ```
    /// use rieszflow_analytic::Law;
    /// let interval = Law::ball(&[0.0], 1.0)?;
    /// assert!((interval.energy(1.0)? + 1.0 / 3.0).abs() < 1e-15);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn energy(&self, exponent: f64) -> Result<f64, Error> {
        Ok(-0.5 * self.mean_power_distance(self, exponent)?)
    }

    /// ∬|x−y|ʳ dν(x)dν'(y) for two laws of one dimension.
    pub(crate) fn mean_power_distance(&self, other: &Self, exponent: f64) -> Result<f64, Error> {
        check_exponent(exponent)?;
        check_dims(self.dim, other.dim)?;
        let mut sum = 0.0;
        for (weight, one) in &self.components {
            for (other_weight, two) in &other.components {
                sum += weight * other_weight * pairs::mean_power_distance(one, two, exponent)?;
            }
        }
        Ok(sum)
    }

    /// D² between two single Gaussians N(m, σ²I), without loss where they are close.
    pub(crate) fn gaussian_discrepancy(&self, other: &Self, exponent: f64) -> Option<f64> {
        match (&self.components[..], &other.components[..]) {
            ([(_, one)], [(_, two)]) => pairs::gaussian_discrepancy(one, two, exponent),
            _ => None,
        }
    }

    /// Draws `count` independent points as the rows of a matrix (`count` × d).
    ///
    /// The first rows do not depend on `count`.
    ///
    /// ```
    /// use rand::SeedableRng;
    /// use rieszflow_analytic::Law;
    /// let law = Law::ball(&[3.0, 4.0], 0.1)?;
    /// let points = law.sample(50, &mut rand_chacha::ChaCha8Rng::seed_from_u64(1));
    /// assert!(points.row_iter().all(|x| (x.norm() - 5.0).abs() < 0.1));
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn sample<R: Rng + ?Sized>(&self, count: usize, rng: &mut R) -> DMatrix<f64> {
        let mut points = DMatrix::zeros(count, self.dim);
        let mut point = vec![0.0; self.dim];
        for mut row in points.row_iter_mut() {
            self.draw_component(rng).draw(&mut point, rng);
            row.iter_mut().zip(&point).for_each(|(to, x)| *to = *x);
        }
        points
    }

    fn draw_component<R: Rng + ?Sized>(&self, rng: &mut R) -> &Component {
        let (last, others) = self.components.split_last().expect("a law has a component");
        if !others.is_empty() {
            let mut rest: f64 = rng.random();
            for (weight, component) in others {
                if rest < *weight {
                    return component;
                }
                rest -= weight;
            }
        }
        &last.1
    }

    fn single(centre: &[f64], shape: Shape) -> Result<Self, Error> {
        if centre.is_empty() {
            return Err(Error::Dimension);
        }
        for &coordinate in centre {
            check_coordinate(0, coordinate)?;
        }
        let centre = centre.to_vec();
        Ok(Self {
            dim: centre.len(),
            components: vec![(1.0, Component { centre, shape })],
        })
    }
}

fn check_dims(first: usize, second: usize) -> Result<(), Error> {
    if first == second {
        Ok(())
    } else {
        Err(Error::Different {
            first: format!("d = {first}"),
            second: format!("d = {second}"),
        })
    }
}
