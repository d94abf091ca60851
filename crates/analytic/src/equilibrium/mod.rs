//! The equilibrium η*, whose rescalings are the flow of the interaction energy from a Dirac.

mod distribution;
mod potential;

use crate::beta_ball::BallPotential;
use crate::error::{Error, check_exponent};
use crate::special::{BetaLaw, gamma_ratio};

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
/// Source: Altekrüger, Hertrich, Steidl 2023, Theorem on the proximal map of the interaction
/// energy.
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
    potential: BallPotential,
}

/// What distinguishes the two kinds.
#[derive(Clone, Debug)]
enum Profile {
    /// The law of |x|²/s², its second parameter β, and the factor in front of the density.
    Ball {
        law: BetaLaw,
        beta: f64,
        density_factor: f64,
    },
    Sphere,
}

impl Equilibrium {
    /// The equilibrium for the Riesz exponent r in dimension d.
    ///
    /// # Errors
    /// [`Error::Dimension`] for d = 0, [`Error::Exponent`] unless 0 < r < 2, and
    /// [`Error::EquilibriumOverflow`] where s² exceeds the range of `f64` (r > 1.998 or so).
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
            Profile::Sphere
        };
        Ok(Self {
            dim,
            exponent,
            radius,
            second_moment,
            potential: BallPotential::new(dim, r, profile.beta()),
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
            Profile::Sphere => EquilibriumKind::Sphere,
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

    /// β of the density ∝ (s²−|x|²)^{β−1} on the ball; 0 on the sphere.
    pub(crate) fn beta(&self) -> f64 {
        self.profile.beta()
    }

    /// The interaction energy E(η*) = −m₂/r.
    ///
    /// That energy and second moment are tied follows from minimality under rescaling x ↦ cx.
    pub fn energy(&self) -> f64 {
        -self.second_moment / self.exponent
    }
}

impl Profile {
    /// β of the density ∝ (s²−|x|²)^{β−1}; 0 on the sphere.
    fn beta(&self) -> f64 {
        match self {
            Self::Ball { beta, .. } => *beta,
            Self::Sphere => 0.0,
        }
    }

    fn ball(d: f64, r: f64, radius_power: f64) -> Self {
        let beta = 0.5 * ((4.0 - d) - r);
        let normaliser =
            std::f64::consts::PI.powf(0.5 * d) * radius_power * libm::tgamma(1.0 + beta) / beta;
        Self::Ball {
            law: BetaLaw::new(0.5 * d, beta),
            beta,
            density_factor: libm::tgamma(2.0 - 0.5 * r) / normaliser,
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
