//! Targets that measures flow to, and starts that they flow from, by name or from files.
//!
//! ```
//! use rieszflow_cli::targets::{Sampling, Start, Target};
//!
//! let sampling = Sampling { sigma: 2.0, particles: 500, count: 100, seed: 0 };
//! let target: Target = "smiley".parse()?;
//! assert_eq!(target.load(&sampling)?.points.shape(), (500, 2));
//!
//! let start: Start = "diracs:-1,0;1,0".parse()?;
//! let particles = start.load(4, 2, 0)?;
//! assert_eq!(particles.column(0).as_slice(), [-1.0, -1.0, 1.0, 1.0]);
//!
//! let misspelt = "smily".parse::<Target>().unwrap_err();
//! assert!(misspelt.ends_with("did you mean 'smiley'?"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod image;
mod ink;
mod smiley;
mod start;
mod syntax;
mod toy;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rieszflow_flows::rng::{Purpose, stream};
use serde_with::{DeserializeFromStr, SerializeDisplay};

pub use error::TargetError;
pub use image::parse_image;
pub use ink::Ink;
pub use start::Start;

use crate::files::MOST_NUMBERS;
use crate::files::idx::read_idx;
use crate::files::npy::read_npy;
use crate::files::particles::{Particles, read_particles};
use crate::setting::{SettingError, check};
use syntax::{file, unknown};

/// The measure ν to flow to, written as in `image:drawing.png`.
///
/// A map T carries a measure μ to T#μ, so a Dirac to a Dirac: from a start with two atoms it reaches
/// at most two points. All of these are therefore out of reach of maps from few Diracs, and show
/// that plans, which may split every atom, follow the flow all the same.
#[derive(Clone, Debug, PartialEq, Eq, SerializeDisplay, DeserializeFromStr)]
pub enum Target {
    /// ½δ₍₁,₁₎ + ½δ₍₋₁,₋₁₎. Two points could be the image of two points, and yet from
    /// ½δ₍₋₁,₁₎ + ½δ₍₁,₋₁₎ no map follows the flow: each atom is equally far from both ends, the flow
    /// is symmetric about the diagonal, and so each atom must send half of its mass to either.
    TwoDiracs,
    /// A face drawn in strokes: curves, which a start of two Diracs can only fill by spreading each
    /// of them over half the face.
    Smiley,
    /// The ink of a picture (PNG, JPEG or WebP) as a density, see [`Ink`]: mass of any shape.
    Image(PathBuf),
    /// Particles from a CSV file, a row each, with their weights in a column `weight` if there is one.
    Csv(PathBuf),
    /// Particles from a numpy file, a row each.
    Npy(PathBuf),
    /// Images from an IDX file such as MNIST, each a point in the space of all images. From a single
    /// Dirac, a map could only make one image.
    Idx(PathBuf),
    /// K Gaussians of standard deviation 0.1 with means equally spaced on the unit circle: from a
    /// Dirac in the middle, mass leaves in all K directions at once.
    GaussianMixture(usize),
    /// The unit circle, every arc with the mass of its length: an atom has to become a curve.
    Circle,
    /// The segment \[−1, 1\]×{0} with uniform mass: an atom has to become a curve, and one whose
    /// dimension is below that of the space.
    Line,
}

/// How many particles stand for a target, and where its randomness comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// σ, the blur of the ink of images and the smiley, in pixels of a picture of 100×100.
    pub sigma: f64,
    /// M, the number of particles of targets that are sampled.
    pub particles: usize,
    /// K, the number of images from an IDX file.
    pub count: usize,
    /// Keys the random numbers.
    pub seed: u64,
}

/// Most particles of targets that are sampled, all of them in the plane.
const MOST_SAMPLED: usize = MOST_NUMBERS / 2;

const FORMS: [&str; 9] = [
    "two-diracs",
    "smiley",
    "image:PATH",
    "csv:PATH",
    "npy:PATH",
    "idx:PATH",
    "gaussian-mixture:K",
    "circle",
    "line",
];

impl Target {
    /// The blur σ that suits the target: 2 pixels for the smiley's strokes, 0.1 (none to speak of)
    /// for the lines of an image; `None` for targets without ink.
    pub fn default_sigma(&self) -> Option<f64> {
        match self {
            Self::Smiley => Some(2.0),
            Self::Image(_) => Some(0.1),
            _ => None,
        }
    }

