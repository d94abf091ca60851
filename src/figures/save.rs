//! Puts a finished picture on disk, whole or not at all.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::canvas::Canvas;
use crate::files::replace;

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
        .and_then(|png| replace(path, |file| file.write_all(&png)))
        .map_err(|source| FigureError::Write {
            path: path.to_owned(),
            source,
        })
}
