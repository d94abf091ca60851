//! The equilibrium η*, whose rescalings are the flow of the interaction energy from a Dirac.

use nalgebra::DMatrix;
use rand::Rng;
use rand_distr::{Distribution, Gamma, StandardNormal};

use crate::error::{Error, check_exponent};
use crate::special::{BetaLaw, Hypergeometric, UnitPoint, gamma_ratio};

/// What the equilibrium is supported on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EquilibriumKind {
    /// A ball, with a density; for r + d < 4.
    Ball,
    /// A sphere, uniformly; for r + d ≥ 4.
    Sphere,
}

/// The minimiser η* of ½∫|x|² dη + E(η), one implicit Euler step of length 1 from δ₀.
///
/// It is rotation invariant. For r + d < 4 it has on the ball of radius s the density
///
/// ```math
/// p(x) = \frac{Γ(2-\tfrac r2)}{π^{d/2}\,Γ(β)\,s^{2-r}}\,(s^2-|x|^2)^{β-1},\qquad β = 2-\tfrac{r+d}2,\qquad
/// s^{2-r} = \frac{r\,Γ(2-\tfrac r2)\,Γ(\tfrac{d+r}2)}{\tfrac d2\,Γ(\tfrac d2)},
/// ```
///
/// and for r + d ≥ 4 it is uniform on the sphere of radius s,
///
/// ```math
/// s^{2-r} = \frac r2\,\frac{Γ(\tfrac d2)\,Γ(d+r-1)}{Γ(\tfrac{d+r}2)\,Γ(d-1+\tfrac r2)}.
/// ```
///
/// Source: Altekrüger, Hertrich, Steidl 2023, Theorem on the proximal map of the interaction energy.
///
/// ```
/// use rieszflow_analytic::{Equilibrium, EquilibriumKind};
/// let disc = Equilibrium::new(2, 1.0)?;
/// assert_eq!(disc.kind(), EquilibriumKind::Ball);
/// assert!((disc.radius() - std::f64::consts::FRAC_PI_4).abs() < 1e-15);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Equilibrium {
    dim: usize,
    exponent: f64,
    radius: f64,
    second_moment: f64,
    profile: Profile,
}

/// What distinguishes the two kinds.
#[derive(Clone, Debug)]
enum Profile {
    /// The law of |x|²/s², the factor in front of the density, and ₂F₁(−r/2, (2−r−d)/2; 2−r/2; ·) of the potential.
    Ball {
        law: BetaLaw,
        beta: f64,
        density_factor: f64,
        outside: Hypergeometric,
    },
    /// ₂F₁(−r/4, ½−r/4; d/2; ·) of the potential.
    Sphere { potential: Hypergeometric },
}

impl Equilibrium {
    /// The equilibrium for the Riesz exponent r in dimension d.
    ///
    /// # Errors
    /// [`Error::Dimension`] for d = 0, [`Error::Exponent`] unless 0 < r < 2, and [`Error::EquilibriumOverflow`] where
    /// s² exceeds the range of `f64` (r > 1.998 or so).
    pub fn new(dim: usize, exponent: f64) -> Result<Self, Error> {
        let r = check_exponent(exponent)?;
        if dim == 0 {
            return Err(Error::Dimension);
        }
        let d = dim as f64;
        let ball = dim <= 3 && r < 4.0 - d;
        let power = if ball {
            ball_radius_power(d, r)
        } else {
            sphere_radius_power(d, r)
        };
        let radius = power.powf((2.0 - r).recip());
        let second_moment = if ball {
            radius * radius * d / (4.0 - r)
        } else {
            radius * radius
        };
        if !(radius * radius).is_finite() {
            return Err(Error::EquilibriumOverflow { exponent, dim });
        }
        let profile = if ball {
            Profile::ball(d, r, power)
        } else {
            Profile::sphere(d, r)
        };
        Ok(Self {
            dim,
            exponent,
            radius,
            second_moment,
            profile,
        })
    }

