//! Images in the IDX format of MNIST, plain or compressed by gzip.

use std::io::Read;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use nalgebra::DMatrix;

use super::input::{FileError, Input, MOST_NUMBERS, Source};

/// Unsigned bytes in three dimensions.
const MAGIC: u32 = 0x0000_0803;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Images of equal size.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    /// K×(h·w): a row per image, its pixels row by row from the top, divided by 255.
    pub pixels: DMatrix<f64>,
    /// h, the number of rows of an image.
    pub rows: usize,
    /// w, the number of columns of an image.
    pub columns: usize,
}

/// Reads the first K images of an IDX file, plain or compressed by gzip; `-` is standard input.
///
/// # Errors
/// [`FileError::Io`] if the file cannot be read or decompressed, [`FileError::Format`] if it is no
/// IDX file of images, is too short, has fewer than K images (or K is 0), or if K images hold more
/// than [`MOST_NUMBERS`].
pub fn read_idx(path: &Path, count: usize) -> Result<Images, FileError> {
    parse_idx(Input::read(path)?.bytes(), path, count)
}

/// Reads images like [`read_idx`] from the bytes of a file; `path` is for messages.
///
/// # Errors
/// Those of [`read_idx`].
pub fn parse_idx(bytes: &[u8], path: &Path, count: usize) -> Result<Images, FileError> {
    if bytes.starts_with(&GZIP) {
        images(&mut Source::new(MultiGzDecoder::new(bytes), path), count)
    } else {
        images(&mut Source::new(bytes, path), count)
    }
}

/// The number of images in the bytes of an IDX file; `path` is for messages.
///
/// # Errors
/// If it is no IDX file of images or is too short to say.
pub fn image_count(bytes: &[u8], path: &Path) -> Result<usize, FileError> {
    let [count, _, _] = if bytes.starts_with(&GZIP) {
        axes(&mut Source::new(MultiGzDecoder::new(bytes), path))?
    } else {
        axes(&mut Source::new(bytes, path))?
    };
    Ok(count as usize)
}

/// The number of images, their height and width.
fn axes(source: &mut Source<'_, impl Read>) -> Result<[u32; 3], FileError> {
    let magic = u32::from_be_bytes(source.array("the magic number")?);
    if magic != MAGIC {
        let expected = format!("the magic number {MAGIC:#010x} of IDX images");
        return Err(source.unexpected_at("byte 0", expected, format!("{magic:#010x}")));
    }
    let mut axis = || source.array("the dimensions").map(u32::from_be_bytes);
    Ok([axis()?, axis()?, axis()?])
}

fn images(source: &mut Source<'_, impl Read>, count: usize) -> Result<Images, FileError> {
    let [available, height, width] = axes(source)?;
    if !(1..=available as usize).contains(&count) {
        let expected = format!("at least one image, and the {count} that are asked for");
        return Err(source.unexpected_at("byte 4", expected, available.to_string()));
    }
    let pixels = (height as usize).checked_mul(width as usize);
    let total = pixels.and_then(|pixels| pixels.checked_mul(count));
    let total = total.filter(|total| (1..=MOST_NUMBERS).contains(total));
    let total = total.ok_or_else(|| {
        let expected = format!("{count} images of 1 to {MOST_NUMBERS} pixels in all");
        source.unexpected_at("byte 8", expected, format!("{height}×{width} each"))
    })?;
    let what = format!("{count} images of {height}×{width}");
    let bytes = source.bytes(total, &what)?;
    let numbers = bytes.iter().map(|&byte| f64::from(byte) / 255.0);
    Ok(Images {
        pixels: DMatrix::from_row_iterator(count, total / count, numbers),
        rows: height as usize,
        columns: width as usize,
    })
}

#[cfg(test)]
mod tests;
