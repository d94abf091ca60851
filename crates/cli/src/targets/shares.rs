//! Weighted rows as particles of equal weight, which is what the schemes move.

use nalgebra::DMatrix;
use rand::{Rng, RngExt};

use crate::files::particles::Particles;

/// Rows by their share of the mass.
pub(crate) struct Shares {
    /// The sum of the weights until each row, itself included; empty if all rows weigh the same.
    until: Vec<f64>,
    rows: usize,
}

impl Shares {
    /// The shares of the particles' rows; their weights sum to one.
    pub(crate) fn of(particles: &Particles) -> Self {
        let weights = particles.weights.as_deref().unwrap_or_default();
        let until = weights.iter().scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self {
            until: until.collect(),
            rows: particles.points.nrows(),
        }
    }

    /// The row that holds the part `level` of the mass, counted from the first row, 0 ≤ `level` < 1.
    fn row(&self, level: f64) -> usize {
        let Some(total) = self.until.last() else {
            return (level * self.rows as f64) as usize;
        };
        // Less than the total, so that a last row without weight is never taken.
        self.until.partition_point(|until| *until <= level * total)
    }

    /// `count` rows in proportion to their weights: N times its weight for each, up to rounding.
    pub(crate) fn even(&self, count: usize) -> Vec<usize> {
        let level = |k: usize| (k as f64 + 0.5) / count as f64;
        (0..count).map(|k| self.row(level(k))).collect()
    }

    /// `count` independent draws of a row.
    pub(crate) fn draw(&self, count: usize, rng: &mut impl Rng) -> Vec<usize> {
        (0..count)
            .map(|_| self.row(rng.random_range(0.0..1.0)))
            .collect()
    }
}

/// `count` particles of equal weight that share the weights of the given ones (`count`×d), and how many
/// rows with a weight got none; `None` if all have the same weight already.
pub(crate) fn of_equal_weight(
    particles: &Particles,
    count: usize,
) -> Option<(DMatrix<f64>, usize)> {
    let weights = particles.weights.as_ref()?;
    let rows = Shares::of(particles).even(count);
    let points = particles.points.select_rows(&rows);
    let mut taken = rows;
    taken.dedup();
    let heavy = weights.iter().filter(|&&weight| weight > 0.0).count();
    Some((points, heavy - taken.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn particles(weights: Option<&[f64]>) -> Particles {
        let rows = weights.map_or(4, <[f64]>::len);
        Particles {
            points: DMatrix::from_fn(rows, 1, |i, _| i as f64),
            weights: weights.map(<[f64]>::to_vec),
        }
    }

    #[test]
    fn rows_get_particles_in_proportion_to_their_weights() {
        let weighted = particles(Some(&[0.0, 0.25, 0.5, 0.0, 0.25, 0.0]));
        let (points, missed) = of_equal_weight(&weighted, 8).expect("weights");
        assert_eq!(points.as_slice(), [1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 4.0, 4.0]);
        assert_eq!(missed, 0);
        // One particle for three rows: the one in the middle of the mass.
        let (points, missed) = of_equal_weight(&weighted, 1).expect("weights");
        assert_eq!((points.as_slice(), missed), (&[2.0][..], 2));
        assert_eq!(of_equal_weight(&particles(None), 8), None);
    }

    #[test]
    fn draws_follow_the_weights() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut count = |weights: Option<&[f64]>| {
            let mut counts = [0_i32; 4];
            let rows = Shares::of(&particles(weights)).draw(10_000, &mut rng);
            for row in rows {
                counts[row] += 1;
            }
            counts
        };
        // Standard deviation 43 at most.
        for (found, expected) in [
            (count(None), [2500; 4]),
            (count(Some(&[0.1, 0.0, 0.6, 0.3])), [1000, 0, 6000, 3000]),
        ] {
            let near = found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 220);
            assert!(near, "{found:?}");
        }
    }
}
