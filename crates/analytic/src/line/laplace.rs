//! The Laplace law on the line, with a flow in closed form.

use super::{Measure, Target};
use crate::error::{Error, check_coordinate};
use crate::quadrature::integrate;

/// Up to this width, in units of β, quadrature is exact and differences of closed forms would cancel.
const NARROW: f64 = 1.0;

/// The Laplace law with density e^{−|x−m|/β}/(2β). The flow is a closed form, the JKO step solved to the
/// last digit by bisection.
///
/// Left of m, u = e^{−(g−m)/β} follows a linear equation,
///
/// ```math
/// u(t) = \frac1{2s} + \Bigl(u(0) - \frac1{2s}\Bigr)e^{-2st/β},
/// ```
///
/// until u = 1, where g passes m if s > ½; the right side is its mirror image, with 1 − s for s.
///
/// ```
/// use rieszflow_analytic::line::{Laplace, Measure, Target};
/// let law = Laplace::new(1.0, 2.0)?;
/// assert_eq!(law.cdf(1.0), 0.5);
/// assert!((law.quantile(0.25) - (1.0 - 2.0 * 2.0_f64.ln())).abs() < 1e-15);
/// assert!((law.flow(0.25, -7.0, 1000.0) - law.quantile(0.25)).abs() < 1e-10);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Laplace {
    mean: f64,
    scale: f64,
}

impl Laplace {
    /// The Laplace law with mean m and scale β > 0; its standard deviation is √2·β.
    ///
    /// # Errors
    /// [`Error::Coordinate`] unless m is finite, [`Error::Deviation`] unless β is finite and positive.
    pub fn new(mean: f64, scale: f64) -> Result<Self, Error> {
        let mean = check_coordinate(0, mean)?;
        if scale > 0.0 && scale.is_finite() {
            Ok(Self { mean, scale })
        } else {
            Err(Error::Deviation(scale))
        }
    }

    /// (x − m)/β.
    fn standardised(&self, x: f64) -> f64 {
        (x - self.mean) / self.scale
    }
}

impl Target for Laplace {
    fn cdf(&self, x: f64) -> f64 {
        unit_cdf(self.standardised(x))
    }

    fn flow(&self, level: f64, start: f64, time: f64) -> f64 {
        let (x, t) = (self.standardised(start), time / self.scale);
        let moved = if x <= 0.0 {
            unit_flow(level, x, t)
        } else {
            -unit_flow(1.0 - level, -x, t)
        };
        self.mean + self.scale * moved
    }
}

impl Measure for Laplace {
    fn quantile(&self, level: f64) -> f64 {
        let x = if level <= 0.5 {
            (2.0 * level).ln()
        } else {
            -(2.0 * (1.0 - level)).ln()
        };
        self.mean + self.scale * x
    }

    fn squared_cdf_difference(&self, low: f64, high: f64, level: f64) -> f64 {
        let (low, high) = (self.standardised(low), self.standardised(high));
        let mut value = 0.0;
        if low < 0.0 {
            value += cdf_difference_left(low, high.min(0.0), level);
        }
        if high > 0.0 {
            value += cdf_difference_left(-high, -low.max(0.0), 1.0 - level);
        }
        self.scale * value
    }

    fn squared_quantile_difference(&self, point: f64, low: f64, high: f64) -> f64 {
        let point = self.standardised(point);
        let mut value = 0.0;
        if low < 0.5 {
            value += quantile_difference_left(point, low, high.min(0.5));
        }
        if high > 0.5 {
            value += quantile_difference_left(-point, 1.0 - high, 1.0 - low.max(0.5));
        }
        self.scale * self.scale * value
    }
}

fn unit_cdf(x: f64) -> f64 {
    if x < 0.0 {
        0.5 * x.exp()
    } else {
        1.0 - 0.5 * (-x).exp()
    }
}

/// The flow for m = 0 and β = 1 from x ≤ 0.
fn unit_flow(level: f64, x: f64, time: f64) -> f64 {
    let rate = 2.0 * level;
    if rate > 1.0 {
        // u = 1 at this time; from then on the law is mirrored.
        let passage = (-x + ((rate - x.exp()) / (rate - 1.0)).ln()) / rate;
        if time > passage {
            return -flow_left(1.0 - level, 0.0, time - passage);
        }
    }
    flow_left(level, x, time)
}

/// −ln u(t), for u(0) = e^{−x}, as long as u ≥ 1.
fn flow_left(level: f64, x: f64, time: f64) -> f64 {
    let rate = 2.0 * level;
    let relaxed = -(-rate * time).exp_m1() / rate;
    let free = x + rate * time;
    if free <= 0.0 {
        free - (relaxed * free.exp()).ln_1p()
    } else {
        -((-free).exp() + relaxed).ln()
    }
}

/// ∫ (R − level)² from `low` to `high` ≤ 0 for m = 0 and β = 1; `low` = −∞ needs level 0.
fn cdf_difference_left(low: f64, high: f64, level: f64) -> f64 {
    if high - low <= NARROW {
        return integrate(low, high, |at| (0.5 * at.x.exp() - level).powi(2));
    }
    let antiderivative = |x: f64| {
        if x == f64::NEG_INFINITY {
            return 0.0;
        }
        let cdf = 0.5 * x.exp();
        0.5 * cdf * cdf - 2.0 * level * cdf + level * level * x
    };
    antiderivative(high) - antiderivative(low)
}

/// ∫ (point − g(s))² ds over levels from `low` to `high` ≤ ½ for m = 0 and β = 1, where g = ln 2s.
fn quantile_difference_left(point: f64, low: f64, high: f64) -> f64 {
    let (first, last) = ((2.0 * low).ln(), (2.0 * high).ln());
    if last - first <= NARROW {
        return integrate(first, last, |at| 0.5 * at.x.exp() * (point - at.x).powi(2));
    }
    let antiderivative = |level: f64, x: f64| {
        if level == 0.0 {
            return 0.0;
        }
        let gap = point - x;
        level * (gap * gap + 2.0 * gap + 2.0)
    };
    antiderivative(high, last) - antiderivative(low, first)
}