    /// The dimension d.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The Riesz exponent r.
    pub fn exponent(&self) -> f64 {
        self.exponent
    }

    /// Whether the support is a ball or a sphere.
    pub fn kind(&self) -> EquilibriumKind {
        match self.profile {
            Profile::Ball { .. } => EquilibriumKind::Ball,
            Profile::Sphere { .. } => EquilibriumKind::Sphere,
        }
    }

    /// The radius s of the support (a length).
    pub fn radius(&self) -> f64 {
        self.radius
    }

    /// The second moment m₂ = ∫|x|² dη*: s²d/(4−r) on the ball, s² on the sphere.
    pub fn second_moment(&self) -> f64 {
        self.second_moment
    }

    /// The interaction energy E(η*) = −m₂/r.
    ///
    /// That energy and second moment are tied follows from minimality under rescaling x ↦ cx.
    pub fn energy(&self) -> f64 {
        -self.second_moment / self.exponent
    }

    /// Computes the Lebesgue density of η* at distance `radius` from the centre: `None` on the sphere, where there is
    /// none; 0 outside the ball; +∞ on its edge if r + d > 2; NaN for a negative or NaN radius.
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

    /// Computes the mass η*(|x| ≤ `radius`), the distribution function of the distance from the centre.
    ///
    /// On the ball it is the regularised incomplete beta function I(d/2, 2−(r+d)/2) at radius²/s²; on the sphere it
    /// jumps from 0 to 1 at s. NaN for a negative or NaN radius.
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
            Profile::Sphere { .. } => 0.0,
        }
    }

    /// Computes the distance from the centre that carries mass `level` within, the inverse of
    /// [`Equilibrium::radial_cdf`]; s for every level on the sphere; NaN for a level outside [0, 1].
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
            Profile::Sphere { .. } if (0.0..=1.0).contains(&level) => self.radius,
            Profile::Sphere { .. } => f64::NAN,
        }
    }

    /// Computes the potential U(x) = ∫|x−y|ʳ dη*(y) at |x| = `radius`; see [`Equilibrium::scaled_potential`].
    ///
    /// ```
    /// use rieszflow_analytic::Equilibrium;
    /// let interval = Equilibrium::new(1, 1.0)?; // uniform on [−1, 1]
    /// assert_eq!(interval.potential(0.5), 0.625);
    /// assert_eq!(interval.potential(3.0), 3.0);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn potential(&self, radius: f64) -> f64 {
        self.scaled_potential(1.0, radius)
    }

    /// Computes the potential ∫|x−y|ʳ dηᶜ(y) of the scaled equilibrium ηᶜ = (c·Id)#η* at |x| = `radius`.
    ///
    /// With S = cs, the radius of the support of ηᶜ, on the ball
    ///
    /// ```math
    /// U_c(ρ) = c^r\bigl(\tfrac12 (ρ/c)^2 + m_2(\tfrac2r-\tfrac12)\bigr)\;(ρ ≤ S),\qquad
    /// U_c(ρ) = ρ^r\,{}_2F_1\bigl(-\tfrac r2,\tfrac{2-r-d}2;2-\tfrac r2;\tfrac{S^2}{ρ^2}\bigr)\;(ρ > S),
    /// ```
    ///
    /// and on the sphere, for every ρ,
    ///
    /// ```math
    /// U_c(ρ) = (ρ^2+S^2)^{r/2}\,{}_2F_1\Bigl(-\tfrac r4,\tfrac12-\tfrac r4;\tfrac d2;
    ///          \bigl(\tfrac{2ρS}{ρ^2+S^2}\bigr)^2\Bigr).
    /// ```
    ///
    /// Source: Altekrüger, Hertrich, Steidl 2023; the form on the sphere is the quadratic transformation
    /// (DLMF 15.8.13) of theirs, short also for large d and the same inside and outside. Scale 0 is δ₀, with
    /// potential ρʳ. NaN for a negative or NaN radius or scale.
    ///
    /// Measured against 40-digit values for 1 ≤ d ≤ 1e5, 1e-8 ≤ r ≤ 1.9 and ρ/S from 0 to 1e6 the relative error is
    /// below 1e-13.
    pub fn scaled_potential(&self, scale: f64, radius: f64) -> f64 {
        if !(radius >= 0.0 && scale >= 0.0) {
            return f64::NAN;
        }
        let (r, support) = (self.exponent, scale * self.radius);
        match &self.profile {
            Profile::Ball { .. } if radius <= support && support > 0.0 => {
                let rho = radius / scale;
                scale.powf(r) * (0.5 * rho * rho + self.second_moment * (2.0 / r - 0.5))
            }
            Profile::Ball { outside, .. } => {
                let at = squared_ratio(support, radius);
                radius.powf(r) * outside.value(at.x, at.complement)
            }
            Profile::Sphere { potential } => {
                let size = radius.hypot(support);
                let at = squared_sine(radius, support, size);
                size.powf(r) * potential.value(at.x, at.complement)
            }
        }
    }

    /// Draws `count` independent points of η* as the rows of a matrix (`count` × d).
    ///
    /// Exact: s·z/√(|z|² + 2g) with z standard normal and, on the ball, g ~ Gamma(2−(r+d)/2); on the sphere g = 0.
    /// The first rows do not depend on `count`.
    ///
    /// ```
    /// use rand::SeedableRng;
    /// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    /// let points = rieszflow_analytic::Equilibrium::new(2, 1.0)?.sample(100, &mut rng);
    /// assert_eq!(points.shape(), (100, 2));
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn sample<R: Rng + ?Sized>(&self, count: usize, rng: &mut R) -> DMatrix<f64> {
        let radial = match self.profile {
            // β > 0 by construction, so the law exists.
            Profile::Ball { beta, .. } => Gamma::new(beta, 1.0).ok(),
            Profile::Sphere { .. } => None,
        };
        let mut points = DMatrix::zeros(count, self.dim);
        for mut row in points.row_iter_mut() {
            row.iter_mut().for_each(|x| *x = StandardNormal.sample(rng));
            let excess = radial.map_or(0.0, |law| 2.0 * law.sample(rng));
            let size: f64 = row.norm_squared() + excess;
            row *= self.radius / size.sqrt();
        }
        points
    }
}

