//! What holds for every scheme: reproducible runs, states that own all that evolves, errors instead of nonsense.

use std::ops::ControlFlow;
use std::sync::Mutex;

use nalgebra::DMatrix;
use rieszflow_flows::scheme::{Backward, Forward, Iteration, Training};
use rieszflow_flows::{
    Error, Flow, Functional, Interaction, Minibatches, Mmd, Points, PotentialFunction, RieszKernel,
    Scheme, State,
};

use crate::common::{cloud, schemes};

fn small() -> Training {
    Training {
        hidden_layers: 1,
        width: 8,
        latent_dim: Some(2),
        batch: 10,
        first_iterations: 20,
        iterations: 5,
        learning_rate: 1e-2,
        learning_rate_decay: 0.1,
        seed: 3,
        ..Training::default()
    }
}

fn mmd() -> Mmd<f32> {
    let target = DMatrix::from_row_slice(3, 2, &[2.0, 0.0, 0.0, 2.0, -1.0, -1.0]);
    Mmd::new(RieszKernel::new(1.0).unwrap(), target, None).unwrap()
}

fn run(scheme: &dyn Scheme<f32>, start: DMatrix<f32>, steps: usize) -> State<f32> {
    let mut state = scheme.start(start).unwrap();
    for _ in 0..steps {
        scheme.step(&mmd(), &mut state, 0.1).unwrap();
    }
    state
}

#[test]
fn the_seed_determines_every_bit() {
    let run = |seed| {
        let training = Training { seed, ..small() };
        // Coincident particles, which the particle flow jitters.
        let start = DMatrix::from_element(40, 2, 0.5);
        schemes(training).map(|scheme| run(&*scheme, start.clone(), 2))
    };
    let (first, again, other) = (run(3), run(3), run(4));
    for ((first, again), other) in first.iter().zip(&again).zip(&other) {
        assert_eq!(first, again);
        assert_ne!(first.particles, other.particles);
    }
}

/// Sizes at which pair sums, products and Adam all run in parallel, and at which only the halves of a
/// batch do.
#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    for (width, batch, control_variate) in [(256, 500, false), (64, 100, false), (128, 250, true)] {
        let training = Training {
            hidden_layers: 2,
            width,
            batch,
            control_variate,
            first_iterations: 5,
            ..small()
        };
        let flows = || schemes(training).map(|scheme| run(&*scheme, cloud(600), 2));
        let outside = flows();
        for threads in [1, 2, 4] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            assert_eq!(outside, pool.install(flows), "{threads} threads");
        }
    }
}

/// A state is all there is to know: another scheme object continues it to the same bits.
#[test]
fn a_state_owns_everything_that_evolves() {
    let fresh = || schemes(small()).into_iter().zip(schemes(small()));
    for (scheme, resumed) in fresh() {
        let mut state = run(&*scheme, cloud(40), 1);
        let mut copy = state.clone();
        for (scheme, state) in [(&scheme, &mut state), (&resumed, &mut copy)] {
            for _ in 0..2 {
                scheme.step(&mmd(), state, 0.1).unwrap();
            }
        }
        assert_eq!(state, copy);
        assert_eq!(state.step, 3);
    }
}

/// The next time step starts from the last one's parameters and moments.
#[test]
fn parameters_and_moments_are_carried_over() {
    for scheme in schemes(small()).into_iter().take(2) {
        let mut state = scheme.start(cloud(40)).unwrap();
        let fresh = state.kernel().unwrap().clone();
        assert_eq!(fresh.moments.updates, 0);
        for n in 1..=2 {
            scheme.step(&mmd(), &mut state, 0.1).unwrap();
            assert_eq!(state.kernel().unwrap().moments.updates, 20 * n);
        }
    }
    // With a learning rate that changes nothing the second step ends where the first did, in θ; the
    // moments remember it all the same.
    let idle = Training {
        learning_rate: 1e-30,
        ..small()
    };
    for scheme in schemes(idle).into_iter().take(2) {
        let state = run(&*scheme, cloud(40), 2);
        let start = scheme.start(cloud(40)).unwrap();
        let (start, kernel) = (start.kernel().unwrap(), state.kernel().unwrap());
        assert_eq!(kernel.parameters, start.parameters);
        assert!(kernel.moments.first.iter().any(|&m| m != 0.0));
    }
}

