//! Borrowed views of particles and of the empirical measures they carry.

use std::ops::Range;

use nalgebra::DMatrix;
use rieszflow_numerics::Real;

/// N particles in ℝᵈ: a block of rows of a column-major matrix, so every coordinate is contiguous.
#[derive(Clone, Copy, Debug)]
pub struct Points<'a, T> {
    entries: &'a [T],
    /// Rows of the whole matrix: the distance between two coordinates of a particle.
    stride: usize,
    start: usize,
    count: usize,
    dim: usize,
}

impl<'a, T: Real> Points<'a, T> {
    /// The `count`×`dim` matrix stored column by column in `entries`.
    ///
    /// # Panics
    /// If `entries` does not hold `count · dim` values.
    pub fn new(entries: &'a [T], count: usize, dim: usize) -> Self {
        assert_eq!(entries.len(), count * dim, "{count} points in ℝ^{dim}");
        Self {
            entries,
            stride: count,
            start: 0,
            count,
            dim,
        }
    }

    /// N, the number of particles.
    pub fn count(&self) -> usize {
        self.count
    }

    /// d, the dimension of the space.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Coordinate `k` of all particles.
    pub fn coordinate(&self, k: usize) -> &'a [T] {
        &self.entries[k * self.stride + self.start..][..self.count]
    }

    /// The particles' projections on coordinate `k`, points on the line.
    #[must_use]
    pub fn only(&self, k: usize) -> Self {
        Self::new(self.coordinate(k), self.count, 1)
    }

    /// The particles in `range`.
    ///
    /// # Panics
    /// If the range reaches beyond the particles.
    #[must_use]
    pub fn rows(&self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.count);
        Self {
            start: self.start + range.start,
            count: range.len(),
            ..*self
        }
    }
}

impl<'a, T: Real> From<&'a DMatrix<T>> for Points<'a, T> {
    fn from(matrix: &'a DMatrix<T>) -> Self {
        Self::new(matrix.as_slice(), matrix.nrows(), matrix.ncols())
    }
}

/// An empirical measure Σ wᵢ δ_{xᵢ}; without weights wᵢ = 1/N.
#[derive(Clone, Copy, Debug)]
pub struct Measure<'a, T> {
    /// The positions xᵢ.
    pub(crate) points: Points<'a, T>,
    /// The weights wᵢ, if they are not all 1/N.
    pub(crate) weights: Option<&'a [T]>,
}

impl<'a, T: Real> Measure<'a, T> {
    /// The positions xᵢ.
    pub fn points(&self) -> Points<'a, T> {
        self.points
    }

    /// The weights wᵢ, if they are not all 1/N.
    pub fn weights(&self) -> Option<&'a [T]> {
        self.weights
    }

    /// Equal weights 1/N.
    pub fn uniform(points: Points<'a, T>) -> Self {
        Self {
            points,
            weights: None,
        }
    }

    /// Given weights, usually nonnegative with sum 1.
    ///
    /// # Panics
    /// If there is not one weight a point.
    pub fn weighted(points: Points<'a, T>, weights: &'a [T]) -> Self {
        assert_eq!(points.count(), weights.len(), "one weight a point");
        Self {
            points,
            weights: Some(weights),
        }
    }
}

/// Two independent minibatches of B particles each, one below the other in a 2B×d matrix.
#[derive(Clone, Copy, Debug)]
pub struct Minibatches<'a, T> {
    points: Points<'a, T>,
    draw: Option<u64>,
}

impl<'a, T: Real> Minibatches<'a, T> {
    /// Reads the upper half of the rows as the first and the lower half as the second minibatch.
    ///
    /// # Panics
    /// If the number of rows is odd.
    pub fn new(points: Points<'a, T>) -> Self {
        assert!(points.count().is_multiple_of(2), "two batches of one size");
        Self { points, draw: None }
    }

    /// The same as draw number `draw` of a training, in which a few atoms may stand for a large target.
    #[must_use]
    pub fn of_draw(self, draw: u64) -> Self {
        Self {
            draw: Some(draw),
            ..self
        }
    }

    /// The number of the draw in its training; by default they are of none.
    pub fn draw(&self) -> Option<u64> {
        self.draw
    }

    /// B, the size of each minibatch.
    pub fn batch(&self) -> usize {
        self.points.count() / 2
    }

    /// The particles of both minibatches, 2B×d.
    pub fn both(&self) -> Points<'a, T> {
        self.points
    }

    /// The first minibatch, B×d.
    pub fn first(&self) -> Points<'a, T> {
        self.points.rows(0..self.batch())
    }

    /// The second minibatch, B×d.
    pub fn second(&self) -> Points<'a, T> {
        self.points.rows(self.batch()..2 * self.batch())
    }
}
