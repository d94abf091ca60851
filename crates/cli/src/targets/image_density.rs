//! A picture as a density in the plane: darkness is mass, and particles are drawn from it.

use std::fmt::{self, Display, Formatter};

use nalgebra::DMatrix;
use rand::{Rng, RngExt};
use rieszflow_flows::rng::{Purpose, stream};
use serde::{Deserialize, Serialize};

use super::{Sampling, TargetError};
use crate::numbers::plain;
use crate::setting::check;

/// Cells along a picture's longer side.
const CELLS: usize = 100;

/// Standard deviations of the background, in cells: mass between the lines.
const BACKGROUND: [f64; 3] = [10.0, 20.0, 50.0];

/// The factor of each part of the background.
const BACKGROUND_WEIGHT: f64 = 0.01;

/// A Gaussian filter is truncated after this many standard deviations.
const TRUNCATION: f64 = 4.0;

/// The largest standard deviation of the filter, in cells.
const LARGEST_SIGMA: f64 = 1000.0;

/// How a picture that is not square is laid into the plane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proportions {
    /// Its longer side has length 1 and its proportions are kept: a circle stays a circle.
    #[default]
    Keep,
    /// It is stretched to the unit square, as in the paper.
    Stretch,
}

impl Proportions {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Keep, Self::Stretch];
}

impl Display for Proportions {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keep => "keep",
            Self::Stretch => "stretch",
        })
    }
}

/// How dark a picture is, 1 at the darkest, on a grid of cells in the plane.
///
/// Every cell is the mean of the picture over its area. The grid has 100 cells along the longer side
/// and as many along the shorter one as make the cells closest to squares; its centre is at 0 up to
/// half a cell. Rows go from the bottom up, so the picture stands upright: of a square picture, cell
/// (i, j) is at ((j − 50)/100, (i − 50)/100), and all are in \[−½, ½\]².
#[derive(Clone, Debug, PartialEq)]
pub struct ImageDensity {
    darkness: DMatrix<f64>,
    /// Width and height in the plane.
    size: [f64; 2],
}

impl ImageDensity {
    /// The density of a picture of `width`×`height` pixels which at column x and row y, counted from
    /// the top, has this darkness; `None` if it is white everywhere.
    pub(super) fn new(
        [width, height]: [u32; 2],
        proportions: Proportions,
        darkness: impl Fn(u32, u32) -> f64,
    ) -> Option<Self> {
        let longer = match proportions {
            Proportions::Keep => [width.max(height); 2],
            Proportions::Stretch => [width, height],
        };
        let grid = [cells(width, longer[0]), cells(height, longer[1])];
        let mut cells = DMatrix::<f64>::zeros(grid[1], grid[0]);
        for y in 0..height {
            for x in 0..width {
                let dark = darkness(x, y);
                for (i, rows) in overlaps(y, height, grid[1]) {
                    for (j, columns) in overlaps(x, width, grid[0]) {
                        cells[(grid[1] - 1 - i, j)] += rows * columns * dark;
                    }
                }
            }
        }
        let size = [(width, longer[0]), (height, longer[1])];
        let size = size.map(|(length, longer)| f64::from(length) / f64::from(longer));
        let darkest = cells.max();
        (darkest > 0.0).then(|| Self {
            darkness: cells / darkest,
            size,
        })
    }

    /// Width and height of the picture in the plane; the longer one is 1.
    pub fn size(&self) -> [f64; 2] {
        self.size
    }

    /// The density G_σ∗f + 0.01·(G₁₀ + G₂₀ + G₅₀)∗f of the darkness f, on its cells. It is not
    /// normalised. G_σ is the Gaussian filter with standard deviation σ in hundredths of the longer
    /// side, truncated at 4σ; at its edges the picture is mirrored.
    ///
    /// # Errors
    /// If σ is not above 0 and at most 1000.
    pub fn density(&self, sigma: f64) -> Result<DMatrix<f64>, TargetError> {
        let valid = sigma > 0.0 && sigma <= LARGEST_SIGMA;
        let expected = format!("greater than 0 and at most {LARGEST_SIGMA} (pixels)");
        check("sigma", valid, expected, &plain(sigma))?;
        let background = BACKGROUND.map(|sigma| self.filtered(sigma) * BACKGROUND_WEIGHT);
        Ok(background
            .into_iter()
            .fold(self.filtered(sigma), |sum, part| sum + part))
    }

    /// Draws `sampling.particles` points of the plane: cells with the probabilities that are
    /// proportional to [`ImageDensity::density`], and a uniform point of each.
    ///
    /// # Errors
    /// If the width `sigma` or the number of particles is unusable.
    pub fn sample(&self, sampling: &Sampling) -> Result<DMatrix<f64>, TargetError> {
        let count = sampling.checked(1)?;
        let density = self.density(sampling.sigma)?;
        let (rows, columns) = density.shape();
        let mut rng = stream(sampling.seed, Purpose::Target, 0, 0);
        let drawn = draw(density.as_slice(), count, &mut rng);
        let mut points = DMatrix::zeros(count, 2);
        for (k, cell) in drawn.into_iter().enumerate() {
            // Column by column in memory.
            let axes = [(cell / rows, columns), (cell % rows, rows)];
            for (axis, (index, cells)) in axes.into_iter().enumerate() {
                let jitter = rng.random_range(-0.5..0.5);
                let cells = cells as f64;
                let place = (index as f64 + jitter - cells / 2.0) / cells;
                points[(k, axis)] = place * self.size[axis];
            }
        }
        Ok(points)
    }

    /// G_σ∗f.
    fn filtered(&self, sigma: f64) -> DMatrix<f64> {
        let (rows, columns) = self.darkness.shape();
        // Cells are not quite square.
        let in_cells = |cells: usize, size: f64| sigma * (cells as f64 / size / CELLS as f64);
        let vertical = gaussian_filter(rows, in_cells(rows, self.size[1]));
        let horizontal = gaussian_filter(columns, in_cells(columns, self.size[0]));
        vertical * &self.darkness * horizontal.transpose()
    }
}

/// The number of cells along a side of a picture whose longer side has [`CELLS`].
fn cells(length: u32, longer: u32) -> usize {
    let (length, longer) = (length as usize, longer.max(1) as usize);
    ((CELLS * length + longer / 2) / longer).max(1)
}

/// The cells that a pixel overlaps when `length` pixels are laid along a side of `cells` cells, each
/// with the share of the cell that the pixel covers.
fn overlaps(pixel: u32, length: u32, cells: usize) -> impl Iterator<Item = (usize, f64)> {
    // In units in which a cell is `length` long and a pixel `cells`.
    let (pixel, length) = (pixel as usize, length as usize);
    let (start, end) = (pixel * cells, (pixel + 1) * cells);
    (start / length..end.div_ceil(length)).map(move |cell| {
        let covered = end.min((cell + 1) * length) - start.max(cell * length);
        (cell, covered as f64 / length as f64)
    })
}

/// The n×n matrix of the Gaussian filter along one axis: the weights are sampled at whole cells
/// within 4σ and normalised, and those beyond an edge are mirrored at it.
fn gaussian_filter(n: usize, sigma: f64) -> DMatrix<f64> {
    let reach = (TRUNCATION * sigma + 0.5) as usize;
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

/// The cell that `at` is when n cells are mirrored again and again: 0 1 … n−1 | n−1 … 1 0.
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
