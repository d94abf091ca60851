//! Mean powers E|X|ʳ of Gaussian vectors X in ℝᵈ, and their gradients in the mean.

use crate::special::{Kummer, gamma_ratio};

/// Step of the trapezoidal rule in ln t; its error is of order exp(−π²/step), below 1e-16.
const STEP: f64 = 0.25;

/// The sum stops where the integrands fall below this, in units of the integral.
const NEGLIGIBLE: f64 = 1e-22;

/// E|X|ʳ for X ~ N(m, σ²I) as a function of ρ = |m|, for fixed d and r.
///
/// ```math
/// E|X|^r = σ^r κ\,{}_1F_1\bigl(-\tfrac r2;\tfrac d2;-\tfrac{ρ^2}{2σ^2}\bigr),\qquad
/// κ = 2^{r/2}\,\frac{Γ(\frac{d+r}2)}{Γ(\frac d2)}
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct IsotropicMean {
    exponent: f64,
    kappa: f64,
    value: Kummer,
    slope: Kummer,
    dim: f64,
}

impl IsotropicMean {
    pub(crate) fn new(dim: usize, exponent: f64) -> Self {
        let (d, r) = (dim as f64, exponent);
        Self {
            exponent,
            kappa: 2.0_f64.powf(0.5 * r) * gamma_ratio(0.5 * d, 0.5 * r),
            value: Kummer::new(-0.5 * r, 0.5 * d),
            slope: Kummer::new(1.0 - 0.5 * r, 0.5 * d + 1.0),
            dim: d,
        }
    }

    /// Computes E|X|ʳ for the standard deviation σ ≥ 0 and the length ρ of the mean.
    pub(crate) fn value(&self, deviation: f64, rho: f64) -> f64 {
        match kummer_argument(deviation, rho) {
            Some(x) => deviation.powf(self.exponent) * self.kappa * self.value.value(x),
            None => rho.powf(self.exponent),
        }
    }

    /// Computes the derivative of E|X|ʳ in ρ divided by ρ: the gradient in the mean m is this times m.
    pub(crate) fn slope_over_rho(&self, deviation: f64, rho: f64) -> f64 {
        match kummer_argument(deviation, rho) {
            Some(x) => {
                let factor = self.kappa * (self.exponent / self.dim);
                deviation.powf(self.exponent - 2.0) * factor * self.slope.value(x)
            }
            None if rho == 0.0 => 0.0,
            None => self.exponent * rho.powf(self.exponent - 2.0),
        }
    }

    /// Computes D² between N(m, σ²I) and N(m', σ'²I), ρ = |m − m'|, without loss where they are close.
    ///
    /// With v = σ² + σ'², e = (σ² − σ'²)/v and F the ₁F₁ of the mean power,
    ///
    /// ```math
    /// D^2 = κ v^{r/2}\Bigl(F\bigl(-\tfrac{ρ^2}{2v}\bigr) - \tfrac12(1+e)^{r/2} - \tfrac12(1-e)^{r/2}\Bigr).
    /// ```
    pub(crate) fn discrepancy(&self, first: f64, second: f64, rho: f64) -> f64 {
        let (p, joint) = (0.5 * self.exponent, first.hypot(second));
        let Some(x) = kummer_argument(joint, rho) else {
            let own = first.powf(self.exponent) + second.powf(self.exponent);
            let pairs = 0.5 * self.kappa * 2.0_f64.powf(p) * own;
            return rho.powf(self.exponent) - pairs;
        };
        let skew = ((first - second) / joint) * ((first + second) / joint);
        // ½(1+e)^p + ½(1−e)^p = (1−e²)^{p/2} cosh(p·artanh e)
        let spread = if skew.abs() < 0.5 {
            let (root, half) = (
                (0.5 * p * (-skew * skew).ln_1p()).exp_m1(),
                p * skew.atanh(),
            );
            let turn = (0.5 * half).sinh();
            root * half.cosh() + 2.0 * turn * turn
        } else {
            0.5 * ((1.0 + skew).powf(p) + (1.0 - skew).powf(p)) - 1.0
        };
        self.kappa * joint.powf(self.exponent) * (self.value.minus_one(x) - spread)
    }
}

/// ρ²/2σ², or nothing where σ is 0 or too small against ρ to matter.
fn kummer_argument(deviation: f64, rho: f64) -> Option<f64> {
    let ratio = rho / deviation;
    let is_point = deviation == 0.0 || ratio > 1e140;
    (!is_point).then_some(0.5 * ratio * ratio)
}

