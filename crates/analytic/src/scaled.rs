//! The equilibrium scaled by c and centred at p: the flow of the interaction energy from δ_p, as a measure of its own.

use nalgebra::DMatrix;
use rand::Rng;

use crate::discrepancy::{Discrepancy, between_particles_and};
use crate::equilibrium::Equilibrium;
use crate::error::{Error, check_coordinate, check_scale};

/// The law of p + cY with Y ~ η*, which the flow of the interaction energy from the Dirac at p passes through.
///
/// A start at p instead of the origin translates the whole flow, and both schemes, by p (Altekrüger, Hertrich, Steidl
/// 2023). The scale c comes from [`crate::flow_scale`], [`crate::backward_scales`] or [`crate::forward_scales`].
///
/// ```
/// use rieszflow_analytic::{Equilibrium, ScaledEquilibrium, flow_scale};
/// let disc = Equilibrium::new(2, 1.0)?;
/// let start = ScaledEquilibrium::new(&disc, 0.0)?.centred_at(&[1.0, -1.0])?;
/// let later = ScaledEquilibrium::new(&disc, flow_scale(1.0, 0.8)?)?.centred_at(&[1.0, -1.0])?;
/// assert!((start.wasserstein(&later)? - 0.8 * disc.second_moment().sqrt()).abs() < 1e-15);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ScaledEquilibrium<'a> {
    equilibrium: &'a Equilibrium,
    scale: f64,
    centre: Vec<f64>,
}

impl<'a> ScaledEquilibrium<'a> {
    /// The equilibrium scaled by c ≥ 0 and centred at the origin; c = 0 is δ₀.
    ///
    /// # Errors
    /// [`Error::Scale`] unless c is finite and ≥ 0.
    pub fn new(equilibrium: &'a Equilibrium, scale: f64) -> Result<Self, Error> {
        let centre = vec![0.0; equilibrium.dim()];
        Ok(Self {
            equilibrium,
            scale: check_scale(scale)?,
            centre,
        })
    }

    /// The same centred at p, given by its d coordinates.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are d coordinates, [`Error::Coordinate`] unless they are finite.
    pub fn centred_at(mut self, centre: &[f64]) -> Result<Self, Error> {
        let (columns, dim) = (centre.len(), self.equilibrium.dim());
        if columns != dim {
            return Err(Error::Shape {
                rows: 1,
                columns,
                dim,
            });
        }
        for &coordinate in centre {
            check_coordinate(0, coordinate)?;
        }
        self.centre = centre.to_vec();
        Ok(self)
    }

    /// The equilibrium that is scaled.
    pub fn equilibrium(&self) -> &Equilibrium {
        self.equilibrium
    }

    /// The scale c.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The centre p.
    pub fn centre(&self) -> &[f64] {
        &self.centre
    }

    /// The interaction energy cʳE(η*); it does not depend on the centre.
    pub fn energy(&self) -> f64 {
        self.scale.powf(self.equilibrium.exponent()) * self.equilibrium.energy()
    }

