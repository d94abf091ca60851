//! The generative chain against its steps written out, an exact map, and conditional laws; states inside a step.

use std::ops::ControlFlow;

use nalgebra::DMatrix;
use rieszflow_flows::scheme::{Chain, Iteration, Particle, Training};
use rieszflow_flows::{
    Error, Flow, HeldOut, Mmd, NetworkChain, NormalStart, Outcome, Points, RieszKernel, Scheme,
    Slicing, State, StepSizes, Sums, hold_out, time_grid,
};

use crate::common::cloud;

fn small() -> Chain {
    Chain {
        training: Training {
            hidden_layers: 1,
            width: 8,
            batch: 10,
            iterations: 20,
            first_phase: 0.0,
            seed: 3,
            ..Training::default()
        },
        flow_step: 0.1,
        momentum: 0.5,
        conditions: 0,
    }
}

fn target() -> DMatrix<f32> {
    DMatrix::from_row_slice(3, 2, &[2.0, 0.0, 0.0, 2.0, -1.0, -1.0])
}

fn mmd() -> Mmd<f32> {
    let sums = Sums::Sliced(Slicing::new(16));
    Mmd::with_sums(RieszKernel::new(1.0).unwrap(), target(), None, sums).unwrap()
}

fn go_on(_: &State<f32>, _: Iteration) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The states after each flow step and each iteration of a time step.
fn inside(chain: &Chain, mut state: State<f32>, tau: f64) -> (Vec<State<f32>>, State<f32>) {
    let mut states = Vec::new();
    let keep = &mut |state: &State<f32>, _| {
        states.push(state.clone());
        ControlFlow::Continue(())
    };
    chain.step_with(&mmd(), &mut state, tau, keep).unwrap();
    (states, state)
}

/// What the network learns from is the particle flow with momentum; in the next step it goes on from where
/// the network has taken the particles, with the velocities that they had.
#[test]
fn its_flow_is_that_of_particles_with_momentum() {
    let chain = small();
    let particle = Particle {
        seed: 0,
        momentum: 0.5,
    };
    let mut state = chain.start(cloud(40)).unwrap();
    let mut flow = particle.start(cloud(40)).unwrap();
    for _ in 0..2 {
        let (states, after) = inside(&chain, state, 0.4);
        for state in &states[..4] {
            particle.step(&mmd(), &mut flow, 0.1).unwrap();
            assert_eq!(state.moved(), Some(&flow.particles));
            assert_eq!(state.velocities(), flow.velocities());
        }
        let kernel = after.kernel().unwrap();
        let before = &states[0].particles;
        let transport = kernel.transport.as_ref().unwrap();
        let moved = transport.push_forward(&kernel.parameters, before, &DMatrix::zeros(40, 0));
        assert_eq!(after.particles, moved);
        assert_ne!(moved, flow.particles);
        assert_eq!((kernel.moments.updates, after.moved()), (20, None));
        flow.particles.clone_from(&moved);
        state = after;
    }
}

#[test]
fn conditions_stay_during_the_flow() {
    let chain = Chain {
        conditions: 1,
        ..small()
    };
    let (states, _) = inside(&chain, chain.start(cloud(40)).unwrap(), 0.4);
    let moved = states[3].moved().unwrap();
    assert_eq!(moved.column(1), cloud(40).column(1));
    assert_ne!(moved.column(0), cloud(40).column(0));
}

#[test]
fn starts_of_other_seeds_and_purposes_differ() {
    let samples = cloud(40).map(f64::from);
    assert_ne!(hold_out(&samples, 10, 0), hold_out(&samples, 10, 1));
    let start = NormalStart::of(&samples);
    let drawn = [
        start.particles(5, 0),
        start.particles(5, 1),
        start.compared(5, 0),
        start.samples(5, 0),
    ];
    for (i, one) in drawn.iter().enumerate() {
        assert!(drawn[..i].iter().all(|other| one != other));
    }
}

