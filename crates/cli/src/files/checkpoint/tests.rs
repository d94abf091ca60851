//! Tests of the format on states of every kind, damaged in every way, and of the folder of two.

use std::fs;
use std::ops::ControlFlow;

use nalgebra::DMatrix;
use rieszflow_flows::scheme::{Backward, Particle, Training};
use rieszflow_flows::{Error, Interaction, RieszKernel, Scheme};

use super::*;

const FINGERPRINT: u64 = 0x0123_4567_89ab_cdef;

/// A neural flow of five particles in the plane that was stopped after `iterations` of its second
/// time step.
fn stopped(iterations: u64) -> State<f32> {
    let scheme = Backward::new(Training {
        hidden_layers: 1,
        width: 3,
        latent_dim: Some(1),
        batch: 4,
        first_iterations: 20,
        iterations: 20,
        ..Training::default()
    });
    let functional = Interaction::new(RieszKernel::new(1.0).expect("0 < 1 < 2"));
    let start = DMatrix::from_fn(5, 2, |i, k| i as f32 / 3.0 - k as f32);
    let mut state = scheme.start(start).expect("a start");
    scheme.step(&functional, &mut state, 0.05).expect("a step");
    let mut stop = |_: &State<f32>, iteration: rieszflow_flows::scheme::Iteration| {
        if iteration.index + 1 == iterations {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let stopped = scheme.step_with(&functional, &mut state, 0.05, &mut stop);
    assert_eq!(stopped, Err(Error::Interrupted));
    assert_eq!(state.inner().iteration, iterations);
    state
}

fn record() -> RunRecord {
    RunRecord {
        lengths: Lengths {
            metrics: 100,
            snapshots: 2000,
            kernels: 30_000,
        },
        is_stationary: true,
        seconds: 12.5,
        step_seconds: 0.5,
    }
}

fn run() -> RunIdentity {
    RunIdentity {
        fingerprint: FINGERPRINT,
        particles: (5, 2),
        steps: 10,
    }
}

fn bytes(state: &State<f32>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&mut bytes, state, &record(), FINGERPRINT).expect("in memory");
    bytes
}

fn read(bytes: &[u8]) -> Result<Checkpoint<f32>, String> {
    decode(bytes, &run()).map_err(|error| error.to_string())
}

/// With the checksum of what the head has become.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = crc32fast::hash(&bytes[..HEAD]);
    bytes[HEAD..HEAD + 4].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

#[test]
fn states_of_every_kind_are_read_back() {
    let particles = DMatrix::from_fn(5, 2, |i, k| i as f32 - k as f32);
    let start = Particle { seed: 0 }.start(particles).expect("a start");
    for state in [start, stopped(7)] {
        let read = read(&bytes(&state)).expect("a checkpoint");
        assert_eq!(read.state, state);
        assert_eq!(read.record, record());
    }
}

#[test]
fn no_flipped_bit_and_no_missing_or_additional_byte_is_accepted() {
    let whole = bytes(&stopped(7));
    for bit in 0..8 * whole.len() {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&flipped).is_err(), "bit {bit}");
    }
    for len in 0..whole.len() {
        assert!(read(&whole[..len]).is_err(), "{len} bytes");
    }
    let longer = [&whole[..], &[0]].concat();
    assert!(read(&longer).unwrap_err().contains("bytes follow"));
}

#[test]
fn the_reason_is_given() {
    let whole = bytes(&stopped(7));
    let replaced = |at: usize, new: &[u8]| {
        let mut bytes = whole.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        signed(bytes)
    };
    let mut damaged = whole.clone();
    damaged[100] ^= 1;
    let cases = [
        (replaced(0, b"PNG"), "does not begin with RIESZCKP"),
        (
            replaced(8, &[7]),
            "format version 7, and this program reads version 2",
        ),
        (replaced(12, &[0]), "another configuration"),
        (replaced(45, &f64::NAN.to_le_bytes()), "wall time"),
        (replaced(HEAD + 4, b"PNG"), "not the state of a flow"),
        (whole[..40].to_vec(), "cut off"),
        (whole[..200].to_vec(), "cut off"),
        (damaged, "checksum"),
    ];
    for (bytes, reason) in cases {
        let message = read(&bytes).expect_err(reason);
        assert!(message.contains(reason), "{message}");
    }
    let other = |run: RunIdentity| decode::<f32>(&whole[..], &run).map_err(|e| e.to_string());
    let particles = (4, 2);
    let message = other(RunIdentity { particles, ..run() }).unwrap_err();
    assert!(message.contains("another configuration"), "{message}");
    let message = other(RunIdentity { steps: 0, ..run() }).unwrap_err();
    assert!(message.contains("step"), "{message}");
    let message = decode::<f64>(&whole[..], &run()).expect_err("another precision");
    assert!(
        message.to_string().contains("numbers have 4 bytes"),
        "{message}"
    );
}

#[test]
fn two_are_kept_and_the_older_is_used_if_the_later_is_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = CheckpointStore::new(folder.path().to_owned());
    let save = |iterations| {
        let saved = store.save(&stopped(iterations), &record(), FINGERPRINT);
        saved.expect("saved");
    };
    (7..12).for_each(save);
    let load = || store.load::<f32>(&run(), |_| Ok(())).expect("read");
    let iteration = |loaded: &LoadedCheckpoint<f32>| {
        let checkpoint = loaded.checkpoint.as_ref();
        checkpoint.map(|checkpoint| checkpoint.state.inner().iteration)
    };
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
    assert_eq!(iteration(&load()), Some(11));

    let damage = |iteration: u64| {
        let path = folder.path().join(store::name((1, iteration)));
        let mut bytes = fs::read(&path).expect("a file");
        bytes[200] ^= 4;
        fs::write(&path, bytes).expect("written");
    };
    damage(11);
    let loaded = load();
    assert_eq!(iteration(&loaded), Some(10));
    assert!(loaded.refused[0].1.to_string().contains("checksum"));

    // The run goes on from there: the damaged one gives way.
    save(10);
    let loaded = load();
    assert_eq!((iteration(&loaded), loaded.refused.len()), (Some(10), 0));
    damage(10);
    let loaded = load();
    assert_eq!((iteration(&loaded), loaded.refused.len()), (None, 1));
    store.remove().expect("removed");
    assert_eq!(iteration(&load()), None);
}
