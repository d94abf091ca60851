//! Measures on the line with a continuous distribution function: uniform, Gaussian, and a user's
//! own.

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

use super::discrete::rectangle;
use super::{Measure, Target};
use crate::error::{Error, check_coordinate};
use crate::numeric;
use crate::quadrature::integrate;

/// The uniform law on an interval. Flow and JKO step are closed forms.
///
/// ```
/// use rieszflow_analytic::line::{Measure, Target, Uniform};
/// let law = Uniform::new(0.0, 2.0)?;
/// assert_eq!(law.cdf(0.5), 0.25);
/// // Inside, every level relaxes exponentially to its quantile, here from 1 to ½.
/// assert!((law.flow(0.25, 1.0, 3.0) - (0.5 + 0.5 * (-3.0_f64).exp())).abs() < 1e-15);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uniform {
    low: f64,
    high: f64,
}

impl Uniform {
    /// The uniform law on [low, high].
    ///
    /// # Errors
    /// [`Error::Interval`] unless both are finite and low < high.
    pub fn new(low: f64, high: f64) -> Result<Self, Error> {
        check_interval(low, high)?;
        Ok(Self { low, high })
    }

    fn length(&self) -> f64 {
        self.high - self.low
    }
}

impl Target for Uniform {
    fn cdf(&self, x: f64) -> f64 {
        ((x - self.low) / self.length()).clamp(0.0, 1.0)
    }

    /// Constant speed 2s or 2(s−1) up to the interval of length L, then exponential relaxation to
    /// the quantile at rate 2/L.
    fn flow(&self, level: f64, start: f64, time: f64) -> f64 {
        let (entry, rest) = approach(self.low, self.high, level, start, time);
        let relaxed = -(-2.0 * rest / self.length()).exp_m1();
        entry + (self.quantile(level) - entry) * relaxed
    }

    fn backward_step(&self, level: f64, start: f64, tau: f64) -> f64 {
        let shifted = start + 2.0 * tau * level;
        if shifted <= self.low {
            shifted
        } else if shifted >= self.high + 2.0 * tau {
            shifted - 2.0 * tau
        } else {
            self.low + (shifted - self.low) * (self.length() / (self.length() + 2.0 * tau))
        }
    }
}

impl Measure for Uniform {
    fn quantile(&self, level: f64) -> f64 {
        self.low + level * self.length()
    }

    fn squared_cdf_difference(&self, low: f64, high: f64, level: f64) -> f64 {
        let (left, right) = (low.max(self.low).min(high), high.min(self.high).max(low));
        let outside = rectangle((self.low.min(high) - low).max(0.0), level)
            + rectangle((high - self.high.max(low)).max(0.0), 1.0 - level);
        if left >= right {
            return outside;
        }
        let (first, last) = (self.cdf(left) - level, self.cdf(right) - level);
        outside + (right - left) * mean_square(first, last)
    }

    fn squared_quantile_difference(&self, point: f64, low: f64, high: f64) -> f64 {
        (high - low) * mean_square(point - self.quantile(low), point - self.quantile(high))
    }
}

/// The normal law with given mean and standard deviation. The JKO step is solved to the last digit
/// by bisection, the flow integrated numerically to about 1e-13.
///
/// ```
/// use rieszflow_analytic::line::{Gaussian, Measure, Target};
/// let law = Gaussian::new(1.0, 2.0)?;
/// assert_eq!(law.cdf(1.0), 0.5);
/// assert!((law.quantile(0.841_344_746_068_542_9) - 3.0).abs() < 1e-14);
/// let next = law.backward_step(0.3, 0.0, 0.1);
/// assert!((next + 0.2 * law.cdf(next) - 0.06).abs() < 1e-15);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaussian {
    mean: f64,
    deviation: f64,
}

impl Gaussian {
    /// The normal law with the given mean and standard deviation.
    ///
    /// # Errors
    /// [`Error::Coordinate`] unless the mean is finite, [`Error::Deviation`] unless the deviation
    /// is finite and > 0.
    pub fn new(mean: f64, deviation: f64) -> Result<Self, Error> {
        let mean = check_coordinate(0, mean)?;
        if deviation > 0.0 && deviation.is_finite() {
            Ok(Self { mean, deviation })
        } else {
            Err(Error::Deviation(deviation))
        }
    }

    /// (x − mean)/deviation.
    fn standardised(&self, x: f64) -> f64 {
        (x - self.mean) / self.deviation
    }
}

impl Target for Gaussian {
    fn cdf(&self, x: f64) -> f64 {
        normal_cdf(self.standardised(x))
    }
}

impl Measure for Gaussian {
    fn quantile(&self, level: f64) -> f64 {
        self.mean + self.deviation * normal_quantile(level)
    }

    fn squared_cdf_difference(&self, low: f64, high: f64, level: f64) -> f64 {
        let (low, high) = (self.standardised(low), self.standardised(high));
        self.deviation
            * if high - low <= NARROW {
                integrate(low, high, |at| (normal_cdf(at.x) - level).powi(2))
            } else {
                // The parts below and above 0 by the integrals up to there and their mirror images.
                let middle = 0.0_f64.clamp(low, high);
                gap_from_left(low, middle, level) + gap_from_left(-high, -middle, 1.0 - level)
            }
    }

    fn squared_quantile_difference(&self, point: f64, low: f64, high: f64) -> f64 {
        let point = self.standardised(point);
        let (z0, z1) = (normal_quantile(low), normal_quantile(high));
        let mean = if z1 - z0 <= NARROW {
            integrate(z0, z1, |at| (point - at.x).powi(2) * normal_density(at.x))
        } else {
            let moment = |z: f64| {
                if z.is_finite() {
                    z * normal_density(z)
                } else {
                    0.0
                }
            };
            (point * point + 1.0) * (high - low)
                - 2.0 * point * (normal_density(z0) - normal_density(z1))
                + moment(z0)
                - moment(z1)
        };
        self.deviation * self.deviation * mean
    }
}

