//! A panel of particles as data, and the colours it is drawn in.

use nalgebra::DMatrix;

use super::axis::is_drawable;
use super::canvas::Color;

pub(super) const PARTICLES: Color = Color::BLUE;
pub(super) const TARGET: Color = Color::GREY;
pub(super) const SUPPORT: Color = Color::VERMILLION;

/// Exact support of a measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Support {
    /// The ball of this radius about 0; an interval on the line.
    Ball(f64),
    /// The sphere of this radius about 0.
    Sphere(f64),
    /// The segment in the plane between two points.
    Segment([f64; 2], [f64; 2]),
}

impl Support {
    /// The smallest and the largest value of the first or second coordinate.
    pub(super) fn range(self, index: usize) -> [f64; 2] {
        match self {
            Self::Ball(radius) | Self::Sphere(radius) => [-radius, radius],
            Self::Segment(from, to) => [from[index], to[index]],
        }
    }
}

/// What one panel shows: particles at one time.
#[derive(Clone, Debug)]
pub struct Panel<'a> {
    /// Written above the panel, such as `t = 0.4`.
    pub title: String,
    /// N×d. Rows that are not finite are left out. Without rows (0×d) the panel shows the target
    /// alone.
    pub particles: &'a DMatrix<f64>,
    /// Particles of the target, M×d, drawn in grey underneath.
    pub target: Option<&'a DMatrix<f64>>,
    /// Where the closed form of the flow has its mass at this time, outlined on top.
    pub support: Option<Support>,
}

impl Panel<'_> {
    /// Whether there is nothing but the target to show.
    pub(super) fn is_of_target(&self) -> bool {
        self.particles.nrows() == 0 && self.target.is_some()
    }
}

/// The finite values of one coordinate; empty if the matrix has fewer coordinates.
pub(super) fn coordinate(points: &DMatrix<f64>, index: usize) -> impl Iterator<Item = f64> {
    let columns = points.column_iter().skip(index).take(1);
    columns
        .flat_map(|c| c.into_iter().copied())
        .filter(|&v| is_drawable(v))
}
