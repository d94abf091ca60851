//! Matrices in numpy's own format, written by `numpy.save("particles.npy", array)`.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use half::f16;
use nalgebra::DMatrix;

use super::input::{FileError, Input, MOST_NUMBERS, STANDARD_INPUT, Source};

const MAGIC: [u8; 6] = *b"\x93NUMPY";

/// numpy itself writes headers of a few hundred bytes.
const LONGEST_HEADER: usize = 65_535;

/// Entries that are read at a time.
const BLOCK: usize = 8192;

/// Magic, version 1.0 and the header of a `.npy` file of floats of 8 bytes in C order, padded so that the
/// data start at a multiple of 64 bytes.
pub(super) fn header(shape: &[usize]) -> Vec<u8> {
    header_of_type("<f8", shape)
}

/// The same for entries of another type.
pub(super) fn header_of_type(descr: &str, shape: &[usize]) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if axes.len() == 1 { "," } else { "" };
    let dictionary = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}",
        axes.join(", ")
    );
    // Magic and length take 10 bytes, the final newline one.
    let length = (10 + dictionary.len() + 1).next_multiple_of(64) - 10;
    let mut header = [&MAGIC[..], &[1, 0]].concat();
    header.extend((length as u16).to_le_bytes());
    header.extend(format!("{dictionary:width$}\n", width = length - 1).bytes());
    header
}

/// Reads a matrix of finite numbers from a `.npy` file, a row per particle; `-` is standard input.
///
/// Versions 1.0 to 3.0 are read, in C or Fortran order and with headers of Python 2; floats of 2, 4 or
/// 8 bytes, integers of 1, 2, 4 or 8 bytes with and without sign, and booleans (as 0 and 1), of any
/// byte order. An array of shape (N,) is one column. A regular file is read block by block, so that
/// memory holds the matrix alone.
///
/// # Errors
/// [`FileError::Io`] if the file cannot be read, [`FileError::Format`] if it is another format, type
/// or shape, is too short or too long, holds more than [`MOST_NUMBERS`] or one that is not finite.
pub fn read_npy(path: &Path) -> Result<DMatrix<f64>, FileError> {
    let failed = |source| FileError::Io {
        path: path.to_owned(),
        source,
    };
    if path == Path::new(STANDARD_INPUT) {
        return parse_npy(Input::read(path)?.bytes(), path);
    }
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return parse_npy(Input::read(path)?.bytes(), path);
    }
    read_matrix(Source::new(BufReader::new(file), path), metadata.len())
}

/// Reads a matrix like [`read_npy`] from the bytes of a file; `path` is for messages.
///
/// # Errors
/// Those of [`read_npy`].
pub fn parse_npy(bytes: &[u8], path: &Path) -> Result<DMatrix<f64>, FileError> {
    read_matrix(Source::new(bytes, path), bytes.len() as u64)
}

/// Reads a matrix from a source of `total` bytes.
fn read_matrix<R: Read>(mut source: Source<'_, R>, total: u64) -> Result<DMatrix<f64>, FileError> {
    let layout = Layout::read(&mut source)?;
    let (rows, columns) = layout.shape;
    let count = rows.checked_mul(columns);
    let count = count.filter(|count| (1..=MOST_NUMBERS).contains(count));
    let count = count.ok_or_else(|| {
        let expected = format!("a matrix of 1 to {MOST_NUMBERS} numbers");
        source.unexpected(expected, format!("one of shape ({rows}, {columns})"))
    })?;
    let length = count * layout.entry.size;
    let found = total.saturating_sub(source.position());
    if found != length as u64 {
        let expected = format!("{length} bytes of data for the shape ({rows}, {columns})");
        let error = source.unexpected(expected, format!("{found} until the end"));
        return Err(
            if found > length as u64 && source.holds_at(length, &MAGIC) {
                error.with_remedy("the file holds several arrays; save each in a file of its own")
            } else {
                error
            },
        );
    }
    let matrix = layout.entries(&mut source)?;
    match matrix.iter().position(|number| !number.is_finite()) {
        None => Ok(matrix),
        Some(at) => {
            let place = format!("row {}, column {}", at % rows + 1, at / rows + 1);
            Err(source.unexpected_at(place, "a finite number", matrix[at].to_string()))
        }
    }
}

