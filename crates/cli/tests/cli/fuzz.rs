//! Damaged and random bytes for every parser: none panics, hangs or takes more memory than is there.
//!
//! `RIESZFLOW_FUZZ_CASES` is the number of cases for each parser; docs/reliability.md tells the
//! counts of a long run.

use std::io::{Cursor, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use image::{DynamicImage, ImageFormat};
use nalgebra::DMatrix;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rieszflow_cli::files::checkpoint::{RunRecord, RunShape, decode, encode};
use rieszflow_cli::files::idx::parse_idx;
use rieszflow_cli::files::kernels::read_header;
use rieszflow_cli::files::npy::parse_npy;
use rieszflow_cli::files::particles::{Columns, parse_particles};
use rieszflow_cli::targets::{Proportions, Sampling, parse_image};
use rieszflow_cli::{Config, MmdSettings, SchemeKind};
use rieszflow_flows::Scheme;
use rieszflow_flows::scheme::{Backward, Training};

/// Cases for each parser unless the environment says otherwise.
const CASES: usize = 2000;

/// Damages valid files, `parse`s them, and reports how many were refused.
///
/// At least one of the files must be accepted as it is, and some damaged ones refused: else the
/// cases would not reach the parser's inside.
fn fuzz(name: &str, share: usize, files: &[Vec<u8>], parse: impl Fn(&[u8]) -> bool) {
    let cases = std::env::var("RIESZFLOW_FUZZ_CASES");
    let cases = cases.map_or(CASES, |n| n.parse().expect("a number")) / share;
    assert!(
        files.iter().all(|file| parse(file)),
        "{name}: valid files are accepted"
    );
    let mut refused = 0;
    for case in 0..cases {
        let mut rng = ChaCha8Rng::seed_from_u64(case as u64);
        let file = &files[case % files.len()];
        let bytes = damaged(file, &mut rng);
        let parsed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| parse(&bytes)));
        let accepted = parsed.unwrap_or_else(|_| panic!("{name}, case {case}: {bytes:?}"));
        refused += usize::from(!accepted);
    }
    let peak = peak_memory();
    println!(
        "{name}: {cases} cases, {refused} refused, peak memory {} MB",
        peak >> 20
    );
    assert!(
        refused > cases / 4,
        "{name}: only {refused} of {cases} refused"
    );
    // Pictures may take half a gigabyte to decode, everything else next to nothing.
    assert!(peak < 1 << 30, "{name}: {peak} bytes");
}

/// Changes a few bits, bytes or numbers, cuts, repeats or puts random bytes instead.
fn damaged(file: &[u8], rng: &mut impl Rng) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..=bytes.len());
        match rng.random_range(0..8) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            2 => overwrite(&mut bytes, at, &[rng.random()]),
            3 => overwrite(&mut bytes, at, &[0xff; 8][..rng.random_range(1..=8)]),
            4 => overwrite(&mut bytes, at, &rng.random::<u64>().to_le_bytes()),
            5 => {
                let from = rng.random_range(0..=at);
                let piece = bytes[from..at].to_vec();
                bytes.splice(at..at, piece.into_iter().take(200));
            }
            6 => {
                let words = [
                    "9999999999999999999",
                    "-1",
                    "nan",
                    "1e999",
                    "\"",
                    "\n",
                    "[",
                    "{",
                    ",",
                ];
                let word = words[rng.random_range(0..words.len())];
                bytes.splice(at..at, word.bytes());
            }
            _ if rng.random_ratio(1, 4) => {
                bytes = (0..rng.random_range(0..100))
                    .map(|_| rng.random())
                    .collect();
            }
            _ => drop(bytes.drain(at..(at + rng.random_range(0..20)).min(bytes.len()))),
        }
    }
    bytes
}

fn overwrite(bytes: &mut [u8], at: usize, new: &[u8]) {
    for (old, new) in bytes[at..].iter_mut().zip(new) {
        *old = *new;
    }
}

/// The most memory this process has had, where the system tells.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) << 10
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

fn path() -> &'static Path {
    Path::new("file")
}

#[test]
fn configurations() {
    let mut mmd = Config::interaction(SchemeKind::Forward, 2, 1.0);
    mmd.experiment =
        rieszflow_cli::Experiment::Mmd(MmdSettings::towards("smiley".parse().expect("valid")));
    mmd.tau = "0.5,5:1,25:2".parse().expect("valid");
    let files = [mmd, Config::interaction(SchemeKind::Backward, 10, 0.5)]
        .map(|config| toml::to_string(&config).expect("TOML").into_bytes());
    fuzz("configuration", 1, &files, |bytes| {
        Config::parse(&String::from_utf8_lossy(bytes)).is_ok()
    });
}

