//! Targets in the plane that are given by a formula.

use std::f64::consts::TAU;

use nalgebra::DMatrix;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// Standard deviation of each Gaussian of the mixture.
pub(super) const DEVIATION: f64 = 0.1;

/// The points (1, 1) and (−1, −1).
pub(super) fn two_diracs() -> DMatrix<f64> {
    DMatrix::from_row_slice(2, 2, &[1.0, 1.0, -1.0, -1.0])
}

/// `count` equally spaced points on the unit circle.
pub(super) fn circle(count: usize) -> DMatrix<f64> {
    DMatrix::from_fn(count, 2, |i, k| on_circle(i, count)[k])
}

/// The middles of `count` equal parts of \[−1, 1\]×{0}.
pub(super) fn line(count: usize) -> DMatrix<f64> {
    let middle = |i: usize| (2 * i + 1) as f64 / count as f64 - 1.0;
    DMatrix::from_fn(count, 2, |i, k| if k == 0 { middle(i) } else { 0.0 })
}

/// `count` draws, in blocks as equal as possible from each component.
pub(super) fn gaussian_mixture(
    components: usize,
    count: usize,
    rng: &mut impl Rng,
) -> DMatrix<f64> {
    DMatrix::from_fn(count, 2, |i, k| {
        let normal: f64 = StandardNormal.sample(rng);
        on_circle(block(i, count, components), components)[k] + DEVIATION * normal
    })
}

/// The block of item `i` when `count` items are split into blocks as equal as possible.
pub(super) fn block(i: usize, count: usize, blocks: usize) -> usize {
    (i as u128 * blocks as u128 / count as u128) as usize
}

/// Point `i` of `count` equally spaced ones on the unit circle.
pub(super) fn on_circle(i: usize, count: usize) -> [f64; 2] {
    let (sine, cosine) = (TAU * i as f64 / count as f64).sin_cos();
    [cosine, sine]
}
