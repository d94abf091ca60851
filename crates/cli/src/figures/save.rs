//! Writes a finished picture to a file, whole or not at all.

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
    /// The rows of a panel of images do not have as many pixels as images of that size.
    #[error(
        "cannot draw {}: images of {height}×{width} pixels need as many columns, not {pixels}",
        path.display()
    )]
    NotImages {
        /// The file asked for.
        path: PathBuf,
        /// Rows of pixels of an image.
        height: usize,
        /// Pixels in a row.
        width: usize,
        /// Columns of the panel's matrix.
        pixels: usize,
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

/// Writes the picture as PNG.
pub(super) fn save(canvas: &Canvas, path: &Path) -> Result<(), FigureError> {
    let png = canvas.encode().map_err(|source| FigureError::Write {
        path: path.to_owned(),
        source,
    })?;
    write(&png, path)
}

/// Writes the bytes beside `path` and renames the file into place, so that no reader sees
/// a part of it.
pub(super) fn write(bytes: &[u8], path: &Path) -> Result<(), FigureError> {
    replace(path, |file| file.write_all(bytes)).map_err(|source| FigureError::Write {
        path: path.to_owned(),
        source,
    })
}
