//! Riesz potentials of the radial laws with density proportional to (R² − |x|²)^{β−1} on a ball.

use rand::Rng;
use rand_distr::{Distribution, Gamma, StandardNormal};

use crate::special::{Hypergeometric, UnitPoint, gamma_ratio};

/// The potential ∫|x−y|ʳ dν(y) of the law ν with density ∝ (R²−|y|²)^{β−1} on the ball of radius R,
/// for fixed dimension d, exponent r and β ≥ 0; β = 1 is the uniform ball, β = 0 the uniform sphere.
///
/// With z = ρ²/R² inside and R²/ρ² outside,
///
/// ```math
/// U = R^r\,C_0\;{}_2F_1\bigl(-\tfrac r2,1-β-\tfrac{d+r}2;\tfrac d2;z\bigr)\;(ρ≤R),\qquad
/// U = ρ^r\;{}_2F_1\bigl(-\tfrac r2,1-\tfrac{d+r}2;\tfrac d2+β;z\bigr)\;(ρ>R),\qquad
/// C_0 = \frac{Γ(\frac{d+r}2)\,Γ(\frac d2+β)}{Γ(\frac d2)\,Γ(\frac{d+r}2+β)},
/// ```
///
/// and on the sphere, for every ρ,
///
/// ```math
/// U = (ρ^2+R^2)^{r/2}\,{}_2F_1\Bigl(-\tfrac r4,\tfrac12-\tfrac r4;\tfrac d2;
///     \bigl(\tfrac{2ρR}{ρ^2+R^2}\bigr)^2\Bigr),
/// ```
///
/// a quadratic transformation (DLMF §15.8(iii)) of the former, short also for large d and the same
/// inside and outside. Source of the sphere and of the equilibria (β = 2 − (d+r)/2): Altekrüger,
/// Hertrich, Steidl 2023; the general case follows in the same way from expanding |x−y|ʳ.
#[derive(Clone, Debug)]
pub(crate) struct BallPotential {
    exponent: f64,
    shape: Shape,
}

/// What is expanded, each function with the factor and function of its derivative.
#[derive(Clone, Debug)]
enum Shape {
    /// Two points: the sphere in d = 1.
    Points,
    Sphere(Series),
    Ball {
        /// C₀.
        factor: f64,
        inside: Series,
        outside: Series,
    },
}

/// A hypergeometric function F and its derivative, a factor times another such function.
#[derive(Clone, Debug)]
struct Series {
    value: Hypergeometric,
    slope_factor: f64,
    slope: Hypergeometric,
}

impl Series {
    fn new(a: f64, b: f64, c: f64) -> Self {
        let value = Hypergeometric::new(a, b, c);
        let (slope_factor, slope) = value.derivative();
        Self {
            value,
            slope_factor,
            slope,
        }
    }

    /// F(z).
    fn value(&self, point: UnitPoint) -> f64 {
        self.value.value(point)
    }

    /// F'(z).
    fn slope(&self, point: UnitPoint) -> f64 {
        if self.slope_factor == 0.0 {
            0.0
        } else {
            self.slope_factor * self.slope.value(point)
        }
    }
}

impl BallPotential {
    pub(crate) fn new(dim: usize, exponent: f64, beta: f64) -> Self {
        let (d, r) = (dim as f64, exponent);
        let shape = if beta > 0.0 {
            let b = 0.5 * ((2.0 - d) - r);
            Shape::Ball {
                factor: gamma_ratio(0.5 * d, 0.5 * r) / gamma_ratio(0.5 * d + beta, 0.5 * r),
                inside: Series::new(-0.5 * r, b - beta, 0.5 * d),
                outside: Series::new(-0.5 * r, b, 0.5 * d + beta),
            }
        } else if dim == 1 {
            Shape::Points
        } else {
            Shape::Sphere(Series::new(-0.25 * r, 0.25 * (2.0 - r), 0.5 * d))
        };
        Self { exponent, shape }
    }

