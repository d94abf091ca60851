//! Weighted atoms on the line: exact flow event by event, exact JKO step by the jump it lands in.

use super::{Measure, Target};
use crate::error::{Error, check_coordinate, normalised_weights};

/// A discrete probability measure Σ wⱼδ_{yⱼ} on the line.
///
/// ```
/// use rieszflow_analytic::line::{DiscreteMeasure, Target};
/// let measure = DiscreteMeasure::new(&[2.0, 0.0, 2.0], &[1.0, 2.0, 1.0])?;
/// assert_eq!(measure.steps(), [(0.0, 0.5), (2.0, 1.0)]); // sorted, ties joined
/// assert_eq!(measure.cdf(1.0), 0.5);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DiscreteMeasure {
    /// (y₁, W₁), …, (y_M, W_M): increasing atoms with the mass up to and including each; W_M = 1.
    steps: Vec<(f64, f64)>,
}

impl DiscreteMeasure {
    /// The measure with the given atoms, in any order and with ties allowed, and weights, which are
    /// divided by their sum.
    ///
    /// # Errors
    /// [`Error::NoMass`] if there is no atom or all weights are zero; [`Error::Coordinate`],
    /// [`Error::WeightCount`], [`Error::Weight`].
    pub fn new(atoms: &[f64], weights: &[f64]) -> Result<Self, Error> {
        let weights = normalised_weights(weights, atoms.len())?;
        let mut pairs = Vec::with_capacity(atoms.len());
        for (row, (&atom, &weight)) in atoms.iter().zip(&weights).enumerate() {
            pairs.push((check_coordinate(row, atom)?, weight));
        }
        pairs.retain(|&(_, weight)| weight > 0.0);
        pairs.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let mut mass = 0.0;
        for pair in &mut pairs {
            mass += pair.1;
            pair.1 = mass;
        }
        Ok(Self::from_sorted(pairs))
    }

    /// The measure of N particles of equal mass, in any order and with ties allowed.
    ///
    /// # Errors
    /// [`Error::NoMass`] if there is no particle, [`Error::Coordinate`] unless all are finite.
    ///
    /// ```
    /// use rieszflow_analytic::line::{DiscreteMeasure, Target};
    /// let measure = DiscreteMeasure::equal(&[3.0, 1.0, 2.0])?;
    /// assert_eq!(measure.cdf(2.0), 2.0 / 3.0);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn equal(particles: &[f64]) -> Result<Self, Error> {
        if particles.is_empty() {
            return Err(Error::NoMass);
        }
        for (row, &value) in particles.iter().enumerate() {
            check_coordinate(row, value)?;
        }
        let mut sorted = particles.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let count = sorted.len() as f64;
        let masses = sorted
            .iter()
            .enumerate()
            .map(|(i, &x)| (x, (i + 1) as f64 / count));
        Ok(Self::from_sorted(masses.collect()))
    }

    /// Joins ties of increasing atoms that come with the mass up to each.
    fn from_sorted(mut steps: Vec<(f64, f64)>) -> Self {
        steps.dedup_by(|later, kept| {
            let tie = later.0 == kept.0;
            if tie {
                kept.1 = later.1;
            }
            tie
        });
        // Rounding must not leave a rest that would draw mass to infinity.
        if let Some(last) = steps.last_mut() {
            last.1 = 1.0;
        }
        Self { steps }
    }

    /// The steps of the distribution function: each distinct atom, in increasing order, with the
    /// mass up to and including it.
    pub fn steps(&self) -> &[(f64, f64)] {
        &self.steps
    }

    /// W_k, the mass of the first k atoms.
    fn mass(&self, k: usize) -> f64 {
        if k == 0 { 0.0 } else { self.steps[k - 1].1 }
    }
}

impl Target for DiscreteMeasure {
    fn cdf(&self, x: f64) -> f64 {
        self.mass(self.steps.partition_point(|step| step.0 <= x))
    }

    /// Moves with speed 2(s − Wⱼ) between yⱼ and yⱼ₊₁, and rests at yⱼ for Wⱼ₋₁ ≤ s ≤ Wⱼ: piecewise
    /// linear in t, followed from atom to atom.
    fn flow(&self, level: f64, start: f64, time: f64) -> f64 {
        let (mut position, mut remaining) = (start, time);
        let mut passed = self.steps.partition_point(|step| step.0 <= position);
        while level > self.mass(passed) {
            let (speed, next) = (2.0 * (level - self.mass(passed)), self.steps[passed].0);
            let travel = (next - position) / speed;
            if travel >= remaining {
                return (position + speed * remaining).min(next);
            }
            (position, remaining, passed) = (next, remaining - travel, passed + 1);
        }
        let mut passed = self.steps.partition_point(|step| step.0 < position);
        while level < self.mass(passed) {
            let (speed, next) = (2.0 * (self.mass(passed) - level), self.steps[passed - 1].0);
            let travel = (position - next) / speed;
            if travel >= remaining {
                return (position - speed * remaining).max(next);
            }
            (position, remaining, passed) = (next, remaining - travel, passed - 1);
        }
        position
    }

