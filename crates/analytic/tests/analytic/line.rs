//! The closed forms on the line against brute force: minimisation, simulation, double sums,
//! quadrature.

use proptest::prelude::*;
use rieszflow_analytic::Error;
use rieszflow_analytic::line::{
    Continuous, DiscreteMeasure, Gaussian, Measure, Repulsion, Target, Uniform, backward_step,
    backward_steps, discrepancy, flow, midpoint_levels, wasserstein,
};
use rieszflow_analytic::quadrature::integrate;

/// F_ν of N particles by the double sums of its definition.
fn functional(particles: &[f64], atoms: &[f64], weights: &[f64]) -> f64 {
    let n = particles.len() as f64;
    let total: f64 = weights.iter().sum();
    let mut value = 0.0;
    for x in particles {
        value -= particles.iter().map(|y| (x - y).abs()).sum::<f64>() / (2.0 * n * n);
        let pull = atoms.iter().zip(weights).map(|(y, w)| w * (x - y).abs());
        value += pull.sum::<f64>() / (n * total);
    }
    value
}

/// The objective of the N-particle JKO step.
fn proximal(next: &[f64], now: &[f64], tau: f64, atoms: &[f64], weights: &[f64]) -> f64 {
    let moved: f64 = next.iter().zip(now).map(|(x, y)| (x - y) * (x - y)).sum();
    moved / (2.0 * tau * now.len() as f64) + functional(next, atoms, weights)
}

/// Atoms with frequent ties, on a coarse grid or not.
fn coordinates(size: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    let coordinate = prop_oneof![-3.0..3.0_f64, (-3..=3_i32).prop_map(f64::from)];
    prop::collection::vec(coordinate, size)
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// Weighted atoms: positions and as many weights.
fn weighted() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    coordinates(1..7).prop_flat_map(|atoms| {
        let count = atoms.len();
        (Just(atoms), prop::collection::vec(0.1..2.0_f64, count))
    })
}

