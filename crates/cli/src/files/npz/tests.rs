//! Tests of the archive's bytes against what zip and numpy lay down.

use super::*;
use std::fs;

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("npz-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()).into()
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Reads by the directory at the archive's end, as zip readers do.
fn members(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let end = bytes.len() - 22;
    assert_eq!(&bytes[end..end + 4], b"PK\x05\x06");
    let mut at = u32_at(bytes, end + 16);
    assert_eq!(at + u32_at(bytes, end + 12), end);
    let mut members = Vec::new();
    for _ in 0..u16_at(bytes, end + 10) {
        assert_eq!(&bytes[at..at + 4], b"PK\x01\x02");
        let name_length = u16_at(bytes, at + 28);
        let name = &bytes[at + 46..at + 46 + name_length];
        let local = u32_at(bytes, at + 42);
        assert_eq!(&bytes[local..local + 4], b"PK\x03\x04");
        assert_eq!(&bytes[local + 30..local + 30 + name_length], name);
        let start = local + 30 + name_length;
        let data = &bytes[start..start + u32_at(bytes, local + 22)];
        assert_eq!(crc32fast::hash(data) as usize, u32_at(bytes, at + 16));
        assert_eq!(crc32fast::hash(data) as usize, u32_at(bytes, local + 14));
        members.push((String::from_utf8(name.to_vec()).unwrap(), data.to_vec()));
        at += 46 + name_length;
    }
    assert_eq!(at, end);
    members
}

#[test]
fn archive_holds_the_arrays() {
    let path = folder("read").join("arrays.npz");
    let times = [0.0, -0.5, f64::NAN];
    let many: Vec<f64> = (0..3000).map(f64::from).collect();
    let arrays = [
        Array {
            name: "times",
            shape: vec![3],
            data: &times,
        },
        Array {
            name: "particles",
            shape: vec![3, 500, 2],
            data: &many,
        },
        Array {
            name: "nothing",
            shape: vec![0, 2],
            data: &[],
        },
        Array {
            name: "number",
            shape: vec![],
            data: &[7.0],
        },
    ];
    write_npz(&path, &arrays).unwrap();
    let members = members(&fs::read(&path).unwrap());
    assert_eq!(members.len(), arrays.len());
    for (array, (name, bytes)) in arrays.iter().zip(&members) {
        assert_eq!(*name, format!("{}.npy", array.name));
        let header = npy::header(&array.shape);
        let data: Vec<u8> = array.data.iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(*bytes, [header, data].concat());
    }
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn no_arrays_make_an_empty_archive() {
    let path = folder("empty").join("arrays.npz");
    write_npz(&path, &[]).unwrap();
    assert!(members(&fs::read(&path).unwrap()).is_empty());
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn wrong_shapes_leave_no_file() {
    let folder = folder("shape");
    for shape in [vec![2], vec![usize::MAX, 2]] {
        let array = Array {
            name: "times",
            shape,
            data: &[1.0, 2.0, 3.0],
        };
        let error = write_npz(&folder.join("arrays.npz"), &[array]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("times"), "{error}");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn sizes_beyond_plain_zip_are_refused() {
    assert_eq!(in_plain_zip(0xFFFF_FFFE).unwrap(), 0xFFFF_FFFE);
    let error = in_plain_zip(0xFFFF_FFFF).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("4 GiB"));
}

#[test]
fn failure_names_the_path_and_keeps_the_old_file() {
    let folder = folder("fail");
    let error = write_npz(&folder.join("missing/arrays.npz"), &[]).unwrap_err();
    assert!(error.to_string().contains("missing/arrays.npz"), "{error}");
    let directory = folder.join("taken.npz");
    fs::create_dir(&directory).unwrap();
    write_npz(&directory, &[]).unwrap_err();
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        1,
        "the temporary file stayed"
    );
    fs::remove_dir_all(folder).unwrap();
}