impl Profile {
    fn ball(d: f64, r: f64, radius_power: f64) -> Self {
        let beta = 0.5 * ((4.0 - d) - r);
        let normaliser =
            std::f64::consts::PI.powf(0.5 * d) * radius_power * libm::tgamma(1.0 + beta) / beta;
        Self::Ball {
            law: BetaLaw::new(0.5 * d, beta),
            beta,
            density_factor: libm::tgamma(2.0 - 0.5 * r) / normaliser,
            outside: Hypergeometric::new(-0.5 * r, 0.5 * ((2.0 - d) - r), 2.0 - 0.5 * r),
        }
    }

    fn sphere(d: f64, r: f64) -> Self {
        Self::Sphere {
            potential: Hypergeometric::new(-0.25 * r, 0.25 * (2.0 - r), 0.5 * d),
        }
    }
}

/// s^{2−r} on the ball.
fn ball_radius_power(d: f64, r: f64) -> f64 {
    r * libm::tgamma(2.0 - 0.5 * r) * gamma_ratio(0.5 * d, 0.5 * r) / (0.5 * d)
}

/// s^{2−r} on the sphere.
fn sphere_radius_power(d: f64, r: f64) -> f64 {
    0.5 * r * gamma_ratio(d - 1.0 + 0.5 * r, 0.5 * r) / gamma_ratio(0.5 * d, 0.5 * r)
}

/// (small/large)² and its complement, for 0 ≤ small ≤ large; 0 if both are.
fn squared_ratio(small: f64, large: f64) -> UnitPoint {
    if large == 0.0 {
        return UnitPoint::new(0.0);
    }
    let ratio = small / large;
    UnitPoint {
        x: ratio * ratio,
        complement: ((large - small) / large) * (1.0 + ratio),
    }
}

