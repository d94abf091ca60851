//! The derivative along velocities: what happens where particles meet, and what is kept of positions.

use rieszflow_flows::pair_sums::reference;
use rieszflow_flows::{GradientRows, Measure, Moving, PairSums, Points, RieszKernel};

/// The one rule at distance zero: derivative 0 of the energy; |h|, 0 or +∞ along velocities.
#[test]
fn coincident_particles() {
    let (x, a) = ([0.0; 4], [3.0, 0.0, 4.0, 0.0]);
    let measure = Measure::uniform(Points::new(&x, 2, 2));
    let moving = Moving::uniform(Points::new(&x, 2, 2), Points::new(&a, 2, 2));
    for (exponent, expected) in [(1.0, 2.5), (1.5, 0.0), (0.5, f64::INFINITY)] {
        let sums = PairSums::new(RieszKernel::new(exponent).expect("0 < r < 2"));
        let mut gradient = [0.0; 4];
        let value = sums.energy_gradient(
            measure,
            measure,
            1.0,
            &mut GradientRows::in_x(&mut gradient, 2),
        );
        assert_eq!((value, gradient), (0.0, [0.0; 4]));
        let value = sums.directional_derivative(
            moving,
            moving,
            1.0,
            &mut GradientRows::in_x(&mut gradient, 2),
        );
        assert!(
            value == expected || (exponent < 1.0 && !value.is_finite()),
            "{value}"
        );
    }
}

/// What is kept of the positions is used for these positions alone: whatever was asked before, the
/// derivative is that of new sums, to the bit.
#[test]
fn sums_remember_nothing_wrong() {
    let d = 2;
    let wave = |n: usize, frequency: f64| -> Vec<f64> {
        (0..n * d).map(|i| (frequency * i as f64).sin()).collect()
    };
    let (x, a, b) = (wave(20, 1.1), wave(20, 2.3), wave(20, 1.9));
    let mut moved = x.clone();
    moved[33] += 1e-9;
    let mut last_moved = moved.clone();
    last_moved[39] += 1e-9;
    let (u, w) = (vec![0.05; 20], vec![1.0; 20]);
    let kernel = RieszKernel::new(1.0).expect("0 < r < 2");
    let sums = PairSums::new(kernel);
    let points = |x| Points::new(x, 20, d);
    let uniform = |x| Measure::uniform(points(x));
    let (here, moved, last_moved) = (uniform(&x), uniform(&moved), uniform(&last_moved));
    let light = Measure::weighted(here.points(), &u);
    let heavy = Measure::weighted(here.points(), &w);
    let fewer = Measure::uniform(here.points().rows(0..19));
    let (a, b) = (Some(points(&a)), Some(points(&b)));
    let long = Measure::uniform(Points::new(&x[..32], 8, 4));
    let square = Measure::uniform(Points::new(&x[..32], 16, 2));
    // (x, its velocities, y, its velocities, whether the gradient in y is wanted)
    let calls = [
        (here, a, here, b, true),
        (here, b, here, a, true),
        (here, b, here, None, false),
        (here, b, here, None, true),
        (moved, b, here, None, true),
        (last_moved, b, here, None, true),
        (last_moved, b, moved, None, true),
        (moved, b, light, None, true),
        (moved, b, heavy, None, true),
        (moved, b, here, None, true),
        (here, b, here, None, false),
        (here, b, fewer, None, false),
        (here, b, here, None, false),
        (square, Some(square.points()), square, None, true),
        (long, Some(long.points()), long, None, true),
    ];
    for energy_between in [false, true] {
        for (call, (measure, velocities, other, others, both)) in calls.into_iter().enumerate() {
            let x = Moving {
                measure,
                velocities,
            };
            let y = Moving {
                measure: other,
                velocities: others,
            };
            if energy_between {
                sums.energy(y.measure, x.measure);
            }
            let rows = measure.points().count() + other.points().count();
            let derivative = |sums: &PairSums<f64>| {
                let mut entries = vec![0.0; rows * measure.points().dim()];
                let mut gradient = GradientRows {
                    entries: &mut entries,
                    rows,
                    y_start: both.then_some(measure.points().count()),
                };
                (
                    sums.directional_derivative(x, y, 1.0, &mut gradient),
                    entries,
                )
            };
            assert_eq!(
                derivative(&sums),
                derivative(&PairSums::new(kernel)),
                "call {call}"
            );
        }
    }
}

/// The derivative and its gradient in all velocities, from a function that adds it.
fn with_gradient(
    (n, m, d): (usize, usize, usize),
    derivative: impl Fn(&mut GradientRows<'_, f64>) -> f64,
) -> (f64, Vec<f64>) {
    let mut entries = vec![0.0; (n + m) * d];
    let mut rows = GradientRows {
        entries: &mut entries,
        rows: n + m,
        y_start: Some(n),
    };
    (derivative(&mut rows), entries)
}

/// Particles that meet many others, near and far in the order, in few dimensions and in many.
#[test]
fn many_meetings() {
    let (n, m) = (37, 2100);
    for (d, every) in [(2, 1), (2, 13), (2, 1999), (5, 1), (5, 13), (5, 1999)] {
        let site = |i: usize, k: usize| ((i % 3) as f64 + 0.3 * k as f64).cos();
        let spread = |i: usize, k: usize| (1.3 * (i * d + k) as f64).sin();
        // x is at three sites, and of y each particle whose number is a multiple of `every`.
        let y_at = |j: usize, k: usize| {
            if j.is_multiple_of(every) {
                site(j, k)
            } else {
                spread(j, k)
            }
        };
        let matrix = |n: usize, at: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
            (0..n * d).map(|e| at(e % n, e / n)).collect()
        };
        let (x, y) = (matrix(n, &site), matrix(m, &y_at));
        let (a, b) = (matrix(n, &|i, k| spread(k, i)), matrix(m, &spread));
        let x = Moving::uniform(Points::new(&x, n, d), Points::new(&a, n, d));
        let y = Moving::uniform(Points::new(&y, m, d), Points::new(&b, m, d));
        for exponent in [1.0, 1.5] {
            let kernel = RieszKernel::new(exponent).expect("0 < r < 2");
            let sums = PairSums::new(kernel);
            let fast = with_gradient((n, m, d), |rows| {
                sums.directional_derivative(x, y, 1.0, rows)
            });
            let slow = with_gradient((n, m, d), |rows| {
                reference::directional_derivative(kernel, x, y, 1.0, rows)
            });
            assert!((fast.0 - slow.0).abs() < 1e-13, "{} {}", fast.0, slow.0);
            for (fast, slow) in fast.1.iter().zip(&slow.1) {
                assert!((fast - slow).abs() < 1e-13, "{fast} {slow}");
            }
        }
    }
}

/// A collision is an infinite derivative, also with the last particle of an odd number.
#[test]
fn collisions_are_infinite() {
    let x: Vec<f32> = (0..7).map(|i| i as f32).collect();
    let a: Vec<f32> = (0..7).map(|i| (i * i) as f32).collect();
    let (x, b) = (Points::new(&x, 7, 1), [0.5; 7]);
    let sums = PairSums::new(RieszKernel::new(0.5).expect("0 < r < 2"));
    let (x, y) = (
        Moving::uniform(x, Points::new(&a, 7, 1)),
        Moving::uniform(x, Points::new(&b, 7, 1)),
    );
    let mut gradient = [0.0; 7];
    let rows = &mut GradientRows::in_x(&mut gradient, 7);
    let value = sums.directional_derivative(x, y, 1.0, rows);
    assert_eq!(value, f64::INFINITY);
}