/// With enough iterations the network takes the particles to within a tenth of where the flow has taken them.
#[test]
fn a_network_learns_where_the_flow_has_gone() {
    let mut chain = small();
    chain.training = Training {
        width: 64,
        batch: 50,
        iterations: 2000,
        learning_rate: 3e-3,
        ..chain.training
    };
    let state = chain.start(cloud(200)).unwrap();
    let (states, after) = inside(&chain, state, 0.4);
    let (before, flow) = (&states[3].particles, states[3].moved().unwrap());
    let error = (&after.particles - flow).norm() / (flow - before).norm();
    assert!(error < 0.1, "{error}");
}

#[test]
fn a_step_goes_on_where_it_was_stopped_also_from_a_file() {
    let chain = small();
    let start = chain.start(cloud(40)).unwrap();
    let (_, between) = inside(&chain, start, 0.4);
    let (states, expected) = inside(&chain, between.clone(), 0.8);
    assert_eq!(states.len(), 8 + 20);
    for (stop, at_stop) in (0_u64..).zip(&states) {
        let mut state = between.clone();
        let callback = &mut |_: &State<f32>, iteration: Iteration| {
            assert_eq!(iteration.count, 28);
            assert_eq!(iteration.loss.is_nan(), iteration.index < 8);
            if iteration.index == stop {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        match chain.step_with(&mmd(), &mut state, 0.8, callback) {
            Err(Error::Interrupted) => {}
            done => {
                assert_eq!(stop, 27);
                done.unwrap();
                continue;
            }
        }
        assert_eq!(state, *at_stop);
        assert_eq!(state.inner().done(), stop + 1);
        let mut file = Vec::new();
        state.write(&mut file).unwrap();
        let mut read = State::read(&file[..]).unwrap();
        assert_eq!(read, state);
        chain.step_with(&mmd(), &mut read, 0.8, &mut go_on).unwrap();
        assert_eq!(read, expected, "stopped at {stop}");
    }
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let mut chain = small();
    chain.training = Training {
        hidden_layers: 2,
        width: 256,
        batch: 500,
        ..chain.training
    };
    let run = || {
        let mut state = chain.start(cloud(600)).unwrap();
        for _ in 0..2 {
            chain.step(&mmd(), &mut state, 0.4).unwrap();
        }
        state
    };
    let outside = run();
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        assert_eq!(outside, pool.install(run), "{threads} threads");
    }
}

/// X ~ N(0, 1), Y = X + ½ε: given y, X is N(0.8y, 0.2).
#[test]
fn a_conditional_chain_leaves_conditions_and_learns_the_posterior() {
    /// Of the observations: their distances then weigh more.
    const SCALE: f64 = 4.0;
    let normal = |i: usize, part: usize| {
        // Quantiles of N(0, 1) in fixed orders that make the parts independent.
        let level = [0.819_172_513, 0.671_043_607, 0.549_700_478][part] * (i + 1) as f64;
        let level: f64 = level.fract().clamp(1e-6, 1.0 - 1e-6);
        let t = (-2.0 * level.min(1.0 - level).ln()).sqrt();
        let tail = t
            - (2.515_517 + t * (0.802_853 + t * 0.010_328))
                / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)));
        if level < 0.5 { -tail } else { tail }
    };
    let count = 2000;
    let pairs = DMatrix::from_fn(count, 2, |i, k| {
        let (x, noise) = (normal(i, 0), normal(i, 1));
        (if k == 0 { x } else { SCALE * (x + 0.5 * noise) }) as f32
    });
    let functional = Mmd::with_sums(
        RieszKernel::new(1.0).unwrap(),
        pairs.clone(),
        None,
        Sums::Sliced(Slicing::new(32)),
    )
    .unwrap();
    let chain = Chain {
        training: Training {
            width: 64,
            batch: 100,
            iterations: 600,
            first_phase: 0.0,
            learning_rate: 2e-3,
            ..Training::default()
        },
        flow_step: 0.1,
        momentum: 0.7,
        conditions: 1,
    };
    let start = DMatrix::from_fn(count, 2, |i, k| {
        if k == 0 {
            normal(i, 2) as f32
        } else {
            pairs[(i, 1)]
        }
    });
    let mut networks = NetworkChain::default();
    let (tau, time) = StepSizes::doubling(1.6, 12.8, 6);
    let grid = time_grid(&[], tau, time).unwrap();
    let flow = Flow::new(&functional, &chain).start(start).unwrap();
    let finished = flow.observe(&mut networks).run(&grid).unwrap();
    assert_eq!(finished.state.particles.column(1), pairs.column(1));
    for y in [-1.0_f32, 0.0, 1.0] {
        let starts = DMatrix::from_fn(count, 1, |i, _| normal(i, 2) as f32);
        let drawn =
            networks.push_forward(starts, &DMatrix::from_element(count, 1, SCALE as f32 * y));
        let (mean, variance) = (drawn.mean(), drawn.variance());
        assert!((mean - 0.8 * y).abs() < 0.08, "mean {mean} at {y}");
        // Few networks do not tell near observations apart: the variance comes out up to 0.07 too large. Without
        // the condition it would be 1.
        assert!((variance - 0.2).abs() < 0.1, "variance {variance} at {y}");
    }
}

