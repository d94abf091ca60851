//! The rows of a CSV file as fields, each with its line.

use csv::{ByteRecord, ReaderBuilder};

use super::CsvFile;
use crate::files::FileError;

/// How files of other kinds begin, what they are, and what can be done.
const OTHER_KINDS: [(&[u8], &str, &str); 7] = [
    (b"\x1f\x8b", "data compressed by gzip", UNPACK),
    (b"PK\x03\x04", "a zip archive or a spreadsheet", EXPORT),
    (b"\x93NUMPY", "a numpy file", "read it as npy:PATH"),
    (b"\xff\xfe", "UTF-16", "save it as UTF-8"),
    (b"\xfe\xff", "UTF-16", "save it as UTF-8"),
    (b"PAR1", "a Parquet file", EXPORT),
    (b"sep=", "a note for spreadsheets", "delete the first line"),
];
const UNPACK: &str = "unpack it, or read csv:- from gzip -dc FILE |";
const EXPORT: &str = "export it as CSV";

/// One row.
#[derive(Default)]
pub(super) struct Record {
    pub(super) fields: ByteRecord,
    /// The line where it begins, from 1.
    pub(super) line: u64,
    /// The line where it ends: another one if a quoted field has several lines.
    pub(super) last_line: u64,
}

/// The rows of a file without its blank lines.
pub(super) struct Records<'b> {
    file: CsvFile<'b>,
    bytes: &'b [u8],
    separator: u8,
    reader: csv::Reader<&'b [u8]>,
    /// A byte and its line; the lines after it are counted from there.
    counted: (usize, u64),
}

impl<'b> Records<'b> {
    /// # Errors
    /// If the file is not text, or its first line has two kinds of separators.
    pub(super) fn new(bytes: &'b [u8], file: CsvFile<'b>) -> Result<Self, FileError> {
        check_kind(bytes, file)?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let separator = separator(bytes, file)?;
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .from_reader(bytes);
        Ok(Self {
            file,
            bytes,
            separator,
            reader,
            counted: (0, 1),
        })
    }

    /// What separates the fields, in words, unless it is a comma.
    pub(super) fn separator(&self) -> &'static str {
        match self.separator {
            b';' => ", separated by semicolons",
            b'\t' => ", separated by tabs",
            _ => "",
        }
    }

    /// Reads the next row that is not blank; `false` at the end.
    pub(super) fn read(&mut self, record: &mut Record) -> Result<bool, FileError> {
        loop {
            let from = self.reader.position().byte() as usize;
            let read = self.reader.read_byte_record(&mut record.fields);
            let more = read.map_err(|error| FileError::Io {
                path: self.file.path.to_owned(),
                source: error.into(),
            })?;
            if !more {
                return Ok(false);
            }
            // The line ends around a row are no part of it.
            let to = self.reader.position().byte() as usize;
            let is_end = |&byte: &u8| byte == b'\n' || byte == b'\r';
            let row = &self.bytes[from..to];
            let before = row.iter().take_while(|byte| is_end(byte)).count();
            let after = row.iter().rev().take_while(|byte| is_end(byte)).count();
            record.line = self.line(from + before);
            record.last_line = self.line(to - after);
            let blank = |field: &[u8]| !field.is_empty() && field.trim_ascii().is_empty();
            if record.fields.len() > 1 || !blank(&record.fields[0]) {
                return Ok(true);
            }
        }
    }

    /// The line of a byte, which must not be before the one that was asked for last.
    fn line(&mut self, byte: usize) -> u64 {
        let (from, line) = self.counted;
        let ends = (from..byte).filter(|&at| match self.bytes[at] {
            b'\n' => true,
            b'\r' => self.bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        self.counted = (byte, line + ends.count() as u64);
        self.counted.1
    }
}

fn check_kind(bytes: &[u8], file: CsvFile<'_>) -> Result<(), FileError> {
    let expected = "a text file of comma-separated numbers";
    for (start, kind, remedy) in OTHER_KINDS {
        if bytes.starts_with(start) {
            return Err(file.error("byte 0", expected, kind).with_remedy(remedy));
        }
    }
    match bytes.iter().position(|&byte| byte == 0) {
        None => Ok(()),
        Some(at) => {
            let found = "a zero byte (binary data or UTF-16)";
            Err(file.error(format!("byte {at}"), expected, found))
        }
    }
}

/// What separates the fields of the first line: commas, semicolons or tabs; commas if there is one
/// field.
fn separator(bytes: &[u8], file: CsvFile<'_>) -> Result<u8, FileError> {
    let is_end = |byte: &u8| *byte == b'\n' || *byte == b'\r';
    let mut lines = bytes.split(is_end);
    let first = lines.find(|line| !line.trim_ascii().is_empty());
    let mut quoted = false;
    let mut found: Vec<u8> = first
        .unwrap_or_default()
        .iter()
        .copied()
        .filter(|&byte| {
            quoted ^= byte == b'"';
            !quoted && b",;\t".contains(&byte)
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    match found[..] {
        [] => Ok(b','),
        [separator] => Ok(separator),
        _ => {
            let names = found.iter().map(|&byte| match byte {
                b',' => "commas",
                b';' => "semicolons",
                _ => "tabs",
            });
            let names: Vec<&str> = names.collect();
            let error = file.error(
                "first line",
                "fields separated by commas, by semicolons or by tabs",
                names.join(" and "),
            );
            Err(error.with_remedy(
                "write numbers with a decimal point, and names with other separators in quotes",
            ))
        }
    }
}