/// One scheme serves flows of any number of particles, in any dimension, in turn.
#[test]
fn a_scheme_is_used_again_for_other_starts() {
    let training = Training {
        latent_dim: None,
        ..small()
    };
    for scheme in schemes(training) {
        for (count, dim) in [(40, 2), (10, 2), (300, 2), (25, 3), (40, 2)] {
            let start = DMatrix::from_fn(count, dim, |i, k| (1.7 * (i * dim + k) as f32).sin());
            let kernel = RieszKernel::new(1.0).unwrap();
            let functional = Mmd::new(kernel, DMatrix::zeros(1, dim), None).unwrap();
            let mut state = scheme.start(start).unwrap();
            scheme.step(&functional, &mut state, 0.1).unwrap();
            assert_eq!(state.particles.shape(), (count, dim));
        }
    }
}

#[test]
fn states_of_other_schemes_and_networks_are_refused() {
    let wider = Training {
        width: 9,
        ..small()
    };
    let mut makers: Vec<Box<dyn Scheme<f32>>> = schemes(small()).into_iter().collect();
    makers.extend(schemes(wider).into_iter().take(2));
    for (i, maker) in makers.iter().enumerate() {
        for (j, scheme) in makers.iter().enumerate() {
            let mut state = maker.start(cloud(40)).unwrap();
            let before = state.clone();
            let done = scheme.step(&mmd(), &mut state, 0.1);
            if i == j {
                done.unwrap();
            } else {
                assert!(matches!(done, Err(Error::ForeignState { .. })), "{i} {j}");
                assert_eq!(state, before);
            }
        }
    }
}

#[test]
fn a_target_in_another_space_is_refused() {
    let kernel = RieszKernel::new(1.0).unwrap();
    let space = Mmd::new(kernel, DMatrix::zeros(5, 3), None).unwrap();
    let refused = Error::Dimension {
        expected: 3,
        found: 2,
    };
    for scheme in schemes(small()) {
        let mut state = scheme.start(cloud(40)).unwrap();
        let done = scheme.step(&space, &mut state, 0.1);
        assert_eq!(done, Err(refused.clone()));
        let start = Flow::new(&space, &*scheme).start(cloud(40));
        assert_eq!(start.err(), Some(refused.clone()));
    }
}

/// Particles that a caller has replaced by others of another dimension are an error as well.
#[test]
fn particles_of_another_dimension_than_the_network_are_refused() {
    for scheme in schemes(small()).into_iter().take(2) {
        let mut state = scheme.start(cloud(40)).unwrap();
        state.particles = DMatrix::zeros(40, 3);
        let done = scheme.step(&Recorder::default(), &mut state, 0.1);
        assert!(matches!(done, Err(Error::ForeignState { .. })));
    }
}

/// The first number of iterations applies while t < 1, which rounding of t does not delay.
#[test]
fn iterations_are_watched_and_change_at_time_one() {
    for scheme in schemes(small()).into_iter().take(2) {
        let mut state = scheme.start(cloud(40)).unwrap();
        for n in 0..12 {
            let mut seen: Vec<Iteration> = Vec::new();
            let report = scheme
                .step_with(&mmd(), &mut state, 0.1, &mut |_, iteration| {
                    seen.push(iteration);
                    ControlFlow::Continue(())
                })
                .unwrap();
            let count = if n < 10 { 20 } else { 5 };
            assert_eq!(seen.len() as u64, count, "step {n}");
            for (index, iteration) in seen.iter().enumerate() {
                assert_eq!((iteration.index, iteration.count), (index as u64, count));
                assert!(iteration.loss.is_finite());
            }
            assert!(report.loss.unwrap().is_finite());
        }
        assert!((state.time - 1.2).abs() < 1e-12);
    }
}

/// F(μ) = ½k∫|x|²dμ, on which a step of τ = 1 with a random plan loses much.
fn steep() -> PotentialFunction<f32, impl Fn(&[f32], &mut [f32]) -> f64> {
    PotentialFunction::new(|x: &[f32], gradient: &mut [f32]| {
        gradient.iter_mut().zip(x).for_each(|(g, x)| *g = 10.0 * x);
        5.0 * x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>()
    })
}

