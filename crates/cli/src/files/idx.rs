//! Images in the IDX format of MNIST, plain or compressed by gzip.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use nalgebra::DMatrix;

use super::{FileError, MOST_NUMBERS, Source};

/// Unsigned bytes in three dimensions.
const MAGIC: u32 = 0x0000_0803;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads the first K images of an IDX file as a K×(h·w) matrix: a row per image, its pixels row by
/// row, divided by 255. Both plain files and those compressed by gzip are read.
///
/// # Errors
/// [`FileError::Io`] if the file cannot be read or decompressed, [`FileError::Format`] if it is no
/// IDX file of images, is too short, has fewer than K images (or K is 0), or if K images hold more
/// than [`MOST_NUMBERS`].
pub fn read_idx(path: &Path, count: usize) -> Result<DMatrix<f64>, FileError> {
    parse_idx(Source::open(path)?.reader, path, count)
}

/// Reads images like [`read_idx`] from anything that gives bytes; `path` is for messages.
///
/// # Errors
/// Those of [`read_idx`].
pub fn parse_idx(
    mut reader: impl BufRead,
    path: &Path,
    count: usize,
) -> Result<DMatrix<f64>, FileError> {
    let start = reader.fill_buf().map_err(|source| FileError::Io {
        path: path.to_owned(),
        source,
    })?;
    if start.starts_with(&GZIP) {
        let decompressed = BufReader::new(MultiGzDecoder::new(reader));
        images(&mut Source::new(decompressed, path), count)
    } else {
        images(&mut Source::new(reader, path), count)
    }
}

fn images(source: &mut Source<'_, impl Read>, count: usize) -> Result<DMatrix<f64>, FileError> {
    let magic = u32::from_be_bytes(source.array("the magic number")?);
    if magic != MAGIC {
        let expected = format!("the magic number {MAGIC:#010x} of IDX images");
        return Err(source.unexpected_at("byte 0".into(), expected, format!("{magic:#010x}")));
    }
    let mut axis = || source.array("the dimensions").map(u32::from_be_bytes);
    let [available, height, width] = [axis()?, axis()?, axis()?];
    if !(1..=available as usize).contains(&count) {
        let expected = format!("at least one image, and the {count} that are asked for");
        return Err(source.unexpected_at("byte 4".into(), expected, available.to_string()));
    }
    let pixels = (height as usize).checked_mul(width as usize);
    let total = pixels.and_then(|pixels| pixels.checked_mul(count));
    let total = total.filter(|total| (1..=MOST_NUMBERS).contains(total));
    let total = total.ok_or_else(|| {
        let expected = format!("{count} images of 1 to {MOST_NUMBERS} pixels in all");
        source.unexpected_at("byte 8".into(), expected, format!("{height}×{width} each"))
    })?;
    let what = format!("{count} images of {height}×{width}");
    let bytes = source.bytes(total, &what)?;
    let numbers = bytes.iter().map(|&byte| f64::from(byte) / 255.0);
    Ok(DMatrix::from_row_iterator(count, total / count, numbers))
}

#[cfg(test)]
mod tests;
