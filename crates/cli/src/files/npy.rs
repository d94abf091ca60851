//! Matrices in numpy's own format, written by `numpy.save("particles.npy", array)`.

use std::io::Read;
use std::path::Path;

use nalgebra::DMatrix;

use super::{FileError, MOST_NUMBERS, Source};

const MAGIC: [u8; 6] = *b"\x93NUMPY";

/// numpy itself writes headers of a few hundred bytes.
const LONGEST_HEADER: usize = 65_535;

/// Magic, version 1.0 and the header of a `.npy` file of floats in C order, padded so that the data
/// start at a multiple of 64 bytes.
pub(super) fn header(shape: &[usize]) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if axes.len() == 1 { "," } else { "" };
    let dictionary = format!(
        "{{'descr': '<f8', 'fortran_order': False, 'shape': ({}{comma}), }}",
        axes.join(", ")
    );
    // Magic and length take 10 bytes, the final newline one.
    let length = (10 + dictionary.len() + 1).next_multiple_of(64) - 10;
    let mut header = [&MAGIC[..], &[1, 0]].concat();
    header.extend((length as u16).to_le_bytes());
    header.extend(format!("{dictionary:width$}\n", width = length - 1).bytes());
    header
}

/// Reads a matrix of finite numbers from a `.npy` file: versions 1.0 to 3.0, little-endian `f4` or
/// `f8`, `i4` or `i8`, or `u1`, in C or Fortran order.
///
/// # Errors
/// [`FileError::Io`] if the file cannot be read, [`FileError::Format`] if it is another format, type
/// or shape, is too short, holds more than [`MOST_NUMBERS`] or one that is not finite.
pub fn read_npy(path: &Path) -> Result<DMatrix<f64>, FileError> {
    matrix(Source::open(path)?)
}

/// Reads a matrix like [`read_npy`] from anything that gives bytes; `path` is for messages.
///
/// # Errors
/// Those of [`read_npy`].
pub fn parse_npy(reader: impl Read, path: &Path) -> Result<DMatrix<f64>, FileError> {
    matrix(Source::new(reader, path))
}

fn matrix(mut source: Source<'_, impl Read>) -> Result<DMatrix<f64>, FileError> {
    let layout = Layout::read(&mut source)?;
    let (rows, columns) = layout.shape;
    let count = rows.checked_mul(columns);
    let count = count.filter(|count| (1..=MOST_NUMBERS).contains(count));
    let count = count.ok_or_else(|| {
        let expected = format!("a matrix of 1 to {MOST_NUMBERS} numbers");
        source.unexpected(expected, format!("one of shape ({rows}, {columns})"))
    })?;
    let size = layout.entry.size();
    let what = format!("data for the shape ({rows}, {columns})");
    let bytes = source.bytes(count * size, &what)?;
    let numbers = bytes
        .chunks_exact(size)
        .map(|entry| layout.entry.value(entry));
    let matrix = if layout.fortran_order {
        DMatrix::from_iterator(rows, columns, numbers)
    } else {
        DMatrix::from_row_iterator(rows, columns, numbers)
    };
    match matrix.iter().position(|number| !number.is_finite()) {
        None => Ok(matrix),
        Some(at) => {
            let place = format!("row {}, column {}", at % rows + 1, at / rows + 1);
            Err(source.unexpected_at(place, "a finite number", matrix[at].to_string()))
        }
    }
}

/// The type of the entries.
#[derive(Clone, Copy)]
enum Entry {
    U1,
    I4,
    I8,
    F4,
    F8,
}

impl Entry {
    fn named(name: &str) -> Option<Self> {
        match name {
            "|u1" => Some(Self::U1),
            "<i4" => Some(Self::I4),
            "<i8" => Some(Self::I8),
            "<f4" => Some(Self::F4),
            "<f8" => Some(Self::F8),
            _ => None,
        }
    }

    fn size(self) -> usize {
        match self {
            Self::U1 => 1,
            Self::I4 | Self::F4 => 4,
            Self::I8 | Self::F8 => 8,
        }
    }