    /// Computes U(ρ) for the support radius R; R = 0 is δ₀. NaN for a negative or NaN R or ρ.
    pub(crate) fn value(&self, support: f64, rho: f64) -> f64 {
        if !(rho >= 0.0 && support >= 0.0) {
            return f64::NAN;
        }
        let r = self.exponent;
        match &self.shape {
            Shape::Points => 0.5 * ((rho - support).abs().powf(r) + (rho + support).powf(r)),
            Shape::Sphere(series) => {
                let size = rho.hypot(support);
                size.powf(r) * series.value(squared_sine(rho, support, size))
            }
            Shape::Ball { factor, inside, .. } if rho <= support => {
                factor * support.powf(r) * inside.value(squared_ratio(rho, support))
            }
            Shape::Ball { outside, .. } => rho.powf(r) * outside.value(squared_ratio(support, rho)),
        }
    }

    /// Computes dU/dρ, which is 0 at ρ = 0. NaN for a negative or NaN R or ρ; ±∞ on the edge where
    /// the slope has a pole.
    pub(crate) fn slope(&self, support: f64, rho: f64) -> f64 {
        if !(rho >= 0.0 && support >= 0.0) {
            return f64::NAN;
        }
        if rho == 0.0 {
            return 0.0;
        }
        let r = self.exponent;
        match &self.shape {
            Shape::Points => {
                let (near, far) = (rho - support, rho + support);
                let pull = near.signum() * near.abs().powf(r - 1.0);
                0.5 * r * (if near == 0.0 { 0.0 } else { pull } + far.powf(r - 1.0))
            }
            Shape::Sphere(series) => {
                let size = rho.hypot(support);
                let at = squared_sine(rho, support, size);
                let (outer, inner) = (rho / size, support / size);
                // At ρ = R the derivative may have a pole, which the factor 0 outweighs.
                let turn = 8.0 * inner * inner * (inner - outer) * (inner + outer);
                let bent = if turn == 0.0 {
                    0.0
                } else {
                    turn * series.slope(at)
                };
                size.powf(r - 1.0) * outer * (r * series.value(at) + bent)
            }
            Shape::Ball { factor, inside, .. } if rho <= support => {
                let ratio = rho / support;
                let slope = 2.0 * ratio * inside.slope(squared_ratio(rho, support));
                factor * support.powf(r - 1.0) * slope
            }
            Shape::Ball { outside, .. } => {
                let at = squared_ratio(support, rho);
                rho.powf(r - 1.0) * (r * outside.value(at) - 2.0 * at.x * outside.slope(at))
            }
        }
    }

    /// The function F of the sphere's potential.
    pub(crate) fn sphere_function(&self) -> Option<&Hypergeometric> {
        match &self.shape {
            Shape::Sphere(series) => Some(&series.value),
            _ => None,
        }
    }
}

/// Computes ∬|x−y|ʳ dν(x)dν(y) of the law with density ∝ (1−|x|²)^{β−1} on the unit ball.
///
/// ```math
/// \frac{Γ(\frac{d+r}2)\,Γ(\frac d2+β)^2\,Γ(d+2β+r-1)}
///      {Γ(\frac d2)\,Γ(\frac{d+r}2+β)^2\,Γ(d+2β-1+\frac r2)}
/// ```
pub(crate) fn mean_power_distance(dim: usize, exponent: f64, beta: f64) -> f64 {
    let (d, half) = (dim as f64, 0.5 * exponent);
    let spread = gamma_ratio(0.5 * d + beta, half);
    gamma_ratio(0.5 * d, half) / (spread * spread) * gamma_ratio(d + 2.0 * beta - 1.0 + half, half)
}

/// Draws one point of the law with density ∝ (R²−|x|²)^{β−1}.
///
/// It is Rz/√(|z|² + 2g) with z standard normal and g ~ Gamma(β), because |z|² ~ 2·Gamma(d/2); g = 0
/// on the sphere.
pub(crate) fn draw_in_ball<R: Rng + ?Sized>(
    point: &mut [f64],
    radius: f64,
    beta: f64,
    rng: &mut R,
) {
    for x in &mut *point {
        *x = StandardNormal.sample(rng);
    }
    // Gamma::new refuses β = 0 only.
    let excess = Gamma::new(beta, 1.0).map_or(0.0, |law| 2.0 * law.sample(rng));
    let square: f64 = point.iter().map(|x| x * x).sum();
    for x in point {
        *x *= radius / (square + excess).sqrt();
    }
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

/// (2ρR/(ρ²+R²))² and its complement, where `size` = √(ρ²+R²); 0 if both are.
pub(crate) fn squared_sine(rho: f64, support: f64, size: f64) -> UnitPoint {
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
