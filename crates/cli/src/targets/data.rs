//! Data to learn a law from: samples from a file, or drawn from a law.

use std::f64::consts::TAU;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use nalgebra::DMatrix;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};
use rieszflow_flows::rng::{Purpose, stream};
use serde_with::{DeserializeFromStr, SerializeDisplay};

use super::syntax::{unknown, utf8};
use super::{ExactLaw, Loaded, Sampling, Target, TargetError, toy};
use crate::files::MOST_NUMBERS;
use crate::files::idx::image_count;
use crate::files::input::Input;
use crate::files::particles::Columns;
use crate::setting::check;

/// Samples of a law, written as in `csv:samples.csv`.
#[derive(Clone, Debug, PartialEq, SerializeDisplay, DeserializeFromStr)]
pub enum Data {
    /// From a CSV, numpy or IDX file, a row or an image each.
    File(Target),
    /// K Gaussians of equal weight and standard deviation 0.1, with means equally spaced on the unit circle
    /// of the first two coordinates: the exact law `gaussian-mixture:K`.
    GaussianMixture(usize),
    /// Three circles in the plane about 0, of radius 1/3, 2/3 and 1 and equal weight, blurred by normal noise
    /// of standard deviation 0.02.
    Rings,
    /// Uniform on the eight dark squares of a 4×4 checkerboard on \[−1, 1\]².
    Checkerboard,
}

/// How many samples of a law are drawn if not said otherwise.
const DRAWN: usize = 11_000;

/// Standard deviation of the noise of the rings.
const BLUR: f64 = 0.02;

const FORMS: [&str; 6] = [
    "csv:PATH",
    "npy:PATH",
    "idx:PATH",
    "gaussian-mixture:K",
    "rings",
    "checkerboard",
];

impl Data {
    /// The file that it is read from; `-` is standard input.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(file) => file.path(),
            _ => None,
        }
    }

    /// The same data from another file.
    #[must_use]
    pub fn with_path(&self, path: PathBuf) -> Self {
        match self {
            Self::File(file) => Self::File(file.with_path(path)),
            law => law.clone(),
        }
    }

    /// What a figure calls it.
    pub fn title(&self) -> String {
        match self {
            Self::File(file) => file.title(),
            law => law.to_string(),
        }
    }

    /// Reads data as it is written on a command line.
    ///
    /// # Errors
    /// If it is no data, or its path is not UTF-8.
    pub fn from_os_str(text: &OsStr) -> Result<Self, String> {
        utf8(text)?.parse()
    }

    /// The first `count` samples of a file, by default all, or `count` independent draws of a law in ℝ^`dim`,
    /// by default 11,000. Equal seeds give equal draws. A file is read once.
    ///
    /// # Errors
    /// If a file cannot be read, has fewer samples or samples with weights, or if there is no such law in ℝ^`dim`.
    pub fn load(
        &self,
        count: Option<usize>,
        dim: usize,
        columns: &Columns,
        seed: u64,
    ) -> Result<Loaded, TargetError> {
        let Self::File(file) = self else {
            return Ok(Loaded::drawn(self.draw(
                count.unwrap_or(DRAWN),
                dim,
                &mut stream(seed, Purpose::Target, 0, 0),
            )?));
        };
        let input = Input::read(file.path().unwrap_or(Path::new("-")))?;
        let images = match file {
            Target::Idx(path) => image_count(input.bytes(), path)?,
            _ => 1,
        };
        let sampling = Sampling {
            columns: columns.clone(),
            count: count.unwrap_or(images),
            ..Sampling::default()
        };
        let mut loaded = file.interpret(input, &sampling)?;
        let expected = "samples of equal weight, without a column weight";
        check("data", loaded.particles.weights.is_none(), expected, file)?;
        let points = &mut loaded.particles.points;
        let found = points.nrows();
        let wanted = count.unwrap_or(found);
        let expected = format!("between 1 and {found}, the number of samples in {file}");
        check("count", (1..=found).contains(&wanted), expected, &wanted)?;
        if wanted < found {
            *points = points.rows(0, wanted).into_owned();
        }
        Ok(loaded)
    }

    /// The dimension that a law has to have.
    fn check_dim(&self, dim: usize) -> Result<(), TargetError> {
        let (valid, expected) = match self {
            Self::GaussianMixture(_) => (dim >= 2, "at least 2 for gaussian-mixture"),
            _ => (dim == 2, "2, the plane, for rings and checkerboard"),
        };
        Ok(check("dim", valid, expected, &dim)?)
    }

    fn draw(
        &self,
        count: usize,
        dim: usize,
        rng: &mut impl Rng,
    ) -> Result<DMatrix<f64>, TargetError> {
        self.check_dim(dim)?;
        let most = MOST_NUMBERS / dim;
        let expected = format!("between 1 and {most}");
        check("count", (1..=most).contains(&count), expected, &count)?;
        let mut points = DMatrix::zeros(count, dim);
        let normal = |rng: &mut _| -> f64 { StandardNormal.sample(rng) };
        for mut row in points.row_iter_mut() {
            match self {
                Self::GaussianMixture(components) => {
                    let centre = toy::on_circle(rng.random_range(0..*components), *components);
                    let means = centre.into_iter().chain(std::iter::repeat(0.0));
                    for (x, mean) in row.iter_mut().zip(means) {
                        *x = mean + toy::DEVIATION * normal(rng);
                    }
                }
                Self::Rings => {
                    let radius = f64::from(rng.random_range(1..=3_u32)) / 3.0;
                    let (sine, cosine) = rng.random_range(0.0..TAU).sin_cos();
                    row[0] = radius * cosine + BLUR * normal(rng);
                    row[1] = radius * sine + BLUR * normal(rng);
                }
                _ => {
                    let square = rng.random_range(0..8_u32);
                    let (line, place) = (square / 2, square % 2);
                    let corners = [2 * place + line % 2, line];
                    for (x, corner) in row.iter_mut().zip(corners) {
                        *x = -1.0 + 0.5 * (f64::from(corner) + rng.random_range(0.0..1.0));
                    }
                }
            }
        }
        Ok(points)
    }
}

