//! Targets that measures flow to, and starts that they flow from, by name or from files.
//!
//! ```
//! use rieszflow_cli::targets::{Columns, Sampling, Start, Target};
//!
//! let sampling = Sampling { particles: 500, ..Sampling::default() };
//! let target: Target = "smiley".parse()?;
//! assert_eq!(target.load(&sampling)?.particles.points.shape(), (500, 2));
//!
//! let start: Start = "diracs:-1,0;1,0".parse()?;
//! let points = start.load(4, 2, 0, &Columns::default())?.particles.points;
//! assert_eq!(points.column(0).as_slice(), [-1.0, -1.0, 1.0, 1.0]);
//!
//! let misspelt = "smily".parse::<Target>().unwrap_err();
//! assert!(misspelt.ends_with("did you mean 'smiley'?"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod data;
mod error;
mod exact;
mod given;
mod image;
mod image_density;
mod loaded;
mod shares;
mod smiley;
mod start;
pub(crate) mod syntax;
mod toy;

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rieszflow_flows::rng::{Purpose, stream};
use serde_with::{DeserializeFromStr, SerializeDisplay};

pub use data::Data;
pub use error::TargetError;
pub use exact::ExactLaw;
pub use given::GivenMeasure;
pub use image::parse_image;
pub use image_density::{ImageDensity, Proportions};
pub use loaded::Loaded;
pub(crate) use loaded::description_of_matrix;
pub use start::Start;

pub(crate) use shares::{Shares, of_equal_weight};

pub use crate::files::particles::Columns;

use crate::files::MOST_NUMBERS;
use crate::files::idx::parse_idx;
use crate::files::input::{Input, name};
use crate::files::npy::parse_npy;
use crate::files::particles::parse_particles;
use crate::setting::{SettingError, check};
use syntax::{file, unknown, utf8};

/// The measure ν to flow to, written as in `image:drawing.png`.
///
/// A map T carries a measure μ to T#μ, so a Dirac to a Dirac: from a start with two atoms it reaches
/// at most two points. All of these are therefore out of reach of maps from few Diracs, and show
/// that plans, which may split every atom, follow the flow all the same.
#[derive(Clone, Debug, PartialEq, SerializeDisplay, DeserializeFromStr)]
pub enum Target {
    /// ½δ₍₁,₁₎ + ½δ₍₋₁,₋₁₎. Two points could be the image of two points, and yet from
    /// ½δ₍₋₁,₁₎ + ½δ₍₁,₋₁₎ no map follows the flow: each atom is equally far from both ends, the flow
    /// is symmetric about the diagonal, and so each atom must send half of its mass to either.
    TwoDiracs,
    /// A face drawn in strokes: curves, which a start of two Diracs can only fill by spreading each
    /// of them over half the face.
    Smiley,
    /// The darkness of a picture (PNG, JPEG or WebP) as a density, see [`ImageDensity`]: mass of any
    /// shape.
    Image(PathBuf),
    /// Particles from a CSV file, a row each, with their weights in a column `weight` if there is one.
    Csv(PathBuf),
    /// Particles from a numpy file, a row each.
    Npy(PathBuf),
    /// Images from an IDX file such as MNIST, each a point in the space of all images. From a single
    /// Dirac, a map could only make one image.
    Idx(PathBuf),
    /// A law with an exact potential: no map takes a Dirac to a density.
    Law(ExactLaw),
    /// The unit circle, every arc with the mass of its length: an atom has to become a curve.
    Circle,
    /// The segment \[−1, 1\]×{0} with uniform mass: an atom has to become a curve, and one whose
    /// dimension is below that of the space.
    Line,
}

/// How a target is drawn or read.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// σ, the standard deviation of the filter that smooths images and the smiley, in hundredths of
    /// the picture's longer side (pixels of a picture of 100×100).
    pub sigma: f64,
    /// How a picture is laid into the plane.
    pub proportions: Proportions,
    /// M, the number of particles of targets that are sampled.
    pub particles: usize,
    /// K, the number of images from an IDX file.
    pub count: usize,
    /// The coordinates of a CSV file.
    pub columns: Columns,
    /// Keys the random numbers.
    pub seed: u64,
}

impl Default for Sampling {
    /// σ = 2, 2000 particles, 100 images, all columns, seed 0.
    fn default() -> Self {
        Self {
            sigma: 2.0,
            proportions: Proportions::default(),
            particles: 2000,
            count: 100,
            columns: Columns::default(),
            seed: 0,
        }
    }
}

