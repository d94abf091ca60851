//! Particles from a CSV file: a row each, a column per coordinate, and perhaps one for the weights.

mod columns;
mod fields;
mod header;
mod records;
mod row_numbers;

use std::path::Path;

use nalgebra::DMatrix;

pub use columns::{Columns, Label};

use super::input::{FileError, Input, MOST_NUMBERS, name};
use crate::setting::Phrase;
use header::Header;
use records::{Record, Records};
use row_numbers::RowNumbers;

/// Weighted or unweighted particles.
#[derive(Clone, Debug, PartialEq)]
pub struct Particles {
    /// The positions, N×d.
    pub points: DMatrix<f64>,
    /// The weights, if the file has a column `weight`: finite, none negative, not all zero.
    pub weights: Option<Vec<f64>>,
}

impl Particles {
    /// Particles of equal weight.
    pub fn equal(points: DMatrix<f64>) -> Self {
        Self {
            points,
            weights: None,
        }
    }
}

/// Particles and how they were read.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What was read.
    pub particles: Particles,
    /// Where each coordinate stands in the file.
    pub labels: Vec<Label>,
    /// A line for people: the file, the number of particles, the dimension, which columns are
    /// coordinates, weights or left out.
    pub description: String,
}

/// Reads particles from a CSV file with a header line such as `x0,x1` or `x0,x1,weight`; `-` is
/// standard input.
///
/// All columns but `weight` are coordinates, or those that `columns` chooses. A file whose first line
/// holds nothing but numbers has no header. Fields are separated by commas, semicolons or tabs,
/// whichever the first line has.
///
/// Unless `columns` chooses, these are refused: columns of row numbers or without a name, names that
/// two columns have, names like `weigth`, and those of a run's snapshots (`step`, `time`,
/// `particle`). So is a first line that mixes numbers and names, or may be a header of numbers
/// (`0,1`).
///
/// # Errors
/// If the file cannot be read, has no row, no coordinate, a field that is not a finite number, a
/// negative weight or none above zero, or is refused as above. The message names file, line, field
/// and what can be done.
pub fn read_particles(path: &Path, columns: &Columns) -> Result<Table, FileError> {
    parse_particles(Input::read(path)?.bytes(), path, columns)
}

/// Reads particles like [`read_particles`] from the bytes of a file; `path` is for messages.
///
/// ```
/// use std::path::Path;
///
/// use rieszflow_cli::files::particles::{Columns, parse_particles};
///
/// let table = parse_particles(b"x,y\n1,2\n3,4\n", Path::new("a.csv"), &Columns::default())?;
/// assert_eq!(table.particles.points.shape(), (2, 2));
/// assert_eq!(table.description, "a.csv: 2 particles in dimension 2, columns 'x', 'y'");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of [`read_particles`].
pub fn parse_particles(bytes: &[u8], path: &Path, columns: &Columns) -> Result<Table, FileError> {
    let file = CsvFile { path };
    let mut records = Records::new(bytes, file)?;
    let mut record = Record::default();
    if !records.read(&mut record)? {
        let expected = "a header line and a row per particle";
        return Err(file.error("line 1", expected, "an empty file"));
    }
    let header = Header::new(&record, columns, file)?;
    let mut rows = Rows::new(&header, file);
    if !header.is_named() {
        rows.push(&record)?;
    }
    let mut last_line = record.last_line;
    let mut decimal = true;
    while records.read(&mut record)? {
        rows.check_shape(&record, last_line)?;
        rows.push(&record)?;
        last_line = record.last_line;
        decimal &= record.fields.iter().all(fields::is_decimal);
    }
    header.check_numbers(columns, decimal)?;
    let (separator, which) = (records.separator(), header.description());
    let labels = header.labels();
    let particles = rows.finish(columns)?;
    let (count, dim) = particles.points.shape();
    let s = if count == 1 { "" } else { "s" };
    let description = format!(
        "{}: {count} particle{s} in dimension {dim}, {which}{separator}",
        name(path)
    );
    Ok(Table {
        particles,
        labels,
        description,
    })
}

/// The file that messages name.
#[derive(Clone, Copy)]
struct CsvFile<'p> {
    path: &'p Path,
}

