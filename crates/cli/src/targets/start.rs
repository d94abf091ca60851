//! Where a flow starts.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use nalgebra::DMatrix;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use rieszflow_flows::rng::{Purpose, stream};
use serde_with::{DeserializeFromStr, SerializeDisplay};

use super::syntax::{file, numbers, unknown, utf8};
use super::toy::block;
use super::{Loaded, TargetError};
use crate::files::MOST_NUMBERS;
use crate::files::input::Input;
use crate::files::npy::parse_npy;
use crate::files::particles::{Columns, parse_particles};
use crate::numbers::plain;
use crate::setting::{SettingError, check};

/// The measure to flow from, written as in `diracs:-1,0;1,0`.
#[derive(Clone, Debug, PartialEq, SerializeDisplay, DeserializeFromStr)]
pub enum Start {
    /// All particles at one point; a single number stands for all its coordinates.
    Dirac(Vec<f64>),
    /// Atoms of equal weight.
    Diracs(Vec<Vec<f64>>),
    /// Independent draws from the uniform law on \[lo, hi\]ᵈ.
    Uniform(f64, f64),
    /// Independent draws from N(0, I_d).
    Gaussian,
    /// Particles from a CSV file, a row each; rows with a weight share N particles by it.
    Csv(PathBuf),
    /// Particles from a numpy file, a row each.
    Npy(PathBuf),
}

const FORMS: [&str; 6] = [
    "dirac:x1,x2,…",
    "diracs:x1,x2;y1,y2",
    "uniform:lo,hi",
    "gaussian",
    "csv:PATH",
    "npy:PATH",
];

impl Start {
    /// The dimension of the space, if the description alone tells: that of the Diracs.
    pub fn dim(&self) -> Option<usize> {
        match self {
            Self::Dirac(atom) => Some(atom.len()).filter(|&dim| dim > 1),
            Self::Diracs(atoms) => atoms.first().map(Vec::len),
            _ => None,
        }
    }

    /// The file that it is read from; `-` is standard input.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Csv(path) | Self::Npy(path) => Some(path),
            _ => None,
        }
    }

    /// The same start from another file.
    #[must_use]
    pub fn with_path(&self, path: PathBuf) -> Self {
        match self {
            Self::Csv(_) => Self::Csv(path),
            Self::Npy(_) => Self::Npy(path),
            other => other.clone(),
        }
    }

    /// Reads a start as it is written on a command line.
    ///
    /// # Errors
    /// If it is no start, or its path is not UTF-8.
    pub fn from_os_str(text: &OsStr) -> Result<Self, String> {
        utf8(text)?.parse()
    }

    /// The particles at the start, `count`×`dim`; from a file as many as it has rows, with its weights,
    /// and of a CSV file the coordinates that `columns` chooses. Of k Diracs the first N/k particles are
    /// at the first, and so on. Equal seeds give equal particles. A file is read once.
    ///
    /// # Errors
    /// If a file cannot be read, if the start's dimension is not `dim`, or if `count` is less than one
    /// for each Dirac.
    pub fn load(
        &self,
        count: usize,
        dim: usize,
        seed: u64,
        columns: &Columns,
    ) -> Result<Loaded, TargetError> {
        check("dim", dim >= 1, "at least 1", &dim)?;
        let mut rng = stream(seed, Purpose::Start, 0, 1);
        let points = match self {
            Self::Dirac(atom) if atom.len() == 1 => {
                self.at_atoms(&[vec![atom[0]; dim]], count, dim)?
            }
            Self::Dirac(atom) => self.at_atoms(std::slice::from_ref(atom), count, dim)?,
            Self::Diracs(atoms) => self.at_atoms(atoms, count, dim)?,
            Self::Uniform(low, high) => {
                check_count(count, dim, 1)?;
                DMatrix::from_fn(count, dim, |_, _| {
                    let level: f64 = rng.random_range(0.0..=1.0);
                    (1.0 - level) * low + level * high
                })
            }
            Self::Gaussian => {
                check_count(count, dim, 1)?;
                DMatrix::from_fn(count, dim, |_, _| StandardNormal.sample(&mut rng))
            }
            Self::Csv(path) => return self.in_dimension(read_csv(path, columns)?, dim),
            Self::Npy(path) => return self.in_dimension(read_npy(path)?, dim),
        };
        Ok(Loaded::drawn(points))
    }

    /// The particles of the file that it is read from, in the dimension that they have; `None` if it is
    /// not read from a file.
    ///
    /// # Errors
    /// If the file cannot be read or has weights.
    pub(crate) fn read(&self, columns: &Columns) -> Result<Option<Loaded>, TargetError> {
        Ok(match self {
            Self::Csv(path) => Some(read_csv(path, columns)?),
            Self::Npy(path) => Some(read_npy(path)?),
            _ => None,
        })
    }

    fn at_atoms(
        &self,
        atoms: &[Vec<f64>],
        count: usize,
        dim: usize,
    ) -> Result<DMatrix<f64>, TargetError> {
        if let Some(atom) = atoms.iter().find(|atom| atom.len() != dim) {
            return Err(self.wrong_dimension(dim, atom.len()));
        }
        check_count(count, dim, atoms.len())?;
        let atom = |i| &atoms[block(i, count, atoms.len())];
        Ok(DMatrix::from_fn(count, dim, |i, k| atom(i)[k]))
    }

    fn in_dimension(&self, loaded: Loaded, dim: usize) -> Result<Loaded, TargetError> {
        let found = loaded.particles.points.ncols();
        if found == dim {
            return Ok(loaded);
        }
        Err(self.wrong_dimension(dim, found))
    }

    fn wrong_dimension(&self, expected: usize, found: usize) -> TargetError {
        TargetError::Dimension {
            start: self.to_string(),
            expected,
            found,
        }
    }
}