/// The stopping rule sees what a fresh particle becomes, and ends the flow; told the same networks, it is in
/// the same place.
#[test]
fn a_flow_ends_when_held_out_data_is_no_longer_approached() {
    let chain = small();
    let kernel = RieszKernel::new(1.0).unwrap();
    let starts = cloud(30);
    // The data is where the particles are already: nothing can be gained.
    let data = starts.map(|x| x + 1e-3);
    let mut held_out = HeldOut::new(kernel, (starts.clone(), &data), 0, 2).unwrap();
    let mut networks = NetworkChain::default();
    let grid = time_grid(&[], 0.4, 40.0).unwrap();
    let functional = mmd();
    let flow = Flow::new(&functional, &chain).start(cloud(40)).unwrap();
    let flow = flow.observe(&mut held_out).observe(&mut networks);
    let finished = flow.run(&grid).unwrap();
    assert_eq!(finished.outcome, Outcome::Completed);
    assert_eq!(finished.state.step, held_out.best() + 2);
    assert!(finished.state.step < 100);
    let pushed = networks.push_forward(starts.clone(), &DMatrix::zeros(30, 0));
    assert_eq!(held_out.fresh(), &pushed);
    let mmd = Mmd::new(kernel, data.map(f64::from), None).unwrap();
    let expected = mmd.discrepancy(Points::from(&pushed.map(f64::from)));
    let found = held_out.discrepancies().last().unwrap();
    assert!((found.v_statistic / expected - 1.0).abs() < 1e-9);
    assert!(found.u_statistic < found.v_statistic);
    let mut told = HeldOut::new(kernel, (starts, &data), 0, 2).unwrap();
    for (parameters, transport) in networks.iter() {
        told.add(parameters, transport);
    }
    assert_eq!(told.discrepancies(), held_out.discrepancies());
    // Nothing is left to do.
    let flow = Flow::new(&functional, &chain).resume(finished.state.clone());
    let again = flow.observe(&mut told).run(&grid).unwrap();
    assert_eq!(again, finished);
}

#[test]
fn unusable_settings_and_foreign_states_are_named() {
    let refused = |chain: Chain| chain.start(cloud(40)).unwrap_err().to_string();
    let unusable = Chain {
        flow_step: 0.0,
        ..small()
    };
    assert_eq!(
        refused(unusable),
        "flow_step must be positive and finite, not 0"
    );
    let unusable = Chain {
        conditions: 2,
        ..small()
    };
    assert_eq!(
        refused(unusable),
        "conditions must be fewer than the coordinates, 2, not 2"
    );
    let unusable = Chain {
        momentum: 1.0,
        ..small()
    };
    assert_eq!(
        refused(unusable),
        "momentum must be at least 0 and below 1, not 1"
    );
    let mut state = small().start(cloud(40)).unwrap();
    let other = Chain {
        conditions: 1,
        ..small()
    };
    let error = other.step(&mmd(), &mut state, 0.1).unwrap_err();
    assert!(matches!(error, Error::ForeignState { .. }), "{error}");
    let error = Particle::new(0).step(&mmd(), &mut state, 0.1).unwrap_err();
    assert!(matches!(error, Error::ForeignState { .. }), "{error}");
}
