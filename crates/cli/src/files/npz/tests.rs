//! Tests of the archive's bytes against what zip and numpy lay down.

use std::fs;
use std::io::{Cursor, SeekFrom};

use super::*;

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

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
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
fn arrays_are_read_back_and_single_precision_rounds() {
    let path = folder("back").join("arrays.npz");
    let numbers: Vec<f64> = (0..5000).map(|i| f64::from(i) / 7.0).collect();
    let array = |name, is_single| NpzArray {
        name,
        shape: vec![50, 50, 2],
        data: &numbers,
        is_single,
    };
    write_npz(&path, &[array("double", false), array("single", true)]).unwrap();
    let (shape, found) = read_npz(&path, "double").unwrap();
    assert_eq!((shape, &found), (vec![50, 50, 2], &numbers));
    let (shape, found) = read_npz(&path, "single").unwrap();
    let rounded: Vec<f64> = numbers.iter().map(|&x| f64::from(x as f32)).collect();
    assert_eq!((shape, found), (vec![50, 50, 2], rounded));
    let missing = read_npz(&path, "other").unwrap_err().to_string();
    assert!(missing.contains("arrays.npz"), "{missing}");
}

#[test]
fn archive_holds_the_arrays() {
    let path = folder("read").join("arrays.npz");
    let times = [0.0, -0.5, f64::NAN];
    let many: Vec<f64> = (0..3000).map(f64::from).collect();
    let arrays = [
        NpzArray {
            name: "times",
            shape: vec![3],
            data: &times,
            is_single: false,
        },
        NpzArray {
            name: "particles",
            shape: vec![3, 500, 2],
            data: &many,
            is_single: false,
        },
        NpzArray {
            name: "nothing",
            shape: vec![0, 2],
            data: &[],
            is_single: false,
        },
        NpzArray {
            name: "number",
            shape: vec![],
            data: &[7.0],
            is_single: false,
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
        let array = NpzArray {
            name: "times",
            shape,
            data: &[1.0, 2.0, 3.0],
            is_single: false,
        };
        let error = write_npz(&folder.join("arrays.npz"), &[array]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("times"), "{error}");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    fs::remove_dir_all(folder).unwrap();
}

/// A file whose first byte is the one after `BEFORE` others.
struct Late(Cursor<Vec<u8>>);

const BEFORE: u64 = 5 << 30;

impl Write for Late {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Late {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(position) => SeekFrom::Start(position - BEFORE),
            relative => relative,
        };
        Ok(self.0.seek(to)? + BEFORE)
    }
}

#[test]
fn members_beyond_4_gib_are_found() {
    let arrays = [1.0, 2.0].map(|number| [number]);
    let arrays = [("times", &arrays[0]), ("particles", &arrays[1])].map(|(name, data)| NpzArray {
        name,
        shape: vec![1],
        data,
        is_single: false,
    });
    let mut file = Late(Cursor::new(Vec::new()));
    write_archive(&mut file, &arrays).unwrap();
    let bytes = file.0.into_inner();
    let place = |position: u64| usize::try_from(position - BEFORE).unwrap();

    let end = bytes.len() - 22;
    assert_eq!(u32_at(&bytes, end + 16), 0xFFFF_FFFF, "too far for 32 bits");
    let locator = end - 20;
    assert_eq!(&bytes[locator..locator + 4], b"PK\x06\x07");
    let record = place(u64_at(&bytes, locator + 8));
    assert_eq!(&bytes[record..record + 4], b"PK\x06\x06");
    assert_eq!(u64_at(&bytes, record + 32), 2, "two members");
    let mut entry = place(u64_at(&bytes, record + 48));
    for array in &arrays {
        assert_eq!(&bytes[entry..entry + 4], b"PK\x01\x02");
        assert_eq!(u32_at(&bytes, entry + 42), 0xFFFF_FFFF);
        let name = u16_at(&bytes, entry + 28);
        let extra = entry + 46 + name;
        assert_eq!((u16_at(&bytes, extra), u16_at(&bytes, extra + 2)), (1, 8));
        let member = place(u64_at(&bytes, extra + 4));
        assert_eq!(&bytes[member..member + 4], b"PK\x03\x04");
        let data = member + 30 + name + npy::header(&array.shape).len();
        assert_eq!(bytes[data..data + 8], array.data[0].to_le_bytes());
        entry = extra + u16_at(&bytes, entry + 30);
    }
}

#[test]
fn members_from_4_gib_on_have_lengths_of_64_bits() {
    let header = |size| {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file("particles.npy", options(size)).unwrap();
        archive.write_all(&[7; 5]).unwrap();
        archive.finish().unwrap().into_inner()
    };
    let plain = header(0xFFFF_FFFE);
    assert_eq!((u32_at(&plain, 18), u32_at(&plain, 22)), (5, 5));
    assert_eq!(u16_at(&plain, 28), 0, "no extra field");
    let large = header(0xFFFF_FFFF);
    assert_eq!(u16_at(&large, 4), 45, "the version that reads it");
    assert_eq!(
        (u32_at(&large, 18), u32_at(&large, 22)),
        (0xFFFF_FFFF, 0xFFFF_FFFF)
    );
    let extra = 30 + "particles.npy".len();
    assert_eq!((u16_at(&large, extra), u16_at(&large, extra + 2)), (1, 16));
    assert_eq!(
        (u64_at(&large, extra + 4), u64_at(&large, extra + 12)),
        (5, 5)
    );
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