/// E|X|ʳ for X ~ N(m, Σ) as a function of m, for the eigenvalues λ of Σ and the exponent r.
///
/// In the coordinates mᵢ along the eigenvectors,
///
/// ```math
/// E|X|^r = \frac{r/2}{Γ(1-\frac r2)}\int_0^∞ \bigl(1-φ(t)\bigr)\,t^{-1-r/2}\,dt,\qquad
/// φ(t) = E\,e^{-t|X|^2} = \prod_i (1+2tλ_i)^{-1/2}\,e^{-t m_i^2/(1+2tλ_i)}.
/// ```
///
/// The integral is taken of the difference to the isotropic law with the same trace, whose mean power
/// is [`IsotropicMean`]: the difference vanishes to second order at t = 0 and like φ at infinity, so
/// that a trapezoidal rule in ln t with about 500 nodes reaches double precision for every r.
#[derive(Clone, Debug)]
pub(crate) struct CovarianceMean {
    reference: IsotropicMean,
    /// The standard deviation of the isotropic law.
    deviation: f64,
    nodes: Vec<Node>,
}

/// What one node t of the trapezoidal rule contributes, but for the mean.
#[derive(Clone, Debug)]
struct Node {
    /// step·(r/2)/Γ(1−r/2)·t^{−r/2}.
    weight: f64,
    /// ln Π(1+2tλᵢ)^{−½}, and the same of the isotropic law.
    log_height: f64,
    reference_log_height: f64,
    /// t/(1+2tλᵢ), and the same of the isotropic law.
    rates: Vec<f64>,
    reference_rate: f64,
}

impl CovarianceMean {
    /// Prepares the mean for positive eigenvalues.
    pub(crate) fn new(eigenvalues: &[f64], exponent: f64) -> Self {
        let d = eigenvalues.len() as f64;
        let variance = eigenvalues.iter().sum::<f64>() / d;
        // Γ(1−r/2) = Γ(2−r/2)/(1−r/2), without loss for r close to 2.
        let gap = 1.0 - 0.5 * exponent;
        let factor = STEP * 0.5 * exponent * gap / libm::tgamma(1.0 + gap);
        let mut nodes = Vec::new();
        for k in 0.. {
            // In units of the variance: from where (t·d)² is negligible.
            let unit_time = (-50.0 - d.ln() + STEP * f64::from(k)).exp();
            let t = unit_time / variance;
            let log_height = |values: &[f64]| -> f64 {
                values.iter().map(|value| (2.0 * t * value).ln_1p()).sum()
            };
            let node = Node {
                weight: factor * t.powf(-0.5 * exponent),
                log_height: -0.5 * log_height(eigenvalues),
                reference_log_height: -0.5 * d * (2.0 * unit_time).ln_1p(),
                rates: eigenvalues
                    .iter()
                    .map(|value| t / (1.0 + 2.0 * t * value))
                    .collect(),
                reference_rate: t / (1.0 + 2.0 * unit_time),
            };
            let rest = node.log_height.max(node.reference_log_height).exp();
            if rest * unit_time.powf(-0.5 * exponent) < NEGLIGIBLE {
                break;
            }
            nodes.push(node);
        }
        Self {
            reference: IsotropicMean::new(eigenvalues.len(), exponent),
            deviation: variance.sqrt(),
            nodes,
        }
    }

    /// Computes E|X|ʳ for the mean with the given coordinates along the eigenvectors.
    pub(crate) fn value(&self, mean: &[f64]) -> f64 {
        let square = squared_length(mean);
        let mut sum = 0.0;
        for node in &self.nodes {
            let (log_phi, log_reference) = node.logarithms(mean, square);
            // Both are close to 1 for small t, where the weights are large.
            let difference = log_reference - log_phi;
            sum += node.weight
                * if difference < 1.0 {
                    log_phi.exp() * difference.exp_m1()
                } else {
                    log_reference.exp() - log_phi.exp()
                };
        }
        self.reference.value(self.deviation, square.sqrt()) + sum
    }

    /// Computes the gradient of E|X|ʳ in the mean, in coordinates along the eigenvectors.
    pub(crate) fn gradient(&self, mean: &[f64]) -> Vec<f64> {
        let square = squared_length(mean);
        let isotropic = self.reference.slope_over_rho(self.deviation, square.sqrt());
        let mut factors = vec![isotropic; mean.len()];
        for node in &self.nodes {
            let (log_phi, log_reference) = node.logarithms(mean, square);
            let (phi, reference) = (log_phi.exp(), log_reference.exp());
            for (factor, rate) in factors.iter_mut().zip(&node.rates) {
                *factor += 2.0 * node.weight * (rate * phi - node.reference_rate * reference);
            }
        }
        let pairs = factors.iter().zip(mean);
        pairs.map(|(factor, m)| factor * m).collect()
    }
}

impl Node {
    /// ln φ(t), and the same of the isotropic law, for a mean and its squared length.
    fn logarithms(&self, mean: &[f64], square: f64) -> (f64, f64) {
        let rated = mean.iter().zip(&self.rates).map(|(m, rate)| rate * m * m);
        (
            self.log_height - rated.sum::<f64>(),
            self.reference_log_height - self.reference_rate * square,
        )
    }
}

fn squared_length(mean: &[f64]) -> f64 {
    mean.iter().map(|m| m * m).sum()
}
