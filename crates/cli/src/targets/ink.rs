//! A picture's ink as a density in the plane, and particles drawn from it.

use nalgebra::DMatrix;
use rand::{Rng, RngExt};
use rieszflow_flows::rng::{Purpose, stream};

use super::{Sampling, TargetError};
use crate::numbers::plain;
use crate::setting::check;

/// Pixels a side.
const SIDE: usize = 100;

/// Widths of the faint haze around the ink, in pixels: mass between the lines.
const HAZE: [f64; 3] = [10.0, 20.0, 50.0];

/// How strong the haze is.
const FAINT: f64 = 0.01;

/// A Gaussian filter reaches so many standard deviations far.
const REACH: f64 = 4.0;

/// The widest blur, in pixels.
const WIDEST: f64 = 1000.0;

/// How dark a picture is, on 100×100 pixels whatever its own size, 1 at the darkest.
///
/// Every pixel is the mean of the picture over its area. Rows go from the bottom up: pixel (i, j) is
/// at ((j − 50)/100, (i − 50)/100) in the plane, so the picture stands upright in \[−½, ½\]².
#[derive(Clone, Debug, PartialEq)]
pub struct Ink(DMatrix<f64>);

impl Ink {
    /// The ink of a picture of `width`×`height` pixels which at column x and row y, counted from the
    /// top, is so dark; `None` if it is dark nowhere.
    pub(super) fn new(width: u32, height: u32, darkness: impl Fn(u32, u32) -> f64) -> Option<Self> {
        let mut ink = DMatrix::<f64>::zeros(SIDE, SIDE);
        for y in 0..height {
            for x in 0..width {
                let dark = darkness(x, y);
                for (i, rows) in overlaps(y, height) {
                    for (j, columns) in overlaps(x, width) {
                        ink[(SIDE - 1 - i, j)] += rows * columns * dark;
                    }
                }
            }
        }
        let darkest = ink.max();
        (darkest > 0.0).then(|| Self(ink / darkest))
    }

    /// The density G_σ∗f + 0.01·(G₁₀ + G₂₀ + G₅₀)∗f of the ink f, on its pixels (100×100). It is not
    /// normalised. G_σ is the Gaussian filter with standard deviation σ in pixels, cut off at 4σ;
    /// at its edges the picture is mirrored.
    ///
    /// # Errors
    /// If σ is not above 0 and at most 1000.
    pub fn density(&self, sigma: f64) -> Result<DMatrix<f64>, TargetError> {
        let valid = sigma > 0.0 && sigma <= WIDEST;
        let expected = format!("greater than 0 and at most {WIDEST} (pixels)");
        check("sigma", valid, expected, &plain(sigma))?;
        let haze = HAZE.map(|width| blurred(&self.0, width) * FAINT);
        Ok(haze
            .into_iter()
            .fold(blurred(&self.0, sigma), |sum, haze| sum + haze))
    }

    /// Draws `sampling.particles` points of the plane: pixels (i, j) with the probabilities that are
    /// proportional to [`Ink::density`], moved by U\[−½, ½\]², then placed in \[−½, ½\]².
    ///
    /// # Errors
    /// If the width `sigma` or the number of particles is unusable.
    pub fn sample(&self, sampling: &Sampling) -> Result<DMatrix<f64>, TargetError> {
        let count = sampling.checked(1)?;
        let density = self.density(sampling.sigma)?;
        let mut rng = stream(sampling.seed, Purpose::Target, 0, 0);
        let pixels = draw(density.as_slice(), count, &mut rng);
        let mut points = DMatrix::zeros(count, 2);
        for (k, pixel) in pixels.into_iter().enumerate() {
            // Column by column in memory.
            for (axis, index) in [pixel / SIDE, pixel % SIDE].into_iter().enumerate() {
                let jitter = rng.random_range(-0.5..0.5);
                let side = SIDE as f64;
                points[(k, axis)] = (index as f64 + jitter - side / 2.0) / side;
            }
        }
        Ok(points)
    }
}

/// The cells that a pixel overlaps when `length` pixels are laid along the side, each with the
/// share of the cell that the pixel covers.
fn overlaps(pixel: u32, length: u32) -> impl Iterator<Item = (usize, f64)> {
    // In units in which a cell is `length` long and a pixel SIDE.
    let (pixel, length) = (pixel as usize, length as usize);
    let (start, end) = (pixel * SIDE, (pixel + 1) * SIDE);
    (start / length..end.div_ceil(length)).map(move |cell| {
        let covered = end.min((cell + 1) * length) - start.max(cell * length);
        (cell, covered as f64 / length as f64)
    })
}

/// G_σ∗f for a square picture f.
fn blurred(picture: &DMatrix<f64>, sigma: f64) -> DMatrix<f64> {
    let filter = gaussian_filter(picture.nrows(), sigma);
    &filter * picture * filter.transpose()
}

/// The n×n matrix of the Gaussian filter along one axis: the weights are sampled at whole pixels
/// within 4σ and normalised, and what reaches over an edge is mirrored at it.
fn gaussian_filter(n: usize, sigma: f64) -> DMatrix<f64> {
    let reach = (REACH * sigma + 0.5) as usize;
    let weight = |k: usize| (-0.5 * ((k as f64 - reach as f64) / sigma).powi(2)).exp();
    let sum: f64 = (0..=2 * reach).map(weight).sum();
    let mut filter = DMatrix::zeros(n, n);
    for i in 0..n {
        for k in 0..=2 * reach {
            // i + k − reach, and whole periods 2n so that it is not negative.
            let at = i + k + (2 * n - 1) * reach;
            filter[(i, mirrored(at, n))] += weight(k) / sum;
        }
    }
    filter
}

/// The pixel that stands for `at` when n pixels are mirrored again and again: 0 1 … n−1 | n−1 … 1 0.
fn mirrored(at: usize, n: usize) -> usize {
    let within = at % (2 * n);
    within.min(2 * n - 1 - within)
}

/// `count` independent indices with probabilities proportional to the weights.
fn draw(weights: &[f64], count: usize, rng: &mut impl Rng) -> Vec<usize> {
    let mut sum = 0.0;
    let cumulative: Vec<f64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            sum
        })
        .collect();
    let last = weights.len() - 1;
    let mut index = || {
        let level = rng.random_range(0.0..1.0) * sum;
        cumulative
            .partition_point(|&below| below <= level)
            .min(last)
    };
    (0..count).map(|_| index()).collect()
}

#[cfg(test)]
mod tests;