impl FromStr for Data {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':').unwrap_or((text, "")) {
            ("rings", "") => Ok(Self::Rings),
            ("checkerboard", "") => Ok(Self::Checkerboard),
            ("csv" | "npy" | "idx", _) => text.parse().map(Self::File),
            ("gaussian-mixture", _) => match text.parse()? {
                Target::Law(ExactLaw::GaussianMixture(count)) => Ok(Self::GaussianMixture(count)),
                _ => Err(unknown(text, &FORMS)),
            },
            _ => Err(unknown(text, &FORMS)),
        }
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.fmt(f),
            Self::GaussianMixture(count) => ExactLaw::GaussianMixture(*count).fmt(f),
            Self::Rings => f.write_str("rings"),
            Self::Checkerboard => f.write_str("checkerboard"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(text: &str, count: usize, dim: usize) -> DMatrix<f64> {
        let data: Data = text.parse().expect("valid");
        assert_eq!(data.to_string(), text);
        let loaded = data.load(Some(count), dim, &Columns::default(), 5);
        loaded.expect("draws").particles.points
    }

    #[test]
    fn draws_follow_their_laws() {
        let dark = |x: &f64, y: &f64| {
            let square = |x: &f64| ((x + 1.0) / 0.5).floor() as i64;
            (square(x) + square(y)) % 2 == 0
        };
        let board = draws("checkerboard", 4000, 2);
        assert!(board.row_iter().all(|row| dark(&row[0], &row[1])));
        assert!(board.amax() <= 1.0);
        for column in board.column_iter() {
            assert!(column.mean().abs() < 0.05);
            assert!((column.variance() - 1.0 / 3.0).abs() < 0.03);
        }
        let rings = draws("rings", 3000, 2);
        let near = |row: nalgebra::DVector<f64>| {
            let ring = (3.0 * row.norm()).round() / 3.0;
            (row.norm() - ring).abs() < 6.0 * BLUR
        };
        assert!(rings.row_iter().all(|row| near(row.transpose())));
        let inner = rings.row_iter().filter(|row| row.norm() < 0.5).count();
        assert!((inner as f64 - 1000.0).abs() < 150.0, "{inner}");
        let mixture = draws("gaussian-mixture:5", 5000, 6);
        let law = ExactLaw::GaussianMixture(5).law(6, 1.0).expect("a law");
        let found = crate::ranks::discrepancy_to_law(&mixture, None, &law, 1.0).expect("D²");
        let floor = -law.energy(1.0).expect("an energy") / 5000.0;
        assert!((found.v_statistic / floor - 1.0).abs() < 0.5, "{found:?}");
    }

    #[test]
    fn other_data_is_refused() {
        let refused = |text: &str| text.parse::<Data>().expect_err("no data");
        assert!(refused("ring").ends_with("did you mean 'rings'?"));
        assert!(refused("smiley").starts_with("expected csv:PATH, npy:PATH, idx:PATH"));
        assert!(refused("rings:3").starts_with("expected csv:PATH"));
        assert!(refused("gaussian-mixture:0").contains("between 1 and"));
        let load = |data: Data, count, dim| {
            let loaded = data.load(Some(count), dim, &Columns::default(), 0);
            loaded.expect_err("refused").to_string()
        };
        assert!(load(Data::Rings, 10, 3).contains("2, the plane"));
        assert!(load(Data::Checkerboard, 0, 2).contains("between 1 and"));
        assert!(load(Data::GaussianMixture(2), 10, 1).contains("at least 2"));
    }
}