/// A backward step that is worse than to stay is trained again, up to ten rounds.
#[test]
fn a_plan_that_loses_is_trained_in_further_rounds() {
    let iterations = |first_iterations, learning_rate| {
        let scheme = Backward::new(Training {
            first_iterations,
            learning_rate,
            ..small()
        });
        let mut state = scheme.start(cloud(40)).unwrap();
        scheme.step(&steep(), &mut state, 1.0).unwrap().iterations
    };
    assert_eq!(iterations(3, 1e-30), 30);
    assert_eq!(iterations(400, 1e-2), 400);
    let few = iterations(10, 1e-2);
    assert!(few > 10 && few < 100, "{few}");
}

/// So is a forward direction that does not descend; random ones do as often as not.
#[test]
fn a_direction_that_ascends_is_trained_in_further_rounds() {
    let mut outcomes = [0; 2];
    for seed in 0..10 {
        let scheme = Forward::new(Training {
            first_iterations: 2,
            learning_rate: 1e-30,
            seed,
            ..small()
        });
        let mut state = scheme.start(cloud(40)).unwrap();
        let report = scheme.step(&mmd(), &mut state, 0.1).unwrap();
        assert_eq!(report.iterations, if report.is_stationary { 20 } else { 2 });
        outcomes[usize::from(report.is_stationary)] += 1;
    }
    assert!(outcomes[0] > 0 && outcomes[1] > 0, "{outcomes:?}");
}

