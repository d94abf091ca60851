//! Tests of the format on states of every kind, damaged in every way, and of the folder of two.

use std::fs;
use std::ops::ControlFlow;

use nalgebra::DMatrix;
use rieszflow_flows::scheme::{Backward, Iteration, Particle, Training};
use rieszflow_flows::{Interaction, RieszKernel, Scheme};

use super::*;

const FINGERPRINT: u64 = 0x0123_4567_89ab_cdef;

const SHAPE: RunShape = RunShape {
    fingerprint: FINGERPRINT,
    particles: 5,
    dim: 2,
    steps: 10,
};

fn neural() -> Backward {
    Backward::new(Training {
        hidden_layers: 1,
        width: 3,
        batch: 2,
        first_iterations: 20,
        ..Training::default()
    })
}

/// After one time step, and inside the next after some iterations, if there are any.
fn checkpoint(scheme: &dyn Scheme<f32>, iterations: u64) -> Checkpoint<f32> {
    let functional = Interaction::new(RieszKernel::new(1.0).expect("0 < r < 2"));
    let start = DMatrix::from_fn(5, 2, |i, k| i as f32 / 3.0 - k as f32);
    let mut state = scheme.start(start).expect("a start");
    scheme.step(&functional, &mut state, 0.1).expect("a step");
    if iterations > 0 {
        let stop = &mut |_: &State<f32>, iteration: Iteration| {
            if iteration.index + 1 == iterations {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let stopped = scheme.step_with(&functional, &mut state, 0.1, stop);
        assert_eq!(stopped, Err(rieszflow_flows::Error::Interrupted));
    }
    let record = RunRecord {
        lengths: Lengths {
            metrics: 100,
            snapshots: 2000,
            kernels: 30_000,
        },
        stationary: true,
        seconds: 12.5,
        step_seconds: 0.5,
    };
    Checkpoint { state, record }
}

fn bytes(checkpoint: &Checkpoint<f32>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Checkpoint { state, record } = checkpoint;
    encode(&mut bytes, state, record, FINGERPRINT).expect("in memory");
    bytes
}

fn read(bytes: &[u8]) -> Result<Checkpoint<f32>, String> {
    decode(bytes, bytes.len() as u64, &SHAPE).map_err(|error| error.to_string())
}

#[test]
fn states_of_every_kind_are_read_back() {
    for checkpoint in [
        checkpoint(&Particle::default(), 0),
        checkpoint(&neural(), 0),
        checkpoint(&neural(), 7),
    ] {
        assert_eq!(read(&bytes(&checkpoint)), Ok(checkpoint));
    }
}

#[test]
fn no_flipped_bit_and_no_missing_or_additional_byte_is_accepted() {
    let whole = bytes(&checkpoint(&neural(), 7));
    for bit in 0..8 * whole.len() {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&flipped).is_err(), "bit {bit}");
    }
    for len in 0..whole.len() {
        assert!(read(&whole[..len]).is_err(), "{len} bytes");
    }
    let longer = [&whole[..], &[0]].concat();
    assert!(read(&longer).unwrap_err().contains("cut short or damaged"));
}

#[test]
fn the_reason_is_told() {
    let whole = bytes(&checkpoint(&neural(), 7));
    let put = |at: usize, new: &[u8]| {
        let mut bytes = whole.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    let cases = [
        (put(0, b"PNG"), "does not begin with RIESZCKP"),
        (
            put(8, &[1]),
            "format version 1, and this program reads version 2",
        ),
        (put(30, &[255]), "its checksum does not fit"),
        (put(77, &[8]), "its numbers have 8 bytes"),
        (put(whole.len() - 40, &[255; 3]), "its checksum is wrong"),
        (whole[..40].to_vec(), "has 40 bytes"),
        (whole[..200].to_vec(), "it is cut off"),
    ];
    for (bytes, reason) in cases {
        let message = read(&bytes).expect_err(reason);
        assert!(message.contains(reason), "{message}");
    }
    for other in [
        RunShape {
            fingerprint: 0,
            ..SHAPE
        },
        RunShape {
            particles: 6,
            ..SHAPE
        },
        RunShape { dim: 3, ..SHAPE },
    ] {
        let refused = decode::<f32>(&whole[..], whole.len() as u64, &other);
        assert!(
            matches!(refused, Err(CheckpointError::OtherRun)),
            "{other:?}"
        );
    }
    let shorter = RunShape { steps: 0, ..SHAPE };
    let refused = decode::<f32>(&whole[..], whole.len() as u64, &shorter);
    assert!(matches!(refused, Err(CheckpointError::Value("step"))));
}

#[test]
fn two_are_kept_and_the_older_is_used_if_the_later_is_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = CheckpointStore::new(folder.path().to_owned());
    for iteration in 7..12 {
        let Checkpoint { state, record } = &checkpoint(&neural(), iteration);
        store.save(state, record, FINGERPRINT).expect("saved");
    }
    let load = || store.load::<f32>(&SHAPE, |_| Ok(())).expect("read");
    let iteration = |loaded: &LoadedCheckpoint<f32>| {
        let checkpoint = loaded.checkpoint.as_ref();
        checkpoint.map(|checkpoint| checkpoint.state.inner().iteration)
    };
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
    assert_eq!(iteration(&load()), Some(11));

    let damage = |iteration: u64| {
        let path = folder.path().join(store::name((1, iteration)));
        let mut bytes = fs::read(&path).expect("a file");
        bytes[300] ^= 4;
        fs::write(&path, bytes).expect("written");
    };
    damage(11);
    let loaded = load();
    assert_eq!(iteration(&loaded), Some(10));
    assert!(loaded.refused[0].1.to_string().contains("checksum"));

    // The run goes on from there: the damaged one gives way.
    let Checkpoint { state, record } = &checkpoint(&neural(), 10);
    store.save(state, record, FINGERPRINT).expect("saved");
    let loaded = load();
    assert_eq!((iteration(&loaded), loaded.refused.len()), (Some(10), 0));
    damage(10);
    let loaded = load();
    assert_eq!((iteration(&loaded), loaded.refused.len()), (None, 1));
    store.remove().expect("removed");
    assert_eq!(iteration(&load()), None);
}