impl CsvFile<'_> {
    fn error(
        self,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> FileError {
        FileError::Format {
            path: self.path.to_owned(),
            place: place.into(),
            expected: expected.into(),
            found: found.into(),
            remedy: Phrase::default(),
        }
    }
}

/// Coordinates and weights of the rows so far.
struct Rows<'h> {
    file: CsvFile<'h>,
    header: &'h Header<'h>,
    coordinates: Vec<f64>,
    weights: Vec<f64>,
    count: usize,
    row_numbers: RowNumbers,
}

impl<'h> Rows<'h> {
    fn new(header: &'h Header<'h>, file: CsvFile<'h>) -> Self {
        Self {
            file,
            header,
            coordinates: Vec::new(),
            weights: Vec::new(),
            count: 0,
            row_numbers: RowNumbers::new(header.coordinates().len()),
        }
    }

    /// Refuses a row that is longer or shorter than the first, and an empty line where it may be a
    /// missing number; the row before ended at `last_line`.
    fn check_shape(&self, record: &Record, last_line: u64) -> Result<(), FileError> {
        let (expected, found) = (self.header.width(), record.fields.len());
        if found == 1 && expected == 1 && record.line > last_line + 1 {
            let place = format!("line {}", last_line + 1);
            return Err(self.file.error(place, "a number", "an empty line"));
        }
        if found == expected {
            return Ok(());
        }
        let place = format!("line {}", record.line);
        if record.fields[0].starts_with(b"#") {
            let error = self.file.error(place, "a row of numbers", "a comment");
            return Err(
                error.with_remedy("delete the comments, or all of them but a header '# x,y'")
            );
        }
        let s = if expected == 1 { "" } else { "s" };
        let error = self.file.error(
            place,
            format!("{expected} field{s} as in the first line"),
            found.to_string(),
        );
        let nameless = found == expected + 1 && self.header.is_named();
        Err(if nameless {
            error.with_remedy(
                "if row numbers or row names without a header stand first, write the file without \
                 them (in R: row.names = FALSE)",
            )
        } else {
            error
        })
    }

    fn push(&mut self, record: &Record) -> Result<(), FileError> {
        let coordinates = self.header.coordinates();
        if self.coordinates.len() + coordinates.len() > MOST_NUMBERS {
            let place = format!("line {}", record.line);
            let expected = format!("at most {MOST_NUMBERS} numbers");
            return Err(self.file.error(place, expected, "more"));
        }
        for (index, &column) in coordinates.iter().enumerate() {
            let number = self.number(record, column, "a finite number", f64::is_finite)?;
            self.row_numbers.push(index, number);
            self.coordinates.push(number);
        }
        if let Some(column) = self.header.weight() {
            let expected = "a finite number of at least 0";
            let valid = |weight: f64| weight >= 0.0 && weight.is_finite();
            self.weights
                .push(self.number(record, column, expected, valid)?);
        }
        self.count += 1;
        Ok(())
    }

    fn number(
        &self,
        record: &Record,
        column: usize,
        expected: &str,
        valid: impl Fn(f64) -> bool,
    ) -> Result<f64, FileError> {
        let field = fields::text(&record.fields[column]);
        let number = field.parse().ok().filter(|&number| valid(number));
        number.ok_or_else(|| {
            let place = format!("line {}, {}", record.line, self.header.name(column));
            let error = self.file.error(place, expected, fields::quoted(&field));
            match fields::remedy(&field) {
                Some(remedy) => error.with_remedy(remedy),
                None => error,
            }
        })
    }

    fn finish(self, columns: &Columns) -> Result<Particles, FileError> {
        let (file, header) = (self.file, self.header);
        let missing = |expected: &str, found: &str| Err(file.error("as a whole", expected, found));
        if self.count == 0 {
            return missing("at least one row below the header", "the header alone");
        }
        if header.weight().is_some() && self.weights.iter().all(|&weight| weight == 0.0) {
            return missing("a weight above zero", "weights that are all zero");
        }
        if *columns == Columns::default() {
            header.check_row_numbers(&self.row_numbers)?;
        }
        let dim = header.coordinates().len();
        Ok(Particles {
            points: DMatrix::from_row_slice(self.count, dim, &self.coordinates),
            weights: header.weight().map(|_| self.weights),
        })
    }
}

#[cfg(test)]
mod tests;
