//! The particle flow against exact flows: on the line to rounding, in space as N grows.

use nalgebra::DMatrix;
use rieszflow_analytic::line::{self, DiscreteMeasure};
use rieszflow_analytic::{Equilibrium, Law, discrepancy, sampling_floor};
use rieszflow_flows::scheme::{Particle, particle};
use rieszflow_flows::{
    Functional, Interaction, Mmd, PotentialFunction, RieszKernel, Scheme, State,
};

fn distance() -> RieszKernel {
    RieszKernel::new(1.0).unwrap()
}

/// The state after `steps` equal steps up to the given time.
fn run(
    functional: &dyn Functional<f64>,
    start: DMatrix<f64>,
    time: f64,
    steps: usize,
) -> State<f64> {
    let scheme = Particle::new(5);
    let mut state = scheme.start(start).unwrap();
    for _ in 0..steps {
        let tau = time / steps as f64;
        let report = scheme
            .step_with(functional, &mut state, tau, &mut |_, _| {
                unreachable!("no inner loop")
            })
            .unwrap();
        assert!(report.loss.is_none() && !report.is_stationary);
    }
    state
}

fn sorted(particles: &DMatrix<f64>) -> Vec<f64> {
    let mut sorted = particles.as_slice().to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// On the line rank i moves with speed 2(i−½)/N − 1, whatever the steps: exact but for the jitter.
#[test]
fn a_dirac_on_the_line() {
    let (count, time) = (101, 0.7);
    let start = DMatrix::from_element(count, 1, 0.25);
    let state = run(&Interaction::new(distance()), start, time, 7);
    assert_eq!(state.step, 7);
    assert!((state.time - time).abs() < 1e-15);
    let expected = line::flow(&line::Repulsion, &vec![0.25; count], time).unwrap();
    for (x, expected) in sorted(&state.particles).into_iter().zip(expected) {
        // The jitter is up to ½·10⁻⁹.
        assert!((x - expected).abs() < 0.51e-9, "{x} instead of {expected}");
    }
}

/// Towards weighted atoms speeds change only where an atom is met, an error of O(τ) in the path.
#[test]
fn towards_atoms_on_the_line() {
    let (count, time, steps) = (90, 3.0, 300);
    let (atoms, weights) = ([-0.7, 0.1, 1.3], vec![0.2, 0.3, 0.5]);
    let points = DMatrix::from_row_slice(3, 1, &atoms);
    let functional = Mmd::new(distance(), points, Some(weights.clone())).unwrap();
    let start: Vec<f64> = (0..count).map(|i| -2.0 + 0.01 * i as f64).collect();
    let target = DiscreteMeasure::new(&atoms, &weights).unwrap();
    let expected = line::flow(&target, &start, time).unwrap();
    let state = run(&functional, DMatrix::from_vec(count, 1, start), time, steps);
    for (x, expected) in sorted(&state.particles).into_iter().zip(expected) {
        // Speeds are at most 2: a step goes 0.02 too far at an atom, and particles on their way to
        // the next atom have met at most two.
        assert!((x - expected).abs() < 0.04, "{x} instead of {expected}");
    }
}

/// Scale and D² to the exact flow (c(t) Id)_# η* of E from a Dirac in ℝᵈ, at time ½.
///
/// Both errors vanish as N grows and τ falls: D² by a factor of 3 to 6 for each row here, and it stays
/// below half of the sampling floor, as particles that repel each other represent a measure better
/// than independent draws. The scale is off by 0.1 % in the end, D² of a normal cloud is 10 floors.
#[test]
fn from_a_dirac_as_the_number_of_particles_grows() {
    for dim in [2, 3] {
        let eta = Equilibrium::new(dim, 1.0).unwrap();
        let law = Law::equilibrium(&eta, 0.5).unwrap();
        let mut before = f64::INFINITY;
        let mut ratio = 0.0;
        for (count, steps) in [(25, 20), (100, 50), (400, 200)] {
            let start = DMatrix::zeros(count, dim);
            let particles = run(&Interaction::new(distance()), start, 0.5, steps).particles;
            let spread = particles.norm_squared() / count as f64;
            ratio = (spread / eta.second_moment()).sqrt() / 0.5;
            let found = discrepancy(&particles, None, &law, 1.0)
                .unwrap()
                .v_statistic;
            assert!(found < 0.4 * before, "d = {dim}, N = {count}");
            let floors = found / sampling_floor(&law, 1.0, count).unwrap();
            assert!(floors < 0.5, "d = {dim}, N = {count}: {floors} floors");
            before = found;
        }
        assert!((ratio - 1.0).abs() < 3e-3, "d = {dim}: {ratio} of c(t)");
    }
}

/// The step is −τN times the gradient, and coincident particles exert no force on each other.
#[test]
fn a_step_by_hand() {
    // Two particles on one another and one at distance 2: forces 1/3 from each to the other side.
    let x = DMatrix::from_row_slice(3, 1, &[0.0, 0.0, 2.0]);
    let moved = particle::step(&Interaction::new(distance()), &x, 0.3).unwrap();
    let expected = DMatrix::from_row_slice(3, 1, &[-0.1, -0.1, 2.2]);
    assert!((moved - expected).amax() < 1e-15);
    let dirac = DMatrix::from_element(4, 3, 0.7);
    assert_eq!(
        particle::step(&Interaction::new(distance()), &dirac, 0.3).unwrap(),
        dirac
    );
}

/// The start is jittered, by 10⁻⁹ or so that N numbers beside a large coordinate differ: their spacing
/// at 100 is 7.6e-6, so N = 1000 take 0.024 and two spacings each. It is keyed by the seed.
#[test]
fn the_start_is_jittered() {
    let start = |seed, at: f32| {
        let particles = DMatrix::from_element(1000, 2, at);
        Scheme::<f32>::start(&Particle::new(seed), particles)
            .unwrap()
            .particles
    };
    let at_zero = start(1, 0.0);
    assert!(at_zero.amax() <= 0.5e-9 && at_zero.amax() > 0.45e-9);
    assert!(at_zero.mean().abs() < 5e-11);
    let far = start(1, 100.0);
    for coordinate in far.column_iter() {
        let bits = coordinate.iter().map(|x| x.to_bits());
        assert_eq!(
            bits.collect::<std::collections::BTreeSet<u32>>().len(),
            1000
        );
    }
    assert!(far.add_scalar(-100.0).amax() < 0.013);
    assert_eq!(start(1, 0.0), at_zero);
    assert_ne!(start(2, 0.0), at_zero);
}

/// In the bowl ½|x|² the gradient is x: v = −1 and then −0.9 − ½.
#[test]
fn momentum_keeps_a_part_of_the_velocity() {
    let bowl = PotentialFunction::new(|x: &[f64], gradient: &mut [f64]| {
        gradient.copy_from_slice(x);
        0.5 * x[0] * x[0]
    });
    let scheme = Particle {
        momentum: 0.5,
        ..Particle::default()
    };
    let mut state = scheme.start(DMatrix::from_element(1, 1, 1.0)).unwrap();
    scheme.step(&bowl, &mut state, 0.1).unwrap();
    assert!((state.particles[0] - 0.9).abs() < 1e-15);
    // The velocities are part of a state in a file.
    let mut file = Vec::new();
    state.write(&mut file).unwrap();
    let mut read = State::read(&file[..]).unwrap();
    assert_eq!(read, state);
    for state in [&mut state, &mut read] {
        scheme.step(&bowl, state, 0.1).unwrap();
        assert!((state.particles[0] - 0.76).abs() < 1e-15);
        assert!((state.velocities().unwrap()[0] + 1.4).abs() < 1e-15);
    }
    for momentum in [-0.1, 1.0, f64::NAN] {
        let scheme = Particle { momentum, ..scheme };
        let refused = scheme.start(DMatrix::from_element(1, 1, 1.0)).unwrap_err();
        assert!(
            refused
                .to_string()
                .starts_with("momentum must be at least 0"),
            "{refused}"
        );
    }
}
