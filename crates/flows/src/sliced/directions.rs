//! Directions on which particles are projected: sets of unit vectors, rotated anew at each use.

use std::f64::consts::PI;

use nalgebra::DMatrix;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};
use rieszflow_numerics::Real;
use rieszflow_numerics::orthogonal::rotate;

use crate::pair_sums::{GradientRows, PairSums};
use crate::rng::{Purpose, stream};
use crate::{Measure, Points, RieszKernel};

/// How the directions of one use lie on the sphere of ℝᵈ.
///
/// On the line there is one direction, and sums are exact. In the plane the directions are equispaced
/// on the half circle, except independent ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectionSet {
    /// Independent and uniform on the sphere.
    Independent,
    /// Blocks of d orthogonal directions.
    OrthogonalBlocks,
    /// Points ξ that maximise Σ|ξₚ−ξ_q| + |ξₚ+ξ_q|, found by projected gradient ascent from orthogonal
    /// blocks; O(P²d) time, once.
    DistancePoints,
}

/// Steps of the ascent to distance points.
const ASCENT: usize = 400;

/// Up to this P²d distance points are the default: they take about a second. With no more directions than
/// dimensions, orthogonal ones are distance points.
const MOST_WORK: usize = 20_000_000;

impl DirectionSet {
    /// The best set that takes no longer than about a second to make.
    pub fn default_for(dim: usize, count: usize) -> Self {
        if count > dim && count * count * dim <= MOST_WORK {
            Self::DistancePoints
        } else {
            Self::OrthogonalBlocks
        }
    }
}

/// P directions in ℝᵈ, but for their rotation.
#[derive(Clone, Debug)]
pub(super) struct Directions {
    pub(super) dim: usize,
    /// P as it was asked for.
    pub(super) asked: usize,
    /// P, which is 1 on the line.
    pub(super) count: usize,
    set: DirectionSet,
    /// d×P, where they are rotated.
    base: DMatrix<f64>,
}

impl Directions {
    /// `count` directions; a single one on the line.
    pub(super) fn new(dim: usize, asked: usize, set: DirectionSet) -> Self {
        let count = if dim == 1 { 1 } else { asked };
        let base = match set {
            _ if dim <= 2 => DMatrix::zeros(dim, 0),
            DirectionSet::Independent => DMatrix::zeros(dim, 0),
            DirectionSet::OrthogonalBlocks => orthogonal_blocks(dim, count),
            DirectionSet::DistancePoints => distance_points(dim, count),
        };
        Self {
            dim,
            asked,
            count,
            set,
            base,
        }
    }

    /// Appends the directions rotated at random, one after the other (d×P, column-major): each is uniform on
    /// the sphere.
    pub(super) fn draw<T: Real>(&self, mut rng: impl Rng, directions: &mut Vec<T>) {
        if self.dim == 1 {
            directions.push(T::one());
        } else if self.set == DirectionSet::Independent {
            let mut direction = vec![0.0; self.dim];
            for _ in 0..self.count {
                fill_unit(&mut direction, &mut rng);
                directions.extend(direction.iter().map(|&x| T::from_f64(x)));
            }
        } else if self.dim == 2 {
            let start: f64 = rng.random_range(0.0..1.0);
            for p in 0..self.count {
                let (sin, cos) = (PI * (p as f64 + start) / self.count as f64).sin_cos();
                directions.extend([T::from_f64(cos), T::from_f64(sin)]);
            }
        } else {
            let mut rotated = self.base.clone();
            rotate_at_random(&mut rotated, &mut rng);
            directions.extend(rotated.iter().map(|&x| T::from_f64(x)));
        }
    }
}

/// Multiplies points (d×P) by a uniformly distributed orthogonal matrix.
fn rotate_at_random(points: &mut DMatrix<f64>, rng: &mut impl Rng) {
    let dim = points.nrows();
    let mut normal = DMatrix::from_fn(dim, dim, |_, _| StandardNormal.sample(rng));
    rotate(normal.as_mut_slice(), dim, points.as_mut_slice());
}

/// A uniformly distributed unit vector.
fn fill_unit(direction: &mut [f64], rng: &mut impl Rng) {
    for x in &mut *direction {
        *x = StandardNormal.sample(rng);
    }
    normalise(direction);
}

fn normalise(direction: &mut [f64]) {
    let norm = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
    for x in direction {
        *x /= norm;
    }
}

/// Blocks of orthogonal directions, each block rotated on its own; d×P.
fn orthogonal_blocks(dim: usize, count: usize) -> DMatrix<f64> {
    let mut directions = DMatrix::zeros(dim, count);
    for (block, start) in (0..count).step_by(dim).enumerate() {
        let mut rng = stream(0, Purpose::Directions, block as u64, dim as u64);
        let len = dim.min(count - start);
        let mut rotated = DMatrix::identity(dim, len);
        rotate_at_random(&mut rotated, &mut rng);
        directions.columns_mut(start, len).copy_from(&rotated);
    }
    directions
}

/// A maximiser of Σ|ξₚ−ξ_q| + |ξₚ+ξ_q| over P points of the sphere; d×P.
///
/// Projected gradient ascent, with steps (d/P)(1 − k/n) along the tangential part of the gradient.
fn distance_points(dim: usize, count: usize) -> DMatrix<f64> {
    let sums = PairSums::<f32>::new(RieszKernel::new(1.0).expect("0 < 1 < 2"));
    let mut points = orthogonal_blocks(dim, count);
    let mut both = DMatrix::<f32>::zeros(2 * count, dim);
    let mut gradient = vec![0.0_f32; count * dim];
    for k in 0..ASCENT {
        for (p, point) in points.column_iter().enumerate() {
            for (j, &x) in point.iter().enumerate() {
                both[(p, j)] = x as f32;
                both[(count + p, j)] = -x as f32;
            }
        }
        let all = Points::from(&both);
        let rows = &mut GradientRows::in_x(&mut gradient, count);
        rows.entries.fill(0.0);
        let (first, all) = (Measure::uniform(all.rows(0..count)), Measure::uniform(all));
        // The sums of measures have weights 1/P and 1/2P.
        sums.energy_gradient(first, all, 2.0 * (count * count) as f64, rows);
        let step = dim as f64 / count as f64 * (1.0 - k as f64 / ASCENT as f64);
        for (p, mut point) in points.column_iter_mut().enumerate() {
            let slope = |j: usize| f64::from(gradient[j * count + p]);
            let radial: f64 = point.iter().enumerate().map(|(j, x)| x * slope(j)).sum();
            for (j, x) in point.iter_mut().enumerate() {
                *x += step * (slope(j) - radial * *x);
            }
            normalise(point.as_mut_slice());
        }
    }
    points
}