/// (2ρS/(ρ²+S²))² and its complement, where `size` = √(ρ²+S²); 0 if both are.
fn squared_sine(rho: f64, support: f64, size: f64) -> UnitPoint {
    if size == 0.0 {
        return UnitPoint::new(0.0);
    }
    let sine = 2.0 * (rho / size) * (support / size);
    let cosine = ((support - rho) / size) * ((support + rho) / size);
    UnitPoint {
        x: sine * sine,
        complement: cosine * cosine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::FRAC_PI_4;

    fn close(got: f64, expected: f64, tolerance: f64) {
        assert!(
            (got / expected - 1.0).abs() < tolerance,
            "{got} instead of {expected}"
        );
    }

    #[test]
    fn radii_of_the_paper() {
        for (d, r, s) in [
            (1, 1.0, 1.0),
            (2, 1.0, FRAC_PI_4),
            (3, 1.0, 2.0 / 3.0),
            (2, 0.5, 0.557_730),
            (2, 1.5, 1.561_402),
            (10, 1.0, 0.697_388),
        ] {
            close(Equilibrium::new(d, r).unwrap().radius(), s, 2e-6);
        }
    }

    #[test]
    fn second_moment_matches_the_density() {
        for (d, r) in [(1, 0.3), (2, 0.5), (2, 1.0), (3, 0.6)] {
            let eta = Equilibrium::new(d, r).unwrap();
            // Midpoints in level: ∫ρ² dη = ∫ quantile(p)² dp.
            let n = 20_000;
            let mean: f64 = (0..n)
                .map(|i| {
                    eta.radial_quantile((f64::from(i) + 0.5) / f64::from(n))
                        .powi(2)
                })
                .sum::<f64>()
                / f64::from(n);
            close(mean, eta.second_moment(), 1e-6);
        }
    }

    #[test]
    fn euler_lagrange_holds_on_the_support() {
        // |x|²/2 − U(x) is constant on the support, and the energy is −½∫U dη*.
        for (d, r) in [
            (1, 1.5),
            (2, 1.0),
            (3, 0.5),
            (3, 1.0),
            (10, 1.0),
            (1000, 0.7),
        ] {
            let eta = Equilibrium::new(d, r).unwrap();
            let s = eta.radius();
            let at_edge = eta.potential(s) - 0.5 * s * s;
            close(at_edge, eta.second_moment() * (2.0 / r - 0.5), 1e-13);
        }
    }

    #[test]
    fn far_potential_is_that_of_a_dirac() {
        for (d, r) in [(1, 0.5), (2, 1.0), (3, 1.5), (100, 1.0)] {
            let eta = Equilibrium::new(d, r).unwrap();
            close(eta.potential(1e9), 1e9_f64.powf(r), 1e-15);
            assert_eq!(eta.scaled_potential(0.0, 2.0), 2.0_f64.powf(r));
            assert_eq!(eta.scaled_potential(0.0, 0.0), 0.0);
            close(
                eta.scaled_potential(3.0, 1.2),
                3.0_f64.powf(r) * eta.potential(0.4),
                1e-14,
            );
        }
    }

    #[test]
    fn bad_input_is_refused() {
        assert_eq!(Equilibrium::new(0, 1.0).unwrap_err(), Error::Dimension);
        assert!(Equilibrium::new(2, 2.0).is_err());
        assert!(Equilibrium::new(2, 0.0).is_err());
        assert!(Equilibrium::new(2, f64::NAN).is_err());
        assert!(matches!(
            Equilibrium::new(2, 1.9999),
            Err(Error::EquilibriumOverflow { .. })
        ));
        let eta = Equilibrium::new(2, 1.0).unwrap();
        assert!(eta.potential(-1.0).is_nan() && eta.potential(f64::NAN).is_nan());
        assert!(eta.radial_cdf(-1.0).is_nan() && eta.radial_quantile(1.1).is_nan());
        assert!(eta.density(f64::NAN).unwrap().is_nan());
    }
}
