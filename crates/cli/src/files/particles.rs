//! Particles from a CSV file: a row each, a column per coordinate, and perhaps one for the weights.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use nalgebra::DMatrix;

/// The column that holds weights instead of coordinates.
const WEIGHT: &str = "weight";

/// Weighted or unweighted particles.
#[derive(Clone, Debug, PartialEq)]
pub struct Particles {
    /// The positions, N×d.
    pub points: DMatrix<f64>,
    /// The weights, if the file has a column `weight`: finite, none negative, not all zero.
    pub weights: Option<Vec<f64>>,
}

/// Why particles could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened or is not text in rows of equal length.
    #[error("cannot read {}: {source}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        source: csv::Error,
    },
    /// A field is not a number.
    #[error(
        "{}, line {line}, column '{column}': expected a finite {kind}, not '{given}'",
        path.display()
    )]
    NotANumber {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What kind of number is expected.
        kind: &'static str,
        /// What stands there.
        given: String,
    },
    /// A column is neither a coordinate nor the weights.
    #[error(
        "{}: expected columns of coordinates (x0, x1, …) and perhaps weight, not '{name:.100}'{}",
        path.display(),
        did_you_mean(name)
    )]
    Column {
        /// The file.
        path: PathBuf,
        /// The column's name.
        name: String,
    },
    /// There is nothing to read.
    #[error("{}: expected {expected}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What is missing.
        expected: &'static str,
    },
}

/// Reads particles from a CSV file with a header line such as `x0,x1` or `x0,x1,weight`.
///
/// Coordinates may have other names, but not `step`, `time` or `particle`, which a run's snapshots
/// have beside them, nor a misspelt `weight`. A file whose first line holds nothing but numbers has
/// no header; its columns are coordinates.
///
/// # Errors
/// If the file cannot be read, has no row, no coordinate, a column that is no coordinate, a field that is
/// not a finite number, a negative weight or none above zero; the message names file, line and
/// column.
pub fn read_particles(path: &Path) -> Result<Particles, ReadError> {
    let file = File::open(path).map_err(|error| ReadError::Csv {
        path: path.to_owned(),
        source: error.into(),
    })?;
    parse_particles(file, path)
}

/// Reads particles like [`read_particles`] from anything that gives bytes; `path` is for messages.
///
/// # Errors
/// Those of [`read_particles`].
pub fn parse_particles(reader: impl Read, path: &Path) -> Result<Particles, ReadError> {
    let csv = |source| ReadError::Csv {
        path: path.to_owned(),
        source,
    };
    let missing = |expected| ReadError::Missing {
        path: path.to_owned(),
        expected,
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(reader);
    let mut records = reader.records();
    let first = records.next().transpose().map_err(csv)?;
    let first =
        first.ok_or_else(|| missing("a header line and a row per particle, not an empty file"))?;
    let headerless = first.iter().all(|field| field.parse::<f64>().is_ok());
    let names: Vec<String> = if headerless {
        (0..first.len()).map(|k| format!("x{k}")).collect()
    } else {
        first.iter().map(str::to_owned).collect()
    };
    if names.iter().filter(|&name| name == WEIGHT).count() > 1 {
        return Err(missing("only one column 'weight'"));
    }

    if let Some(name) = names
        .iter()
        .find(|name| !is_coordinate(name) && *name != WEIGHT)
    {
        return Err(ReadError::Column {
            path: path.to_owned(),
            name: name.clone(),
        });
    }

    let mut table = Table::new(path, names);
    if headerless {
        table.push(&first)?;
    }
    for record in records {
        table.push(&record.map_err(csv)?)?;
    }
    let particles = table.finish();
    let massless = |weights: &Vec<f64>| weights.iter().all(|&weight| weight == 0.0);
    match particles.points.shape() {
        (0, _) => Err(missing("at least one row below the header")),
        (_, 0) => Err(missing("at least one column besides 'weight'")),
        _ if particles.weights.as_ref().is_some_and(massless) => {
            Err(missing("a weight above zero, they are all zero"))
        }
        _ => Ok(particles),
    }
}

/// Coordinates may have any name but those of a run's other columns and what looks like a weight.
fn is_coordinate(column: &str) -> bool {
    !["step", "time", "particle"].contains(&column) && did_you_mean(column).is_empty()
}

/// A hint for a name that differs from that of the weights by a few letters.
fn did_you_mean(column: &str) -> &'static str {
    if column.len() < 20 && strsim::damerau_levenshtein(&column.to_lowercase(), WEIGHT) <= 2 {
        "; did you mean 'weight'?"
    } else {
        ""
    }
}