/// Stopped in any iteration of any round, a step goes on to the same bits.
#[test]
fn a_step_of_several_rounds_goes_on_where_it_was_stopped() {
    let scheme = Backward::new(Training {
        first_iterations: 3,
        learning_rate: 1e-4,
        ..small()
    });
    let start = scheme.start(cloud(40)).unwrap();
    let mut expected = start.clone();
    scheme.step(&steep(), &mut expected, 1.0).unwrap();
    for stop in 1..30 {
        let mut state = start.clone();
        let mut saved = None;
        scheme
            .step_with(&steep(), &mut state, 1.0, &mut |state, _| {
                if state.inner().iteration == stop {
                    saved = Some(state.clone());
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        let mut saved = saved.unwrap();
        scheme.step(&steep(), &mut saved, 1.0).unwrap();
        assert_eq!(saved, expected, "stopped after {stop} iterations");
    }
}

/// Keeps the first coordinates of the minibatches it is shown.
#[derive(Default)]
struct Recorder {
    batches: Mutex<Vec<[Vec<f32>; 2]>>,
}

impl Recorder {
    fn record(&self, batches: Minibatches<'_, f32>) {
        let first = |points: Points<'_, f32>| points.coordinate(0).to_vec();
        let both = [first(batches.first()), first(batches.second())];
        self.batches.lock().unwrap().push(both);
    }
}

impl Functional<f32> for Recorder {
    fn energy(&self, _: Points<'_, f32>) -> f64 {
        0.0
    }

    fn gradient(&self, _: Points<'_, f32>, _: &mut [f32]) -> f64 {
        0.0
    }

    fn minibatch_energy(&self, _: Minibatches<'_, f32>, _: &mut [f32]) -> f64 {
        0.0
    }

    fn minibatch_derivative(
        &self,
        positions: Minibatches<'_, f32>,
        velocities: Minibatches<'_, f32>,
        gradient: &mut [f32],
    ) -> Result<f64, Error> {
        self.record(positions);
        let along = velocities.both().coordinate(0);
        gradient[..along.len()].iter_mut().for_each(|g| *g += 1.0);
        Ok(along.iter().map(|&v| f64::from(v)).sum())
    }
}

/// Two minibatches, each without replacement, independent of each other, every particle as likely.
#[test]
fn minibatches_are_drawn_without_replacement() {
    let count = 40;
    for batch in [10, 40] {
        let (recorder, iterations) = (Recorder::default(), 400);
        let scheme = Forward::new(Training {
            batch,
            first_iterations: iterations,
            ..small()
        });
        let start = DMatrix::from_fn(count, 2, |i, _| i as f32);
        let mut state = scheme.start(start).unwrap();
        scheme.step(&recorder, &mut state, 0.1).unwrap();
        let batches = recorder.batches.into_inner().unwrap();
        let (mut drawn, mut common) = (vec![0.0; count], 0.0);
        for both in &batches[..iterations as usize] {
            let [first, second] = both.clone().map(|mut batch| {
                batch.sort_by(f32::total_cmp);
                assert!(batch.windows(2).all(|pair| pair[0] < pair[1]));
                batch
            });
            assert_eq!((first.len(), second.len()), (batch, batch));
            first
                .iter()
                .chain(&second)
                .for_each(|&i| drawn[i as usize] += 1.0);
            common += first.iter().filter(|i| second.contains(i)).count() as f64;
        }
        // Each of the 800 batches holds a particle with probability B/N: six standard deviations.
        let share = batch as f64 / count as f64;
        let allowed = 6.0 * (800.0 * share * (1.0 - share)).sqrt() + 1e-9;
        assert!(
            drawn.iter().all(|n| (n - 800.0 * share).abs() < allowed),
            "{drawn:?}"
        );
        // B²/N of the particles are in both, with a standard deviation of less than √B.
        let mean = common / iterations as f64;
        let expected = share * batch as f64;
        assert!((mean - expected).abs() < 6.0 * (batch as f64 / iterations as f64).sqrt());
        // The rescaling takes fresh batches of all particles, up to 2000.
        let last = &batches[iterations as usize];
        assert_eq!(
            (batches.len(), last[0].len()),
            (iterations as usize + 1, count)
        );
    }
}

/// With a control variate the minibatches of a sweep are disjoint and hold every particle once, up to a
/// rest that is smaller than two minibatches. Two particles coincide, so that the derivative is asked for.
#[test]
fn with_a_control_variate_minibatches_sweep_over_all_particles() {
    let count = 40;
    for batch in [10, 15, 40] {
        let recorder = Recorder::default();
        let scheme = Forward::new(Training {
            batch,
            first_iterations: 12,
            control_variate: true,
            ..small()
        });
        let start = DMatrix::from_fn(count, 2, |i, _| i.min(count - 2) as f32);
        let mut state = scheme.start(start).unwrap();
        scheme.step(&recorder, &mut state, 0.1).unwrap();
        let batches = recorder.batches.into_inner().unwrap();
        let batch = batch.min(count / 2);
        let mut sweeps = Vec::new();
        for sweep in batches[..12].chunks_exact(count / (2 * batch)) {
            let mut seen: Vec<f32> = sweep.iter().flatten().flatten().copied().collect();
            assert_eq!(seen.len(), count / (2 * batch) * 2 * batch);
            sweeps.push(seen.clone());
            seen.sort_by(f32::total_cmp);
            let twice = seen.windows(2).filter(|pair| pair[0] == pair[1]);
            assert!(twice.clone().count() <= 1 && twice.clone().all(|pair| pair[0] == 38.0));
        }
        assert!(
            sweeps.windows(2).all(|pair| pair[0] != pair[1]),
            "one order"
        );
    }
}

#[test]
fn unusable_settings_are_refused_by_name() {
    type Spoil = fn(&mut Training);
    let cases: [(&str, Spoil); 13] = [
        ("batch", |t| t.batch = 0),
        ("batch", |t| t.batch = 41),
        ("width", |t| t.width = 0),
        ("hidden_layers", |t| t.hidden_layers = 0),
        ("latent_dim", |t| t.latent_dim = Some(0)),
        ("first_iterations", |t| t.first_iterations = 0),
        ("iterations", |t| t.iterations = 0),
        ("learning_rate", |t| t.learning_rate = 0.0),
        ("learning_rate", |t| t.learning_rate = -1e-3),
        ("learning_rate", |t| t.learning_rate = f64::NAN),
        ("learning_rate", |t| t.learning_rate = f64::INFINITY),
        ("learning_rate_decay", |t| t.learning_rate_decay = 0.0),
        ("learning_rate_decay", |t| t.learning_rate_decay = 1.5),
    ];
    for (setting, spoil) in cases {
        let mut training = small();
        spoil(&mut training);
        for scheme in schemes(training).into_iter().take(2) {
            let error = scheme.start(cloud(40)).unwrap_err();
            assert!(
                matches!(error, Error::Setting { name, .. } if name == setting),
                "{error}"
            );
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("{setting} must be "))
            );
        }
    }
}

#[test]
fn particles_that_are_not_numbers_are_refused() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut start = cloud(40);
        start[(17, 1)] = bad;
        for scheme in schemes(small()) {
            let error = scheme.start(start.clone()).unwrap_err();
            assert!(matches!(error, Error::NotFinite { row: 17, .. }), "{error}");
        }
    }
}

