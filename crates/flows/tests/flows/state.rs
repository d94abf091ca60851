//! States in files: read back to the bit at any place of a flow, and refused when they are damaged.

use std::ops::ControlFlow;

use nalgebra::DMatrix;
use rieszflow_flows::scheme::Training;
use rieszflow_flows::{Error, Mmd, RieszKernel, Scheme, State, StateError};

use crate::common::{cloud, schemes};

fn training() -> Training {
    Training {
        hidden_layers: 1,
        width: 4,
        batch: 10,
        first_iterations: 20,
        iterations: 20,
        ..Training::default()
    }
}

fn mmd() -> Mmd<f32> {
    let target = DMatrix::from_row_slice(3, 2, &[2.0, 0.0, 0.0, 2.0, -1.0, -1.0]);
    Mmd::new(RieszKernel::new(1.0).unwrap(), target, None).unwrap()
}

/// Before the first step, between two, and inside one.
fn states(scheme: &dyn Scheme<f32>) -> Vec<State<f32>> {
    let start = scheme.start(cloud(12)).unwrap();
    let mut between = start.clone();
    scheme.step(&mmd(), &mut between, 0.1).unwrap();
    let mut inside = between.clone();
    let stop = &mut |_: &State<f32>, iteration: rieszflow_flows::scheme::Iteration| {
        if iteration.index == 18 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    match scheme.step_with(&mmd(), &mut inside, 0.1, stop) {
        Err(Error::Interrupted) => vec![start, between, inside],
        // The particle flow has no inside.
        _ => vec![start, between],
    }
}

fn written(state: &State<f32>) -> Vec<u8> {
    let mut file = Vec::new();
    state.write(&mut file).unwrap();
    file
}

#[test]
fn a_state_that_was_read_goes_on_to_the_same_bits() {
    for scheme in schemes(training()) {
        for mut state in states(&*scheme) {
            let mut read = State::read(&written(&state)[..]).unwrap();
            assert_eq!(read, state);
            for state in [&mut state, &mut read] {
                scheme.step(&mmd(), state, 0.1).unwrap();
            }
            assert_eq!(read, state);
        }
    }
}

#[test]
fn every_damaged_bit_and_every_length_is_refused() {
    for scheme in schemes(training()) {
        for state in states(&*scheme) {
            let file = written(&state);
            for len in 0..file.len() {
                let refused = State::<f32>::read(&file[..len]);
                assert!(matches!(refused, Err(StateError::CutOff)), "{len} bytes");
            }
            let mut damaged = file.clone();
            for bit in 0..8 * file.len() {
                damaged[bit / 8] ^= 1 << (bit % 8);
                State::<f32>::read(&damaged[..]).expect_err("damaged");
                damaged[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
}

#[test]
fn another_precision_and_another_file_are_named() {
    let file = written(&schemes(training())[0].start(cloud(12)).unwrap());
    let refused = State::<f64>::read(&file[..]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "its numbers have 4 bytes, and 8 are expected"
    );
    let refused = State::<f32>::read(&b"PK\x03\x04 something else"[..]).unwrap_err();
    assert!(matches!(refused, StateError::NoState), "{refused}");
}
