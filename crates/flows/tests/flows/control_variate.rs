//! Tests of the control variate: it tells minibatches what all particles contribute, and changes nothing else.

use std::ops::ControlFlow;

use nalgebra::DMatrix;
use rieszflow_flows::scheme::{Backward, Forward, Training};
use rieszflow_flows::{
    Functional, GradientRows, Interaction, Measure, Minibatches, Mmd, Points, RieszKernel, Scheme,
    State,
};

use crate::common::schemes;

fn kernel() -> RieszKernel {
    RieszKernel::new(1.0).expect("0 < r < 2")
}

fn wave(count: usize, frequency: f64) -> DMatrix<f64> {
    DMatrix::from_fn(count, 2, |i, k| {
        (frequency * (i as f64 + 1.0) + 0.9 * k as f64).sin()
    })
}

fn mmd() -> Mmd<f64> {
    Mmd::new(kernel(), wave(30, 1.3), None).expect("a target")
}

/// Mutual energies of E against the double loop, with weights of both signs.
#[test]
fn the_mutual_energy_is_the_double_sum() {
    let (x, y) = (wave(7, 1.7), wave(11, 0.6));
    let weights: Vec<f64> = (0..11).map(|k| (1.1 * f64::from(k)).cos()).collect();
    let mut gradient = vec![0.0; 14];
    let value = mmd().mutual_energy(
        Measure::uniform(Points::from(&x)),
        Measure::weighted(Points::from(&y), &weights),
        2.0,
        &mut GradientRows::in_x(&mut gradient, 7),
    );
    let (mut plain, mut plain_gradient) = (0.0, [0.0; 14]);
    for i in 0..7 {
        for (k, weight) in weights.iter().enumerate() {
            let difference = x.row(i) - y.row(k);
            plain -= weight * difference.norm() / 7.0;
            for c in 0..2 {
                let slope = difference[c] / difference.norm();
                plain_gradient[c * 7 + i] -= 2.0 * weight * slope / 7.0;
            }
        }
    }
    assert!((value - plain).abs() < 1e-14);
    for (g, plain) in gradient.iter().zip(plain_gradient) {
        assert!((g - plain).abs() < 1e-14);
    }
}

/// Where every copy is where its particle is, minibatches with the control variate have the gradient of
/// the energy of all particles.
#[test]
fn with_exact_copies_a_minibatch_has_the_gradient_of_all() {
    let (functional, count, batch) = (mmd(), 20, 4);
    let all = wave(count, 0.7);
    let rows = [3, 19, 0, 8, 11, 5, 2, 14];
    let x = all.select_rows(&rows);
    let batches = Minibatches::new(Points::from(&x));
    let mut gradient = vec![0.0; 2 * 2 * batch];
    functional.minibatch_energy(batches, &mut gradient);
    let sides = [
        (0, batches.first(), &rows[batch..]),
        (batch, batches.second(), &rows[..batch]),
    ];
    for (start, particles, others) in sides {
        let mut weights = vec![1.0 / count as f64; count];
        for &row in others {
            weights[row] -= 1.0 / batch as f64;
        }
        let copies = Measure::weighted(Points::from(&all), &weights);
        let rows = &mut GradientRows::in_x(&mut gradient[start..], 2 * batch);
        functional.mutual_energy(Measure::uniform(particles), copies, 0.5, rows);
    }
    let mut of_all = DMatrix::<f64>::zeros(count, 2);
    functional.gradient(Points::from(&all), of_all.as_mut_slice());
    let of_all = of_all * (count as f64 / (2 * batch) as f64);
    for (i, &row) in rows.iter().enumerate() {
        for k in 0..2 {
            assert!((gradient[k * 2 * batch + i] - of_all[(row, k)]).abs() < 1e-14);
        }
    }
}

/// The derivative along velocities of distinct particles is the mean of ⟨N ∂F/∂xᵢ, aᵢ⟩.
#[test]
fn the_derivative_of_distinct_particles_is_linear() {
    let (functional, count) = (mmd(), 20);
    let (x, a) = (wave(count, 0.77), wave(count, 2.3));
    let twice = |m: &DMatrix<f64>| DMatrix::from_fn(2 * count, 2, |i, k| m[(i % count, k)]);
    let (positions, velocities) = (twice(&x), twice(&a));
    let mut unused = vec![0.0; 4 * count];
    let derivative = functional
        .minibatch_derivative(
            Minibatches::new(Points::from(&positions)),
            Minibatches::new(Points::from(&velocities)),
            &mut unused,
        )
        .expect("r = 1");
    let mut gradient = DMatrix::<f64>::zeros(count, 2);
    functional.gradient(Points::from(&x), gradient.as_mut_slice());
    assert!((derivative - gradient.dot(&a)).abs() < 1e-13);
}