/// A law given by a user's continuous distribution function, with the interval outside which it is
/// 0 and 1.
///
/// Flow, JKO step and quantiles are as precise as for [`Gaussian`] if the function is smooth
/// between its ends; a kink inside costs the flow some digits (an error of 1e-9 was seen).
///
/// ```
/// use rieszflow_analytic::line::{Continuous, Measure, Target};
/// let triangle = Continuous::new(|x| x * x, 0.0, 1.0)?; // density 2x on [0, 1]
/// assert_eq!(triangle.quantile(0.25), 0.5);
/// assert_eq!(triangle.cdf(7.0), 1.0);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Continuous<F> {
    cdf: F,
    low: f64,
    high: f64,
}

impl<F: Fn(f64) -> f64> Continuous<F> {
    /// The law with the given distribution function, which must increase continuously from 0 at
    /// `low` to 1 at `high`.
    ///
    /// It is only called between the two; an infinite support is cut where nothing representable is
    /// left.
    ///
    /// # Errors
    /// [`Error::Interval`] unless both ends are finite and low < high.
    pub fn new(cdf: F, low: f64, high: f64) -> Result<Self, Error> {
        check_interval(low, high)?;
        Ok(Self { cdf, low, high })
    }
}

impl<F: Fn(f64) -> f64> Target for Continuous<F> {
    fn cdf(&self, x: f64) -> f64 {
        if x <= self.low {
            0.0
        } else if x >= self.high {
            1.0
        } else {
            (self.cdf)(x)
        }
    }

    fn flow(&self, level: f64, start: f64, time: f64) -> f64 {
        let (entry, rest) = approach(self.low, self.high, level, start, time);
        numeric::flow(|x| 2.0 * (level - self.cdf(x)), entry, rest)
    }
}

impl<F: Fn(f64) -> f64> Measure for Continuous<F> {
    fn quantile(&self, level: f64) -> f64 {
        if level <= 0.0 {
            return self.low;
        }
        numeric::bisect(|x| (self.cdf)(x) - level, self.low, self.high)
    }

    fn squared_cdf_difference(&self, low: f64, high: f64, level: f64) -> f64 {
        let (left, right) = (low.max(self.low).min(high), high.min(self.high).max(low));
        let outside = rectangle((self.low.min(high) - low).max(0.0), level)
            + rectangle((high - self.high.max(low)).max(0.0), 1.0 - level);
        if left >= right {
            return outside;
        }
        outside + integrate(left, right, |at| ((self.cdf)(at.x) - level).powi(2))
    }

    /// By parts: (point − b)²(high − low) + 2∫(R(x) − low)(point − x)dx between the quantiles a and
    /// b of the two levels.
    fn squared_quantile_difference(&self, point: f64, low: f64, high: f64) -> f64 {
        let (a, b) = (self.quantile(low), self.quantile(high));
        let inner = |x: f64| ((self.cdf)(x) - low) * (point - x);
        let integral = if a < b {
            integrate(a, b, |at| inner(at.x))
        } else {
            0.0
        };
        (point - b).powi(2) * (high - low) + 2.0 * integral
    }
}

/// Up to this width, in standard deviations, quadrature is exact and differences of closed forms
/// would cancel.
const NARROW: f64 = 1.0;

fn check_interval(low: f64, high: f64) -> Result<(), Error> {
    if low < high && low.is_finite() && high.is_finite() {
        Ok(())
    } else {
        Err(Error::Interval { low, high })
    }
}

/// Moves at constant speed, 2s from the left or 2(1−s) from the right, to the interval that carries
/// the target; returns the position and the time that is left there, none if the interval is not
/// reached.
fn approach(low: f64, high: f64, level: f64, start: f64, time: f64) -> (f64, f64) {
    let entry = start.clamp(low, high);
    let speed = if start < low {
        2.0 * level
    } else {
        2.0 * (1.0 - level)
    };
    let travel = (entry - start).abs() / speed;
    if travel <= time {
        (entry, time - travel)
    } else {
        (start + (entry - start).signum() * speed * time, 0.0)
    }
}

/// The mean of the square of a quantity that runs linearly from `first` to `last`.
pub(crate) fn mean_square(first: f64, last: f64) -> f64 {
    (first * first + first * last + last * last) / 3.0
}

fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// The z with Φ(z) = level, by bisection in the tail where Φ keeps its relative precision; ±∞ at
/// the levels 0 and 1.
fn normal_quantile(level: f64) -> f64 {
    if level > 0.5 {
        return -normal_quantile(1.0 - level);
    }
    if level <= 0.0 {
        return f64::NEG_INFINITY;
    }
    numeric::bisect(|z| normal_cdf(z) - level, -40.0, 0.0)
}

/// ∫ (Φ − level)² from `low` to `high` ≤ 0, from the antiderivatives of Φ², Φ and 1; `low` = −∞
/// needs level 0.
fn gap_from_left(low: f64, high: f64, level: f64) -> f64 {
    let antiderivative = |z: f64| {
        if z == f64::NEG_INFINITY {
            return 0.0;
        }
        let (cdf, density) = (normal_cdf(z), normal_density(z));
        let square = z * cdf * cdf + 2.0 * density * cdf - normal_cdf(SQRT_2 * z) / PI.sqrt();
        square - 2.0 * level * (z * cdf + density) + level * level * z
    };
    antiderivative(high) - antiderivative(low)
}