    /// The number that the entry's bytes stand for.
    fn value(self, bytes: &[u8]) -> f64 {
        let four = || std::array::from_fn(|k| bytes[k]);
        let eight = || std::array::from_fn(|k| bytes[k]);
        match self {
            Self::U1 => f64::from(bytes[0]),
            Self::I4 => f64::from(i32::from_le_bytes(four())),
            Self::I8 => i64::from_le_bytes(eight()) as f64,
            Self::F4 => f64::from(f32::from_le_bytes(four())),
            Self::F8 => f64::from_le_bytes(eight()),
        }
    }
}

/// What the header says.
struct Layout {
    entry: Entry,
    fortran_order: bool,
    shape: (usize, usize),
}

impl Layout {
    fn read(source: &mut Source<'_, impl Read>) -> Result<Self, FileError> {
        let text = header_text(source)?;
        let refuse =
            |expected: &str, found: String| source.unexpected_at("header".into(), expected, found);
        let dictionary = entries(&text);
        let value = |key| {
            let found = dictionary.iter().rev().find(|(name, _)| *name == key);
            let missing = || {
                refuse(
                    &format!("an entry '{key}'"),
                    format!("{:.200}", text.trim()),
                )
            };
            found.map(|(_, value)| *value).ok_or_else(missing)
        };
        let [descr, order, shape] = [value("descr")?, value("fortran_order")?, value("shape")?];
        let entry = unquoted(descr).and_then(Entry::named);
        let types = "numbers of type '<f8', '<f4', '<i8', '<i4' or '|u1'";
        let entry = entry.ok_or_else(|| refuse(types, format!("{descr:.100}")))?;
        let fortran_order = match order {
            "True" => true,
            "False" => false,
            _ => {
                return Err(refuse(
                    "True or False as fortran_order",
                    format!("{order:.100}"),
                ));
            }
        };
        let shape = axes(shape).ok_or_else(|| {
            refuse(
                "a matrix, a row per particle",
                format!("shape {shape:.100}"),
            )
        })?;
        Ok(Self {
            entry,
            fortran_order,
            shape,
        })
    }
}

/// The dictionary in the header, as text.
fn header_text(source: &mut Source<'_, impl Read>) -> Result<String, FileError> {
    let magic = source.bytes(MAGIC.len(), "the magic \\x93NUMPY")?;
    if magic != MAGIC {
        let found = format!("'{}'", magic.escape_ascii());
        return Err(source.unexpected_at("byte 0".into(), "a .npy file (\\x93NUMPY)", found));
    }
    let length = match source.array::<2>("the version")? {
        [1, _] => usize::from(u16::from_le_bytes(source.array("the header's length")?)),
        [2 | 3, _] => u32::from_le_bytes(source.array("the header's length")?) as usize,
        [major, minor] => {
            let found = format!("{major}.{minor}");
            return Err(source.unexpected_at("byte 6".into(), "version 1.0, 2.0 or 3.0", found));
        }
    };
    if length > LONGEST_HEADER {
        let expected = format!("a header of at most {LONGEST_HEADER} bytes");
        return Err(source.unexpected(expected, format!("one of {length}")));
    }
    let bytes = source.bytes(length, "the header")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Keys and values of a Python dictionary whose keys are plain strings, split at the commas outside
/// of any brackets.
fn entries(dictionary: &str) -> Vec<(&str, &str)> {
    let inner = dictionary.trim().strip_prefix('{');
    let inner = inner
        .and_then(|inner| inner.strip_suffix('}'))
        .unwrap_or("");
    let mut depth = 0_i64;
    let fields = inner.split(|c| {
        depth += i64::from("([{".contains(c)) - i64::from(")]}".contains(c));
        c == ',' && depth == 0
    });
    let pairs = fields.filter_map(|field| field.split_once(':'));
    pairs
        .filter_map(|(key, value)| Some((unquoted(key)?, value.trim())))
        .collect()
}

fn unquoted(text: &str) -> Option<&str> {
    let text = text.trim();
    let within = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    within('\'').or_else(|| within('"'))
}

/// The two axes of `(3, 2)`; `None` for any other shape.
fn axes(shape: &str) -> Option<(usize, usize)> {
    let inner = shape.strip_prefix('(')?.strip_suffix(')')?.trim();
    let inner = inner.strip_suffix(',').unwrap_or(inner);
    let (rows, columns) = inner.split_once(',')?;
    Some((rows.trim().parse().ok()?, columns.trim().parse().ok()?))
}

#[cfg(test)]
mod tests;