#[test]
fn time_steps_that_are_not_positive_are_refused() {
    for scheme in schemes(small()) {
        let mut state = scheme.start(cloud(40)).unwrap();
        let before = state.clone();
        for tau in [0.0, -0.1, f64::NAN, f64::INFINITY] {
            let error = scheme.step(&mmd(), &mut state, tau).unwrap_err();
            assert!(matches!(error, Error::TimeStep(_)), "{error}");
            assert_eq!(state, before);
        }
    }
}

/// What [`Broken`] returns in place of a value or a gradient.
#[derive(Clone, Copy, Debug)]
enum Flaw {
    Value(f64),
    Gradient(f32),
}

/// A functional with a value or gradient that is not a number.
struct Broken(Flaw);

impl Broken {
    fn evaluate(&self, gradient: &mut [f32]) -> f64 {
        match self.0 {
            Flaw::Value(value) => {
                gradient.fill(value as f32);
                value
            }
            Flaw::Gradient(entry) => {
                gradient.fill(entry);
                -1.0
            }
        }
    }
}

impl Functional<f32> for Broken {
    fn energy(&self, _: Points<'_, f32>) -> f64 {
        self.evaluate(&mut [])
    }

    fn gradient(&self, _: Points<'_, f32>, gradient: &mut [f32]) -> f64 {
        self.evaluate(gradient)
    }

    fn minibatch_energy(&self, _: Minibatches<'_, f32>, gradient: &mut [f32]) -> f64 {
        self.evaluate(gradient)
    }

    fn minibatch_derivative(
        &self,
        _: Minibatches<'_, f32>,
        _: Minibatches<'_, f32>,
        gradient: &mut [f32],
    ) -> Result<f64, Error> {
        Ok(self.evaluate(gradient))
    }
}

/// A divergence is an error, and the state still holds the particles of the last good step.
#[test]
fn divergence_is_noticed_and_keeps_the_particles() {
    for flaw in [
        Flaw::Value(f64::NAN),
        Flaw::Value(f64::INFINITY),
        Flaw::Gradient(f32::NAN),
        Flaw::Gradient(f32::INFINITY),
    ] {
        for iterations in [1, 5] {
            let training = Training {
                first_iterations: iterations,
                ..small()
            };
            for scheme in schemes(training) {
                let mut state = scheme.start(cloud(40)).unwrap();
                scheme.step(&mmd(), &mut state, 0.1).unwrap();
                let before = state.clone();
                let error = scheme.step(&Broken(flaw), &mut state, 0.1).unwrap_err();
                assert!(matches!(error, Error::Diverged(_)), "{flaw:?}: {error}");
                assert_eq!(state.particles, before.particles);
                assert_eq!((state.step, state.time), (before.step, before.time));
            }
        }
    }
}

/// From fresh parameters the second step ends elsewhere than from those that the first has learned.
#[test]
fn the_next_step_starts_from_what_was_learned() {
    let scheme = Backward::new(Training {
        width: 8,
        batch: 10,
        first_iterations: 20,
        ..Training::default()
    });
    let functional = Interaction::new(RieszKernel::new(1.0).expect("0 < r < 2"));
    let mut state: State<f64> = scheme.start(DMatrix::zeros(40, 2)).expect("a start");
    scheme.step(&functional, &mut state, 0.1).expect("a step");
    let mut forgetful = scheme.start(state.particles.clone()).expect("a start");
    forgetful.step = state.step;
    for state in [&mut state, &mut forgetful] {
        scheme.step(&functional, state, 0.1).expect("a step");
    }
    assert_ne!(state.particles, forgetful.particles);
}
