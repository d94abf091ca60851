//! Arrays in one file that numpy reads: `numpy.load("snapshots.npz")["particles"]`.
//!
//! An `.npz` is a zip archive of `.npy` files. They are stored uncompressed: the digits of
//! particles are as good as random, so compression would cost time and save next to nothing.

use std::io::{self, Error, ErrorKind, Write};
use std::iter;
use std::path::Path;

use super::{npy, replace};

/// An array of floats under the name by which it is asked for.
#[derive(Clone, Debug)]
pub struct Array<'a> {
    /// The key in numpy's mapping.
    pub name: &'a str,
    /// Length of every axis; none for a single number.
    pub shape: Vec<usize>,
    /// The entries in C order: the last axis varies fastest.
    pub data: &'a [f64],
}

/// Writes the arrays to `path`, replacing what was there only once all is written. The same arrays
/// give the same bytes.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if a shape does not fit its data, or if the file would exceed the
/// 4 GiB of a plain zip archive; else what the operating system reports. Messages name the path.
pub fn write_npz(path: &Path, arrays: &[Array<'_>]) -> io::Result<()> {
    let written = plan(arrays).and_then(|members| replace(path, |file| archive(file, &members)));
    written.map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        Error::new(error.kind(), message)
    })
}

/// One file of the archive.
struct Member<'a> {
    name: String,
    header: Vec<u8>,
    data: &'a [f64],
    /// Size of header and data in bytes.
    size: u32,
    /// Where the member starts in the archive.
    offset: u32,
}

const LOCAL_HEADER: u64 = 30;
const CENTRAL_HEADER: u64 = 46;
const END_RECORD: u64 = 22;

/// Checks the arrays and lays them out in the archive.
fn plan<'a>(arrays: &[Array<'a>]) -> io::Result<Vec<Member<'a>>> {
    let (mut offset, mut directory) = (0, 0);
    let mut members = Vec::with_capacity(arrays.len());
    for array in arrays {
        check_shape(array)?;
        let name = format!("{}.npy", array.name);
        let header = npy::header(&array.shape);
        let start = offset;
        let size = header.len() as u64 + 8 * array.data.len() as u64;
        offset += LOCAL_HEADER + name.len() as u64 + size;
        directory += CENTRAL_HEADER + name.len() as u64;
        members.push(Member {
            size: in_plain_zip(size)?,
            offset: in_plain_zip(start)?,
            data: array.data,
            header,
            name,
        });
    }
    in_plain_zip(offset + directory + END_RECORD)?;
    Ok(members)
}

fn check_shape(array: &Array<'_>) -> io::Result<()> {
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

/// A size or an offset as zip's 32 bits hold it.
fn in_plain_zip(bytes: u64) -> io::Result<u32> {
    let size = u32::try_from(bytes).ok().filter(|&size| size < u32::MAX);
    size.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidInput,
            "the arrays exceed 4 GiB, the most an .npz file can hold; save fewer times or particles",
        )
    })
}

fn archive(file: &mut impl Write, members: &[Member<'_>]) -> io::Result<()> {
    let mut directory = Vec::new();
    for member in members {
        let fields = member.shared_fields();
        file.write_all(b"PK\x03\x04")?;
        file.write_all(&fields)?;
        file.write_all(member.name.as_bytes())?;
        for block in member.blocks() {
            file.write_all(&block)?;
        }

        directory.extend(b"PK\x01\x02");
        directory.extend(20_u16.to_le_bytes()); // made by version 2.0
        directory.extend(fields);
        directory.extend([0; 10]); // no comment, disk 0, no attributes
        directory.extend(member.offset.to_le_bytes());
        directory.extend(member.name.as_bytes());
    }
    let start = members.last().map_or(0, Member::end);
    file.write_all(&directory)?;
    file.write_all(b"PK\x05\x06\0\0\0\0")?;
    let count = (members.len() as u16).to_le_bytes();
    file.write_all(&[count, count].concat())?;
    file.write_all(&(directory.len() as u32).to_le_bytes())?;
    file.write_all(&start.to_le_bytes())?;
    file.write_all(&[0, 0]) // no comment
}

impl Member<'_> {
    /// The fields that a member's own header and the directory at the end have in common.
    fn shared_fields(&self) -> Vec<u8> {
        const FIRST_OF_JANUARY_1980: [u8; 4] = [0, 0, 0x21, 0];
        let mut checksum = crc32fast::Hasher::new();
        for block in self.blocks() {
            checksum.update(&block);
        }
        let mut fields = Vec::with_capacity(26);
        fields.extend(20_u16.to_le_bytes()); // version 2.0 suffices to read it
        fields.extend(0x0800_u16.to_le_bytes()); // the name is UTF-8
        fields.extend(0_u16.to_le_bytes()); // stored
        fields.extend(FIRST_OF_JANUARY_1980);
        fields.extend(checksum.finalize().to_le_bytes());
        fields.extend(self.size.to_le_bytes()); // as stored
        fields.extend(self.size.to_le_bytes()); // as it was
        fields.extend((self.name.len() as u16).to_le_bytes());
        fields.extend(0_u16.to_le_bytes()); // no extra field
        fields
    }

    /// The bytes of the member: its header, then its data in blocks of a few kilobytes.
    fn blocks(&self) -> impl Iterator<Item = Vec<u8>> {
        let numbers = self.data.chunks(1024);
        let blocks = numbers.map(|chunk| chunk.iter().flat_map(|x| x.to_le_bytes()).collect());
        iter::once(self.header.clone()).chain(blocks)
    }

    /// Where the member ends in the archive.
    fn end(&self) -> u32 {
        self.offset + LOCAL_HEADER as u32 + self.name.len() as u32 + self.size
    }
}

#[cfg(test)]
mod tests;
