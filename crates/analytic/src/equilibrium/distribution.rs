//! How η* is distributed: density, distribution of the distance from the centre, exact sampling.

use nalgebra::DMatrix;
use rand::Rng;

use super::{Equilibrium, Profile};
use crate::beta_ball::draw_in_ball;
use crate::special::UnitPoint;

impl Equilibrium {
    /// Computes the Lebesgue density of η* at distance `radius` from the centre: `None` on the
    /// sphere, where there is none; 0 outside the ball; +∞ on its edge if r + d > 2; NaN for a
    /// negative or NaN radius.
    ///
    /// ```
    /// use rieszflow_analytic::Equilibrium;
    /// let interval = Equilibrium::new(1, 1.0)?; // uniform on [−1, 1]
    /// assert!((interval.density(0.3).unwrap() - 0.5).abs() < 1e-15);
    /// assert_eq!(Equilibrium::new(3, 1.0)?.density(0.3), None);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn density(&self, radius: f64) -> Option<f64> {
        let Profile::Ball {
            beta,
            density_factor,
            ..
        } = self.profile
        else {
            return None;
        };
        let inside = (self.radius - radius) * (self.radius + radius);
        Some(if radius.is_nan() || radius < 0.0 {
            f64::NAN
        } else if radius > self.radius {
            0.0
        } else {
            density_factor * inside.powf(beta - 1.0)
        })
    }

    /// Computes the mass η*(|x| ≤ `radius`), the distribution function of the distance from the
    /// centre.
    ///
    /// On the ball it is the regularised incomplete beta function I(d/2, 2−(r+d)/2) at radius²/s²;
    /// on the sphere it jumps from 0 to 1 at s. NaN for a negative or NaN radius.
    ///
    /// ```
    /// use rieszflow_analytic::Equilibrium;
    /// let interval = Equilibrium::new(1, 1.0)?; // uniform on [−1, 1]
    /// assert!((interval.radial_cdf(0.25) - 0.25).abs() < 1e-15);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn radial_cdf(&self, radius: f64) -> f64 {
        let s = self.radius;
        match &self.profile {
            _ if radius.is_nan() || radius < 0.0 => f64::NAN,
            _ if radius >= s => 1.0,
            Profile::Ball { law, .. } => {
                let ratio = radius / s;
                law.cdf(UnitPoint {
                    x: ratio * ratio,
                    complement: ((s - radius) / s) * (1.0 + ratio),
                })
            }
            Profile::Sphere => 0.0,
        }
    }

    /// Computes the distance from the centre that carries mass `level` within, the inverse of
    /// [`Equilibrium::radial_cdf`]; s for every level on the sphere; NaN for a level outside [0,
    /// 1].
    ///
    /// ```
    /// use rieszflow_analytic::Equilibrium;
    /// let disc = Equilibrium::new(2, 0.5)?;
    /// let median = disc.radial_quantile(0.5);
    /// assert!((disc.radial_cdf(median) - 0.5).abs() < 1e-15);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn radial_quantile(&self, level: f64) -> f64 {
        match &self.profile {
            Profile::Ball { law, .. } => self.radius * law.quantile(level).x.sqrt(),
            Profile::Sphere if (0.0..=1.0).contains(&level) => self.radius,
            Profile::Sphere => f64::NAN,
        }
    }

    /// Draws `count` independent points of η* as the rows of a matrix (`count` × d).
    ///
    /// Exact: s·z/√(|z|² + 2g) with z standard normal and, on the ball, g ~ Gamma(2−(r+d)/2); on
    /// the sphere g = 0. The first rows do not depend on `count`.
    ///
    /// ```
    /// use rand::SeedableRng;
    /// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    /// let points = rieszflow_analytic::Equilibrium::new(2, 1.0)?.sample(100, &mut rng);
    /// assert_eq!(points.shape(), (100, 2));
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn sample<R: Rng + ?Sized>(&self, count: usize, rng: &mut R) -> DMatrix<f64> {
        let mut points = DMatrix::zeros(count, self.dim);
        let mut point = vec![0.0; self.dim];
        for mut row in points.row_iter_mut() {
            draw_in_ball(&mut point, self.radius, self.beta(), rng);
            row.iter_mut().zip(&point).for_each(|(to, x)| *to = *x);
        }
        points
    }
}
