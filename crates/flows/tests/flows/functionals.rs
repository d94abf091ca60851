//! Functionals: gradients against finite differences, estimates against what they estimate, D² against closed forms.

use nalgebra::DMatrix;
use proptest::prelude::*;
use rieszflow_analytic::Law;
use rieszflow_analytic::line::{self, DiscreteMeasure};
use rieszflow_flows::{
    Error, Functional, ImplosionExplosion, Interaction, Minibatches, Mmd, Points, Potential,
    RadialPotential, RadialTable, RieszKernel,
};

/// Entries of size one that follow no pattern.
fn cloud(count: usize, dim: usize, phase: f64) -> DMatrix<f64> {
    DMatrix::from_fn(count, dim, |i, k| {
        (1.3 * i as f64 + 2.1 * k as f64 + phase + 0.7 * (i * k) as f64).sin() + 0.05 * i as f64
    })
}

fn kernel(exponent: f64) -> RieszKernel {
    RieszKernel::new(exponent).unwrap()
}

/// Every functional, in the dimensions it lives in.
fn functionals() -> Vec<(String, usize, Box<dyn Functional<f64>>)> {
    let mut all: Vec<(String, usize, Box<dyn Functional<f64>>)> = vec![(
        "implosion-explosion".to_owned(),
        2,
        Box::new(ImplosionExplosion::new()),
    )];
    for exponent in [0.5, 1.0, 1.5] {
        for dim in [1, 2, 3, 5] {
            let target = cloud(4, dim, 0.4);
            let weights = Some(vec![1.0, 0.5, 0.0, 2.5]);
            let r = kernel(exponent);
            let potential = Potential::new(r, target.clone(), weights.clone()).unwrap();
            let mmd = Mmd::new(r, target, weights).unwrap();
            let law = ball(r, dim);
            let name = |what: &str| format!("{what}, r = {exponent}, d = {dim}");
            all.push((name("interaction"), dim, Box::new(Interaction::new(r))));
            all.push((name("potential"), dim, Box::new(potential)));
            all.push((name("mmd"), dim, Box::new(mmd)));
            all.push((name("towards balls"), dim, Box::new(law)));
        }
    }
    all
}

/// The mean potential of the uniform laws on two balls, of which one holds some particles.
fn ball(kernel: RieszKernel, dim: usize) -> RadialPotential {
    let law = Law::ball(&vec![0.0; dim], 0.9).unwrap();
    let potential = law.potential(kernel.exponent()).unwrap();
    let exact = potential.radial().unwrap();
    let table = RadialTable::new(kernel, 0.9, |rho| (exact.value(rho), exact.slope(rho)));
    RadialPotential::new(table.unwrap(), cloud(2, dim, 0.4))
}

/// Central differences of a function of the particles, extrapolated: their error is O(10⁻¹⁶ f⁗').
fn differences(x: &DMatrix<f64>, f: impl Fn(&DMatrix<f64>) -> f64) -> DMatrix<f64> {
    DMatrix::from_fn(x.nrows(), x.ncols(), |i, k| {
        let at = |offset: f64| {
            let mut shifted = x.clone();
            shifted[(i, k)] += offset;
            f(&shifted)
        };
        let central = |h: f64| (at(h) - at(-h)) / (2.0 * h);
        (4.0 * central(0.5e-4) - central(1e-4)) / 3.0
    })
}

fn minibatch_energy(functional: &dyn Functional<f64>, x: &DMatrix<f64>) -> f64 {
    functional.minibatch_energy(Minibatches::new(Points::from(x)), &mut vec![0.0; x.len()])
}

fn minibatch_derivative(
    functional: &dyn Functional<f64>,
    x: &DMatrix<f64>,
    v: &DMatrix<f64>,
) -> (f64, DMatrix<f64>) {
    let mut gradient = DMatrix::zeros(x.nrows(), x.ncols());
    let derivative = functional
        .minibatch_derivative(
            Minibatches::new(Points::from(x)),
            Minibatches::new(Points::from(v)),
            gradient.as_mut_slice(),
        )
        .unwrap();
    (derivative, gradient)
}

/// The closest particles are 0.006 apart, where the differences of |u|ʳ for r = ½ are good to 1e-9.
#[test]
fn gradients_agree_with_differences_and_are_added() {
    for (name, dim, functional) in functionals() {
        // No coordinate is 0, where the indicators of the implosion jump.
        let x = cloud(6, dim, 0.2);
        let mut gradient = DMatrix::from_element(6, dim, 3.0);
        let value = functional.gradient(Points::from(&x), gradient.as_mut_slice());
        let energy = |x: &DMatrix<f64>| functional.energy(Points::from(x));
        assert!((value - energy(&x)).abs() < 1e-14, "{name}");
        let expected = differences(&x, energy).add_scalar(3.0);
        assert!((gradient - expected).amax() < 1e-8, "{name}");

        let mut gradient = DMatrix::from_element(6, dim, -2.0);
        let batches = Minibatches::new(Points::from(&x));
        let value = functional.minibatch_energy(batches, gradient.as_mut_slice());
        let energy = |x: &DMatrix<f64>| minibatch_energy(&*functional, x);
        assert_eq!(value, energy(&x), "{name}");
        let expected = differences(&x, energy).add_scalar(-2.0);
        assert!((gradient - expected).amax() < 1e-8, "{name}");
    }
}

