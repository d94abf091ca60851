//! The flow from one Dirac to another on the line.

use crate::error::{Error, check_coordinate, check_time};

/// The flow of the discrepancy from δ_p to δ_q, p < q, on the line with r = 1.
///
/// Until t = (q−p)/2 the mass is uniform on [p, p+2t]; from then on the mass (q−p)/(2t) is uniform on
/// [p, q], and the rest has arrived at q: the quantile of level s rests at p for s = 0 and moves with
/// the speed 2s otherwise.
///
/// ```
/// use rieszflow_analytic::line::DiracToDirac;
/// let flow = DiracToDirac::new(-1.0, 1.0)?;
/// assert_eq!(flow.mass_at_target(2.0)?, 0.5);
/// assert_eq!(flow.quantile(0.25, 2.0)?, 0.0);
/// assert!((flow.discrepancy(2.0)? - 1.0 / 6.0).abs() < 1e-15);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiracToDirac {
    start: f64,
    distance: f64,
}

impl DiracToDirac {
    /// The flow from δ_p to δ_q.
    ///
    /// # Errors
    /// [`Error::Coordinate`] unless both are finite, [`Error::Interval`] unless p < q.
    pub fn new(start: f64, target: f64) -> Result<Self, Error> {
        let (low, high) = (check_coordinate(0, start)?, check_coordinate(1, target)?);
        if low < high {
            let distance = high - low;
            Ok(Self { start, distance })
        } else {
            Err(Error::Interval { low, high })
        }
    }

    /// Computes the mass that has arrived at q at the time t.
    ///
    /// # Errors
    /// [`Error::Time`] unless t is finite and ≥ 0.
    pub fn mass_at_target(&self, time: f64) -> Result<f64, Error> {
        let reach = 2.0 * check_time(time)?;
        Ok(if reach <= self.distance {
            0.0
        } else {
            1.0 - self.distance / reach
        })
    }

    /// Computes the quantile min(p + 2st, q) of the level s at the time t.
    ///
    /// # Errors
    /// [`Error::Time`], [`Error::Level`] unless 0 < s < 1.
    pub fn quantile(&self, level: f64, time: f64) -> Result<f64, Error> {
        if level > 0.0 && level < 1.0 {
            let travel = 2.0 * level * check_time(time)?;
            Ok(self.start + travel.min(self.distance))
        } else {
            Err(Error::Level(level))
        }
    }

    /// Computes D² to δ_q at the time t: q − p − 4t/3 until t = (q−p)/2, (q−p)³/(12t²) after.
    ///
    /// # Errors
    /// [`Error::Time`] unless t is finite and ≥ 0.
    pub fn discrepancy(&self, time: f64) -> Result<f64, Error> {
        let t = check_time(time)?;
        Ok(if 2.0 * t <= self.distance {
            self.distance - 4.0 / 3.0 * t
        } else {
            let ratio = self.distance / t;
            self.distance * ratio * ratio / 12.0
        })
    }
}
