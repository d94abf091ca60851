//! Reads `.npz` files from their bytes, so that the program's writer is not judged by itself.

use std::collections::BTreeMap;

/// An array of doubles in C order.
#[derive(Debug, PartialEq)]
pub struct Array {
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

/// The arrays of an archive by name, after all its structures and checksums were checked.
pub fn parse(bytes: &[u8]) -> BTreeMap<String, Array> {
    let end = &bytes[bytes.len() - 22..];
    assert_eq!(&end[..4], b"PK\x05\x06", "the end of a zip archive");
    let (count, mut at) = (u16_at(end, 10), u32_at(end, 16));
    let mut arrays = BTreeMap::new();
    for _ in 0..count {
        let entry = &bytes[at..];
        assert_eq!(&entry[..4], b"PK\x01\x02", "an entry of the directory");
        assert_eq!(u16_at(entry, 10), 0, "stored, not compressed");
        let name_length = u16_at(entry, 28);
        let name = std::str::from_utf8(&entry[46..46 + name_length]).expect("UTF-8");
        let data = member(bytes, u32_at(entry, 42), name, u32_at(entry, 24));
        assert_eq!(crc32fast::hash(data) as usize, u32_at(entry, 16));
        let name = name.strip_suffix(".npy").expect("a .npy file");
        arrays.insert(name.to_owned(), npy(data));
        at += 46 + name_length + u16_at(entry, 30) + u16_at(entry, 32);
    }
    arrays
}

/// The data of the member whose own header is at `at`.
fn member<'a>(bytes: &'a [u8], at: usize, name: &str, size: usize) -> &'a [u8] {
    let header = &bytes[at..];
    assert_eq!(&header[..4], b"PK\x03\x04", "a member's header");
    let (name_length, extra) = (u16_at(header, 26), u16_at(header, 28));
    assert_eq!(&header[30..30 + name_length], name.as_bytes());
    assert_eq!([u32_at(header, 18), u32_at(header, 22)], [size, size]);
    let start = 30 + name_length + extra;
    &header[start..start + size]
}

/// An array in a numpy file.
pub fn npy(bytes: &[u8]) -> Array {
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let start = 10 + u16_at(bytes, 8);
    assert_eq!(start % 64, 0, "numpy wants aligned data");
    let header = std::str::from_utf8(&bytes[10..start]).expect("ASCII");
    assert!(header.contains("'descr': '<f8'") && header.contains("'fortran_order': False"));
    let axes = header.split(['(', ')']).nth(1).expect("a shape");
    let axes = axes
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty());
    let shape: Vec<usize> = axes.map(|axis| axis.parse().expect("a length")).collect();
    let numbers = bytes[start..].chunks_exact(8);
    let data: Vec<f64> = numbers
        .map(|eight| f64::from_le_bytes(eight.try_into().expect("eight bytes")))
        .collect();
    assert_eq!(shape.iter().product::<usize>(), data.len());
    Array { shape, data }
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u16_at(bytes, at) | u16_at(bytes, at + 2) << 16
}
