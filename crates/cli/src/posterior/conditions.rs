//! The observations at which posteriors are asked for.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use nalgebra::DMatrix;

use crate::files::input::{FileError, Input, name};
use crate::files::npy::parse_npy;
use crate::files::particles::{Columns, Label, Table, parse_particles};
use crate::numbers::plain;
use crate::setting::{SettingError, check};
use crate::targets::TargetError;
use crate::targets::syntax::{file, numbers, utf8};

/// Observations y, written as in `0.5,-1` for a single one, or a file with one in each row.
#[derive(Clone, Debug, PartialEq)]
pub enum Conditions {
    /// The coordinates of a single observation.
    Single(Vec<f64>),
    /// A CSV file, an observation in each row.
    Csv(PathBuf),
    /// A numpy file, an observation in each row.
    Npy(PathBuf),
}

impl Conditions {
    /// Reads conditions as they are written on a command line.
    ///
    /// # Errors
    /// If they are neither finite numbers nor a file, or the path is not UTF-8.
    pub fn from_os_str(text: &OsStr) -> Result<Self, String> {
        utf8(text)?.parse()
    }

    /// The observations, a row each, for a run whose observed coordinates are called `observed`.
    ///
    /// # Errors
    /// If they have another number of coordinates, a file cannot be read, or its columns have other names.
    pub fn load(&self, observed: &[Label]) -> Result<DMatrix<f64>, TargetError> {
        let points = match self {
            Self::Single(coordinates) => DMatrix::from_row_slice(1, coordinates.len(), coordinates),
            Self::Csv(path) => {
                let input = Input::read(path)?;
                let table = parse_particles(input.bytes(), path, &Columns::default())?;
                in_order(table, observed, path)?
            }
            Self::Npy(path) => parse_npy(Input::read(path)?.bytes(), path)?,
        };
        let (expected, found) = (observed.len(), points.ncols());
        if found != expected {
            return Err(self.wrong_length(observed, found).into());
        }
        Ok(points)
    }

    fn wrong_length(&self, observed: &[Label], found: usize) -> SettingError {
        let s = if observed.len() == 1 { "" } else { "s" };
        let which = if observed.iter().any(|label| label.name.is_some()) {
            format!(" ({})", list(observed))
        } else {
            String::new()
        };
        let expected = format!("{} finite number{s}{which}", observed.len());
        let given = match self {
            Self::Single(_) => self.to_string(),
            _ => format!(
                "{self} with {found} column{}",
                if found == 1 { "" } else { "s" }
            ),
        };
        let error = check("condition", false, expected, &given);
        error.expect_err("refused")
    }
}

/// The columns of a table that bear the names of the observed coordinates, in their order; all columns if
/// the table or the run has no names.
fn in_order(table: Table, observed: &[Label], path: &Path) -> Result<DMatrix<f64>, FileError> {
    let is_named = |labels: &[Label]| labels.iter().all(|label| label.name.is_some());
    if table.particles.weights.is_some() {
        return Err(wrong_columns(path, "no weights", "a column 'weight'"));
    }
    if !is_named(&table.labels) || !is_named(observed) {
        return Ok(table.particles.points);
    }
    let position = |wanted: &Label| {
        table
            .labels
            .iter()
            .position(|label| label.name == wanted.name)
    };
    let positions: Option<Vec<usize>> = observed.iter().map(position).collect();
    let Some(positions) = positions.filter(|positions| positions.len() == table.labels.len())
    else {
        let expected = format!("the columns {}", list(observed));
        return Err(wrong_columns(path, &expected, &list(&table.labels)));
    };
    Ok(table.particles.points.select_columns(&positions))
}

fn wrong_columns(path: &Path, expected: &str, found: &str) -> FileError {
    FileError::Format {
        path: path.to_owned(),
        place: "line 1".to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
        remedy: crate::setting::Phrase::default(),
    }
}

fn list(labels: &[Label]) -> String {
    let names: Vec<String> = labels.iter().map(ToString::to_string).collect();
    names.join(",")
}

impl FromStr for Conditions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("csv", path)) => file("csv", path).map(Self::Csv),
            Some(("npy", path)) => file("npy", path).map(Self::Npy),
            Some(_) => Err(format!(
                "expected finite numbers y1,y2,…, csv:PATH or npy:PATH, not '{text:.100}'"
            )),
            None => numbers(text).map(Self::Single),
        }
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single(coordinates) => {
                let numbers: Vec<String> = coordinates.iter().copied().map(plain).collect();
                f.write_str(&numbers.join(","))
            }
            Self::Csv(path) => write!(f, "csv:{}", name(path)),
            Self::Npy(path) => write!(f, "npy:{}", name(path)),
        }
    }
}

#[cfg(test)]
mod tests;
