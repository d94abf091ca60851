//! The fast sums over pairs against the plain double loops, under one suite of properties.

use proptest::prelude::*;
use rieszflow_flows::pair_sums::reference;
use rieszflow_flows::{GradientRows, Measure, Moving, PairSums, Points, RieszKernel};
use rieszflow_numerics::Real;

/// Two clouds with velocities and, perhaps, weights.
#[derive(Clone, Debug)]
struct Case {
    exponent: f64,
    dim: usize,
    counts: (usize, usize),
    x: Vec<f64>,
    y: Vec<f64>,
    a: Vec<f64>,
    b: Vec<f64>,
    weights: Option<(Vec<f64>, Vec<f64>)>,
}

fn values(len: usize) -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec(-2.0..2.0_f64, len)
}

fn case() -> impl Strategy<Value = Case> {
    let dim = prop_oneof![6 => 1..5_usize, 2 => 5..40_usize, 1 => Just(784_usize), 1 => Just(1000)];
    let sizes = (dim, 0..70_usize, 0..70_usize).prop_map(|(d, n, m)| {
        if d > 100 {
            (d, n % 9, m % 9)
        } else {
            (d, n, m)
        }
    });
    let exponent = prop_oneof![Just(1.0), Just(0.5), Just(1.5), 0.3..1.95_f64];
    (sizes, exponent, any::<bool>(), any::<bool>()).prop_flat_map(
        |((dim, n, m), exponent, coincide, weighted)| {
            let weights = (values(n), values(m));
            (
                values(n * dim),
                values(m * dim),
                values(n * dim),
                values(m * dim),
                weights,
            )
                .prop_map(move |(x, mut y, a, b, (u, w))| {
                    if coincide {
                        for k in 0..dim {
                            for i in 0..n.min(m) / 2 {
                                y[k * m + i] = x[k * n + i];
                            }
                        }
                    }
                    let weights = weighted.then_some((u, w));
                    Case {
                        exponent,
                        dim,
                        counts: (n, m),
                        x,
                        y,
                        a,
                        b,
                        weights,
                    }
                })
        },
    )
}

/// A case rounded to the precision under test; both versions see the same rounded numbers.
struct Rounded<T> {
    x: Vec<T>,
    y: Vec<T>,
    a: Vec<T>,
    b: Vec<T>,
    weights: Option<(Vec<T>, Vec<T>)>,
}

fn round<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&v| T::from_f64(v)).collect()
}

impl Case {
    fn round<T: Real>(&self) -> Rounded<T> {
        Rounded {
            x: round(&self.x),
            y: round(&self.y),
            a: round(&self.a),
            b: round(&self.b),
            weights: self.weights.as_ref().map(|(u, w)| (round(u), round(w))),
        }
    }

    fn measures<'a, T: Real>(&self, rounded: &'a Rounded<T>) -> (Measure<'a, T>, Measure<'a, T>) {
        let x = Points::new(&rounded.x, self.counts.0, self.dim);
        let y = Points::new(&rounded.y, self.counts.1, self.dim);
        match &rounded.weights {
            Some((u, w)) => (Measure::weighted(x, u), Measure::weighted(y, w)),
            None => (Measure::uniform(x), Measure::uniform(y)),
        }
    }
}

