//! What a target or a start is once it is read or drawn.

use std::path::Path;

use nalgebra::DMatrix;

use super::ImageDensity;
use crate::files::idx::Images;
use crate::files::input::{Input, name};
use crate::files::particles::{Particles, Table};

/// The particles of a target or a start, and where they come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The particles, M×d; the weights sum to one, without them all particles weigh the same.
    pub particles: Particles,
    /// What was read from a file, in one line for people.
    pub description: Option<String>,
    /// Rows and columns of the images, if each particle is one.
    pub image_shape: Option<(usize, usize)>,
    /// Width and height in the plane of the picture that the particles are drawn from.
    pub aspect: Option<(f64, f64)>,
    /// The bytes that were read.
    pub input: Option<Input>,
}

impl Loaded {
    /// Particles of equal weight that come from no file.
    pub(super) fn drawn(points: DMatrix<f64>) -> Self {
        Self {
            particles: Particles {
                points,
                weights: None,
            },
            description: None,
            image_shape: None,
            aspect: None,
            input: None,
        }
    }

    /// Particles from a numpy file.
    pub(super) fn matrix(points: DMatrix<f64>, input: Input) -> Self {
        let text = description_of_matrix(&points, input.path());
        Self::drawn(points).with_source(text, input)
    }

    /// Particles from a CSV file, their weights divided by the sum.
    pub(super) fn table(table: Table, input: Input) -> Self {
        let mut particles = table.particles;
        if let Some(weights) = &mut particles.weights {
            // First by the largest, since the sum of huge weights could overflow.
            let largest = weights.iter().copied().fold(0.0, f64::max);
            let sum: f64 = weights.iter().map(|weight| weight / largest).sum();
            for weight in weights {
                *weight = *weight / largest / sum;
            }
        }
        let weights = particles.weights.take();
        let mut loaded = Self::drawn(particles.points).with_source(table.description, input);
        loaded.particles.weights = weights;
        loaded
    }

    /// Images, each a particle.
    pub(super) fn images(images: Images, input: Input) -> Self {
        let (rows, columns) = (images.rows, images.columns);
        let count = images.pixels.nrows();
        let s = if count == 1 { "" } else { "s" };
        let name = name(input.path());
        let text = format!("{name}: {count} image{s} of {rows}×{columns} pixels");
        let mut loaded = Self::drawn(images.pixels).with_source(text, input);
        loaded.image_shape = Some((rows, columns));
        loaded
    }

    /// Particles drawn from a picture.
    pub(super) fn picture(points: DMatrix<f64>, picture: &ImageDensity, input: Input) -> Self {
        let [width, height] = picture.size();
        let name = name(input.path());
        let text = format!("{name}: a picture, {width:.3}×{height:.3} in the plane");
        let mut loaded = Self::drawn(points).with_source(text, input);
        loaded.aspect = Some((width, height));
        loaded
    }

    fn with_source(self, description: String, input: Input) -> Self {
        Self {
            description: Some(description),
            input: Some(input),
            ..self
        }
    }
}

/// A line about particles from a numpy file.
pub(crate) fn description_of_matrix(points: &DMatrix<f64>, path: &Path) -> String {
    let (count, dim) = points.shape();
    let s = if count == 1 { "" } else { "s" };
    format!("{}: {count} particle{s} in dimension {dim}", name(path))
}
