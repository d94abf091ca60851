//! What holds for every scheme: reproducible runs, states that own all that evolves, errors instead of nonsense.

use std::ops::ControlFlow;
use std::sync::Mutex;

use nalgebra::DMatrix;
use rieszflow_flows::scheme::{Forward, Iteration, Training, unwatched};
use rieszflow_flows::{Error, Functional, Minibatches, Mmd, Points, RieszKernel, Scheme, State};

use crate::common::{cloud, schemes};

fn small() -> Training {
    Training {
        hidden_layers: 1,
        width: 8,
        latent_dim: 2,
        batch: 10,
        first_iterations: 20,
        iterations: 5,
        learning_rate: 1e-2,
        learning_rate_decay: 0.1,
        seed: 3,
    }
}

fn mmd() -> Mmd<f32> {
    let target = DMatrix::from_row_slice(3, 2, &[2.0, 0.0, 0.0, 2.0, -1.0, -1.0]);
    Mmd::new(RieszKernel::new(1.0).unwrap(), target, None).unwrap()
}

fn run(scheme: &mut dyn Scheme<f32>, start: DMatrix<f32>, steps: usize) -> State<f32> {
    let mut state = scheme.start(start).unwrap();
    for _ in 0..steps {
        scheme
            .step(&mmd(), &mut state, 0.1, &mut unwatched)
            .unwrap();
    }
    state
}

#[test]
fn the_seed_determines_every_bit() {
    let run = |seed| {
        let training = Training { seed, ..small() };
        schemes(training).map(|mut scheme| run(&mut *scheme, cloud(40), 2))
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
    for (width, batch) in [(256, 500), (64, 100)] {
        let training = Training {
            hidden_layers: 2,
            width,
            batch,
            first_iterations: 5,
            ..small()
        };
        let flows = || schemes(training).map(|mut scheme| run(&mut *scheme, cloud(600), 2));
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
    for (mut scheme, mut resumed) in fresh() {
        let mut state = run(&mut *scheme, cloud(40), 1);
        let mut copy = state.clone();
        for (scheme, state) in [(&mut scheme, &mut state), (&mut resumed, &mut copy)] {
            for _ in 0..2 {
                scheme.step(&mmd(), state, 0.1, &mut unwatched).unwrap();
            }
        }
        assert_eq!(state, copy);
        assert_eq!(state.step, 3);
    }
}

/// The next time step starts from the last one's parameters and moments.
#[test]
fn parameters_and_moments_are_carried_over() {
    for mut scheme in schemes(small()).into_iter().take(2) {
        let mut state = scheme.start(cloud(40)).unwrap();
        let fresh = state.learned.clone().unwrap();
        assert_eq!(fresh.moments.updates, 0);
        for n in 1..=2 {
            scheme
                .step(&mmd(), &mut state, 0.1, &mut unwatched)
                .unwrap();
            assert_eq!(state.learned.as_ref().unwrap().moments.updates, 20 * n);
        }
    }
    // With a learning rate that changes nothing the second step ends where the first did, in θ; the
    // moments remember it all the same.
    let idle = Training {
        learning_rate: 1e-30,
        ..small()
    };
    for mut scheme in schemes(idle).into_iter().take(2) {
        let state = run(&mut *scheme, cloud(40), 2);
        let start = scheme.start(cloud(40)).unwrap().learned.unwrap();
        let learned = state.learned.unwrap();
        assert_eq!(learned.parameters, start.parameters);
        assert!(learned.moments.first.iter().any(|&m| m != 0.0));
    }
    // What was learned matters: from fresh parameters the second step ends elsewhere.
    for mut scheme in schemes(small()).into_iter().take(2) {
        let mut state = run(&mut *scheme, cloud(40), 1);
        let mut forgetful = state.clone();
        forgetful.learned = scheme.start(cloud(40)).unwrap().learned;
        for state in [&mut state, &mut forgetful] {
            scheme.step(&mmd(), state, 0.1, &mut unwatched).unwrap();
        }
        assert_ne!(state.particles, forgetful.particles);
    }
}

/// The first number of iterations applies while t < 1, which rounding of t does not delay.
#[test]
fn iterations_are_watched_and_change_at_time_one() {
    for mut scheme in schemes(small()).into_iter().take(2) {
        let mut state = scheme.start(cloud(40)).unwrap();
        for n in 0..12 {
            let mut seen: Vec<Iteration> = Vec::new();
            let report = scheme
                .step(&mmd(), &mut state, 0.1, &mut |_, iteration| {
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
        let mut scheme = Forward::new(Training {
            batch,
            first_iterations: iterations,
            ..small()
        });
        let start = DMatrix::from_fn(count, 2, |i, _| i as f32);
        let mut state = scheme.start(start).unwrap();
        scheme
            .step(&recorder, &mut state, 0.1, &mut unwatched)
            .unwrap();
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

#[test]
fn unusable_settings_are_refused_by_name() {
    type Spoil = fn(&mut Training);
    let cases: [(&str, Spoil); 13] = [
        ("batch", |t| t.batch = 0),
        ("batch", |t| t.batch = 41),
        ("width", |t| t.width = 0),
        ("hidden-layers", |t| t.hidden_layers = 0),
        ("latent-dim", |t| t.latent_dim = 0),
        ("first-iterations", |t| t.first_iterations = 0),
        ("iterations", |t| t.iterations = 0),
        ("learning-rate", |t| t.learning_rate = 0.0),
        ("learning-rate", |t| t.learning_rate = -1e-3),
        ("learning-rate", |t| t.learning_rate = f64::NAN),
        ("learning-rate", |t| t.learning_rate = f64::INFINITY),
        ("learning-rate-decay", |t| t.learning_rate_decay = 0.0),
        ("learning-rate-decay", |t| t.learning_rate_decay = 1.5),
    ];
    for (setting, spoil) in cases {
        let mut training = small();
        spoil(&mut training);
        for mut scheme in schemes(training).into_iter().take(2) {
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
        for mut scheme in schemes(small()) {
            let error = scheme.start(start.clone()).unwrap_err();
            assert!(matches!(error, Error::NotFinite { row: 17, .. }), "{error}");
        }
    }
}

#[test]
fn time_steps_that_are_not_positive_are_refused() {
    for mut scheme in schemes(small()) {
        let mut state = scheme.start(cloud(40)).unwrap();
        let before = state.clone();
        for tau in [0.0, -0.1, f64::NAN, f64::INFINITY] {
            let error = scheme
                .step(&mmd(), &mut state, tau, &mut unwatched)
                .unwrap_err();
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
            for mut scheme in schemes(training) {
                let mut state = scheme.start(cloud(40)).unwrap();
                scheme
                    .step(&mmd(), &mut state, 0.1, &mut unwatched)
                    .unwrap();
                let before = state.clone();
                let error = scheme
                    .step(&Broken(flaw), &mut state, 0.1, &mut unwatched)
                    .unwrap_err();
                assert!(matches!(error, Error::Diverged(_)), "{flaw:?}: {error}");
                assert_eq!(state.particles, before.particles);
                assert_eq!((state.step, state.time), (before.step, before.time));
            }
        }
    }
}
