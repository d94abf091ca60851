//! The regularised incomplete beta function and its inverse, exact to the end points also for tiny
//! parameters.

use super::gamma::{gamma_ratio, ln_gamma_quotient};
use super::unit_point::UnitPoint;

/// A Newton step of this size leaves an error of about its square, below double precision.
const NEWTON_DONE: f64 = 1e-9;

/// More Newton steps than were ever seen to be needed (nine).
const NEWTON_STEPS: usize = 40;

/// The law Beta(a, b) on the unit interval, with density proportional to x^{a−1}(1−x)^{b−1}, for
/// 0 < a, b ≤ 2.
///
/// The squared radius |x|²/s² of an equilibrium on a ball is Beta(d/2, 2−(r+d)/2) distributed, so a
/// ∈ {½, 1, 3/2} and b ∈ (0, 3/2); b → 0 as r + d → 4.
///
/// ```
/// use rieszflow_analytic::special::{BetaLaw, UnitPoint};
/// let arcsine = BetaLaw::new(0.5, 0.5);
/// assert!((arcsine.cdf(UnitPoint::new(0.25)) - 1.0 / 3.0).abs() < 1e-15);
/// assert!((arcsine.quantile(1.0 / 3.0).x - 0.25).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetaLaw {
    a: f64,
    b: f64,
    /// Γ(a+b)/(Γ(a+1)Γ(b)) = 1/(a·B(a,b)).
    lower_factor: f64,
    /// (ln Γ(a+b) − ln Γ(a) − ln Γ(1+b))/b, so that 1/(b·B(a,b)) = exp(b·slope).
    upper_slope: f64,
    /// The distribution function at ½.
    at_half: f64,
}

impl BetaLaw {
    /// The law Beta(a, b).
    ///
    /// # Panics
    /// Unless 0 < a ≤ 2 and 0 < b ≤ 2: the series used would lose digits for larger parameters.
    pub fn new(a: f64, b: f64) -> Self {
        assert!(
            a > 0.0 && a <= 2.0 && b > 0.0 && b <= 2.0,
            "beta parameters a = {a}, b = {b} given, but 0 < a, b ≤ 2 is needed"
        );
        let mut law = Self {
            a,
            b,
            lower_factor: gamma_ratio(a, b) * b / (a * libm::tgamma(1.0 + b)),
            upper_slope: ln_gamma_quotient(a, b) - ln_gamma_quotient(1.0, b),
            at_half: 0.0,
        };
        law.at_half = law.lower(0.5);
        law
    }

    /// Computes the regularised incomplete beta function I(x; a, b), the distribution function of
    /// the law.
    ///
    /// ```math
    /// I_x(a,b) = \frac{1}{B(a,b)} \int_0^x t^{a-1}(1-t)^{b-1}\,dt
    /// ```
    ///
    /// Below x = ½ the power series in x is summed (DLMF 8.17.7), above it the one in 1 − x in the
    /// form 1 − exp(b·…), which keeps its relative precision for b → 0, where almost all mass sits
    /// at x = 1. Measured against 40-digit values the relative error is below 1e-14. NaN outside
    /// the unit interval.
    pub fn cdf(&self, point: UnitPoint) -> f64 {
        if !(point.x >= 0.0 && point.complement >= 0.0) {
            f64::NAN
        } else if point.x <= 0.5 {
            self.lower(point.x)
        } else {
            -self.ln_survival(point.complement).exp_m1()
        }
    }

    /// Computes the x with I(x; a, b) = level, the inverse of [`BetaLaw::cdf`]; NaN for a level
    /// outside [0, 1].
    ///
    /// Newton's method on ln I as a function of ln x where x ≤ ½, on ln(1 − I) as a function of
    /// ln(1 − x) elsewhere. Each of these increases and bends one way only, so the method converges
    /// from any start. The complement is held to full relative precision (and becomes 0 where it
    /// falls below the range of `f64`).
    pub fn quantile(&self, level: f64) -> UnitPoint {
        if !(0.0..=1.0).contains(&level) {
            UnitPoint::new(f64::NAN)
        } else if level == 0.0 || level == 1.0 {
            UnitPoint::new(level)
        } else if level <= self.at_half {
            UnitPoint::new(self.invert_lower(level))
        } else {
            UnitPoint::new(self.invert_upper(level)).mirrored()
        }
    }

