//! Arrays in one file that numpy reads: `numpy.load("snapshots.npz")["particles"]`.
//!
//! An `.npz` is a zip archive of `.npy` files. They are stored uncompressed: the digits of
//! particles are as good as random, so compression would cost time and save next to nothing.

use std::fs::File;
use std::io::{self, BufReader, Error, ErrorKind, Read, Seek, Write};
use std::mem;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::{npy, replace};

/// An array of floats under the name by which it is asked for.
#[derive(Clone, Debug)]
pub struct NpzArray<'a> {
    /// The key in numpy's mapping.
    pub name: &'a str,
    /// Length of every axis; none for a single number.
    pub shape: Vec<usize>,
    /// The entries in C order: the last axis varies fastest.
    pub data: &'a [f64],
    /// Whether they are written in single precision.
    pub is_single: bool,
}

/// Writes the arrays to `path`, replacing what was there only once all is written. The same arrays
/// give the same bytes. Arrays and files may exceed 4 GiB.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if a shape does not fit its data; else what the operating system
/// reports. Messages name the path.
pub fn write_npz(path: &Path, arrays: &[NpzArray<'_>]) -> io::Result<()> {
    let shapes = arrays.iter().try_for_each(check_shape);
    let written = shapes.and_then(|()| replace(path, |file| write_archive(file, arrays)));
    written.map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        Error::new(error.kind(), message)
    })
}

fn check_shape(array: &NpzArray<'_>) -> io::Result<()> {
    let product = array
        .shape
        .iter()
        .try_fold(1_usize, |n, &axis| n.checked_mul(axis));
    if product == Some(array.data.len()) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        format!(
            "array {:?} of shape {:?} needs as many entries as its shape says, but has {}",
            array.name,
            array.shape,
            array.data.len()
        ),
    ))
}

fn write_archive(file: impl Write + Seek, arrays: &[NpzArray<'_>]) -> io::Result<()> {
    let mut archive = ZipWriter::new(file);
    for array in arrays {
        if let Err(error) = write_member(&mut archive, array) {
            // Dropping it would finish the archive, and complain on standard error if that fails.
            mem::forget(archive);
            return Err(error);
        }
    }
    archive.finish()?;
    Ok(())
}

fn write_member(
    archive: &mut ZipWriter<impl Write + Seek>,
    array: &NpzArray<'_>,
) -> io::Result<()> {
    let (descr, bytes) = if array.is_single {
        ("<f4", 4)
    } else {
        ("<f8", 8)
    };
    let header = npy::header_of_type(descr, &array.shape);
    let size = header.len() as u64 + bytes * array.data.len() as u64;
    archive.start_file(format!("{}.npy", array.name), options(size))?;
    archive.write_all(&header)?;
    for block in array.data.chunks(1024) {
        let bytes: Vec<u8> = if array.is_single {
            block
                .iter()
                .flat_map(|&x| (x as f32).to_le_bytes())
                .collect()
        } else {
            block.iter().flat_map(|x| x.to_le_bytes()).collect()
        };
        archive.write_all(&bytes)?;
    }
    Ok(())
}

/// Reads an array of an archive that [`write_npz`] has written: its shape, and its entries in C order.
///
/// # Errors
/// If the archive cannot be read or has no such array. Messages name the path.
pub fn read_npz(path: &Path, name: &str) -> io::Result<(Vec<usize>, Vec<f64>)> {
    let bytes = File::open(path).and_then(|file| {
        let mut archive = ZipArchive::new(BufReader::new(file))?;
        let mut bytes = Vec::new();
        archive
            .by_name(&format!("{name}.npy"))?
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    let bytes = bytes.map_err(|error| {
        let message = format!("cannot read {}: {error}", path.display());
        Error::new(error.kind(), message)
    })?;
    npy::parse_array(&bytes, path).map_err(Error::other)
}

/// How a member of `size` bytes is stored: from 4 GiB on with lengths of 64 bits.
fn options(size: u64) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(size >= u64::from(u32::MAX))
}

#[cfg(test)]
mod tests;
