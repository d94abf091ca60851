//! A flow in the plane that implodes into a point and explodes again, known exactly.

use nalgebra::DMatrix;

use crate::discrepancy::{Discrepancy, equal_weights, from_potential};
use crate::error::{Error, check_finite, check_shape, check_time};
use crate::line::{DiscreteMeasure, mean_square};

/// The state at one time of the flow that starts from δ₋₁ ⊗ U[−1, 1] in the plane of points (a, b),
/// of
///
/// ```math
/// F(μ) = \int \bigl(1_{a<0}|b| - a\bigr)\,dμ - \tfrac12\iint 1_{a≥0,\,a'≥0}\,|b-b'|\,dμ\,dμ'.
/// ```
///
/// For t ≤ 1, a = t − 1 and b = sign(b₀)·max(|b₀|−t, 0), so that at t = 1 all mass sits at the
/// origin; for t > 1, a = t − 1 and b is uniform on [−(t−1), t−1]. Absolutely continuous in b, a
/// Dirac, and absolutely continuous again: no transport map can do the last part. Source:
/// Altekrüger, Hertrich, Steidl 2023, Appendix F, Example 3.
///
/// ```
/// use rieszflow_analytic::Implosion;
/// assert_eq!(Implosion::at(0.25)?.position(1.0), [-0.75, 0.75]);
/// assert_eq!(Implosion::at(1.0)?.position(0.8), [0.0, 0.0]);
/// assert_eq!(Implosion::at(3.0)?.position(1.0), [2.0, 2.0]);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Implosion {
    time: f64,
}

impl Implosion {
    /// The state at the time t.
    ///
    /// # Errors
    /// [`Error::Time`] unless t is finite and ≥ 0.
    pub fn at(time: f64) -> Result<Self, Error> {
        Ok(Self {
            time: check_time(time)?,
        })
    }

    /// The first coordinate a = t − 1, the same for all mass.
    pub fn first_coordinate(&self) -> f64 {
        self.time - 1.0
    }

    /// The largest |b|: |1 − t|.
    pub fn half_width(&self) -> f64 {
        self.first_coordinate().abs()
    }

    /// The mass that sits exactly at b = 0: t up to t = 1, none after.
    pub fn mass_on_axis(&self) -> f64 {
        if self.time <= 1.0 { self.time } else { 0.0 }
    }

    /// Computes the point (a, b) that carries the label b₀ ∈ [−1, 1], the start (−1, b₀) of the
    /// monotone motion.
    ///
    /// Up to t = 1 this is where the particle from (−1, b₀) is. At t = 1 particles lose their
    /// identity; from then on the label b₀ = 2s − 1 stands for the level s of b.
    pub fn position(&self, label: f64) -> [f64; 2] {
        let b = if self.time <= 1.0 {
            label.signum() * (label.abs() - self.time).max(0.0)
        } else {
            label * self.first_coordinate()
        };
        [self.first_coordinate(), b]
    }