    /// I(x; a, b) for x ≤ ½.
    fn lower(&self, x: f64) -> f64 {
        self.lower_factor * x.powf(self.a) * (1.0 + self.a * tail_series(self.a, self.b, x))
    }

    /// ln(1 − I(x; a, b)) = ln I(y; b, a) for y = 1 − x ≤ ½.
    fn ln_survival(&self, y: f64) -> f64 {
        if y == 0.0 {
            return f64::NEG_INFINITY;
        }
        self.b * (y.ln() + self.upper_slope) + (self.b * tail_series(self.b, self.a, y)).ln_1p()
    }

    fn invert_lower(&self, level: f64) -> f64 {
        let mut x = (level / self.lower_factor).powf(self.a.recip()).min(0.5);
        for _ in 0..NEWTON_STEPS {
            if x == 0.0 {
                break;
            }
            let value = self.lower(x);
            let slope =
                self.a * self.lower_factor * x.powf(self.a) * (1.0 - x).powf(self.b - 1.0) / value;
            let step = (level / value).ln() / slope;
            x = (x * step.exp()).min(0.5);
            if step.abs() <= NEWTON_DONE {
                break;
            }
        }
        x
    }

    fn invert_upper(&self, level: f64) -> f64 {
        let target = (-level).ln_1p();
        let mut y = (target / self.b - self.upper_slope).exp().min(0.5);
        for _ in 0..NEWTON_STEPS {
            if y == 0.0 {
                break;
            }
            let value = self.ln_survival(y);
            let density = self.b
                * (self.b * (y.ln() + self.upper_slope)).exp()
                * (1.0 - y).powf(self.a - 1.0);
            let step = (target - value) / (density / value.exp());
            y = (y * step.exp()).min(0.5);
            if step.abs() <= NEWTON_DONE {
                break;
            }
        }
        y
    }
}

/// Σ_{n≥1} (1−b)ₙ/(n!(a+n)) xⁿ for 0 ≤ x ≤ ½.
fn tail_series(a: f64, b: f64, x: f64) -> f64 {
    let (mut sum, mut power, mut n) = (0.0, 1.0, 1.0);
    loop {
        power *= (n - b) / n * x;
        let next = sum + power / (a + n);
        if next == sum {
            return sum;
        }
        sum = next;
        n += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_laws() {
        for x in [0.0, 1e-12, 0.2, 0.5, 0.75, 0.999, 1.0] {
            let point = UnitPoint::new(x);
            let uniform = BetaLaw::new(1.0, 1.0).cdf(point);
            assert!((uniform - x).abs() <= 5e-16);
            let arcsine = BetaLaw::new(0.5, 0.5).cdf(point);
            assert!(
                (arcsine - std::f64::consts::FRAC_2_PI * x.sqrt().atan2(point.complement.sqrt()))
                    .abs()
                    < 5e-16
            );
            let power = BetaLaw::new(1.0, 0.1).cdf(point);
            assert!((power - (1.0 - (1.0 - x).powf(0.1))).abs() < 5e-16);
        }
    }

    #[test]
    fn tiny_b_keeps_relative_precision() {
        // I_x(1, b) = 1 − (1−x)^b
        let b = 1e-10;
        let law = BetaLaw::new(1.0, b);
        for x in [0.3_f64, 0.6, 0.9] {
            let exact = -(b * (-x).ln_1p()).exp_m1();
            assert!((law.cdf(UnitPoint::new(x)) / exact - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn quantile_inverts_cdf() {
        for a in [0.5, 1.0, 1.5] {
            for b in [0.02, 0.25, 0.5, 1.0, 1.25, 1.5] {
                let law = BetaLaw::new(a, b);
                for level in [1e-100, 1e-9, 0.01, 0.3, 0.5, 0.8, 0.999] {
                    let back = law.cdf(law.quantile(level));
                    assert!(
                        (back / level - 1.0).abs() < 2e-14,
                        "a = {a}, b = {b}, p = {level}: {back}"
                    );
                }
            }
        }
    }

    #[test]
    fn outside_is_nan() {
        let law = BetaLaw::new(0.5, 0.5);
        assert!(law.cdf(UnitPoint::new(1.5)).is_nan());
        assert!(law.cdf(UnitPoint::new(-0.1)).is_nan());
        assert!(law.quantile(f64::NAN).x.is_nan());
        assert!(law.quantile(1.0 + 1e-9).x.is_nan());
    }
}
