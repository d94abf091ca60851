//! Files and standard input as bytes that are read once, and errors that name the place in them.

use std::fmt::{self, Display, Formatter};
use std::fs::File;
use std::io::{self, Error, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::setting::Phrase;

/// The path that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// The most numbers that are read from one file of arrays: 800 MB as matrix entries.
pub const MOST_NUMBERS: usize = 100_000_000;

/// The most bytes that are read from one source.
const MOST_BYTES: u64 = 2 << 30;

/// Whether this process has read standard input, which can be done only once.
static STANDARD_INPUT_READ: AtomicBool = AtomicBool::new(false);

/// A file that cannot be read or is not what it should be.
///
/// Written with `{}`, settings have the names of their keys in a configuration file; with `{:#}`, those
/// of their options on the command line.
#[derive(Debug)]
pub enum FileError {
    /// The operating system or the decompression fails.
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: Error,
    },
    /// Something else stands where the format asks for one thing.
    Format {
        /// The file.
        path: PathBuf,
        /// Where in the file, such as `byte 16` (from 0) or `line 3, column 'x1'` (from 1).
        place: String,
        /// What would be accepted.
        expected: String,
        /// What is there.
        found: String,
        /// What can be done about it; empty if that is plain.
        remedy: Phrase,
    },
}

impl FileError {
    /// The error with what can be done about it.
    pub(crate) fn with_remedy(mut self, text: impl Into<Phrase>) -> Self {
        if let Self::Format { remedy, .. } = &mut self {
            *remedy = text.into();
        }
        self
    }
}

impl Display for FileError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, source } => write!(f, "cannot read {}: {source}", name(path)),
            Self::Format {
                path,
                place,
                expected,
                found,
                remedy,
            } => {
                let name = name(path);
                write!(f, "{name}, {place}: expected {expected}, not {found}")?;
                if *remedy == Phrase::default() {
                    return Ok(());
                }
                f.write_str("; ")?;
                Display::fmt(remedy, f)
            }
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Format { .. } => None,
        }
    }
}

/// What messages call the source.
pub(crate) fn name(path: &Path) -> String {
    if path == Path::new(STANDARD_INPUT) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// The content of a file or of standard input.
///
/// ```
/// use rieszflow_cli::files::input::Input;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("points.csv");
/// std::fs::write(&path, "x0\n1\n")?;
/// let input = Input::read(&path)?;
/// assert_eq!(input.bytes(), b"x0\n1\n");
/// assert!(input.can_be_read_again());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    path: PathBuf,
    bytes: Vec<u8>,
    can_be_read_again: bool,
}

impl Input {
    /// Reads a file to its end; `-` is standard input.
    ///
    /// # Errors
    /// [`FileError::Io`] if it cannot be read; [`FileError::Format`] if it holds more than 2 GiB, or
    /// is standard input and was read before.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let failed = |source| FileError::Io {
            path: path.to_owned(),
            source,
        };
        if path == Path::new(STANDARD_INPUT) {
            if STANDARD_INPUT_READ.swap(true, Ordering::Relaxed) {
                let expected = "a source that is read once".to_owned();
                let found = "one that was read before".to_owned();
                return Err(refused(path, expected, found));
            }
            let bytes = read_all(io::stdin().lock(), path, MOST_BYTES)?;
            return Ok(Self {
                path: path.to_owned(),
                bytes,
                can_be_read_again: false,
            });
        }
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let device = ["/dev", "/proc"].iter().any(|root| path.starts_with(root));
        Ok(Self {
            path: path.to_owned(),
            bytes: read_all(file, path, MOST_BYTES)?,
            can_be_read_again: metadata.is_file() && !device,
        })
    }

    /// The content.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path gives the same content later: not if it is standard input, a pipe or a device.
    pub fn can_be_read_again(&self) -> bool {
        self.can_be_read_again
    }
}