/// Distinct particles are moved against the gradient, by −τ N ∂F/∂xᵢ. The network fits the six velocities
/// up to what the falling learning rate leaves.
#[test]
fn a_forward_step_follows_the_gradient_of_distinct_particles() {
    let (functional, start) = (mmd(), wave(6, 0.77));
    let scheme = Forward::new(Training {
        batch: 3,
        first_iterations: 2000,
        ..training(true)
    });
    let mut state = scheme.start(start.clone()).expect("a start");
    scheme.step(&functional, &mut state, 0.1).expect("a step");
    let mut gradient = DMatrix::<f64>::zeros(6, 2);
    functional.gradient(Points::from(&start), gradient.as_mut_slice());
    let expected = gradient * -0.6;
    let error = (state.particles - start - &expected).norm() / expected.norm();
    assert!(error < 0.02, "{error}");
}

fn training(control_variate: bool) -> Training {
    Training {
        width: 32,
        batch: 25,
        first_iterations: 300,
        iterations: 300,
        control_variate,
        ..Training::default()
    }
}

/// D² to the target after these steps from a Dirac.
fn final_discrepancy(scheme: &dyn Scheme<f64>, steps: &[f64]) -> f64 {
    let functional = Mmd::new(kernel(), wave(200, 1.3), None).expect("a target");
    let mut state = scheme.start(DMatrix::zeros(200, 2)).expect("a start");
    for &tau in steps {
        scheme.step(&functional, &mut state, tau).expect("a step");
    }
    functional.discrepancy(Points::from(&state.particles))
}

/// 200 independent draws of the target have D² = 2e-3 or so on average. With the same iterations the
/// control variate goes below half of what independent minibatches reach; the factor is about ten.
#[test]
fn the_flow_comes_closer_to_its_target() {
    let steps = [0.5, 0.5, 1.0, 2.0, 4.0, 4.0, 8.0, 8.0];
    let [with, without] =
        [true, false].map(|variate| final_discrepancy(&Backward::new(training(variate)), &steps));
    assert!(with < 0.5 * without, "{with} with, {without} without");
    let [with, without] = [true, false]
        .map(|variate| final_discrepancy(&Forward::new(training(variate)), &[0.25; 16]));
    assert!(with < without, "forward: {with} with, {without} without");
}

/// The learning rate is small at the end of a time step: the copies are then where the particles will go, up
/// to what the last iterations change, a hundredth of how far they move. Copies of the first iteration would
/// be off by more than the whole way. Between time steps there are no copies.
#[test]
fn copies_follow_the_transport() {
    let (functional, start) = (mmd(), wave(60, 0.3));
    let scheme = Backward::new(training(true));
    let mut state = scheme.start(start.clone()).expect("a start");
    let mut copies = DMatrix::zeros(0, 0);
    let mut keep = |state: &State<f64>, _| {
        copies.clone_from(state.copies().expect("inside a time step"));
        ControlFlow::Continue(())
    };
    let step = scheme.step_with(&functional, &mut state, 0.3, &mut keep);
    step.expect("a step");
    let moved = (&state.particles - &start).norm();
    let lag = (&state.particles - copies).norm() / moved;
    assert!(lag < 0.05, "{lag}");
    assert_eq!(state.copies(), None);
}

/// Inside a time step too a state that is written and read goes on to the same bits.
#[test]
fn a_state_inside_a_time_step_is_resumed_to_the_bit() {
    let functional = mmd();
    for scheme in schemes_in_double(training(true)) {
        let mut whole = scheme.start(wave(60, 0.3)).expect("a start");
        let mut stopped = whole.clone();
        scheme.step(&functional, &mut whole, 0.3).expect("a step");
        let mut stop = |_: &State<f64>, iteration: rieszflow_flows::scheme::Iteration| {
            if iteration.index == 40 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let interrupted = scheme.step_with(&functional, &mut stopped, 0.3, &mut stop);
        assert_eq!(interrupted, Err(rieszflow_flows::Error::Interrupted));
        let mut file = Vec::new();
        stopped.write(&mut file).expect("written");
        let mut resumed = State::read(&file[..]).expect("read");
        assert_eq!(resumed, stopped);
        scheme.step(&functional, &mut resumed, 0.3).expect("a step");
        assert_eq!(resumed, whole);
    }
}

fn schemes_in_double(training: Training) -> [Box<dyn Scheme<f64>>; 2] {
    [
        Box::new(Backward::new(training)),
        Box::new(Forward::new(training)),
    ]
}

/// Few particles: minibatches are as large as they can be apart, and one particle has none.
#[test]
fn few_particles_are_enough() {
    let functional = Interaction::<f32>::new(kernel());
    for count in 1..6 {
        let training = Training {
            batch: count,
            first_iterations: 5,
            ..training(true)
        };
        for scheme in schemes(training) {
            let mut state = scheme.start(DMatrix::zeros(count, 2)).expect("a start");
            scheme.step(&functional, &mut state, 0.1).expect("a step");
        }
    }
}