    /// What a figure calls it: its name, or that of its file without the folder.
    pub fn title(&self) -> String {
        match self {
            Self::Image(path) | Self::Csv(path) | Self::Npy(path) | Self::Idx(path) => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                name.to_string_lossy().into_owned()
            }
            _ => self.to_string(),
        }
    }

    /// The target's particles, M×d, and their weights, which sum to one; without weights all
    /// particles weigh the same. Equal samplings give equal particles.
    ///
    /// # Errors
    /// If a file cannot be read or is not what it should be, or a setting of `sampling` that the
    /// target needs is unusable; the message names the file or the option.
    pub fn load(&self, sampling: &Sampling) -> Result<Particles, TargetError> {
        let points = match self {
            Self::TwoDiracs => toy::two_diracs(),
            Self::Smiley => smiley::ink()?.sample(sampling)?,
            Self::Image(path) => image::read(path)?.sample(sampling)?,
            Self::Csv(path) => return weighted(path),
            Self::Npy(path) => read_npy(path)?,
            Self::Idx(path) => {
                let expected = "at least 1 (images)";
                check("count", sampling.count >= 1, expected, &sampling.count)?;
                read_idx(path, sampling.count)?
            }
            Self::GaussianMixture(components) => {
                let mut rng = stream(sampling.seed, Purpose::Target, 0, 0);
                toy::gaussian_mixture(*components, sampling.checked(*components)?, &mut rng)
            }
            Self::Circle => toy::circle(sampling.checked(1)?),
            Self::Line => toy::line(sampling.checked(1)?),
        };
        Ok(Particles {
            points,
            weights: None,
        })
    }
}

impl Sampling {
    /// M, if that is at least `least` and no more than can be held.
    fn checked(&self, least: usize) -> Result<usize, SettingError> {
        let valid = (least.max(1)..=MOST_SAMPLED).contains(&self.particles);
        let expected = if least > 1 {
            format!("between {least} (one for each Gaussian) and {MOST_SAMPLED}")
        } else {
            format!("between 1 and {MOST_SAMPLED}")
        };
        check("target-particles", valid, expected, &self.particles)?;
        Ok(self.particles)
    }
}

/// Particles from a CSV file, their weights divided by the sum.
fn weighted(path: &Path) -> Result<Particles, TargetError> {
    let mut particles = read_particles(path)?;
    if let Some(weights) = &mut particles.weights {
        // First by the largest, since the sum of huge weights could overflow.
        let largest = weights.iter().copied().fold(0.0, f64::max);
        let sum: f64 = weights.iter().map(|weight| weight / largest).sum();
        for weight in weights {
            *weight = *weight / largest / sum;
        }
    }
    Ok(particles)
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "two-diracs" => Ok(Self::TwoDiracs),
            None if text == "smiley" => Ok(Self::Smiley),
            None if text == "circle" => Ok(Self::Circle),
            None if text == "line" => Ok(Self::Line),
            Some(("image", path)) => file("image", path).map(Self::Image),
            Some(("csv", path)) => file("csv", path).map(Self::Csv),
            Some(("npy", path)) => file("npy", path).map(Self::Npy),
            Some(("idx", path)) => file("idx", path).map(Self::Idx),
            Some(("gaussian-mixture", count)) => {
                let usable = |count: &usize| (1..=MOST_SAMPLED).contains(count);
                let components = count.parse().ok().filter(usable);
                let components = components.ok_or_else(|| {
                    format!(
                        "expected gaussian-mixture:K with a whole number K between 1 and \
                         {MOST_SAMPLED}, not '{text:.100}'"
                    )
                });
                components.map(Self::GaussianMixture)
            }
            _ => Err(unknown(text, &FORMS)),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwoDiracs => f.write_str("two-diracs"),
            Self::Smiley => f.write_str("smiley"),
            Self::Image(path) => write!(f, "image:{}", path.display()),
            Self::Csv(path) => write!(f, "csv:{}", path.display()),
            Self::Npy(path) => write!(f, "npy:{}", path.display()),
            Self::Idx(path) => write!(f, "idx:{}", path.display()),
            Self::GaussianMixture(count) => write!(f, "gaussian-mixture:{count}"),
            Self::Circle => f.write_str("circle"),
            Self::Line => f.write_str("line"),
        }
    }
}

#[cfg(test)]
mod tests;
