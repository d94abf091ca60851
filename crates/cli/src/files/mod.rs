//! Reading and writing of files.

pub mod append_log;
pub mod checkpoint;
pub mod idx;
pub mod kernels;
pub mod matrix;
pub mod npy;
pub mod npz;
pub mod particles;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Error, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// The most numbers that are read from one file of arrays: 800 MB as matrix entries.
pub const MOST_NUMBERS: usize = 100_000_000;

/// A file of arrays that cannot be read or is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system or the decompression fails.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: Error,
    },
    /// Something else stands where the format asks for one thing.
    #[error("{}, {place}: expected {expected}, not {found}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where in the file, such as `byte 16` (from 0) or `row 3, column 1` (from 1).
        place: String,
        /// What would be accepted.
        expected: String,
        /// What is there.
        found: String,
    },
}

/// Bytes that are read in order, with the file's name for messages.
struct Source<'p, R> {
    path: &'p Path,
    reader: R,
    position: u64,
}

impl<'p> Source<'p, BufReader<File>> {
    fn open(path: &'p Path) -> Result<Self, FileError> {
        let file = File::open(path).map_err(|source| FileError::Io {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::new(BufReader::new(file), path))
    }
}

impl<'p, R: Read> Source<'p, R> {
    fn new(reader: R, path: &'p Path) -> Self {
        Self {
            path,
            reader,
            position: 0,
        }
    }

    /// The next `count` bytes, called `what` in the message if there are fewer. Memory grows with
    /// the bytes that are there, not with those that a header promises.
    fn bytes(&mut self, count: usize, what: &str) -> Result<Vec<u8>, FileError> {
        let mut bytes = Vec::new();
        let mut limited = (&mut self.reader).take(count as u64);
        let read = limited.read_to_end(&mut bytes);
        read.map_err(|source| FileError::Io {
            path: self.path.to_owned(),
            source,
        })?;
        if bytes.len() < count {
            let expected = format!("{count} bytes of {what}");
            return Err(self.unexpected(expected, format!("{} until the end", bytes.len())));
        }
        self.position += count as u64;
        Ok(bytes)
    }

    /// The next `N` bytes.
    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], FileError> {
        let bytes = self.bytes(N, what)?;
        Ok(std::array::from_fn(|k| bytes[k]))
    }

    /// An error at the present position.
    fn unexpected(&self, expected: impl Into<String>, found: impl Into<String>) -> FileError {
        self.unexpected_at(format!("byte {}", self.position), expected, found)
    }

    fn unexpected_at(
        &self,
        place: String,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> FileError {
        FileError::Format {
            path: self.path.to_owned(),
            place,
            expected: expected.into(),
            found: found.into(),
        }
    }
}

/// Writes a file beside `path` and renames it into place once it is whole and on the disk, so that
/// no reader, no crash and no power failure ever sees half of it.
///
/// # Errors
/// What the operating system reports; then `path` is as it was.
pub fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let name = path
        .file_name()
        .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "not the name of a file"))?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}{TEMPORARY}", std::process::id()));
    let temporary = path.with_file_name(temporary);
    let written = File::create(&temporary)
        .map(BufWriter::new)
        .and_then(|mut file| {
            write(&mut file)?;
            file.flush()?;
            file.get_ref().sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to report; a leftover that cannot be removed changes nothing.
        let _ = fs::remove_file(&temporary);
    }
    written.and_then(|()| sync_folder(path.parent().unwrap_or(Path::new(""))))
}

/// How the names of unfinished files end.
const TEMPORARY: &str = ".tmp";

/// Makes sure that the names of the files in a folder are on the disk, where the system lets one.
///
/// # Errors
/// What the operating system reports.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    let here = folder.as_os_str().is_empty();
    match File::open(if here { Path::new(".") } else { folder }) {
        Ok(folder) => folder.sync_all(),
        // Some systems do not open folders, and need not be told.
        Err(_) => Ok(()),
    }
}

/// Removes the temporary files of [`replace`] that a killed process has left in a folder.
///
/// # Errors
/// What the operating system reports.
pub(crate) fn remove_temporary_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(TEMPORARY) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