    /// Computes the potential ∫|x−y|ʳ of the measure at the point x, given by its d coordinates.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are d coordinates.
    ///
    /// ```
    /// use rieszflow_analytic::{Equilibrium, ScaledEquilibrium};
    /// let interval = Equilibrium::new(1, 1.0)?; // uniform on [−1, 1]
    /// let measure = ScaledEquilibrium::new(&interval, 2.0)?.centred_at(&[5.0])?;
    /// assert_eq!(measure.potential(&[1.0])?, 4.0);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn potential(&self, point: &[f64]) -> Result<f64, Error> {
        self.check_point(point)?;
        Ok(self.potential_of(point.iter()))
    }

    /// Computes the gradient of the potential at x, U'(|x−p|)·(x−p)/|x−p|, and 0 at x = p.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are d coordinates.
    ///
    /// ```
    /// use rieszflow_analytic::{Equilibrium, ScaledEquilibrium};
    /// let disc = Equilibrium::new(2, 1.0)?;
    /// let measure = ScaledEquilibrium::new(&disc, 1.0)?.centred_at(&[1.0, 0.0])?;
    /// // Inside its support the equilibrium satisfies ∇U(x) = x − p.
    /// assert_eq!(measure.potential_gradient(&[1.0, 0.5])?, [0.0, 0.5]);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn potential_gradient(&self, point: &[f64]) -> Result<Vec<f64>, Error> {
        self.check_point(point)?;
        let distance = self.distance(point.iter());
        if distance == 0.0 {
            return Ok(vec![0.0; point.len()]);
        }
        let slope = self
            .equilibrium
            .scaled_potential_slope(self.scale, distance);
        let from_centre = point.iter().zip(&self.centre).map(|(x, p)| x - p);
        Ok(from_centre
            .map(|offset| slope * (offset / distance))
            .collect())
    }

    /// Draws `count` independent points as the rows of a matrix (`count` × d).
    ///
    /// ```
    /// use rand::SeedableRng;
    /// use rieszflow_analytic::{Equilibrium, ScaledEquilibrium};
    /// let disc = Equilibrium::new(2, 1.0)?;
    /// let measure = ScaledEquilibrium::new(&disc, 0.1)?.centred_at(&[3.0, 4.0])?;
    /// let points = measure.sample(50, &mut rand_chacha::ChaCha8Rng::seed_from_u64(1));
    /// assert!(points.row_iter().all(|x| (x.norm() - 5.0).abs() < 0.1));
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn sample<R: Rng + ?Sized>(&self, count: usize, rng: &mut R) -> DMatrix<f64> {
        let mut points = self.equilibrium.sample(count, rng) * self.scale;
        for (mut column, p) in points.column_iter_mut().zip(&self.centre) {
            column.add_scalar_mut(*p);
        }
        points
    }

    /// Computes the Wasserstein distance to another scaling and translation of the same equilibrium (a length).
    ///
    /// ```math
    /// W_2 = \sqrt{|p-p'|^2 + (c-c')^2 m_2}
    /// ```
    ///
    /// Holds because x ↦ p' + (c'/c)(x−p) is the gradient of a convex function.
    ///
    /// # Errors
    /// [`Error::Different`] if the other belongs to another dimension or exponent.
    pub fn wasserstein(&self, other: &ScaledEquilibrium<'_>) -> Result<f64, Error> {
        let (mine, theirs) = (self.equilibrium, other.equilibrium);
        if (mine.dim(), mine.exponent()) != (theirs.dim(), theirs.exponent()) {
            return Err(Error::Different {
                first: format!("d = {}, r = {}", mine.dim(), mine.exponent()),
                second: format!("d = {}, r = {}", theirs.dim(), theirs.exponent()),
            });
        }
        let by_scale = mine.wasserstein_between(self.scale, other.scale);
        Ok(self.distance(other.centre.iter()).hypot(by_scale))
    }

    /// Computes D²(μ, ηᶜ) between weighted particles and this measure, exact in the measure.
    ///
    /// ```math
    /// D^2 = -\frac12\sum_{i,j}w_iw_j|x_i-x_j|^r + \sum_i w_i\,U_c(x_i-p) - c^r\frac{m_2}r
    /// ```
    ///
    /// `particles` is N×d, a row per particle; `weights` are divided by their sum; `None` means equal weights. The
    /// U-statistic leaves out i = j and divides the double sum by 1 − Σwᵢ², which is N(N−1)/N² for equal weights. Cost
    /// and reproducibility are those of [`crate::discrepancy_to_equilibrium`].
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::WeightCount`], [`Error::Weight`], [`Error::NoMass`]. Particles that are not finite give
    /// NaN.
    ///
    /// ```
    /// use nalgebra::DMatrix;
    /// use rieszflow_analytic::{Equilibrium, ScaledEquilibrium};
    /// let interval = Equilibrium::new(1, 1.0)?; // uniform on [−1, 1]
    /// let measure = ScaledEquilibrium::new(&interval, 1.0)?;
    /// let particles = DMatrix::from_column_slice(2, 1, &[0.0, 7.0]);
    /// let d2 = measure.discrepancy(&particles, Some(&[3.0, 0.0]))?.v_statistic;
    /// assert!((d2 - 1.0 / 6.0).abs() < 1e-15);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn discrepancy(
        &self,
        particles: &DMatrix<f64>,
        weights: Option<&[f64]>,
    ) -> Result<Discrepancy, Error> {
        between_particles_and(self, particles, weights)
    }

    /// The potential at a point whose number of coordinates is known to be right.
    pub(crate) fn potential_of<'b>(&self, point: impl Iterator<Item = &'b f64>) -> f64 {
        self.equilibrium
            .scaled_potential(self.scale, self.distance(point))
    }

    /// |x − p|.
    fn distance<'b>(&self, point: impl Iterator<Item = &'b f64>) -> f64 {
        point
            .zip(&self.centre)
            .map(|(x, p)| (x - p) * (x - p))
            .sum::<f64>()
            .sqrt()
    }

    fn check_point(&self, point: &[f64]) -> Result<(), Error> {
        let (columns, dim) = (point.len(), self.equilibrium.dim());
        if columns == dim {
            Ok(())
        } else {
            Err(Error::Shape {
                rows: 1,
                columns,
                dim,
            })
        }
    }
}