proptest! {
    #[test]
    fn backward_step_beats_random_competitors(
        start in coordinates(1..9), (atoms, weights) in weighted(), tau in 0.01..3.0_f64,
        noise in prop::collection::vec(-1.0..1.0_f64, 9), size in -6.0..0.0_f64,
    ) {
        let start = sorted(start);
        let target = DiscreteMeasure::new(&atoms, &weights).unwrap();
        let best = backward_step(&target, &start, tau).unwrap();
        let value = proximal(&best, &start, tau, &atoms, &weights);
        let rival: Vec<f64> =
            best.iter().zip(&noise).map(|(x, e)| x + 10.0_f64.powf(size) * e).collect();
        prop_assert!(proximal(&rival, &start, tau, &atoms, &weights) >= value - 1e-14);
        prop_assert!(best.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn backward_step_is_found_by_coordinate_descent(
        start in coordinates(2..5), (atoms, weights) in weighted(), tau in 0.05..1.0_f64,
    ) {
        let start = sorted(start);
        let target = DiscreteMeasure::new(&atoms, &weights).unwrap();
        let exact = backward_step(&target, &start, tau).unwrap();
        // The objective separates over ranks, so bisecting each coordinate on its own slope finds
        // the minimiser.
        for (i, (level, now)) in midpoint_levels(start.len()).zip(&start).enumerate() {
            let single = |x: f64| {
                let pull = atoms.iter().zip(&weights).map(|(y, w)| w * (x - y).abs()).sum::<f64>();
                (x - now).powi(2) / (2.0 * tau) - (2.0 * level - 1.0) * x + pull / weights.iter().sum::<f64>()
            };
            let (mut low, mut high) = (now - 2.0 * tau, now + 2.0 * tau);
            for _ in 0..200 {
                let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
                if single(a) < single(b) { high = b; } else { low = a; }
            }
            prop_assert!((exact[i] - low).abs() < 1e-6, "{} {}", exact[i], low);
        }
    }

    #[test]
    fn flow_agrees_with_a_simulation(
        start in coordinates(1..7), (atoms, weights) in weighted(), time in 0.1..3.0_f64,
    ) {
        let start = sorted(start);
        let target = DiscreteMeasure::new(&atoms, &weights).unwrap();
        let exact = flow(&target, &start, time).unwrap();
        // Many JKO steps, which are solved by another formula.
        let steps = 4000;
        let mut simulated = start;
        for _ in 0..steps {
            simulated = backward_step(&target, &simulated, time / f64::from(steps)).unwrap();
        }
        for (one, other) in exact.iter().zip(&simulated) {
            prop_assert!((one - other).abs() < 3.0 * 2.0 * time / f64::from(steps) * 7.0, "{one} {other}");
        }
    }

    #[test]
    fn flow_is_a_semigroup(
        start in coordinates(1..9), (atoms, weights) in weighted(), first in 0.0..2.0_f64, second in 0.0..2.0_f64,
    ) {
        let start = sorted(start);
        let target = DiscreteMeasure::new(&atoms, &weights).unwrap();
        let at_once = flow(&target, &start, first + second).unwrap();
        let in_two = flow(&target, &flow(&target, &start, first).unwrap(), second).unwrap();
        for (one, other) in at_once.iter().zip(&in_two) {
            prop_assert!((one - other).abs() < 1e-12);
        }
    }

    #[test]
    fn flow_dissipates_at_the_square_of_the_speed(
        start in coordinates(1..6), (atoms, weights) in weighted(), time in 0.1..2.0_f64,
    ) {
        let start = sorted(start);
        let target = DiscreteMeasure::new(&atoms, &weights).unwrap();
        let n = 2000;
        let path: Vec<Vec<f64>> =
            (0..=n).map(|k| flow(&target, &start, time * f64::from(k) / f64::from(n)).unwrap()).collect();
        let dt = time / f64::from(n);
        let dissipated: f64 = path.windows(2).map(|pair| {
            let squares = pair[0].iter().zip(&pair[1]).map(|(x, y)| ((y - x) / dt).powi(2));
            squares.sum::<f64>() / start.len() as f64 * dt
        }).sum();
        let lost = functional(&path[0], &atoms, &weights) - functional(&path[n as usize], &atoms, &weights);
        // Speeds are at most 2 and constant but for one event per atom and particle.
        prop_assert!((lost - dissipated).abs() < 4.0 * 8.0 * dt, "{lost} {dissipated}");
        prop_assert!(lost >= -1e-14);
    }

    #[test]
    fn discrepancy_is_the_double_sum(
        (first, first_weights) in weighted(), (second, second_weights) in weighted(),
    ) {
        let one = DiscreteMeasure::new(&first, &first_weights).unwrap();
        let other = DiscreteMeasure::new(&second, &second_weights).unwrap();
        let mean = |a: &[f64], u: &[f64], b: &[f64], v: &[f64]| {
            let sum: f64 = a.iter().zip(u).flat_map(|(x, p)| b.iter().zip(v).map(move |(y, q)| p * q * (x - y).abs())).sum();
            sum / (u.iter().sum::<f64>() * v.iter().sum::<f64>())
        };
        let exact = mean(&first, &first_weights, &second, &second_weights)
            - 0.5 * mean(&first, &first_weights, &first, &first_weights)
            - 0.5 * mean(&second, &second_weights, &second, &second_weights);
        prop_assert!((discrepancy(&one, &other) - exact).abs() < 1e-14 * 10.0);
        prop_assert!(discrepancy(&one, &other) >= 0.0);
        prop_assert_eq!(discrepancy(&one, &one), 0.0);
        prop_assert_eq!(wasserstein(&one, &one), 0.0);
        prop_assert!((wasserstein(&one, &other) - wasserstein(&other, &one)).abs() < 1e-13);
    }

    #[test]
    fn discrepancy_vanishes_only_at_equality(atoms in coordinates(1..6), index in 0..6_usize, far in 1e-6..1.0_f64) {
        let mut other = atoms.clone();
        other[index % atoms.len()] += far;
        let one = DiscreteMeasure::equal(&atoms).unwrap();
        let other = DiscreteMeasure::equal(&other).unwrap();
        prop_assert!(discrepancy(&one, &other) > 0.0);
        prop_assert!(wasserstein(&one, &other) > 0.0);
    }

    #[test]
    fn wasserstein_sorts(first in coordinates(6..7), second in coordinates(6..7)) {
        let one = DiscreteMeasure::equal(&first).unwrap();
        let other = DiscreteMeasure::equal(&second).unwrap();
        let squares = sorted(first).into_iter().zip(sorted(second)).map(|(x, y)| (x - y) * (x - y));
        let exact = (squares.sum::<f64>() / 6.0).sqrt();
        prop_assert!((wasserstein(&one, &other) - exact).abs() < 1e-7);
        prop_assert!((wasserstein(&one, &other).powi(2) - exact * exact).abs() < 1e-13);
    }

    #[test]
    fn uniform_agrees_with_the_general_law(
        low in -2.0..1.0_f64, length in 0.1..3.0_f64, level in 0.01..0.99_f64, start in -4.0..4.0_f64, time in 0.01..4.0_f64,
    ) {
        let uniform = Uniform::new(low, low + length).unwrap();
        let general = Continuous::new(|x| (x - low) / length, low, low + length).unwrap();
        prop_assert!((uniform.flow(level, start, time) - general.flow(level, start, time)).abs() < 1e-12);
        prop_assert!((uniform.backward_step(level, start, time) - general.backward_step(level, start, time)).abs() < 1e-13);
        prop_assert!((uniform.quantile(level) - general.quantile(level)).abs() < 1e-13);
        let particles = DiscreteMeasure::equal(&[start, 0.3, -0.2]).unwrap();
        prop_assert!((discrepancy(&particles, &uniform) - discrepancy(&particles, &general)).abs() < 1e-13);
        let squares = wasserstein(&particles, &uniform).powi(2) - wasserstein(&particles, &general).powi(2);
        prop_assert!(squares.abs() < 1e-12);
    }

    #[test]
    fn continuous_backward_step_satisfies_its_equation(
        mean in -1.0..1.0_f64, deviation in 0.05..3.0_f64, level in 0.01..0.99_f64, start in -5.0..5.0_f64, tau in 0.01..10.0_f64,
    ) {
        let law = Gaussian::new(mean, deviation).unwrap();
        let next = law.backward_step(level, start, tau);
        let residual = next + 2.0 * tau * law.cdf(next) - start - 2.0 * tau * level;
        prop_assert!(residual.abs() < 1e-15 * (10.0 + 4.0 * tau) * (1.0 + tau / deviation));
    }
}

#[test]
fn gaussian_flow_takes_the_time_of_its_integral() {
    let law = Gaussian::new(0.5, 1.3).unwrap();
    for (level, start) in [(0.2, 3.0), (0.9, -2.0), (0.5, 5.0), (0.01, 0.0)] {
        for time in [0.1, 1.0, 6.0] {
            let end = law.flow(level, start, time);
            let (low, high) = (f64::min(start, end), f64::max(start, end));
            let elapsed = integrate(low, high, |at| 0.5 / (level - law.cdf(at.x)).abs());
            assert!(
                (elapsed / time - 1.0).abs() < 1e-11,
                "{level}, {start}, {time}: {elapsed}"
            );
        }
    }
}

#[test]
fn gaussian_distances_by_quadrature() {
    let law = Gaussian::new(0.4, 0.7).unwrap();
    for particles in [
        vec![0.0],
        vec![-1.0, 0.4, 0.41, 3.0],
        law.quantiles(40),
        vec![-30.0, 30.0],
    ] {
        let measure = DiscreteMeasure::equal(&particles).unwrap();
        let mut ends = vec![-40.0, 0.4];
        ends.extend(&particles);
        ends.push(40.0);
        let ends = sorted(ends);
        let exact: f64 = ends
            .windows(2)
            .filter(|pair| pair[0] < pair[1])
            .flat_map(|pair| {
                // Short pieces, because the law is narrow.
                let width = (pair[1] - pair[0]) / 60.0;
                (0..60).map(move |k| {
                    (
                        pair[0] + f64::from(k) * width,
                        pair[0] + f64::from(k + 1) * width,
                    )
                })
            })
            .map(|(low, high)| {
                let level = measure.cdf(0.5 * (low + high));
                integrate(low, high, |at| (law.cdf(at.x) - level).powi(2))
            })
            .sum();
        let got = discrepancy(&measure, &law);
        assert!(
            (got - exact).abs() < 1e-13 * (1.0 + got),
            "{particles:?}: {got}, {exact}"
        );
        // W₂² = ∫ (x(s) − g(s))² ds, in the standardised variable.
        let exact: f64 = (-320..320)
            .map(|k| {
                integrate(f64::from(k) / 8.0, f64::from(k + 1) / 8.0, |at| {
                    let z = at.x;
                    let level = law.cdf(0.4 + 0.7 * z).min(1.0 - 1e-16);
                    let x = measure.quantile(level);
                    (x - 0.4 - 0.7 * z).powi(2) * (-0.5 * z * z).exp()
                        / (2.0 * std::f64::consts::PI).sqrt()
                })
            })
            .sum();
        let got = wasserstein(&measure, &law).powi(2);
        // The quadrature has a kink at each jump of x(s).
        assert!(
            (got - exact).abs() < 2e-4 * (1.0 + got),
            "{particles:?}: {got}, {exact}"
        );
    }
}

#[test]
fn a_users_law_agrees_with_the_gaussian() {
    let law = Gaussian::new(0.0, 1.0).unwrap();
    let users = Continuous::new(|x| law.cdf(x), -40.0, 40.0).unwrap();
    for level in [0.001, 0.3, 0.5, 0.99] {
        assert!((law.quantile(level) - users.quantile(level)).abs() < 1e-13);
        assert!((law.flow(level, 2.0, 1.5) - users.flow(level, 2.0, 1.5)).abs() < 1e-13);
        assert!(
            (law.backward_step(level, 2.0, 1.5) - users.backward_step(level, 2.0, 1.5)).abs()
                < 1e-15
        );
    }
    let particles = DiscreteMeasure::equal(&law.quantiles(20)).unwrap();
    assert!((discrepancy(&particles, &law) - discrepancy(&particles, &users)).abs() < 1e-10);
    assert!((wasserstein(&particles, &law) - wasserstein(&particles, &users)).abs() < 1e-8);
}

#[test]
fn flow_rests_at_its_target_and_approaches_it() {
    let law = Gaussian::new(1.0, 0.5).unwrap();
    let at_rest = law.quantiles(100);
    let later = flow(&law, &at_rest, 3.0).unwrap();
    assert!(
        at_rest
            .iter()
            .zip(&later)
            .all(|(x, y)| (x - y).abs() < 1e-13)
    );
    let distances: Vec<f64> = [0.0, 1.0, 2.0, 4.0]
        .map(|time| DiscreteMeasure::equal(&flow(&law, &[-2.0; 100], time).unwrap()).unwrap())
        .iter()
        .map(|measure| discrepancy(measure, &law))
        .collect();
    assert!(
        distances.windows(2).all(|pair| pair[1] < pair[0]),
        "{distances:?}"
    );
}

#[test]
fn repulsion_is_the_interaction_energy_alone() {
    // The flow from a Dirac is uniform on [−t, t], and JKO steps are exact.
    let particles = flow(&Repulsion, &[2.0; 50], 1.5).unwrap();
    let steps = backward_steps(&Repulsion, &[2.0; 50], &[0.5, 0.75, 0.25]).unwrap();
    let exact = Uniform::new(0.5, 3.5).unwrap().quantiles(50);
    for ((x, y), z) in particles.iter().zip(&steps[2]).zip(exact) {
        assert!((x - z).abs() < 1e-14 && (y - z).abs() < 1e-14);
    }
}

#[test]
fn bad_input_is_refused() {
    let target = Uniform::new(0.0, 1.0).unwrap();
    assert_eq!(flow(&target, &[0.0], -1.0), Err(Error::Time(-1.0)));
    assert_eq!(
        backward_step(&target, &[0.0], 0.0),
        Err(Error::StepSize(0.0))
    );
    assert!(matches!(
        flow(&target, &[1.0, 0.5], 1.0),
        Err(Error::Unsorted { index: 1, .. })
    ));
    assert!(matches!(
        flow(&target, &[f64::NAN], 1.0),
        Err(Error::Coordinate { .. })
    ));
    assert!(Uniform::new(1.0, 1.0).is_err() && Uniform::new(f64::NAN, 1.0).is_err());
    assert!(Gaussian::new(0.0, 0.0).is_err() && Gaussian::new(f64::INFINITY, 1.0).is_err());
    assert!(Continuous::new(|x| x, 0.0, f64::INFINITY).is_err());
}