/// Most particles of targets that are sampled, all of them in the plane.
const MOST_SAMPLED: usize = MOST_NUMBERS / 2;

const FORMS: [&str; 13] = [
    "two-diracs",
    "smiley",
    "image:PATH",
    "csv:PATH",
    "npy:PATH",
    "idx:PATH",
    "gaussian-mixture:K",
    "circle",
    "line",
    "equilibrium:A",
    "sphere:A",
    "ball:A",
    "gaussian:S",
];

impl Target {
    /// The σ that suits the target: 2 for the smiley's strokes, 0.1 (next to nothing) for the lines
    /// of an image; `None` for targets that are no pictures.
    pub fn default_sigma(&self) -> Option<f64> {
        match self {
            Self::Smiley => Some(2.0),
            Self::Image(_) => Some(0.1),
            _ => None,
        }
    }

    /// What a figure calls it: its name, or that of its file without the folder.
    pub fn title(&self) -> String {
        match self.path() {
            Some(path) => {
                let file = path.file_name().unwrap_or(path.as_os_str());
                name(Path::new(file))
            }
            None => self.to_string(),
        }
    }

    /// The file that it is read from; `-` is standard input.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Image(path) | Self::Csv(path) | Self::Npy(path) | Self::Idx(path) => Some(path),
            _ => None,
        }
    }

    /// The same target from another file.
    #[must_use]
    pub fn with_path(&self, path: PathBuf) -> Self {
        match self {
            Self::Image(_) => Self::Image(path),
            Self::Csv(_) => Self::Csv(path),
            Self::Npy(_) => Self::Npy(path),
            Self::Idx(_) => Self::Idx(path),
            other => other.clone(),
        }
    }

    /// Reads a target as it is written on a command line.
    ///
    /// # Errors
    /// If it is no target, or its path is not UTF-8.
    pub fn from_os_str(text: &OsStr) -> Result<Self, String> {
        utf8(text)?.parse()
    }

    /// The target's particles. Equal samplings give equal particles. A file is read once.
    ///
    /// # Errors
    /// If a file cannot be read or is not what it should be, or a setting of `sampling` that the
    /// target needs is unusable; the message names the file or the setting. Of the exact laws,
    /// particles are drawn of a mixture only.
    pub fn load(&self, sampling: &Sampling) -> Result<Loaded, TargetError> {
        let points = match self {
            Self::TwoDiracs => toy::two_diracs(),
            Self::Smiley => smiley::density()?.sample(sampling)?,
            Self::Law(ExactLaw::GaussianMixture(components)) => {
                let mut rng = stream(sampling.seed, Purpose::Target, 0, 0);
                toy::gaussian_mixture(*components, sampling.checked(*components)?, &mut rng)
            }
            Self::Law(law) => return Err(TargetError::NoParticles(*law)),
            Self::Circle => toy::circle(sampling.checked(1)?),
            Self::Line => toy::line(sampling.checked(1)?),
            Self::Image(path) | Self::Csv(path) | Self::Npy(path) | Self::Idx(path) => {
                return self.interpret(Input::read(path)?, sampling);
            }
        };
        Ok(Loaded::drawn(points))
    }

    /// The particles in what was read from the target's file.
    pub(crate) fn interpret(
        &self,
        input: Input,
        sampling: &Sampling,
    ) -> Result<Loaded, TargetError> {
        let (bytes, path) = (input.bytes(), input.path());
        Ok(match self {
            Self::Image(_) => {
                let picture = parse_image(bytes, path, sampling.proportions)?;
                Loaded::picture(picture.sample(sampling)?, &picture, input)
            }
            Self::Idx(_) => {
                let expected = "at least 1 (images)";
                check("count", sampling.count >= 1, expected, &sampling.count)?;
                Loaded::images(parse_idx(bytes, path, sampling.count)?, input)
            }
            Self::Npy(_) => Loaded::matrix(parse_npy(bytes, path)?, input),
            _ => Loaded::table(parse_particles(bytes, path, &sampling.columns)?, input),
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
                components.map(|count| Self::Law(ExactLaw::GaussianMixture(count)))
            }
            Some((name, size)) => {
                let law = ExactLaw::parse(name, size);
                law.map_or_else(|| Err(unknown(text, &FORMS)), |law| law.map(Self::Law))
            }
            None => Err(unknown(text, &FORMS)),
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
            Self::Law(law) => law.fmt(f),
            Self::Circle => f.write_str("circle"),
            Self::Line => f.write_str("line"),
        }
    }
}

#[cfg(test)]
mod tests;