/// Where no particles coincide the derivative along v is ⟨gradient, v⟩, and linear in v.
#[test]
fn derivatives_along_velocities_are_those_of_the_energy() {
    for (name, dim, functional) in functionals() {
        let (x, v) = (cloud(6, dim, 0.0), cloud(6, dim, 1.0));
        let mut of_energy = DMatrix::zeros(6, dim);
        let batches = Minibatches::new(Points::from(&x));
        functional.minibatch_energy(batches, of_energy.as_mut_slice());
        let (derivative, gradient) = minibatch_derivative(&*functional, &x, &v);
        assert!((derivative - of_energy.dot(&v)).abs() < 1e-13, "{name}");
        assert!((gradient - of_energy).amax() < 1e-14, "{name}");
    }
}

/// Where particles coincide it is one-sided. For r ≥ 1 it is the limit of difference quotients.
#[test]
fn derivatives_at_coincident_particles_are_one_sided() {
    for (exponent, dim) in [(1.0, 1), (1.0, 2), (1.0, 3), (1.0, 5), (1.5, 2)] {
        let mut x = cloud(8, dim, 0.0);
        let v = cloud(8, dim, 1.0);
        for (copy, of) in [(5, 1), (6, 1), (2, 1)] {
            let row = x.row(of).into_owned();
            x.set_row(copy, &row);
        }
        // Two atoms of the target lie on particles, one of them on the coincident ones.
        let mut target = cloud(4, dim, 0.4);
        target.set_row(0, &x.row(1));
        target.set_row(3, &x.row(7));
        let r = kernel(exponent);
        let weights = Some(vec![0.1, 0.4, 0.3, 0.2]);
        let functional = Mmd::new(r, target, weights).unwrap();
        let (derivative, gradient) = minibatch_derivative(&functional, &x, &v);
        // The quotient is off by O(t), for r = 1.5 by O(√t).
        let t = 1e-7;
        let quotient =
            (minibatch_energy(&functional, &(&x + &v * t)) - minibatch_energy(&functional, &x)) / t;
        let allowed = if exponent == 1.0 { 1e-5 } else { 2e-3 };
        assert!(
            (derivative - quotient).abs() < allowed,
            "{derivative} {quotient}"
        );
        let along = |v: &DMatrix<f64>| minibatch_derivative(&functional, &x, v).0;
        assert!((gradient - differences(&v, along)).amax() < 1e-8);
        // Of degree one in v, and in both directions it is not the same: the kink counts.
        assert!((along(&(&v * 2.0)) - 2.0 * derivative).abs() < 1e-13);
        let kink = along(&-&v) + derivative;
        assert_eq!(kink.abs() > 1e-3, exponent == 1.0, "{kink}");
    }
}

/// With batches of one, the mean over all pairs of particles is the energy itself: unbiased.
#[test]
fn minibatch_estimates_are_unbiased() {
    for (name, dim, functional) in functionals() {
        let (x, v) = (cloud(5, dim, 0.0), cloud(5, dim, 1.0));
        let pairs = || (0..25).map(|pair| [pair / 5, pair % 5]);
        let pick = |rows: [usize; 2]| x.select_rows(&rows);
        let mean = pairs()
            .map(|rows| minibatch_energy(&*functional, &pick(rows)))
            .sum::<f64>()
            / 25.0;
        let energy = functional.energy(Points::from(&x));
        assert!((mean - energy).abs() < 1e-14, "{name}: {mean} {energy}");
        // The derivative of the energy along v; a particle against itself does not count.
        let mut gradient = DMatrix::zeros(5, dim);
        functional.gradient(Points::from(&x), gradient.as_mut_slice());
        let mean = pairs()
            .map(|rows| minibatch_derivative(&*functional, &pick(rows), &v.select_rows(&rows)).0)
            .sum::<f64>()
            / 25.0;
        assert!((mean - gradient.dot(&v)).abs() < 1e-13, "{name}");
    }
}

/// For r < 1 the derivative is infinite where particles coincide and part, and only there.
#[test]
fn collisions_for_small_exponents() {
    let functional = Interaction::new(kernel(0.5));
    let x = DMatrix::from_element(32, 2, 1.0);
    let derivative = |v: &DMatrix<f64>| {
        functional.minibatch_derivative(
            Minibatches::new(Points::from(&x)),
            Minibatches::new(Points::from(v)),
            &mut [0.0; 64],
        )
    };
    assert_eq!(derivative(&DMatrix::from_element(32, 2, 5.0)), Ok(0.0));
    let parting = DMatrix::from_fn(32, 2, |i, _| i as f64);
    assert_eq!(
        derivative(&parting),
        Err(Error::Collision { exponent: 0.5 })
    );
}

