//! The ink of picture files.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::Path;

use image::{DynamicImage, GenericImageView, ImageError, ImageReader, Limits};

use super::{Ink, TargetError};
use crate::files::FileError;

/// Most pixels a side.
const LONGEST_SIDE: u32 = 10_000;

/// Most memory for decoding, in bytes.
const MOST_MEMORY: u64 = 512 << 20;

/// Reads the ink of a picture.
pub(super) fn read(path: &Path) -> Result<Ink, TargetError> {
    let file = File::open(path).map_err(|source| FileError::Io {
        path: path.to_owned(),
        source,
    })?;
    parse_image(BufReader::new(file), path)
}

/// Reads the ink of a picture (PNG, JPEG or WebP, told by its content) from anything that gives
/// bytes; `path` is for messages.
///
/// The channels are averaged and inverted; transparent pixels show a white ground.
///
/// # Errors
/// [`TargetError::Image`] if the bytes are no such picture, are damaged, or hold one with more than
/// 10,000 pixels a side or that takes more than 512 MiB to decode; [`TargetError::Blank`] if it is
/// white.
pub fn parse_image(reader: impl BufRead + Seek, path: &Path) -> Result<Ink, TargetError> {
    let picture = decode(reader).map_err(|source| TargetError::Image {
        path: path.to_owned(),
        source,
    })?;
    let (width, height) = picture.dimensions();
    let darkness = |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0.map(f64::from);
        alpha / 255.0 * (1.0 - (red + green + blue) / 765.0)
    };
    Ink::new(width, height, darkness).ok_or_else(|| TargetError::Blank {
        path: path.to_owned(),
    })
}

fn decode(reader: impl BufRead + Seek) -> Result<DynamicImage, ImageError> {
    let mut reader = ImageReader::new(reader).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    reader.decode()
}

#[cfg(test)]
mod tests;