/// Reads the bytes of an array of real numbers in C order, of any shape, such as the ones that this program
/// writes; `path` is for messages.
///
/// # Errors
/// [`FileError::Format`] if it is another format, type or order, or its length does not fit its shape.
pub(super) fn parse_array(bytes: &[u8], path: &Path) -> Result<(Vec<usize>, Vec<f64>), FileError> {
    let mut source = Source::new(bytes, path);
    let text = header_text(&mut source)?;
    let dictionary = entries(&text);
    let value = |key| dictionary.iter().find(|(name, _)| *name == key);
    let entry = value("descr").and_then(|(_, descr)| Entry::named(unquoted(descr)?));
    let shape = value("shape").and_then(|(_, shape)| axes(shape));
    let in_order = value("fortran_order").is_some_and(|(_, order)| *order == "False");
    let data = source.reader;
    match (entry, shape) {
        (Some(entry), Some(shape)) if in_order => {
            let count = shape
                .iter()
                .try_fold(1_usize, |n, &axis| n.checked_mul(axis));
            if count.and_then(|count| count.checked_mul(entry.size)) == Some(data.len()) {
                let numbers = data
                    .chunks_exact(entry.size)
                    .map(|bytes| entry.value(bytes));
                return Ok((shape, numbers.collect()));
            }
            let found = format!("{} bytes", data.len());
            Err(source.unexpected("as many numbers as its shape says", found))
        }
        _ => {
            let found = format!("{:.200}", text.trim());
            Err(source.unexpected_at("header", "real numbers in C order", found))
        }
    }
}

/// The type of the entries.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    kind: Kind,
    size: usize,
    big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Float,
    Signed,
    Unsigned,
    Boolean,
}

impl Entry {
    /// The type that numpy calls `name`, such as `<f8`; without an order of bytes, the machine's own.
    fn named(name: &str) -> Option<Self> {
        let big_endian = match name.chars().next()? {
            '<' => false,
            '>' => true,
            _ => cfg!(target_endian = "big"),
        };
        let name = name.trim_start_matches(['<', '>', '=', '|']);
        let (kind, size) = name.split_at_checked(1)?;
        let (kind, sizes): (Kind, &[usize]) = match kind {
            "f" => (Kind::Float, &[2, 4, 8]),
            "i" => (Kind::Signed, &[1, 2, 4, 8]),
            "u" => (Kind::Unsigned, &[1, 2, 4, 8]),
            "b" => (Kind::Boolean, &[1]),
            _ => return None,
        };
        let size = size.parse().ok().filter(|size| sizes.contains(size))?;
        Some(Self {
            kind,
            size,
            big_endian,
        })
    }

    /// The number that the entry's bytes stand for.
    fn value(self, bytes: &[u8]) -> f64 {
        let mut ordered = [0; 8];
        let used = &mut ordered[..self.size];
        used.copy_from_slice(bytes);
        if self.big_endian {
            used.reverse();
        }
        let bits = u64::from_le_bytes(ordered);
        match (self.kind, self.size) {
            (Kind::Float, 2) => f16::from_bits(bits as u16).to_f64(),
            (Kind::Float, 4) => f64::from(f32::from_bits(bits as u32)),
            (Kind::Float, _) => f64::from_bits(bits),
            (Kind::Signed, size) => {
                let unused = 64 - 8 * size;
                ((bits << unused).cast_signed() >> unused) as f64
            }
            (Kind::Unsigned, _) => bits as f64,
            (Kind::Boolean, _) => f64::from(u8::from(bits != 0)),
        }
    }
}

/// What a type is that is not read, and how it can be converted.
fn other_type(descr: &str) -> (String, &'static str) {
    let name = unquoted(descr).unwrap_or("");
    let name = name.trim_start_matches(['<', '>', '=', '|']);
    let (what, remedy) = match name.chars().next() {
        _ if descr.starts_with('[') => (
            "an array with named fields ",
            "numpy.lib.recfunctions.structured_to_unstructured makes a matrix of it",
        ),
        Some('c') => (
            "complex numbers ",
            "save real and imaginary parts as columns",
        ),
        Some('f' | 'g') => ("extended floats ", CONVERT),
        Some('O') => ("Python objects ", CONVERT),
        Some('U' | 'S' | 'a') => ("text ", CONVERT),
        Some('M' | 'm') => ("times ", CONVERT),
        Some('V') => ("raw bytes ", CONVERT),
        _ => ("", CONVERT),
    };
    (format!("{what}{descr:.100}"), remedy)
}

const CONVERT: &str = "convert with array.astype('f8') before saving";