fn line_measure() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    (1..12_usize).prop_flat_map(|n| {
        let coordinate = prop_oneof![-3.0..3.0_f64, Just(0.5)];
        (
            proptest::collection::vec(coordinate, n),
            proptest::collection::vec(0.01..1.0_f64, n),
        )
    })
}

fn column(values: &[f64]) -> DMatrix<f64> {
    DMatrix::from_column_slice(values.len(), 1, values)
}

proptest! {
    /// On the line D² = ∫ (R_μ − R_ν)² dx, which the distribution functions give without pairs.
    #[test]
    fn discrepancy_on_the_line((x, _) in line_measure(), (y, w) in line_measure()) {
        let mmd = Mmd::new(kernel(1.0), column(&y), Some(w.clone())).unwrap();
        let found = mmd.discrepancy(Points::from(&column(&x)));
        let (mu, nu) = (DiscreteMeasure::equal(&x).unwrap(), DiscreteMeasure::new(&y, &w).unwrap());
        let exact = line::discrepancy(&mu, &nu);
        prop_assert!((found - exact).abs() < 1e-13, "{found} {exact}");
    }

    /// D² ≥ 0, and 0 against itself; symmetric; unchanged when everything is moved.
    #[test]
    fn discrepancy_is_a_squared_distance(
        r in 0.1..1.95_f64, dim in 1..6_usize, n in 1..8_usize, m in 1..8_usize, phase in 0.0..6.0_f64,
    ) {
        let (x, y) = (cloud(n, dim, phase), cloud(m, dim, 2.0 * phase + 1.0));
        let between = |x: &DMatrix<f64>, y: &DMatrix<f64>| {
            Mmd::new(kernel(r), y.clone(), None).unwrap().discrepancy(Points::from(x))
        };
        let found = between(&x, &y);
        prop_assert!(found > -1e-14);
        prop_assert!(between(&x, &x).abs() < 1e-14);
        prop_assert!((found - between(&y, &x)).abs() < 1e-13);
        let moved = between(&x.add_scalar(1.5), &y.add_scalar(1.5));
        prop_assert!((found - moved).abs() < 1e-13);
    }
}

/// F_ν = D² − E(ν), and an atom counts as often as it is repeated or as heavy as it weighs.
#[test]
fn weights_are_multiplicities() {
    let x = cloud(5, 3, 0.0);
    let atoms = cloud(3, 3, 0.4);
    let repeated = atoms.select_rows(&[0, 0, 0, 1, 2, 2]);
    let weighted = Mmd::new(kernel(1.2), atoms, Some(vec![6.0, 2.0, 4.0])).unwrap();
    let plain = Mmd::new(kernel(1.2), repeated.clone(), None).unwrap();
    let potential = Potential::new(kernel(1.2), repeated, None).unwrap();
    let (mut one, mut other) = (vec![0.0; 15], vec![0.0; 15]);
    let energy = weighted.gradient(Points::from(&x), &mut one);
    assert!((energy - plain.gradient(Points::from(&x), &mut other)).abs() < 1e-14);
    assert!(one.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-14));
    let discrepancy = weighted.discrepancy(Points::from(&x));
    assert!((discrepancy - plain.discrepancy(Points::from(&x))).abs() < 1e-14);
    assert!((discrepancy - energy - potential.target_energy()).abs() < 1e-14);
}

#[test]
fn targets_without_a_meaning_are_refused() {
    let atoms = || DMatrix::from_row_slice(2, 2, &[0.0, 1.0, 2.0, 3.0]);
    let new = |target: DMatrix<f64>, weights| Potential::new(kernel(1.0), target, weights);
    assert!(new(atoms(), Some(vec![0.0, 3.0])).is_ok());
    let message = |target, weights| new(target, weights).unwrap_err().to_string();
    assert!(message(DMatrix::zeros(0, 2), None).contains("at least one particle"));
    assert!(message(atoms(), Some(vec![1.0])).contains("2, one a particle"));
    assert!(message(atoms(), Some(vec![1.0, -0.5])).contains("nonnegative"));
    assert!(message(atoms(), Some(vec![0.0, 0.0])).contains("positive sum"));
    for bad in [f64::NAN, f64::INFINITY] {
        let weight = new(atoms(), Some(vec![1.0, bad])).unwrap_err();
        assert!(matches!(weight, Error::NotFinite { row: 1, .. }));
        let mut target = atoms();
        target[(1, 0)] = bad;
        let coordinate = Mmd::new(kernel(1.0), target, None).unwrap_err();
        assert!(matches!(coordinate, Error::NotFinite { row: 1, .. }));
    }
    for exponent in [0.0, 2.0, -1.0, f64::NAN] {
        assert!(matches!(
            RieszKernel::new(exponent),
            Err(Error::Exponent(_))
        ));
    }
}