#[test]
fn tables_of_particles() {
    let files = [
        "x0,x1,weight\n1,2,3\n-4.5e-3,5,0.25\n",
        "1\n2\n3\n",
        "\u{feff}\"x, east\";y\r\n\"0.5\";1\r\n2;3\r\n\r\n",
        "# x\ty\n0.5\t1\n2\t3\n",
        "0.5,1,2\n\n3,4,5",
    ]
    .map(Into::into);
    fuzz("CSV", 1, &files, |bytes| {
        parse_particles(bytes, path(), &Columns::default()).is_ok()
    });
    let columns: Columns = "y,3".parse().expect("valid");
    let files = [",x,3,y\n0,a,2,3\n1,b,4,5\n", "3,weight,y\n1,2,3\n4,5,6\n"].map(Into::into);
    fuzz("CSV, columns by name", 1, &files, |bytes| {
        parse_particles(bytes, path(), &columns).is_ok()
    });
    let columns: Columns = "2,1".parse().expect("valid");
    let files = ["0.5,1.5,a\n3,4,b\n", "u,v,v\n1,2,c\n"].map(Into::into);
    fuzz("CSV, columns by number", 1, &files, |bytes| {
        parse_particles(bytes, path(), &columns).is_ok()
    });
}

#[test]
fn numpy_arrays() {
    let header = |shape: &str| {
        format!(
            "{{'descr': '>f8', 'fortran_order': True, 'shape': {shape}}}{:>7}\n",
            ""
        )
        .into_bytes()
    };
    let file = |kind: &str, data: &[u8]| {
        let head = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': (3, 2), }}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((head.len() as u16).to_le_bytes());
        [&file, head.as_bytes(), data].concat()
    };
    let files = [
        file("<f8", &[0; 48]),
        file("<f4", &[0; 24]),
        file("|u1", &[7; 6]),
        file("<f2", &[1; 12]),
        file(">i2", &[9; 12]),
        file("|b1", &[1; 6]),
        [
            b"\x93NUMPY\x02\x00\x3f\x00\x00\x00".as_slice(),
            &header("(6L,)"),
            &[1; 48],
        ]
        .concat(),
    ];
    fuzz("npy", 1, &files, |bytes| parse_npy(bytes, path()).is_ok());
}

#[test]
fn images_in_idx() {
    let plain = [
        0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 51, 102, 153, 204, 255,
    ];
    fuzz("IDX", 1, &[plain.to_vec()], |bytes| {
        parse_idx(bytes, path(), 2).is_ok()
    });
    let packed = [compressed(&plain)];
    fuzz("IDX, gzip", 1, &packed, |bytes| {
        parse_idx(bytes, path(), 2).is_ok()
    });
}

#[test]
fn pictures_and_their_sampling() {
    let picture = DynamicImage::ImageRgb8(image::RgbImage::from_fn(9, 7, |x, y| {
        image::Rgb([(20 * x) as u8, (30 * y) as u8, 99])
    }));
    let [png, jpeg, webp] =
        [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP].map(|format| {
            let mut file = Cursor::new(Vec::new());
            picture.write_to(&mut file, format).expect("in memory");
            file.into_inner()
        });
    // The tag for a quarter turn.
    let tags = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let chunk = [&b"eXIf"[..], tags].concat();
    let checksum = crc32fast::hash(&chunk).to_be_bytes();
    let turned_png = [&png[..33], &[0, 0, 0, 26], &chunk, &checksum, &png[33..]].concat();
    let segment = [&[0xff, 0xe1, 0, 34][..], b"Exif\0\0", tags].concat();
    let turned_jpeg = [&jpeg[..2], &segment, &jpeg[2..]].concat();
    let files = [png, jpeg, webp, turned_png, turned_jpeg];
    let parse = |bytes: &[u8]| parse_image(bytes, path(), Proportions::Keep);
    fuzz("pictures", 1, &files, |bytes| parse(bytes).is_ok());
    let sampling = Sampling {
        particles: 20,
        ..Sampling::default()
    };
    fuzz("pictures, sampled", 500, &files, |bytes| {
        parse(bytes).is_ok_and(|density| {
            let particles = density.sample(&sampling).expect("dark somewhere");
            particles.iter().all(|x| x.abs() <= 0.51)
        })
    });
}

#[test]
fn safetensors() {
    let header = br#"{"step.1.centre":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let file = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 8]].concat();
    fuzz("safetensors", 1, &[file], |bytes| {
        read_header(&mut Cursor::new(bytes), bytes.len() as u64).is_ok()
    });
}

#[test]
fn checkpoints() {
    let scheme = Backward::new(Training {
        hidden_layers: 1,
        width: 3,
        batch: 2,
        ..Training::default()
    });
    let start = DMatrix::<f32>::from_fn(5, 2, |i, k| (i + k) as f32);
    let state = scheme.start(start).expect("a start");
    let shape = RunShape {
        fingerprint: 42,
        particles: 5,
        dim: 2,
        steps: 10,
    };
    let mut file = Vec::new();
    encode(&mut file, &state, &RunRecord::default(), 42).expect("in memory");
    let read = |bytes: &[u8]| decode::<f32>(bytes, bytes.len() as u64, &shape).is_ok();
    fuzz("checkpoint", 1, &[file.clone()], read);
    // With checksums that fit, so that the content is all that can be refused.
    fuzz("checkpoint, signed", 1, &[file], |bytes| {
        let head = &bytes[..bytes.len().min(61)];
        let digest = xxhash_rust::xxh3::xxh3_64(head).to_le_bytes();
        let end = bytes.len().saturating_sub(4);
        let state = bytes.get(69..end).unwrap_or_default();
        let checksum = crc32fast::hash(state).to_le_bytes();
        read(&[head, &digest, state, &checksum].concat())
    });
}
