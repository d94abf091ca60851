//! Sliced sums: exact on the line, and unbiased with the stated variance in space.

use nalgebra::DMatrix;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rieszflow_flows::pair_sums::reference;
use rieszflow_flows::sliced::projected_power;
use rieszflow_flows::{
    DirectionSet, GradientRows, Measure, Moving, Points, RieszKernel, SlicedSums, Slicing,
};
use rieszflow_numerics::Real;

/// Two clouds on the line with velocities and, perhaps, weights.
#[derive(Clone, Debug)]
struct Case {
    exponent: f64,
    x: Vec<f64>,
    y: Vec<f64>,
    a: Vec<f64>,
    b: Vec<f64>,
    weights: Option<(Vec<f64>, Vec<f64>)>,
}

/// Numbers of which some are equal.
fn values(len: usize) -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![3 => -2.0..2.0_f64, 1 => (-3..4_i8).prop_map(f64::from)];
    proptest::collection::vec(value, len)
}

fn case(exponents: impl Strategy<Value = f64>) -> impl Strategy<Value = Case> {
    let sizes = prop_oneof![
        4 => (1..40_usize, 1..40_usize),
        1 => (100..200_usize, 0..200_usize),
    ];
    (sizes, exponents, any::<bool>()).prop_flat_map(|((n, m), exponent, weighted)| {
        (
            values(n),
            values(m),
            values(n),
            values(m),
            values(n),
            values(m),
        )
            .prop_map(move |(x, y, a, b, u, w)| Case {
                exponent,
                x,
                y,
                a,
                b,
                weights: weighted.then_some((u, w)),
            })
    })
}

fn round<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&v| T::from_f64(v)).collect()
}