    /// Computes F of the state: 1 − t + (1−t)²/2 for t ≤ 1, and −(4/3)(t−1) after.
    ///
    /// ```
    /// use rieszflow_analytic::Implosion;
    /// assert_eq!(Implosion::at(0.0)?.functional(), 1.5);
    /// assert_eq!(Implosion::at(1.75)?.functional(), -1.0);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn functional(&self) -> f64 {
        let depth = self.first_coordinate();
        if depth <= 0.0 {
            0.5 * depth * depth - depth
        } else {
            -4.0 / 3.0 * depth
        }
    }

    /// Computes W₂ between particles of equal mass (N×2, a row each) and the state, exactly (a
    /// length).
    ///
    /// Because a is constant in the state, W₂² is the mean of (aᵢ − a)² plus W₂² of the second
    /// coordinates on the line.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are at least one row and two columns, [`Error::Coordinate`]
    /// unless all are finite.
    ///
    /// ```
    /// use nalgebra::DMatrix;
    /// use rieszflow_analytic::Implosion;
    /// let particles = DMatrix::from_row_slice(1, 2, &[3.0, 4.0]);
    /// assert_eq!(Implosion::at(1.0)?.wasserstein(&particles)?, 5.0);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn wasserstein(&self, particles: &DMatrix<f64>) -> Result<f64, Error> {
        check_shape(particles, 2)?;
        let depths = particles.column(0).add_scalar(-self.first_coordinate());
        let by_depth = depths.norm_squared() / particles.nrows() as f64;
        let widths = DiscreteMeasure::equal(particles.column(1).clone_owned().as_slice())?;
        let (mut by_width, mut before) = (0.0, 0.0);
        for &(b, mass) in widths.steps() {
            by_width += self.squared_distance(b, before, mass);
            before = mass;
        }
        Ok((by_depth + by_width).sqrt())
    }

    /// Computes D² for the distance kernel (r = 1) between particles of equal mass (N×2, a row
    /// each) and the state, exact in the state.
    ///
    /// With h = a − aᵢ, the potential of mass spread uniformly over |b| ≤ w is elementary, by
    /// ∫√(h²+u²) du = ½(u√(h²+u²) + h² asinh(u/|h|)).
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are at least one row and two columns, [`Error::Coordinate`]
    /// unless all are finite.
    ///
    /// ```
    /// use nalgebra::DMatrix;
    /// use rieszflow_analytic::Implosion;
    /// let particles = DMatrix::from_row_slice(1, 2, &[3.0, 4.0]);
    /// assert_eq!(Implosion::at(1.0)?.discrepancy(&particles)?.v_statistic, 5.0);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn discrepancy(&self, particles: &DMatrix<f64>) -> Result<Discrepancy, Error> {
        check_shape(particles, 2)?;
        check_finite(particles)?;
        let weights = equal_weights(particles.nrows());
        let potential = |point: &[f64]| self.potential(point[0], point[1]);
        let energy = -0.5 * self.mean_distance();
        Ok(from_potential(particles, &weights, 1.0, potential, energy))
    }

    /// Computes ∬|x−y| dγ(x) dγ(y) of the state γ, the mean distance of two of its points.
    ///
    /// The atom of mass m and the rest, uniform on |b| ≤ w, contribute m(1−m)w and (1−m)²·2w/3.
    pub fn mean_distance(&self) -> f64 {
        let (atom, width) = (self.mass_on_axis(), self.half_width());
        let spread = 1.0 - atom;
        width * spread * (atom + 2.0 / 3.0 * spread)
    }

    /// ∫|(a,b) − y| dγ(y) of the state γ.
    fn potential(self, a: f64, b: f64) -> f64 {
        let (height, width, atom) = (
            (a - self.first_coordinate()).abs(),
            self.half_width(),
            self.mass_on_axis(),
        );
        let at_centre = height.hypot(b);
        if width == 0.0 {
            return at_centre;
        }
        let primitive = |u: f64| {
            let squared = height * height;
            let bent = if height > 0.0 {
                squared * (u / height).asinh()
            } else {
                0.0
            };
            0.5 * (u * height.hypot(u) + bent)
        };
        let spread = (primitive(b + width) - primitive(b - width)) / (2.0 * width);
        atom * at_centre + (1.0 - atom) * spread
    }

    /// ∫ (point − g(s))² ds over the levels from `low` to `high`, where g is the quantile function
    /// of b.
    fn squared_distance(self, point: f64, low: f64, high: f64) -> f64 {
        let wing = 0.5 * (1.0 - self.mass_on_axis());
        let width = self.half_width();
        // g is linear on the left wing, the atom and the right wing; after the explosion the atom
        // is empty and the wings meet at 0.
        let pieces = [
            (0.0, wing, -width, 0.0),
            (wing, 1.0 - wing, 0.0, 0.0),
            (1.0 - wing, 1.0, 0.0, width),
        ];
        let mut sum = 0.0;
        for (start, end, first, last) in pieces {
            let (from, to) = (low.max(start), high.min(end));
            if from < to {
                let at = |level: f64| first + (last - first) * ((level - start) / (end - start));
                sum += (to - from) * mean_square(point - at(from), point - at(to));
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line;

    #[test]
    fn the_functional_falls_as_fast_as_the_square_of_the_speed() {
        // dF/dt = −∫|v|²; the speeds are (1, −sign(b)) off the axis and (1, 0) on it for t < 1, and
        // (1, 2s−1) after.
        for (time, squared_speed) in [(0.2, 1.0 + 0.8), (0.9, 1.0 + 0.1), (1.5, 1.0 + 1.0 / 3.0)] {
            let step = 1e-6;
            let after = Implosion::at(time + step).unwrap().functional();
            let before = Implosion::at(time - step).unwrap().functional();
            let rate = (after - before) / (2.0 * step);
            assert!((rate + squared_speed).abs() < 1e-9, "t = {time}: {rate}");
        }
    }

    #[test]
    fn functional_is_that_of_many_particles() {
        for time in [0.0, 0.3, 1.0, 1.8] {
            let state = Implosion::at(time).unwrap();
            let n = 2000_usize;
            let points: Vec<[f64; 2]> = (0..n)
                .map(|i| state.position((2 * i + 1) as f64 / n as f64 - 1.0))
                .collect();
            let mut value = 0.0;
            for p in &points {
                value += (if p[0] < 0.0 { p[1].abs() } else { 0.0 } - p[0]) / n as f64;
                for q in points.iter().filter(|q| p[0] >= 0.0 && q[0] >= 0.0) {
                    value -= 0.5 * (p[1] - q[1]).abs() / (n * n) as f64;
                }
            }
            assert!(
                (value - state.functional()).abs() < 1e-6,
                "t = {time}: {value}"
            );
        }
    }

    #[test]
    fn distance_to_its_own_quantiles_is_that_of_the_discretisation() {
        for time in [0.0, 0.25, 0.5, 1.0, 3.0] {
            let state = Implosion::at(time).unwrap();
            let n = 64;
            let particles = DMatrix::from_fn(n, 2, |i, k| {
                state.position((2 * i + 1) as f64 / n as f64 - 1.0)[k]
            });
            // Each quantile stands for a piece of length 2/N (or its stretched image), whose
            // variance is 1/12 of its square.
            let slope = if time <= 1.0 {
                1.0
            } else {
                state.first_coordinate()
            };
            let wings = if time <= 1.0 { 1.0 - time } else { 1.0 };
            let expected = (wings / 12.0).sqrt() * 2.0 / n as f64 * slope;
            let got = state.wasserstein(&particles).unwrap();
            assert!(
                (got - expected).abs() < 1e-15,
                "t = {time}: {got} instead of {expected}"
            );
        }
    }

    #[test]
    fn the_explosion_is_the_repulsion_of_a_dirac_on_the_line() {
        let spread = line::flow(&line::Repulsion, &[0.0; 10], 0.7).unwrap();
        let state = Implosion::at(1.7).unwrap();
        for (level, b) in line::midpoint_levels(10).zip(spread) {
            assert!((state.position(2.0 * level - 1.0)[1] - b).abs() < 1e-15);
        }
    }

    #[test]
    fn discrepancy_is_that_to_many_of_its_quantiles() {
        let particles = DMatrix::from_row_slice(3, 2, &[0.3, 0.2, -0.6, -0.9, 0.5, 0.1]);
        for time in [0.0, 0.4, 1.0, 1.5] {
            let state = Implosion::at(time).unwrap();
            let n = 4000_usize;
            let points: Vec<[f64; 2]> = (0..n)
                .map(|i| state.position((2 * i + 1) as f64 / n as f64 - 1.0))
                .collect();
            let distance = |p: [f64; 2], q: [f64; 2]| (p[0] - q[0]).hypot(p[1] - q[1]);
            let mine: Vec<[f64; 2]> = (0..3)
                .map(|i| [particles[(i, 0)], particles[(i, 1)]])
                .collect();
            let mean = |x: &[[f64; 2]], y: &[[f64; 2]]| {
                let sum: f64 = x
                    .iter()
                    .flat_map(|&p| y.iter().map(move |&q| distance(p, q)))
                    .sum();
                sum / (x.len() * y.len()) as f64
            };
            let expected =
                mean(&mine, &points) - 0.5 * mean(&mine, &mine) - 0.5 * mean(&points, &points);
            let got = state.discrepancy(&particles).unwrap().v_statistic;
            // The midpoint rule's error, of order 1/N².
            assert!(
                (got - expected).abs() < 1e-6,
                "t = {time}: {got} {expected}"
            );
        }
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(Implosion::at(-1.0).is_err() && Implosion::at(f64::NAN).is_err());
        let state = Implosion::at(0.5).unwrap();
        assert!(state.wasserstein(&DMatrix::zeros(0, 2)).is_err());
        assert!(state.wasserstein(&DMatrix::zeros(3, 1)).is_err());
        assert!(
            state
                .wasserstein(&DMatrix::from_element(1, 2, f64::NAN))
                .is_err()
        );
    }
}
