//! Puts a finished picture on disk, whole or not at all.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::canvas::Canvas;

/// Why a figure was not made.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// The list of panels is empty.
    #[error("cannot draw {}: no panels were given", path.display())]
    Empty {
        /// The file asked for.
        path: PathBuf,
    },
    /// The panels need more pixels than a picture can have.
    #[error("cannot draw {}: {panels} panels do not fit into one picture; show fewer", path.display())]
    TooLarge {
        /// The file asked for.
        path: PathBuf,
        /// How many panels were given.
        panels: usize,
    },
    /// The file could not be written.
    #[error("cannot write the figure {}: {source}", path.display())]
    Write {
        /// The file asked for.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Writes the picture as PNG beside `path` and renames it into place, so that readers never see
/// half a file.
pub(super) fn save(canvas: &Canvas, path: &Path) -> Result<(), FigureError> {
    canvas
        .encode()
        .and_then(|png| replace(path, &png))
        .map_err(|source| FigureError::Write {
            path: path.to_owned(),
            source,
        })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file"))?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(temporary);
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to report; a leftover that cannot be removed changes nothing.
        let _ = fs::remove_file(&temporary);
    }
    written
}