/// Both gradients, of x above y, from a function that adds to them.
fn gradients<T: Real>(
    case: &Case,
    both: bool,
    add: impl Fn(&mut GradientRows<'_, T>) -> f64,
) -> (f64, Vec<T>) {
    let rows = case.counts.0 + case.counts.1;
    let mut entries = vec![T::one(); rows * case.dim];
    let mut target = GradientRows {
        entries: &mut entries,
        rows,
        y_start: both.then_some(case.counts.0),
    };
    (add(&mut target), entries)
}

fn close<T: Real>(
    (value, gradient): &(f64, Vec<T>),
    (exact, expected): &(f64, Vec<T>),
    tolerance: f64,
) -> Result<(), TestCaseError> {
    prop_assert!(
        (value - exact).abs() <= tolerance * (1.0 + exact.abs()),
        "{value} {exact}"
    );
    for (g, e) in gradient.iter().zip(expected) {
        let (g, e) = (g.into_f64(), e.into_f64());
        prop_assert!(
            (g - e).abs() <= tolerance * (1.0 + e.abs()),
            "gradient {g} {e}"
        );
    }
    Ok(())
}

/// The contract: value and gradients agree with the plain loops.
///
/// The sums are of at most 70² terms of size up to about 100 (d = 1000, unnormalised weights), with
/// rounding errors that add up like a random walk.
fn agrees<T: Real>(case: &Case, tolerance: f64) -> Result<(), TestCaseError> {
    let kernel = RieszKernel::new(case.exponent).expect("0 < r < 2");
    let sums = PairSums::<T>::new(kernel);
    let rounded = case.round::<T>();
    let (x, y) = case.measures(&rounded);

    let exact = reference::energy(kernel, x, y);
    prop_assert!((sums.energy(x, y) - exact).abs() <= tolerance * (1.0 + exact.abs()));

    for both in [false, true] {
        let fast = gradients(case, both, |g| sums.energy_gradient(x, y, -0.7, g));
        let slow = gradients(case, both, |g| {
            reference::energy_gradient(kernel, x, y, -0.7, g)
        });
        close(&fast, &slow, tolerance)?;

        for y_moves in [false, true] {
            let x = Moving {
                measure: x,
                velocities: Some(Points::new(&rounded.a, case.counts.0, case.dim)),
            };
            let velocities = y_moves.then(|| Points::new(&rounded.b, case.counts.1, case.dim));
            let y = Moving {
                measure: y,
                velocities,
            };
            let fast = gradients(case, both, |g| sums.directional_derivative(x, y, 1.3, g));
            let slow = gradients(case, both, |g| {
                reference::directional_derivative(kernel, x, y, 1.3, g)
            });
            if slow.0.is_finite() {
                close(&fast, &slow, tolerance)?;
            } else {
                prop_assert!(!fast.0.is_finite(), "{} instead of {}", fast.0, slow.0);
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn fast_sums_agree_with_plain_loops_in_f64(case in case()) {
        agrees::<f64>(&case, 1e-11)?;
    }

    #[test]
    fn fast_sums_agree_with_plain_loops_in_f32(case in case()) {
        // |u|ʳ⁻¹ magnifies the rounding of close pairs for r < 1; keep to pairs that are not.
        prop_assume!(case.exponent >= 0.5);
        agrees::<f32>(&case, 2e-3)?;
    }

    #[test]
    fn threads_do_not_change_a_bit(seed in 0..1000_u64, n in 100..700_usize, d in 1..5_usize) {
        let x: Vec<f32> = (0..n * d).map(|i| ((i as u64 * 7919 + seed) as f32).sin()).collect();
        let (y, dirac): (Vec<f32>, _) = (x.iter().rev().copied().collect(), vec![0.0; n * d]);
        let (velocities, dirac) = (Points::new(&y, n, d), Points::new(&dirac, n, d));
        let x = Measure::uniform(Points::new(&x, n, d));
        let kernel = RieszKernel::new(1.0).expect("0 < r < 2");
        let results = [1, 2, 4].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
            let sums = PairSums::new(kernel);
            let mut gradient = vec![0.0_f32; n * d];
            let value = pool.install(|| {
                sums.energy_gradient(x, x, 1.0, &mut GradientRows::in_x(&mut gradient, n))
            });
            let mut of_velocities = vec![0.0_f32; 2 * n * d];
            let slope = pool.install(|| {
                let x = Moving::uniform(dirac, x.points());
                let y = Moving::uniform(dirac, velocities);
                let rows = &mut GradientRows::in_minibatches(&mut of_velocities, n);
                sums.directional_derivative(x, y, 1.0, rows)
            });
            (value, gradient, slope, of_velocities)
        });
        prop_assert!(results[0] == results[1] && results[0] == results[2]);
    }
}

/// Four points in space.
fn cloud(x: &[f64]) -> Measure<'_, f64> {
    Measure::uniform(Points::new(x, 4, 3))
}

/// The same with velocities.
fn moving<'a>(x: &'a [f64], a: &'a [f64]) -> Moving<'a, f64> {
    Moving::uniform(Points::new(x, 4, 3), Points::new(a, 4, 3))
}

/// Gradients of the plain loops against central differences of their values.
#[test]
fn plain_gradients_agree_with_finite_differences() {
    let (n, m, d, h) = (4, 5, 3, 1e-5);
    let value = |i: usize| (1.3 * i as f64).sin() + 0.01 * i as f64;
    let mut x: Vec<f64> = (0..n * d).map(value).collect();
    let y: Vec<f64> = (0..m * d).map(|i| value(i + 31)).collect();
    let mut a: Vec<f64> = (0..n * d).map(|i| value(i + 57)).collect();
    for exponent in [0.5, 1.0, 1.5] {
        let kernel = RieszKernel::new(exponent).expect("0 < r < 2");
        let y = Measure::uniform(Points::new(&y, m, d));
        let mut gradient = vec![0.0; n * d];
        let rows = &mut GradientRows::in_x(&mut gradient, n);
        reference::energy_gradient(kernel, cloud(&x), y, 1.0, rows);
        let mut of_velocities = vec![0.0; n * d];
        let rows = &mut GradientRows::in_x(&mut of_velocities, n);

        let along = reference::directional_derivative(
            kernel,
            moving(&x, &a),
            Moving::resting(y),
            1.0,
            rows,
        );
        let product: f64 = gradient.iter().zip(&a).map(|(g, a)| g * a).sum();
        assert!(
            (along - product).abs() < 1e-13,
            "derivative along a is ⟨gradient, a⟩"
        );
        for i in 0..n * d {
            let at = x[i];
            x[i] = at + h;
            let above = reference::energy(kernel, cloud(&x), y);
            x[i] = at - h;
            let below = reference::energy(kernel, cloud(&x), y);
            x[i] = at;
            assert!(((above - below) / (2.0 * h) - gradient[i]).abs() < 1e-8);
            a[i] += 0.5;
            let none = &mut vec![0.0; n * d];
            let shifted = reference::directional_derivative(
                kernel,
                moving(&x, &a),
                Moving::resting(y),
                1.0,
                &mut GradientRows::in_x(none, n),
            );
            a[i] -= 0.5;
            assert!((shifted - along - 0.5 * of_velocities[i]).abs() < 1e-12);
        }
    }
}

/// Energy and gradient in x of one particle at 0 and one at `distance`, in single precision.
fn pair(exponent: f64, distance: f32) -> (f64, f32) {
    let (x, y) = ([0.0], [distance]);
    let sums = PairSums::new(RieszKernel::new(exponent).expect("0 < r < 2"));
    let mut gradient = [0.0];
    let value = sums.energy_gradient(
        Measure::uniform(Points::new(&x, 1, 1)),
        Measure::uniform(Points::new(&y, 1, 1)),
        1.0,
        &mut GradientRows::in_x(&mut gradient, 1),
    );
    (value, gradient[0])
}

/// Distances whose squares are no normal numbers: too small, they may count as zero; too large,
/// the energy is not finite, so that divergence is noticed.
#[test]
fn tiny_and_huge_distances() {
    for exponent in [0.5, 1.0, 1.5] {
        for distance in [1e-4, 1e-10, 1e-18, 1e4, 1e18_f32] {
            let (value, gradient) = pair(exponent, distance);
            let exact = f64::from(distance).powf(exponent);
            assert!((value / exact - 1.0).abs() < 1e-6, "{value} {exact}");
            let slope = -exponent * f64::from(distance).powf(exponent - 1.0);
            let gradient = f64::from(gradient);
            assert!((gradient / slope - 1.0).abs() < 1e-6, "{gradient} {slope}");
        }
        for distance in [1e-20, 1e-22, 1e-30, 1e-45_f32] {
            let (value, gradient) = pair(exponent, distance);
            let exact = f64::from(distance).powf(exponent);
            assert!((0.0..=1.01 * exact).contains(&value), "{value} {exact}");
            assert!(gradient.is_finite());
        }
        assert_eq!(pair(exponent, 0.0), (0.0, 0.0));
        assert!(!pair(exponent, 1e20).0.is_finite());
        let (value, gradient) = pair(exponent, f32::NAN);
        assert!(value.is_nan() && gradient.is_nan());
    }
}

/// A coordinate that is not a number shows in the sums, wherever the particle stands.
#[test]
fn not_a_number_is_not_lost() {
    for (exponent, lost) in [(1.0, 0), (0.5, 20), (1.5, 12)] {
        let mut x: Vec<f32> = (0..42).map(|i| i as f32).collect();
        let fine = x.clone();
        x[21 + lost] = f32::NAN;
        let (x, fine) = (Points::new(&x, 21, 2), Points::new(&fine, 21, 2));
        let sums = PairSums::new(RieszKernel::new(exponent).expect("0 < r < 2"));
        for (x, y) in [(x, fine), (fine, x)] {
            assert!(
                sums.energy(Measure::uniform(x), Measure::uniform(y))
                    .is_nan()
            );
            let (x, y) = (Moving::uniform(x, fine), Moving::uniform(y, x));
            let mut gradient = [0.0; 42];
            let rows = &mut GradientRows::in_x(&mut gradient, 21);
            assert!(sums.directional_derivative(x, y, 1.0, rows).is_nan());
        }
    }
}

/// Many particles: the error in single precision does not grow with their number.
#[test]
fn long_sums_stay_accurate() {
    let (n, m, d) = (11, 1 << 14, 2);
    let x: Vec<f32> = (0..n * d).map(|i| (1.3 * i as f32).sin()).collect();
    let y: Vec<f32> = (0..m * d).map(|i| (0.37 * i as f32).cos()).collect();
    let x = Measure::uniform(Points::new(&x, n, d));
    let y = Measure::uniform(Points::new(&y, m, d));
    for exponent in [1.0, 0.7] {
        let kernel = RieszKernel::new(exponent).expect("0 < r < 2");
        let mut fast = vec![0.0; n * d];
        let value =
            PairSums::new(kernel).energy_gradient(x, y, 1.0, &mut GradientRows::in_x(&mut fast, n));
        let exact = reference::energy(kernel, x, y);
        assert!((value / exact - 1.0).abs() < 1e-6, "{value} {exact}");
        let (x, y) = (in_double(x), in_double(y));
        let mut exact = vec![0.0; n * d];
        reference::energy_gradient(
            kernel,
            Measure::uniform(Points::new(&x, n, d)),
            Measure::uniform(Points::new(&y, m, d)),
            1.0,
            &mut GradientRows::in_x(&mut exact, n),
        );
        for (&fast, exact) in fast.iter().zip(exact) {
            assert!((f64::from(fast) - exact).abs() < 1e-6, "{fast} {exact}");
        }
    }
}

fn in_double(measure: Measure<'_, f32>) -> Vec<f64> {
    let points = measure.points();
    (0..points.dim())
        .flat_map(|k| points.coordinate(k))
        .map(|&v| f64::from(v))
        .collect()
}