struct Table<'p> {
    path: &'p Path,
    names: Vec<String>,
    coordinates: Vec<f64>,
    weights: Vec<f64>,
    rows: usize,
}

impl<'p> Table<'p> {
    fn new(path: &'p Path, names: Vec<String>) -> Self {
        Self {
            path,
            names,
            coordinates: Vec::new(),
            weights: Vec::new(),
            rows: 0,
        }
    }

    fn push(&mut self, record: &csv::StringRecord) -> Result<(), ReadError> {
        for (name, field) in self.names.iter().zip(record) {
            let is_weight = name == WEIGHT;
            let valid = |number: &f64| number.is_finite() && !(is_weight && *number < 0.0);
            let number = field.parse().ok().filter(valid);
            let number = number.ok_or_else(|| ReadError::NotANumber {
                path: self.path.to_owned(),
                line: record.position().map_or(0, csv::Position::line),
                column: name.clone(),
                kind: if is_weight {
                    "number of at least 0"
                } else {
                    "number"
                },
                given: field.to_owned(),
            })?;
            if is_weight {
                self.weights.push(number);
            } else {
                self.coordinates.push(number);
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn finish(self) -> Particles {
        let weighted = self.names.iter().any(|name| name == WEIGHT);
        let dim = self.names.len() - usize::from(weighted);
        Particles {
            points: DMatrix::from_row_slice(self.rows, dim, &self.coordinates),
            weights: weighted.then_some(self.weights),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Particles, String> {
        let particles = parse_particles(text.as_bytes(), Path::new("particles.csv"));
        particles.map_err(|error| error.to_string())
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_particles_or_an_error(bytes: Vec<u8>, text in "[-0-9.,weight \"\n]{0,60}") {
            for bytes in [&bytes, text.as_bytes()] {
                if let Ok(particles) = parse_particles(bytes, Path::new("particles.csv")) {
                    assert!(particles.points.iter().all(|x| x.is_finite()));
                    let weights = particles.weights.unwrap_or(vec![1.0]);
                    assert!(weights.iter().sum::<f64>() > 0.0);
                }
            }
        }
    }

    #[test]
    fn reads_coordinates_and_weights_in_any_order() {
        let particles = read("weight,x0,x1\n1,2,3\n4, 5 ,6\n").expect("valid");
        assert_eq!(
            particles.points,
            DMatrix::from_row_slice(2, 2, &[2.0, 3.0, 5.0, 6.0])
        );
        assert_eq!(particles.weights, Some(vec![1.0, 4.0]));
        let bare = read("0.5\n-1e-3\n").expect("valid");
        assert_eq!(bare.points, DMatrix::from_row_slice(2, 1, &[0.5, -1e-3]));
        assert_eq!(bare.weights, None);
        let plane = read("a,b\n1,2\n").expect("valid");
        assert_eq!(plane.points, DMatrix::from_row_slice(1, 2, &[1.0, 2.0]));
    }

    #[test]
    fn names_line_and_column_of_what_is_wrong() {
        for (text, expected) in [
            (
                "x0,x1\n1,2\n3,nan\n",
                "line 3, column 'x1': expected a finite number, not 'nan'",
            ),
            ("x0\n1\n\"\"\n", "line 3, column 'x0'"),
            ("x0,x1\n1,2\n3\n", "line: 3"),
            ("", "not an empty file"),
            ("x0\n", "at least one row"),
            ("weight\n1\n", "at least one column"),
            (
                "x0,weight\n1,2\n3,-0.5\n",
                "line 3, column 'weight': expected a finite number of at least 0, not '-0.5'",
            ),
            ("x0,weight\n1,0\n3,0\n", "a weight above zero"),
            ("weight,x0,weight\n1,0,1\n", "only one column 'weight'"),
            (
                "x0,weigth\n1,2\n",
                "expected columns of coordinates (x0, x1, …) and perhaps weight, not 'weigth'; did you mean 'weight'?",
            ),
            ("x0,Weight\n1,2\n", "did you mean 'weight'?"),
            ("step,x0\n0,1\n", "not 'step'"),
        ] {
            let message = read(text).expect_err("invalid");
            assert!(message.contains(expected), "{message}");
        }
    }
}