/// All bytes, if there are at most `limit`.
fn read_all(reader: impl Read, path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let read = reader.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|source| FileError::Io {
        path: path.to_owned(),
        source,
    })?;
    if bytes.len() as u64 > limit {
        let expected = format!("at most {limit} bytes");
        return Err(refused(path, expected, "more".to_owned()));
    }
    Ok(bytes)
}

fn refused(path: &Path, expected: String, found: String) -> FileError {
    FileError::Format {
        path: path.to_owned(),
        place: "as a whole".to_owned(),
        expected,
        found,
        remedy: Phrase::default(),
    }
}

/// Bytes that are read in order, with the file's name for messages.
pub(super) struct Source<'p, R> {
    path: &'p Path,
    pub(super) reader: R,
    position: u64,
    /// Bytes that were read last.
    block: Vec<u8>,
}

impl<'p, R: Read> Source<'p, R> {
    pub(super) fn new(reader: R, path: &'p Path) -> Self {
        Self {
            path,
            reader,
            position: 0,
            block: Vec::new(),
        }
    }

    /// The next `count` bytes, called `what` in the message if there are fewer. Memory grows with
    /// the bytes that are there, not with those that a header promises.
    pub(super) fn bytes(&mut self, count: usize, what: &str) -> Result<Vec<u8>, FileError> {
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

    /// The next `count` bytes, in memory that is used again, called `what` in the message if there are fewer.
    pub(super) fn with_bytes(
        &mut self,
        count: usize,
        what: &str,
        work: impl FnOnce(&[u8]),
    ) -> Result<(), FileError> {
        self.block.resize(count, 0);
        if let Err(source) = self.reader.read_exact(&mut self.block) {
            return Err(match source.kind() {
                ErrorKind::UnexpectedEof => {
                    self.unexpected(format!("{count} bytes of {what}"), "fewer until the end")
                }
                _ => FileError::Io {
                    path: self.path.to_owned(),
                    source,
                },
            });
        }
        self.position += count as u64;
        work(&self.block);
        Ok(())
    }

    /// How many bytes have been read.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Whether `word` stands `after` bytes from here; nothing is read after that.
    pub(super) fn holds_at(&mut self, after: usize, word: &[u8]) -> bool {
        let skipped = io::copy(&mut (&mut self.reader).take(after as u64), &mut io::sink());
        let mut found = vec![0; word.len()];
        skipped.is_ok() && self.reader.read_exact(&mut found).is_ok() && found == word
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], FileError> {
        let bytes = self.bytes(N, what)?;
        Ok(std::array::from_fn(|k| bytes[k]))
    }

    /// An error at the present position.
    pub(super) fn unexpected(
        &self,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> FileError {
        self.unexpected_at(format!("byte {}", self.position), expected, found)
    }

    pub(super) fn unexpected_at(
        &self,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_sources_and_folders_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = Input::read(folder.path()).expect_err("a folder");
        assert!(error.to_string().starts_with("cannot read "), "{error}");
        let error = read_all(io::repeat(0), Path::new("x"), 100).expect_err("endless");
        let expected = "x, as a whole: expected at most 100 bytes, not more";
        assert_eq!(error.to_string(), expected);
        assert!(read_all(&[0; 100][..], Path::new("x"), 100).is_ok());
        let error = Input::read(&folder.path().join("none")).expect_err("no file");
        assert!(matches!(error, FileError::Io { .. }), "{error}");
    }

    #[test]
    fn devices_are_not_read_again() {
        let null = Path::new("/dev/null");
        if null.exists() {
            assert!(!Input::read(null).expect("empty").can_be_read_again());
        }
    }

    #[test]
    fn remedies_name_settings() {
        let error = refused(Path::new("-"), "one thing".into(), "another".into());
        let plain = "standard input, as a whole: expected one thing, not another";
        assert_eq!(error.to_string(), plain);
        let remedy = Phrase::from("choose with ").setting("columns");
        let error = error.with_remedy(remedy);
        assert_eq!(error.to_string(), format!("{plain}; choose with columns"));
        assert_eq!(
            format!("{error:#}"),
            format!("{plain}; choose with --columns")
        );
    }
}