/// What the header says.
struct Layout {
    entry: Entry,
    fortran_order: bool,
    shape: (usize, usize),
}

impl Layout {
    /// The entries, block by block.
    fn entries<R: Read>(&self, source: &mut Source<'_, R>) -> Result<DMatrix<f64>, FileError> {
        let (rows, columns) = self.shape;
        let mut matrix = DMatrix::zeros(rows, columns);
        // A line is contiguous in the file: a row, or in Fortran's order a column.
        let (lines, len) = if self.fortran_order {
            (columns, rows)
        } else {
            (rows, columns)
        };
        let size = self.entry.size;
        for line in 0..lines {
            for start in (0..len).step_by(BLOCK) {
                let end = len.min(start + BLOCK);
                source.with_bytes((end - start) * size, "data", |bytes| {
                    for (k, entry) in (start..end).zip(bytes.chunks_exact(size)) {
                        let at = if self.fortran_order {
                            (k, line)
                        } else {
                            (line, k)
                        };
                        matrix[at] = self.entry.value(entry);
                    }
                })?;
            }
        }
        Ok(matrix)
    }

    fn read<R: Read>(source: &mut Source<'_, R>) -> Result<Self, FileError> {
        let text = header_text(source)?;
        let refuse =
            |expected: &str, found: String| source.unexpected_at("header", expected, found);
        let dictionary = entries(&text);
        let value = |key| {
            let found = dictionary.iter().rev().find(|(name, _)| *name == key);
            let missing = || {
                let found = format!("{:.200}", text.trim());
                refuse(&format!("an entry '{key}'"), found)
            };
            found.map(|(_, value)| *value).ok_or_else(missing)
        };
        let [descr, order, shape] = [value("descr")?, value("fortran_order")?, value("shape")?];
        let entry = unquoted(descr).and_then(Entry::named).ok_or_else(|| {
            let types = "real numbers of type f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 or b1";
            let (found, remedy) = other_type(descr);
            refuse(types, found).with_remedy(remedy)
        })?;
        let fortran_order = match order {
            "True" => true,
            "False" => false,
            _ => {
                let expected = "True or False as fortran_order";
                return Err(refuse(expected, format!("{order:.100}")));
            }
        };
        let shape = match axes(shape).as_deref() {
            Some(&[rows]) => (rows, 1),
            Some(&[rows, columns]) => (rows, columns),
            axes => {
                let expected = "a matrix (N, d), a row per particle, or (N,) for one column";
                let error = refuse(expected, format!("shape {shape:.100}"));
                return Err(match axes {
                    Some([_, _, ..]) => error.with_remedy("save array.reshape(len(array), -1)"),
                    _ => error,
                });
            }
        };
        Ok(Self {
            entry,
            fortran_order,
            shape,
        })
    }
}

/// The dictionary in the header, as text.
fn header_text<R: Read>(source: &mut Source<'_, R>) -> Result<String, FileError> {
    let magic = source.bytes(MAGIC.len(), "the magic \\x93NUMPY")?;
    if magic != MAGIC {
        let found = format!("'{}'", magic.escape_ascii());
        let error = source.unexpected_at("byte 0", "a .npy file (\\x93NUMPY)", found);
        return Err(match &magic[..2] {
            b"PK" => error.with_remedy("of an .npz archive, save the array with numpy.save"),
            b"\x1f\x8b" => error.with_remedy("unpack the file, it is compressed by gzip"),
            _ => error,
        });
    }
    let length = match source.array::<2>("the version")? {
        [1, _] => usize::from(u16::from_le_bytes(source.array("the header's length")?)),
        [2 | 3, _] => u32::from_le_bytes(source.array("the header's length")?) as usize,
        [major, minor] => {
            let found = format!("{major}.{minor}");
            return Err(source.unexpected_at("byte 6", "version 1.0, 2.0 or 3.0", found));
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

/// The axes of a shape such as `(3, 2)`, or `(3L, 2L)` as Python 2 writes it.
fn axes(shape: &str) -> Option<Vec<usize>> {
    let inner = shape.strip_prefix('(')?.strip_suffix(')')?.trim();
    if inner.is_empty() {
        return Some(Vec::new());
    }
    let inner = inner.strip_suffix(',').unwrap_or(inner);
    let axis = |axis: &str| {
        let axis = axis.trim();
        axis.strip_suffix('L').unwrap_or(axis).parse().ok()
    };
    inner.split(',').map(axis).collect()
}

#[cfg(test)]
mod tests;