    /// With z = g + 2τs and k the number of atoms with yⱼ + 2τWⱼ < z: g⁺ = min(z − 2τW_k, yₖ₊₁).
    fn backward_step(&self, level: f64, start: f64, tau: f64) -> f64 {
        let shifted = start + 2.0 * tau * level;
        let k = self
            .steps
            .partition_point(|&(atom, mass)| atom + 2.0 * tau * mass < shifted);
        let free = shifted - 2.0 * tau * self.mass(k);
        self.steps.get(k).map_or(free, |next| free.min(next.0))
    }
}

impl Measure for DiscreteMeasure {
    fn quantile(&self, level: f64) -> f64 {
        let below = self.steps.partition_point(|step| step.1 < level);
        self.steps[below.min(self.steps.len() - 1)].0
    }

    fn squared_cdf_difference(&self, low: f64, high: f64, level: f64) -> f64 {
        let (mut sum, mut left) = (0.0, low);
        let mut passed = self.steps.partition_point(|step| step.0 <= low);
        loop {
            let next = self.steps.get(passed).map_or(high, |step| step.0.min(high));
            sum += rectangle(next - left, self.mass(passed) - level);
            if next == high {
                return sum;
            }
            (left, passed) = (next, passed + 1);
        }
    }

    fn squared_quantile_difference(&self, point: f64, low: f64, high: f64) -> f64 {
        let (mut sum, mut from) = (0.0, low);
        for &(atom, mass) in &self.steps[self.steps.partition_point(|step| step.1 <= low)..] {
            let to = mass.min(high);
            sum += rectangle(to - from, point - atom);
            if mass >= high {
                break;
            }
            from = to;
        }
        sum
    }
}

/// width · height², and 0 at height 0 also for infinite width.
pub(super) fn rectangle(width: f64, height: f64) -> f64 {
    if height == 0.0 {
        0.0
    } else {
        width * height * height
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_level_goes_from_atom_to_atom() {
        // Level ¾ from 0: speed 3/2 up to y = 1, then 2(¾ − ½) = ½ up to y = 3, where it rests.
        let target = DiscreteMeasure::new(&[1.0, 3.0], &[1.0, 1.0]).unwrap();
        for (time, expected) in [
            (0.4, 0.6),
            (2.0 / 3.0, 1.0),
            (2.0 / 3.0 + 2.0, 2.0),
            (50.0, 3.0),
        ] {
            assert!((target.flow(0.75, 0.0, time) - expected).abs() < 1e-15);
            assert!((target.flow(0.25, 4.0, time) - (4.0 - expected)).abs() < 1e-15);
        }
        assert_eq!(target.flow(0.5, 1.0, 9.0), 1.0);
        assert_eq!(target.flow(0.5, 2.0, 9.0), 2.0);
    }

    #[test]
    fn backward_step_lands_in_jumps() {
        let target = DiscreteMeasure::new(&[0.0, 1.0], &[1.0, 3.0]).unwrap();
        assert_eq!(target.backward_step(0.1, 0.0, 0.5), 0.0);
        assert_eq!(target.backward_step(0.9, 0.5, 10.0), 1.0);
        assert_eq!(target.backward_step(0.5, 0.2, 0.1), 0.2 + 0.1 - 0.05);
        assert_eq!(target.backward_step(0.5, 9.0, 1.0), 9.0 + 1.0 - 2.0);
    }

    #[test]
    fn bad_input_is_refused() {
        assert_eq!(DiscreteMeasure::new(&[], &[]), Err(Error::NoMass));
        assert_eq!(DiscreteMeasure::equal(&[]), Err(Error::NoMass));
        assert!(DiscreteMeasure::new(&[1.0], &[0.0]).is_err());
        assert!(DiscreteMeasure::new(&[1.0, 2.0], &[1.0]).is_err());
        assert!(DiscreteMeasure::new(&[f64::NAN], &[1.0]).is_err());
        assert!(DiscreteMeasure::equal(&[1.0, f64::INFINITY]).is_err());
    }
}