/// Value and both gradients, of x above y, from a function that adds to them.
fn gradients<T: Real>(
    counts: [usize; 2],
    dim: usize,
    both: bool,
    add: impl Fn(&mut GradientRows<'_, T>) -> f64,
) -> (f64, Vec<T>) {
    let rows = counts[0] + counts[1];
    let mut entries = vec![T::one(); rows * dim];
    let mut target = GradientRows {
        entries: &mut entries,
        rows,
        y_start: both.then_some(counts[0]),
    };
    (add(&mut target), entries)
}

/// The largest difference from the plain loops, relative to the largest number.
fn difference<T: Real>(found: &(f64, Vec<T>), exact: &(f64, Vec<T>)) -> f64 {
    let numbers = |result: &(f64, Vec<T>)| {
        let gradient = result.1.iter().map(|x| x.into_f64());
        [result.0].into_iter().chain(gradient).collect::<Vec<f64>>()
    };
    let (found, exact) = (numbers(found), numbers(exact));
    let size = exact.iter().fold(1.0_f64, |size, x| size.max(x.abs()));
    let differences = found.iter().zip(&exact).map(|(f, e)| (f - e).abs() / size);
    differences.fold(0.0, |worst, difference| {
        if difference <= worst {
            worst
        } else {
            difference
        }
    })
}

/// Σ |u||w| (|x−x'|ʳ + |a−a'|) over all pairs of all particles: the size of what is summed, before weights of
/// both signs and opposite velocities cancel.
fn size_of_the_terms(case: &Case) -> f64 {
    let (n, m) = (case.x.len(), case.y.len());
    let weights = match &case.weights {
        Some((u, w)) => [u.as_slice(), w].concat(),
        None => [vec![1.0 / n as f64; n], vec![1.0 / m as f64; m]].concat(),
    };
    let positions = [case.x.as_slice(), &case.y].concat();
    let velocities = [case.a.as_slice(), &case.b].concat();
    let particles: Vec<_> = positions.iter().zip(&velocities).zip(&weights).collect();
    let pairs = particles
        .iter()
        .flat_map(|first| particles.iter().map(move |second| (first, second)));
    let terms = pairs.map(|(((x, a), u), ((y, b), w))| {
        (*u * *w).abs() * ((*x - *y).abs().powf(case.exponent) + (*a - *b).abs())
    });
    terms.sum()
}

fn agrees_on_the_line<T: Real>(case: &Case, tolerance: f64) -> Result<(), TestCaseError> {
    let kernel = RieszKernel::new(case.exponent).expect("0 < r < 2");
    let sums = SlicedSums::<T>::new(kernel, Slicing::new(5)).expect("directions");
    let [x, y, a, b] = [&case.x, &case.y, &case.a, &case.b].map(|values| round::<T>(values));
    let counts @ [n, m] = [x.len(), y.len()];
    let weights = case.weights.as_ref();
    let weights = weights.map(|(u, w)| (round::<T>(u), round::<T>(w)));
    let (mu, nu) = (Points::new(&x, n, 1), Points::new(&y, m, 1));
    let (mu, nu) = match &weights {
        Some((u, w)) => (Measure::weighted(mu, u), Measure::weighted(nu, w)),
        None => (Measure::uniform(mu), Measure::uniform(nu)),
    };

    let tolerance = tolerance * (1.0 + size_of_the_terms(case));
    let exact = reference::energy(kernel, mu, nu);
    let size = reference::energy(kernel, mu, mu).abs() + exact.abs() + 1.0;
    prop_assert!((sums.energy(mu, nu) - exact).abs() <= tolerance * size);
    let own = reference::energy(kernel, mu, mu);
    prop_assert!((sums.self_energy(mu) - own).abs() <= tolerance * size);
    if case.exponent <= 0.5 {
        return Ok(());
    }
    for both in [false, true] {
        let found = gradients(counts, 1, both, |rows| {
            sums.energy_gradient(mu, nu, 0.7, rows)
        });
        let exact = gradients(counts, 1, both, |rows| {
            reference::energy_gradient(kernel, mu, nu, 0.7, rows)
        });
        let error = difference(&found, &exact);
        prop_assert!(error <= tolerance, "gradient {error:e}");
        for moves in [false, true] {
            let p = Moving {
                measure: mu,
                velocities: Some(Points::new(&a, n, 1)),
            };
            let q = Moving {
                measure: nu,
                velocities: moves.then(|| Points::new(&b, m, 1)),
            };
            let found = gradients(counts, 1, both, |rows| {
                sums.directional_derivative(p, q, 0.7, rows)
            });
            let exact = gradients(counts, 1, both, |rows| {
                reference::directional_derivative(kernel, p, q, 0.7, rows)
            });
            let collide = |(i, j): (usize, usize)| {
                let velocity = if moves { b[j] } else { T::zero() };
                let has_weight = weights
                    .as_ref()
                    .is_none_or(|(u, w)| u[i] * w[j] != T::zero());
                x[i] == y[j] && a[i] != velocity && has_weight
            };
            let mut pairs = (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
            if case.exponent < 1.0 && pairs.any(collide) {
                // Weights of both signs make NaN of +∞.
                prop_assert!(!found.0.is_finite() && !exact.0.is_finite());
            } else if exact.0.is_finite() {
                let error = difference(&found, &exact);
                prop_assert!(error <= tolerance, "derivative {error:e}");
            } else {
                // The plain loops multiply +∞ by a weight that is 0.
                prop_assert!(found.0.is_finite());
            }
        }
    }
    let found = gradients([n, 0], 1, false, |rows| {
        sums.self_energy_gradient(mu, 0.7, rows)
    });
    let exact = gradients([n, 0], 1, false, |rows| {
        // Each particle stands on both sides.
        reference::energy_gradient(kernel, mu, mu, 1.4, rows)
    });
    let error = difference(&found, &exact);
    prop_assert!(error <= tolerance, "own gradient {error:e}");
    if m > 0 {
        let found = gradients([n, 0], 1, false, |rows| {
            sums.discrepancy_gradient(mu, nu, rows).discrepancy
        });
        let exact = gradients([n, 0], 1, false, |rows| {
            let own = reference::energy_gradient(kernel, mu, mu, -1.0, rows);
            let other = reference::energy(kernel, nu, nu);
            reference::energy_gradient(kernel, mu, nu, 1.0, rows) - 0.5 * (own + other)
        });
        let error = difference(&found, &exact);
        prop_assert!(error <= tolerance, "discrepancy {error:e}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn sums_of_distances_on_the_line_are_exact(case in case(Just(1.0))) {
        agrees_on_the_line::<f64>(&case, 2e-14)?;
        // The plain loops add their terms in this precision.
        agrees_on_the_line::<f32>(&case, 5e-6)?;
    }

    #[test]
    fn sums_of_powers_on_the_line_are_as_good_as_stated(
        case in case(prop_oneof![Just(0.5), Just(0.75), Just(1.5), 0.2..1.95_f64])
    ) {
        agrees_on_the_line::<f64>(&case, 2e-11)?;
        agrees_on_the_line::<f32>(&case, 5e-6)?;
    }
}

/// Powers of single distances are good to 50 ε, where they tend to 0 relative to the length of the line: of a
/// particle at 0 and one at δ, beside one at 1 that weighs nothing.
#[test]
fn a_power_of_a_distance_is_as_good_as_stated() {
    for r in [0.55, 0.75, 0.95, 1.05, 1.5, 1.75, 1.95] {
        let kernel = RieszKernel::new(r).expect("0 < r < 2");
        let sums = SlicedSums::<f64>::new(kernel, Slicing::new(1)).expect("directions");
        for step in 0..=90 {
            let delta = 10.0_f64.powf(-0.1 * f64::from(step));
            let x = [0.0];
            let y = [delta, 1.0];
            let x = Measure::weighted(Points::new(&x, 1, 1), &[1.0]);
            let y = Measure::weighted(Points::new(&y, 2, 1), &[1.0, 0.0]);
            let mut slope = [0.0];
            let rows = &mut GradientRows::in_x(&mut slope, 1);
            let value = sums.energy_gradient(x, y, 1.0, rows);
            let exact = [delta.powf(r), r * delta.powf(r - 1.0)];
            for (found, exact) in [value, -slope[0]].into_iter().zip(exact) {
                let error = (found - exact).abs() / exact.max(1.0);
                assert!(error < 5e-11, "r = {r}, δ = {delta:e}: {found} {exact}");
            }
        }
    }
}

/// D² and the gradient of F_ν on the line for r = 1, from the numbers of particles below each position.
fn by_counting(x: &[f64], y: &[f64]) -> (f64, Vec<f64>) {
    let sorted = |points: &[f64]| {
        let mut points = points.to_vec();
        points.sort_by(f64::total_cmp);
        points
    };
    let [below_x, below_y] = [sorted(x), sorted(y)];
    // The distribution function, with half the weight of what is at z.
    let level = |points: &[f64], z: f64| {
        let [below, up_to] = [
            points.partition_point(|&p| p < z),
            points.partition_point(|&p| p <= z),
        ];
        0.5 * (below + up_to) as f64 / points.len() as f64
    };
    let all = sorted(&[x, y].concat());
    let squares = all.windows(2).map(|pair| {
        let middle = 0.5 * (pair[0] + pair[1]);
        let difference = level(&below_x, middle) - level(&below_y, middle);
        (pair[1] - pair[0]) * difference * difference
    });
    let slope = |&z: &f64| 2.0 * (level(&below_y, z) - level(&below_x, z)) / x.len() as f64;
    (squares.sum(), x.iter().map(slope).collect())
}

/// Makes a position of a number in [0, 1).
type Shape = fn(f64) -> f64;

/// In all ways in which particles are sorted and taken together: few and many, crowded and far apart, with and
/// without ties.
#[test]
fn many_particles_on_the_line_are_counted_exactly() {
    let kernel = RieszKernel::new(1.0).expect("0 < r < 2");
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let shapes: [(Shape, bool); 4] = [
        (|u| 4.0 * u - 2.0, false),
        (|u| (40.0 * u).floor(), false),
        // Nearly all in a small part of the range.
        (|u| if u < 1e-3 { 1e6 * u } else { 1e-4 * u }, true),
        (|u| (8.0 * u).exp(), true),
    ];
    for (n, m) in [
        (1, 1),
        (40, 9),
        (255, 1),
        (256, 257),
        (3000, 2000),
        (70_000, 900),
    ] {
        for (shape, crowded) in shapes {
            let mut draw = |count: usize| -> Vec<f64> {
                let positions = (0..count).map(|_| shape(rng.random_range(0.0..1.0)));
                // Exact in single precision too.
                positions.map(|z| f64::from(z as f32)).collect()
            };
            let (x, y) = (draw(n), draw(m));
            let exact = by_counting(&x, &y);
            let found = counted::<f64>(kernel, &x, &y);
            let scale = exact.0.abs().max(1e-12);
            assert!(
                (found.0 - exact.0).abs() < 1e-9 * scale,
                "{n}, {m}: {} {}",
                found.0,
                exact.0
            );
            for (found, exact) in found.1.iter().zip(&exact.1) {
                assert!(
                    (found - exact).abs() * (n as f64) < 1e-9,
                    "{n}, {m}: {found} {exact}"
                );
            }
            if crowded {
                continue;
            }
            // Positions less a centre are rounded: a few become equal.
            let single = counted::<f32>(kernel, &x, &y);
            assert!(
                (single.0 - exact.0).abs() < 1e-3 * scale,
                "{n}, {m}: {} {}",
                single.0,
                exact.0
            );
            for (found, exact) in single.1.iter().zip(&exact.1) {
                assert!(
                    (found - exact).abs() * (n as f64) < 1e-3,
                    "{n}, {m}: {found} {exact}"
                );
            }
        }
    }
}

fn counted<T: Real>(kernel: RieszKernel, x: &[f64], y: &[f64]) -> (f64, Vec<f64>) {
    let sums = SlicedSums::<T>::new(kernel, Slicing::new(1)).expect("directions");
    let [x, y] = [x, y].map(|points| round::<T>(points));
    let mut gradient = vec![T::zero(); x.len()];
    let rows = &mut GradientRows::in_x(&mut gradient, x.len());
    let [x, y] = [&x, &y].map(|points| Measure::uniform(Points::new(points, points.len(), 1)));
    let found = sums.discrepancy_gradient(x, y, rows).discrepancy;
    (found, gradient.iter().map(|g| g.into_f64()).collect())
}

fn cloud(count: usize, dim: usize, seed: u64) -> DMatrix<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    DMatrix::from_fn(count, dim, |_, _| rng.random_range(-1.0..1.0))
}

/// Mean and mean square over `rotations` of value and gradient in x, for two clouds.
struct Moments {
    mean: Vec<f64>,
    square: Vec<f64>,
}

fn moments(kernel: RieszKernel, slicing: Slicing, clouds: [&DMatrix<f64>; 2], n: u64) -> Moments {
    let [x, y] = clouds.map(|cloud| Measure::uniform(Points::from(cloud)));
    let len = 1 + clouds[0].len();
    let (mut mean, mut square) = (vec![0.0; len], vec![0.0; len]);
    let mut sums = SlicedSums::<f64>::new(kernel, slicing).expect("directions");
    for seed in 0..n {
        sums = sums.with_seed(seed);
        let mut found = vec![0.0; len];
        let (value, gradient) = found.split_at_mut(1);
        let rows = &mut GradientRows::in_x(gradient, clouds[0].nrows());
        value[0] = sums.energy_gradient(x, y, 1.0, rows);
        for ((mean, square), found) in mean.iter_mut().zip(&mut square).zip(found) {
            *mean += found / n as f64;
            *square += found * found / n as f64;
        }
    }
    Moments { mean, square }
}

fn exact(kernel: RieszKernel, clouds: [&DMatrix<f64>; 2]) -> Vec<f64> {
    let [x, y] = clouds.map(|cloud| Measure::uniform(Points::from(cloud)));
    let mut gradient = vec![0.0; clouds[0].len()];
    let rows = &mut GradientRows::in_x(&mut gradient, clouds[0].nrows());
    let value = reference::energy_gradient(kernel, x, y, 1.0, rows);
    [value].into_iter().chain(gradient).collect()
}

#[test]
fn values_and_gradients_are_unbiased_over_rotations() {
    let cases = [
        (DirectionSet::Independent, 3, 1.0),
        (DirectionSet::Independent, 2, 0.8),
        (DirectionSet::OrthogonalBlocks, 4, 1.5),
        (DirectionSet::DistancePoints, 2, 1.0),
        (DirectionSet::DistancePoints, 3, 1.0),
    ];
    for (set, dim, r) in cases {
        let kernel = RieszKernel::new(r).expect("0 < r < 2");
        let clouds = [&cloud(4, dim, 1), &cloud(3, dim, 2)];
        let slicing = Slicing {
            set: Some(set),
            ..Slicing::new(6)
        };
        let rotations = 10_000;
        let found = moments(kernel, slicing, clouds, rotations);
        for (i, exact) in exact(kernel, clouds).into_iter().enumerate() {
            let variance = found.square[i] - found.mean[i].powi(2);
            let error = (variance.max(0.0) / rotations as f64).sqrt();
            let bias = (found.mean[i] - exact).abs();
            assert!(
                bias < 10.0 * error + 1e-9,
                "{set:?} {dim} {r}: {bias:e} {error:e}"
            );
        }
    }
}

/// For one pair the relative variances of value and gradient are (c_{d,2r}/c_{d,r}² − 1)/P and
/// (c_{d,2r−2}/c_{d,r}² − 1)/P.
#[test]
fn independent_directions_have_the_stated_variance() {
    for (dim, r) in [(2, 1.0), (10, 1.0), (3, 1.5)] {
        let kernel = RieszKernel::new(r).expect("0 < r < 2");
        let clouds = [&cloud(1, dim, 3), &cloud(1, dim, 4)];
        let directions = 16;
        let slicing = Slicing {
            set: Some(DirectionSet::Independent),
            ..Slicing::new(directions)
        };
        let found = moments(kernel, slicing, clouds, 10_000);
        let exact = exact(kernel, clouds);
        let variance = |range: std::ops::Range<usize>| {
            let terms = range.map(|i| found.square[i] - found.mean[i].powi(2));
            terms.sum::<f64>()
        };
        let c = projected_power(dim, r).powi(2) * directions as f64;
        let per_p = 1.0 / directions as f64;
        let value = projected_power(dim, 2.0 * r) / c - per_p;
        let gradient = projected_power(dim, 2.0 * r - 2.0) / c - per_p;
        let size: f64 = exact[1..].iter().map(|g| g * g).sum();
        let found = [
            variance(0..1) / exact[0].powi(2),
            variance(1..dim + 1) / size,
        ];
        assert!(
            (found[0] / value - 1.0).abs() < 0.08,
            "{dim} {r}: {found:?} {value}"
        );
        assert!(
            (found[1] / gradient - 1.0).abs() < 0.08,
            "{dim} {r}: {found:?} {gradient}"
        );
    }
}

/// The root mean square of the relative errors at one random point.
fn errors(dim: usize, directions: usize, set: DirectionSet) -> [f64; 2] {
    let kernel = RieszKernel::new(1.0).expect("0 < r < 2");
    let slicing = Slicing {
        set: Some(set),
        ..Slicing::new(directions)
    };
    let mut sums = SlicedSums::<f64>::new(kernel, slicing).expect("directions");
    let rotations = 200;
    let (mut value, mut slope) = (0.0, 0.0);
    for seed in 0..rotations {
        sums = sums.with_seed(seed);
        let clouds = [&cloud(1, dim, 2 * seed), &cloud(1, dim, 2 * seed + 1)];
        let exact = exact(kernel, clouds);
        let [x, y] = clouds.map(|cloud| Measure::uniform(Points::from(cloud)));
        let mut gradient = vec![0.0; dim];
        let rows = &mut GradientRows::in_x(&mut gradient, 1);
        let found = sums.energy_gradient(x, y, 1.0, rows);
        value += (found / exact[0] - 1.0).powi(2);
        let differences = gradient
            .iter()
            .zip(&exact[1..])
            .map(|(g, e)| (g - e).powi(2));
        slope += differences.sum::<f64>();
    }
    [value, slope].map(|sum| (sum / rotations as f64).sqrt())
}

/// Measured over 200 rotations: a margin of a tenth.
#[test]
fn distance_points_have_small_errors() {
    let cases = [(3, 320, [2.6e-4, 1.6e-2]), (10, 640, [4.5e-3, 6.5e-2])];
    for (dim, directions, bounds) in cases {
        let found = errors(dim, directions, DirectionSet::DistancePoints);
        for (found, bound) in found.into_iter().zip(bounds) {
            assert!(
                found < 1.1 * bound,
                "{dim}, {directions}: {found:e} {bound:e}"
            );
        }
    }
}

/// Up to π²/(12P²) in the value. The sum of P unit vectors, equispaced in a half plane, has the length
/// 1/sin(π/2P), and points to within π/2P of its middle.
#[test]
fn equispaced_directions_have_the_stated_errors() {
    let kernel = RieszKernel::new(1.0).expect("0 < r < 2");
    for directions in [1, 2, 5, 16, 64] {
        for seed in 0..50 {
            let slicing = Slicing {
                seed,
                ..Slicing::new(directions)
            };
            let sums = SlicedSums::<f64>::new(kernel, slicing).expect("directions");
            let clouds = [&cloud(1, 2, 2 * seed), &cloud(1, 2, 2 * seed + 1)];
            let exact = exact(kernel, clouds);
            let [x, y] = clouds.map(|cloud| Measure::uniform(Points::from(cloud)));
            let mut gradient = vec![0.0; 2];
            let rows = &mut GradientRows::in_x(&mut gradient, 1);
            let value = (sums.energy_gradient(x, y, 1.0, rows) / exact[0] - 1.0).abs();
            let slope = (gradient[0] - exact[1]).hypot(gradient[1] - exact[2]);
            let p = directions as f64;
            let pi = std::f64::consts::PI;
            let angle = pi / (2.0 * p);
            let length = angle / angle.sin();
            let bound = (length * length + 1.0 - 2.0 * length * angle.cos()).sqrt();
            assert!(slope <= bound + 1e-12, "{p}: {slope:e} {bound:e}");
            let bound = (angle / angle.tan() - 1.0).abs().max(length - 1.0);
            assert!(value <= bound + 1e-12, "{p}: {value:e} {bound:e}");
            assert!(
                directions < 5 || bound < 1.02 * pi * pi / (12.0 * p * p),
                "{p}: {bound:e}"
            );
        }
    }
}

/// Particles at one place have one projection to the bit, wherever they stand among the others: coincident
/// particles with velocities owe |h|, and the gradient between them is 0.
#[test]
fn coincident_particles_are_coincident_in_every_projection() {
    for dim in [2, 3, 7, 100] {
        for count in [50, 97, 300, 1003] {
            let point = cloud(1, dim, 5);
            let mut x = DMatrix::from_fn(count, dim, |_, k| point[k] as f32);
            // Some that stand apart.
            for i in (0..count).step_by(7) {
                x[(i, 0)] = i as f32;
            }
            let kernel = RieszKernel::new(1.0).expect("0 < r < 2");
            let sums = SlicedSums::<f32>::new(kernel, Slicing::new(9)).expect("directions");
            let mut gradient = vec![0.0; count * dim];
            let rows = &mut GradientRows::in_x(&mut gradient, count);
            sums.self_energy_gradient(Measure::uniform(Points::from(&x)), 1.0, rows);
            for k in 0..dim {
                let column = &gradient[k * count..][..count];
                for i in (0..count).filter(|i| i % 7 != 0) {
                    assert_eq!(column[i], column[1], "{dim}, {count}: {i}");
                }
            }
        }
    }
}

/// A Dirac: the derivative is the mean distance of the velocities.
#[test]
fn a_dirac_owes_the_distances_of_its_velocities() {
    let kernel = RieszKernel::new(1.0).expect("0 < r < 2");
    for dim in [1, 2, 3] {
        let (x, a) = (DMatrix::from_element(120, dim, 0.3), cloud(120, dim, 8));
        let y = Moving::uniform(
            Points::from(&x).rows(60..120),
            Points::from(&a).rows(60..120),
        );
        let x = Moving::uniform(Points::from(&x).rows(0..60), Points::from(&a).rows(0..60));
        let sums = SlicedSums::<f64>::new(kernel, Slicing::new(400)).expect("directions");
        let found = gradients([60, 60], dim, true, |rows| {
            sums.directional_derivative(x, y, 3600.0, rows)
        });
        let exact = gradients([60, 60], dim, true, |rows| {
            reference::directional_derivative(kernel, x, y, 3600.0, rows)
        });
        assert!(
            (found.0 / exact.0 - 1.0).abs() < 1e-3,
            "{dim}: {} {}",
            found.0,
            exact.0
        );
        assert!(
            difference(&found, &exact) < 0.02,
            "{dim}: {}",
            difference(&found, &exact)
        );
    }
}

fn in_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().expect("threads").install(work)
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for (count, dim, r) in [
        (40_000, 2, 1.0),
        (3000, 3, 1.0),
        (700, 40, 1.0),
        (1500, 3, 1.5),
    ] {
        let kernel = RieszKernel::new(r).expect("0 < r < 2");
        let clouds =
            [&cloud(count, dim, 1), &cloud(count / 2, dim, 2)].map(|c| c.map(|x| x as f32));
        let found = [1, 2, 4].map(|threads| {
            in_threads(threads, || {
                let [x, y] = clouds
                    .each_ref()
                    .map(|cloud| Measure::uniform(Points::from(cloud)));
                let sums = SlicedSums::<f32>::new(kernel, Slicing::new(24)).expect("directions");
                let mut gradient = vec![0.0; count * dim];
                let rows = &mut GradientRows::in_x(&mut gradient, count);
                let energies = sums.discrepancy_gradient(x, y, rows);
                (energies.discrepancy.to_bits(), gradient)
            })
        });
        assert!(
            found[0] == found[1] && found[0] == found[2],
            "{count}, {dim}"
        );
    }
}

#[test]
fn equal_calls_are_equal_and_other_seeds_differ() {
    let kernel = RieszKernel::new(1.0).expect("0 < r < 2");
    let x = cloud(50, 3, 1);
    let x = Measure::uniform(Points::from(&x));
    let sums = SlicedSums::<f64>::new(kernel, Slicing::new(7)).expect("directions");
    let first = sums.self_energy(x);
    assert_eq!(first, sums.self_energy(x));
    assert_ne!(first, sums.with_seed(1).self_energy(x));
}

/// The standard error is what D² differs by from seed to seed.
#[test]
fn the_standard_error_is_that_of_the_mean() {
    let kernel = RieszKernel::new(1.0).expect("0 < r < 2");
    for (dim, set) in [(2, None), (3, None), (3, Some(DirectionSet::Independent))] {
        let clouds = [&cloud(30, dim, 1), &cloud(20, dim, 2)];
        let [x, y] = clouds.map(|cloud| Measure::uniform(Points::from(cloud)));
        let exact = reference::energy(kernel, x, y)
            - 0.5 * (reference::energy(kernel, x, x) + reference::energy(kernel, y, y));
        let slicing = Slicing {
            set,
            ..Slicing::new(64)
        };
        let mut sums = SlicedSums::<f64>::new(kernel, slicing).expect("directions");
        let (mut squares, mut stated) = (0.0, 0.0);
        for seed in 0..400 {
            sums = sums.with_seed(seed);
            let found = sums.discrepancy(x, Some(y));
            squares += (found.discrepancy - exact).powi(2) / 400.0;
            stated += found.standard_error.powi(2) / 400.0;
        }
        let ratio = (squares / stated).sqrt();
        assert!((0.8..1.2).contains(&ratio), "{dim}: {ratio}");
    }
}

#[test]
fn unusable_settings_are_refused() {
    let kernel = RieszKernel::new(0.5).expect("0 < r < 2");
    assert!(SlicedSums::<f64>::new(kernel, Slicing::new(0)).is_err());
    let sums = SlicedSums::<f64>::new(kernel, Slicing::new(1)).expect("directions");
    let refused = sums.check_gradient().expect_err("no gradient").to_string();
    assert!(refused.contains("above 1/2"), "{refused}");
}

#[test]
fn what_is_not_finite_gives_no_number() {
    let kernel = RieszKernel::new(1.0).expect("0 < r < 2");
    let mut x = cloud(200, 2, 1);
    x[(17, 1)] = f64::NAN;
    let x = Measure::uniform(Points::from(&x));
    let sums = SlicedSums::<f64>::new(kernel, Slicing::new(3)).expect("directions");
    assert!(sums.self_energy(x).is_nan());
}

/// The distance from the least position to the greatest is no finite number.
#[test]
fn particles_very_far_apart_are_in_order() {
    let kernel = RieszKernel::new(1.0).expect("0 < 1 < 2");
    let sums = SlicedSums::<f32>::new(kernel, Slicing::new(1)).expect("a direction");
    let count = 1000;
    let place = |i: usize| i * 387 % count;
    let position = |i: usize| (2.0 * place(i) as f32 + 1.0 - count as f32) * 3.4e35;
    let x = DMatrix::from_fn(count, 1, |i, _| position(i));
    let mut gradient = vec![0.0; count];
    let rows = &mut GradientRows::in_x(&mut gradient, count);
    sums.self_energy_gradient(Measure::uniform(Points::from(&x)), 1.0, rows);
    let n = count as f64;
    for (i, slope) in gradient.iter().enumerate() {
        let exact = 2.0 * (2.0 * place(i) as f64 + 1.0 - n) / (n * n);
        assert!(
            (f64::from(*slope) - exact).abs() < 1e-9,
            "{i}: {slope}, {exact}"
        );
    }
}

/// Enough particles for every number of buckets of the sort: i/N in another order, where the sums are known.
#[test]
fn very_many_particles_on_the_line_are_in_order() {
    let kernel = RieszKernel::new(1.0).expect("0 < 1 < 2");
    let sums = SlicedSums::<f64>::new(kernel, Slicing::new(1)).expect("a direction");
    for count in [1_usize << 17, 1 << 19, 1 << 20] {
        let place = |i: usize| i * 387_420_489 % count;
        let x = DMatrix::from_fn(count, 1, |i, _| place(i) as f64 / count as f64);
        let mut gradient = vec![0.0; count];
        let rows = &mut GradientRows::in_x(&mut gradient, count);
        let found = sums.self_energy_gradient(Measure::uniform(Points::from(&x)), 1.0, rows);
        let n = count as f64;
        let exact = (n * n - 1.0) / (3.0 * n * n);
        assert!((found - exact).abs() < 1e-12, "{count}: {found}, {exact}");
        for (i, slope) in gradient.iter().enumerate() {
            let exact = 2.0 * (2.0 * place(i) as f64 + 1.0 - n) / (n * n);
            assert!(
                (slope - exact).abs() < 1e-15,
                "{count}, {i}: {slope}, {exact}"
            );
        }
    }
}
