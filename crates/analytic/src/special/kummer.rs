//! Kummer's confluent hypergeometric function ₁F₁(a; c; −x), x ≥ 0, for the potentials of Gaussians.

use super::gamma::gamma_ratio;

/// From x = 2c + 40 on the asymptotic series reaches double precision.
const ASYMPTOTIC_FROM: f64 = 40.0;

/// Kummer's function at negative arguments, with its parameters fixed.
///
/// ```math
/// {}_1F_1(a;c;-x) = \sum_{n≥0} \frac{(a)_n}{(c)_n\,n!}(-x)^n, \qquad x ≥ 0,\quad -1 ≤ a ≤ 1,\quad c ≥ \tfrac12,\quad c > a
/// ```
///
/// Three expansions cover all x, none of which cancels:
///
/// * x ≤ c/2: the series above, whose terms fall at least like 2⁻ⁿ;
/// * x ≥ 2c + 40: the asymptotic series Γ(c)/Γ(c−a) x⁻ᵃ Σ (a)ₙ(1+a−c)ₙ/n! x⁻ⁿ (DLMF 13.7.2);
/// * between them, by Kummer's transformation (DLMF 13.2.39), the mean over a Poisson number n of mean
///   x of (c−a)ₙ/(c)ₙ, all of whose terms are positive; about 20√x of them are summed.
///
/// Measured against 40-digit values the relative error is below 1e-13 for the parameters of Gaussian
/// potentials, 1 ≤ d ≤ 1e5, 0 < r < 2 and 0 ≤ x ≤ 1e12.
///
/// ```
/// use rieszflow_analytic::special::Kummer;
/// // ₁F₁(1; 2; −x) = (1 − e^{−x})/x
/// let f = Kummer::new(1.0, 2.0);
/// assert!((f.value(3.0) - (1.0 - (-3.0_f64).exp()) / 3.0).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kummer {
    a: f64,
    c: f64,
    /// Γ(c)/Γ(c−a).
    asymptotic_factor: f64,
}

impl Kummer {
    /// Prepares the evaluation of ₁F₁(a; c; ·).
    ///
    /// # Panics
    /// Unless −1 ≤ a ≤ 1, c ≥ ½ and c > a.
    pub fn new(a: f64, c: f64) -> Self {
        assert!(
            (-1.0..=1.0).contains(&a) && c >= 0.5 && c > a,
            "Kummer parameters a = {a}, c = {c} given, but −1 ≤ a ≤ 1, c ≥ ½ and c > a are needed"
        );
        let asymptotic_factor = gamma_ratio(c, -a).recip();
        Self {
            a,
            c,
            asymptotic_factor,
        }
    }

    /// Computes ₁F₁(a; c; −x) for x ≥ 0; NaN for a negative or NaN x.
    pub fn value(&self, x: f64) -> f64 {
        if x <= 0.5 * self.c {
            1.0 + self.minus_one(x)
        } else if x >= 2.0 * self.c + ASYMPTOTIC_FROM {
            self.asymptotic_factor * x.powf(-self.a) * self.asymptotic_series(x)
        } else {
            self.poisson_mean(x)
        }
    }

    /// Computes ₁F₁(a; c; −x) − 1 for x ≥ 0, to full relative precision also near x = 0.
    pub fn minus_one(&self, x: f64) -> f64 {
        if x.is_nan() || x < 0.0 {
            return f64::NAN;
        }
        if x > 0.5 * self.c {
            return self.value(x) - 1.0;
        }
        let (mut sum, mut term, mut n) = (0.0, 1.0, 0.0);
        loop {
            term *= -(self.a + n) / ((self.c + n) * (n + 1.0)) * x;
            let next = sum + term;
            if next == sum {
                return sum;
            }
            sum = next;
            n += 1.0;
        }
    }

    /// Σ (a)ₙ(1+a−c)ₙ/n! x⁻ⁿ, up to its smallest term.
    fn asymptotic_series(&self, x: f64) -> f64 {
        if x == f64::INFINITY {
            return 1.0;
        }
        let (mut sum, mut term, mut n) = (1.0, 1.0_f64, 0.0);
        loop {
            let before = term.abs();
            term *= (self.a + n) * (1.0 + self.a - self.c + n) / ((n + 1.0) * x);
            let next = sum + term;
            if next == sum || term.abs() > before {
                return sum;
            }
            sum = next;
            n += 1.0;
        }
    }

    /// The mean of g(n) = (c−a)ₙ/(c)ₙ over n ~ Poisson(x), summed outwards from the likeliest n.
    fn poisson_mean(&self, x: f64) -> f64 {
        let mode = x.floor();
        let (top, bottom) = (self.c - self.a, self.c);
        let at_mode = gamma_ratio(bottom + mode, -self.a) * self.asymptotic_factor;
        // The sums of the weights, relative to the one at the mode, and of weight times g.
        let (mut mass, mut mean) = (1.0, at_mode);
        let (mut weight, mut g, mut n) = (1.0, at_mode, mode);
        while weight > f64::EPSILON * f64::EPSILON {
            weight *= x / (n + 1.0);
            g *= (top + n) / (bottom + n);
            mass += weight;
            mean += weight * g;
            n += 1.0;
        }
        (weight, g, n) = (1.0, at_mode, mode);
        while weight > f64::EPSILON * f64::EPSILON && n > 0.0 {
            weight *= n / x;
            n -= 1.0;
            g *= (bottom + n) / (top + n);
            mass += weight;
            mean += weight * g;
        }
        mean / mass
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elementary_cases() {
        // ₁F₁(½; 3/2; −x²) = √π erf(x)/(2x), and ₁F₁(−1; c; −x) = 1 + x/c.
        let f = Kummer::new(0.5, 1.5);
        let line = Kummer::new(-1.0, 40.0);
        for x in [1e-3, 0.3, 0.9, 2.0, 5.0, 6.6, 7.0, 30.0, 1e5] {
            let exact = std::f64::consts::PI.sqrt() * libm::erf(x) / (2.0 * x);
            assert!((f.value(x * x) / exact - 1.0).abs() < 5e-15, "x = {x}");
            assert!(
                (line.value(x) / (1.0 + x / 40.0) - 1.0).abs() < 5e-15,
                "x = {x}"
            );
        }
        assert_eq!(f.value(0.0), 1.0);
        assert_eq!(line.minus_one(1e-300), 1e-300 / 40.0);
    }

    #[test]
    fn expansions_meet() {
        for (a, c) in [
            (-0.5, 0.5),
            (-0.95, 1.0),
            (-0.025, 5.0),
            (0.6, 51.0),
            (-0.5, 5e3),
        ] {
            let f = Kummer::new(a, c);
            for border in [0.5 * c, 2.0 * c + ASYMPTOTIC_FROM] {
                let by_mean = f.poisson_mean(border);
                assert!(
                    (f.value(border) / by_mean - 1.0).abs() < 2e-14,
                    "a = {a}, c = {c}"
                );
            }
        }
    }

    #[test]
    fn outside_is_nan() {
        let f = Kummer::new(-0.5, 1.0);
        assert!(f.value(-1.0).is_nan() && f.value(f64::NAN).is_nan());
        assert!(f.minus_one(-1.0).is_nan());
    }
}
