//! Probability laws in ℝᵈ whose Riesz potential and interaction energy are known exactly.

use nalgebra::DMatrix;
use rand::Rng;

use crate::equilibrium::Equilibrium;
use crate::error::{Error, check_coordinate, check_exponent, check_point, check_scale};

/// A probability law in ℝᵈ with exact potential, gradient, energy and sampler.
///
/// ```
/// use rieszflow_analytic::{Equilibrium, Law, discrepancy};
/// use nalgebra::DMatrix;
/// let interval = Equilibrium::new(1, 1.0)?; // uniform on [−1, 1]
/// let law = Law::equilibrium(&interval, 2.0)?.translated(&[5.0])?; // uniform on [3, 7]
/// assert_eq!(law.potential(1.0)?.value(&[1.0])?, 4.0);
/// let particles = DMatrix::from_element(1, 1, 5.0);
/// let d2 = discrepancy(&particles, None, &law, 1.0)?.v_statistic;
/// assert!((d2 - (1.0 - 2.0 / 3.0)).abs() < 1e-15); // ∫|y| − ½∬|y−y'|
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Law {
    equilibrium: Equilibrium,
    scale: f64,
    centre: Vec<f64>,
}

impl Law {
    /// The law of cY with Y ~ η*, which the flow of the interaction energy from δ₀ passes through.
    ///
    /// The scale c ≥ 0 comes from [`crate::flow_scale`], [`crate::backward_scales`] or
    /// [`crate::forward_scales`]; c = 0 is δ₀. A start at p instead of 0 translates the whole flow,
    /// and both schemes, by p: see [`Law::translated`]. Source: Altekrüger, Hertrich, Steidl 2023.
    ///
    /// # Errors
    /// [`Error::Scale`] unless c is finite and ≥ 0.
    pub fn equilibrium(equilibrium: &Equilibrium, scale: f64) -> Result<Self, Error> {
        Ok(Self {
            equilibrium: equilibrium.clone(),
            scale: check_scale(scale)?,
            centre: vec![0.0; equilibrium.dim()],
        })
    }

    /// The law of X + p, where X has this law; p is given by its d coordinates.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are d coordinates, [`Error::Coordinate`] unless they are
    /// finite.
    pub fn translated(mut self, offset: &[f64]) -> Result<Self, Error> {
        check_point(offset, self.dim())?;
        for (centre, &coordinate) in self.centre.iter_mut().zip(offset) {
            *centre += check_coordinate(0, coordinate)?;
        }
        Ok(self)
    }

    /// The dimension d.
    pub fn dim(&self) -> usize {
        self.equilibrium.dim()
    }

    /// Prepares the potential ∫|x−y|ʳ of the law for the exponent r.
    ///
    /// # Errors
    /// [`Error::Exponent`] unless 0 < r < 2; [`Error::Different`] if r is not the equilibrium's
    /// exponent.
    pub fn potential(&self, exponent: f64) -> Result<LawPotential<'_>, Error> {
        self.check_exponent(exponent)?;
        Ok(LawPotential { law: self })
    }

    /// Computes the interaction energy E(ν) = −½∬|x−y|ʳ dν(x)dν(y) for the exponent r.
    ///
    /// # Errors
    /// As for [`Law::potential`].
    pub fn energy(&self, exponent: f64) -> Result<f64, Error> {
        self.check_exponent(exponent)?;
        Ok(self.scale.powf(exponent) * self.equilibrium.energy())
    }

    fn check_exponent(&self, exponent: f64) -> Result<(), Error> {
        check_exponent(exponent)?;
        if exponent != self.equilibrium.exponent() {
            return Err(Error::Different {
                first: format!("r = {}", self.equilibrium.exponent()),
                second: format!("r = {exponent}"),
            });
        }
        Ok(())
    }

    /// Draws `count` independent points as the rows of a matrix (`count` × d).
    ///
    /// ```
    /// use rand::SeedableRng;
    /// use rieszflow_analytic::{Equilibrium, Law};
    /// let disc = Equilibrium::new(2, 1.0)?;
    /// let law = Law::equilibrium(&disc, 0.1)?.translated(&[3.0, 4.0])?;
    /// let points = law.sample(50, &mut rand_chacha::ChaCha8Rng::seed_from_u64(1));
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
}

/// The potential U(x) = ∫|x−y|ʳ dν(y) of a [`Law`] ν, prepared for one exponent r.
#[derive(Clone, Debug)]
pub struct LawPotential<'a> {
    law: &'a Law,
}

impl LawPotential<'_> {
    /// Computes U(x) at the point x, given by its d coordinates.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are d coordinates.
    pub fn value(&self, point: &[f64]) -> Result<f64, Error> {
        check_point(point, self.law.dim())?;
        Ok(self.at(point))
    }

    /// Computes ∇U(x) at the point x, given by its d coordinates; 0 at the centre of symmetry.
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
        check_point(point, self.law.dim())?;
        let distance = self.distance(point);
        if distance == 0.0 {
            return Ok(vec![0.0; point.len()]);
        }
        let Law {
            equilibrium, scale, ..
        } = self.law;
        let slope = equilibrium.scaled_potential_slope(*scale, distance);
        let from_centre = point.iter().zip(&self.law.centre).map(|(x, p)| x - p);
        Ok(from_centre
            .map(|offset| slope * (offset / distance))
            .collect())
    }

    /// U(x) at a point whose number of coordinates is known to be right.
    pub(crate) fn at(&self, point: &[f64]) -> f64 {
        let Law {
            equilibrium, scale, ..
        } = self.law;
        equilibrium.scaled_potential(*scale, self.distance(point))
    }

    /// The distance of x from the centre.
    fn distance(&self, point: &[f64]) -> f64 {
        let from_centre = point.iter().zip(&self.law.centre).map(|(x, p)| x - p);
        from_centre
            .map(|offset| offset * offset)
            .sum::<f64>()
            .sqrt()
    }
}
