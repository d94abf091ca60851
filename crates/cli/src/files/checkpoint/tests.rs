//! Tests of the format on states of every kind, damaged in every way, and of the folder of two.

use std::fs;

use nalgebra::{DMatrix, RowDVector};
use rieszflow_flows::{Frame, InnerLoop, Learned, Motion};
use rieszflow_nets::Moments;

use super::*;

const FINGERPRINT: u64 = 0x0123_4567_89ab_cdef;

/// A state after three time steps and seven iterations, with a network of nine parameters or none,
/// which has moved particles with the given factor.
fn checkpoint(factor: Option<f32>, neural: bool) -> Checkpoint<f32> {
    let numbers = |from: f32| (0..9).map(|k| from + k as f32 / 7.0).collect::<Vec<f32>>();
    let mut state = State::new(DMatrix::from_fn(5, 2, |i, k| i as f32 / 3.0 - k as f32));
    (state.time, state.step) = (0.15, 3);
    if neural {
        state.inner = InnerLoop {
            iteration: 7,
            loss_sum: -0.1,
            loss_count: 2,
        };
        state.learned = Some(Learned {
            parameters: numbers(1.0),
            moments: Moments {
                first: numbers(-2.0),
                second: numbers(3.0),
                updates: 67,
            },
            motion: factor.map(|factor| Motion {
                frame: Frame::new(RowDVector::from_vec(vec![0.5, 0.25]), 2.0),
                factor,
            }),
        });
    }
    let lengths = Lengths {
        metrics: 100,
        snapshots: 2000,
        kernels: if neural { 30_000 } else { 0 },
    };
    let record = Record {
        lengths,
        rests: true,
        seconds: 12.5,
        step_seconds: 0.5,
    };
    Checkpoint { state, record }
}

fn shape(neural: bool) -> Shape {
    Shape {
        fingerprint: FINGERPRINT,
        particles: 5,
        dim: 2,
        parameters: neural.then_some(9),
        steps: 10,
    }
}

fn bytes(checkpoint: &Checkpoint<f32>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = encode(
        &mut bytes,
        &checkpoint.state,
        &checkpoint.record,
        FINGERPRINT,
    );
    written.expect("in memory");
    bytes
}

fn read(bytes: &[u8], neural: bool) -> Result<Checkpoint<f32>, String> {
    let read = decode(bytes, bytes.len() as u64, &shape(neural));
    read.map_err(|error| error.to_string())
}

/// With the checksum of what it has become.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - 8);
    let digest = xxhash_rust::xxh3::xxh3_64(&bytes);
    bytes.extend(digest.to_le_bytes());
    bytes
}

#[test]
fn states_of_every_kind_are_read_back() {
    for neural in [false, true] {
        for factor in [None, Some(0.125)] {
            let checkpoint = checkpoint(factor, neural);
            assert_eq!(read(&bytes(&checkpoint), neural), Ok(checkpoint));
        }
    }
}

#[test]
fn no_flipped_bit_and_no_missing_or_additional_byte_is_accepted() {
    let whole = bytes(&checkpoint(Some(0.125), true));
    for bit in 0..8 * whole.len() {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&flipped, true).is_err(), "bit {bit}");
    }
    for len in 0..whole.len() {
        assert!(read(&whole[..len], true).is_err(), "{len} bytes");
    }
    let longer = [&whole[..], &[0]].concat();
    assert!(read(&longer, true).unwrap_err().contains("instead of"));
}

#[test]
fn the_reason_is_told() {
    let whole = bytes(&checkpoint(None, true));
    let put = |at: usize, new: &[u8]| {
        let mut bytes = whole.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        signed(bytes)
    };
    let huge = u64::MAX.to_le_bytes();
    let cases = [
        (put(0, b"PNG"), "does not begin with RIESZCKP"),
        (
            put(8, &[2]),
            "format version 2, and this program reads version 1",
        ),
        (put(12, &[8]), "numbers of 8 bytes, and the run's have 4"),
        (put(13, &[0]), "another configuration"),
        (put(21, &huge), "another configuration"),
        (put(45, &[2]), "an impossible motion"),
        (put(45, &[1]), "cut short"),
        (put(46, &f64::NAN.to_le_bytes()), "an impossible time"),
        (put(54, &huge), "an impossible step"),
        (put(78, &huge), "an impossible number of iterations"),
        (put(135, &f32::NAN.to_le_bytes()), "an impossible particle"),
        (whole[..40].to_vec(), "has 40 bytes"),
        (whole[..200].to_vec(), "has 200 bytes"),
    ];
    for (bytes, reason) in cases {
        let message = read(&bytes, true).expect_err(reason);
        assert!(message.contains(reason), "{message}");
    }
    let mut damaged = whole;
    damaged[250] ^= 1;
    assert!(read(&damaged, true).unwrap_err().contains("checksum"));
}

#[test]
fn two_are_kept_and_the_older_is_used_if_the_later_is_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::new(folder.path().to_owned());
    let mut checkpoint = checkpoint(Some(0.5), true);
    for iteration in 7..12 {
        checkpoint.state.inner.iteration = iteration;
        let Checkpoint { state, record } = &checkpoint;
        store.save(state, record, FINGERPRINT).expect("saved");
    }
    let load = || store.load::<f32>(&shape(true), |_| Ok(())).expect("read");
    let iteration = |loaded: &Loaded<f32>| {
        let checkpoint = loaded.checkpoint.as_ref();
        checkpoint.map(|checkpoint| checkpoint.state.inner.iteration)
    };
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
    assert_eq!(iteration(&load()), Some(11));

    let damage = |iteration: u64| {
        let path = folder.path().join(store::name((3, iteration)));
        let mut bytes = fs::read(&path).expect("a file");
        bytes[200] ^= 4;
        fs::write(&path, bytes).expect("written");
    };
    damage(11);
    let loaded = load();
    assert_eq!(iteration(&loaded), Some(10));
    assert!(loaded.refused[0].1.to_string().contains("checksum"));

    // The run goes on from there: the damaged one gives way.
    checkpoint.state.inner.iteration = 10;
    let Checkpoint { state, record } = &checkpoint;
    store.save(state, record, FINGERPRINT).expect("saved");
    let loaded = load();
    assert_eq!((iteration(&loaded), loaded.refused.len()), (Some(10), 0));
    damage(10);
    let loaded = load();
    assert_eq!((iteration(&loaded), loaded.refused.len()), (None, 1));
    store.remove().expect("removed");
    assert_eq!(iteration(&load()), None);
}