fn read_csv(path: &Path, columns: &Columns) -> Result<Loaded, TargetError> {
    let input = Input::read(path)?;
    let table = parse_particles(input.bytes(), path, columns)?;
    Ok(Loaded::table(table, input))
}

fn read_npy(path: &Path) -> Result<Loaded, TargetError> {
    let input = Input::read(path)?;
    let points = parse_npy(input.bytes(), path)?;
    Ok(Loaded::matrix(points, input))
}

fn check_count(count: usize, dim: usize, least: usize) -> Result<(), SettingError> {
    let (least, most) = (least.max(1), MOST_NUMBERS / dim);
    let expected = format!("between {least} and {most} for this start");
    check(
        "particles",
        (least..=most).contains(&count),
        expected,
        &count,
    )
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "gaussian" => Ok(Self::Gaussian),
            Some(("dirac", atom)) => numbers(atom).map(Self::Dirac),
            Some(("diracs", atoms)) => diracs(atoms),
            Some(("uniform", bounds)) => match numbers(bounds)?[..] {
                [low, high] if low < high => Ok(Self::Uniform(low, high)),
                _ => Err(format!(
                    "expected uniform:lo,hi with lo < hi, not '{text:.100}'"
                )),
            },
            Some(("csv", path)) => file("csv", path).map(Self::Csv),
            Some(("npy", path)) => file("npy", path).map(Self::Npy),
            _ => Err(unknown(text, &FORMS)),
        }
    }
}

fn diracs(text: &str) -> Result<Start, String> {
    let atoms: Vec<Vec<f64>> = text.split(';').map(numbers).collect::<Result<_, _>>()?;
    let dim = atoms[0].len();
    match atoms.iter().find(|atom| atom.len() != dim) {
        None => Ok(Start::Diracs(atoms)),
        Some(other) => Err(format!(
            "expected Diracs of equal dimension, not of {dim} and {}",
            other.len()
        )),
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dirac(atom) => write!(f, "dirac:{}", written(atom)),
            Self::Diracs(atoms) => {
                let atoms: Vec<String> = atoms.iter().map(|atom| written(atom)).collect();
                write!(f, "diracs:{}", atoms.join(";"))
            }
            Self::Uniform(low, high) => write!(f, "uniform:{}", written(&[*low, *high])),
            Self::Gaussian => f.write_str("gaussian"),
            Self::Csv(path) => write!(f, "csv:{}", path.display()),
            Self::Npy(path) => write!(f, "npy:{}", path.display()),
        }
    }
}

fn written(point: &[f64]) -> String {
    let numbers: Vec<String> = point.iter().copied().map(plain).collect();
    numbers.join(",")
}

#[cfg(test)]
mod tests;
