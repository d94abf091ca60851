//! Exact laws against quadrature, Monte Carlo means and known integrals.

use std::f64::consts::PI;

use crate::common::{all_laws, check_mean};
use nalgebra::DMatrix;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rieszflow_analytic::line::{self, DiscreteMeasure, Gaussian, Laplace, Uniform};
use rieszflow_analytic::quadrature::integrate;
use rieszflow_analytic::{
    Equilibrium, Error, Law, discrepancy, discrepancy_between, sampling_floor,
};

/// The mean of |x−y|ʳ over y on the sphere of the given radius, |x| = ρ, by quadrature over the angle.
fn spherical_mean(d: usize, r: f64, rho: f64, radius: f64) -> f64 {
    if d == 1 {
        return 0.5 * ((rho - radius).abs().powf(r) + (rho + radius).powf(r));
    }
    let power = 0.5 * (d as f64 - 3.0);
    let density = |v: f64, w: f64| (4.0 * v * w).powf(power);
    let total = integrate(0.0, 1.0, |at| density(at.from_low, at.to_high));
    let value = integrate(0.0, 1.0, |at| {
        let square = (rho - radius).powi(2) + 4.0 * rho * radius * at.from_low;
        square.powf(0.5 * r) * density(at.from_low, at.to_high)
    });
    value / total
}

/// The mean of f over the radius, split at a kink, for a radial density given up to a factor.
fn radial_mean(
    far: f64,
    kink: f64,
    density: impl Fn(f64, f64) -> f64,
    f: impl Fn(f64) -> f64,
) -> f64 {
    let piece = |low: f64, high: f64, f: &dyn Fn(f64) -> f64| {
        integrate(low, high, |at| {
            let rest = if high == far { at.to_high } else { far - at.x };
            density(at.x, rest) * f(at.x)
        })
    };
    let over = |f: &dyn Fn(f64) -> f64| {
        if kink > 0.0 && kink < far {
            piece(0.0, kink, f) + piece(kink, far, f)
        } else {
            piece(0.0, far, f)
        }
    };
    over(&f) / over(&|_| 1.0)
}

#[test]
fn potentials_of_balls_by_quadrature() {
    for (d, r) in [(1, 0.2), (2, 1.0), (3, 1.8), (30, 1.0)] {
        let origin = vec![0.0; d];
        for beta in [0.3, 1.0, 1.9] {
            let law = Law::beta_ball(&origin, 2.0, beta).unwrap();
            let potential = law.potential(r).unwrap();
            let radial = potential.radial().unwrap();
            let density = |rho: f64, rest: f64| {
                rho.powf(d as f64 - 1.0) * (rest * (2.0 + rho)).powf(beta - 1.0)
            };
            let case = format!("d = {d}, r = {r}, β = {beta}");
            for rho in [0.3, 1.4, 2.5] {
                let from_sphere = |radius| spherical_mean(d, r, rho, radius);
                let exact = radial_mean(2.0, rho, density, from_sphere);
                assert!(
                    (radial.value(rho) / exact - 1.0).abs() < 1e-11,
                    "{case}, ρ = {rho}"
                );
            }
            let pairs = radial_mean(2.0, 0.0, density, |rho| radial.value(rho));
            let energy = law.energy(r).unwrap();
            assert!((energy / (-0.5 * pairs) - 1.0).abs() < 1e-11, "{case}");
        }
        let law = Law::sphere(&origin, 2.0).unwrap();
        let potential = law.potential(r).unwrap();
        for rho in [0.0, 0.3, 1.4, 2.5, 7.0] {
            let exact = spherical_mean(d, r, rho, 2.0);
            let got = potential.radial().unwrap().value(rho);
            assert!(
                (got / exact - 1.0).abs() < 1e-11,
                "sphere, d = {d}, r = {r}, ρ = {rho}"
            );
        }
    }
}

#[test]
fn potentials_of_gaussians_by_quadrature() {
    for d in [1, 2, 3, 10] {
        for r in [0.2, 1.0, 1.8] {
            let law = Law::gaussian(&vec![0.0; d], 0.6).unwrap();
            let potential = law.potential(r).unwrap();
            let density = |rho: f64, _: f64| rho.powf(d as f64 - 1.0) * (-rho * rho / 0.72).exp();
            for rho in [0.0, 0.3, 1.4, 5.0] {
                let exact = radial_mean(8.0, rho, density, |radius| {
                    spherical_mean(d, r, rho, radius)
                });
                let got = potential.radial().unwrap().value(rho);
                assert!(
                    (got / exact - 1.0).abs() < 1e-11,
                    "d = {d}, r = {r}, ρ = {rho}"
                );
            }
        }
    }
}

/// For the exponent of an equilibrium and r = 1 in space all is elementary.
#[test]
fn known_potentials() {
    let (sigma, rho) = (0.8, 1.7);
    let law = Law::gaussian(&[0.0; 3], sigma).unwrap();
    let potential = law.potential(1.0).unwrap();
    // U(ρ) = (ρ + σ²/ρ)erf(ρ/√2σ) + σ√(2/π)e^{−ρ²/2σ²}
    let erf = libm::erf(rho / (2.0_f64.sqrt() * sigma));
    let exact = (rho + sigma * sigma / rho) * erf
        + sigma * (2.0 / PI).sqrt() * (-rho * rho / (2.0 * sigma * sigma)).exp();
    assert!((potential.value(&[0.0, rho, 0.0]).unwrap() / exact - 1.0).abs() < 1e-14);
    let ball = Law::ball(&[0.0; 3], 1.0).unwrap();
    // ∬|x−x'| over the unit ball is 36/35.
    assert!((ball.energy(1.0).unwrap() + 18.0 / 35.0).abs() < 1e-15);
    for (d, r) in [(1, 0.4), (2, 1.3), (3, 1.0), (10, 0.7)] {
        let eta = Equilibrium::new(d, r).unwrap();
        let law = Law::equilibrium(&eta, 1.4).unwrap();
        assert!((law.energy(r).unwrap() / (1.4_f64.powf(r) * eta.energy()) - 1.0).abs() < 1e-13);
    }
}

#[test]
fn gradients_are_differences_of_values() {
    for dim in [2, 3, 6] {
        for (name, law) in all_laws(dim) {
            for r in [0.3, 1.0, 1.7] {
                let potential = law.potential(r).unwrap();
                let x: Vec<f64> = (0..dim).map(|k| 0.9 - 0.55 * k as f64).collect();
                let gradient = potential.gradient(&x).unwrap();
                for k in 0..dim {
                    let at = |h: f64| {
                        let mut y = x.clone();
                        y[k] += h;
                        potential.value(&y).unwrap()
                    };
                    let h = 1e-3;
                    let near = (at(h) - at(-h)) / (2.0 * h);
                    let far = (at(2.0 * h) - at(-2.0 * h)) / (4.0 * h);
                    let slope = (4.0 * near - far) / 3.0;
                    let case = format!("{name}, d = {dim}, r = {r}, k = {k}");
                    assert!(
                        (gradient[k] - slope).abs() < 1e-8,
                        "{case}: {} {slope}",
                        gradient[k]
                    );
                }
            }
        }
    }
}

/// Five standard errors of the mean, from draws of the law itself.
#[test]
fn potentials_and_energies_are_means_over_draws() {
    let count = 40_000;
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for dim in [1, 2, 5] {
        for (name, law) in all_laws(dim) {
            let (one, two) = (law.sample(count, &mut rng), law.sample(count, &mut rng));
            let x: Vec<f64> = (0..dim).map(|k| 0.8 - 0.2 * k as f64).collect();
            for r in [0.4, 1.0, 1.6] {
                let to_point = |row: usize| {
                    let y = one.row(row);
                    let squares = y.iter().zip(&x).map(|(y, x)| (x - y) * (x - y));
                    squares.sum::<f64>().powf(0.5 * r)
                };
                let to_other = |row: usize| (one.row(row) - two.row(row)).norm().powf(r);
                let value = law.potential(r).unwrap().value(&x).unwrap();
                let case = format!("{name}, d = {dim}, r = {r}");
                check_mean(count, to_point, value, &format!("{case}: potential"));
                let pairs = -2.0 * law.energy(r).unwrap_or(f64::NAN);
                if pairs.is_nan() {
                    assert!(
                        name.contains("mixture") || name.contains("covariance"),
                        "{case}"
                    );
                } else {
                    check_mean(count, to_other, pairs, &format!("{case}: energy"));
                }
            }
        }
    }
}

#[test]
fn draws_reach_the_sampling_floor_on_average() {
    let mut rng = ChaCha8Rng::seed_from_u64(14);
    for (name, law) in all_laws(2) {
        let r = 1.2;
        if name == "mixture with a ball" {
            continue; // whose energy takes an integral at each call
        }
        let floor = sampling_floor(&law, r, 40).unwrap();
        let runs = 300;
        let found: Vec<f64> = (0..runs)
            .map(|_| {
                let particles = law.sample(40, &mut rng);
                discrepancy(&particles, None, &law, r).unwrap().v_statistic
            })
            .collect();
        let mean = found.iter().sum::<f64>() / f64::from(runs);
        assert!(
            (mean / floor - 1.0).abs() < 0.2,
            "{name}: {mean} against {floor}"
        );
    }
}

/// Line laws and laws in ℝ¹ give the same D² to particles.
#[test]
fn line_and_space_agree() {
    let particles = [-2.0, -0.3, 0.1, 0.1, 0.8];
    let measure = DiscreteMeasure::equal(&particles).unwrap();
    let rows = DMatrix::from_column_slice(5, 1, &particles);
    let value = |law: &Law| discrepancy(&rows, None, law, 1.0).unwrap().v_statistic;
    let normal = line::discrepancy(&measure, &Gaussian::new(0.2, 0.9).unwrap());
    assert!((value(&Law::gaussian(&[0.2], 0.9).unwrap()) - normal).abs() < 1e-14);
    let flat = line::discrepancy(&measure, &Uniform::new(-1.0, 0.5).unwrap());
    assert!((value(&Law::ball(&[-0.25], 0.75).unwrap()) - flat).abs() < 1e-14);
    // A Laplace law is an exponential mixture of normal laws: E|x−Y| = |x−m| + βe^{−|x−m|/β}.
    let (mean, scale) = (0.3, 0.6);
    let laplace = line::discrepancy(&measure, &Laplace::new(mean, scale).unwrap());
    let potential = |x: f64| (x - mean).abs() + scale * (-(x - mean).abs() / scale).exp();
    let cross = particles.iter().map(|&x| potential(x)).sum::<f64>() / 5.0;
    let pairs: f64 = particles
        .iter()
        .map(|x| particles.iter().map(|y| (x - y).abs()).sum::<f64>() / 25.0)
        .sum();
    let exact = cross - 0.5 * pairs - 0.75 * scale;
    assert!((laplace - exact).abs() < 1e-14, "{laplace} {exact}");
}

#[test]
fn bad_laws_are_refused() {
    assert_eq!(Law::gaussian(&[], 1.0).unwrap_err(), Error::Dimension);
    assert_eq!(
        Law::gaussian(&[0.0], 0.0).unwrap_err(),
        Error::Deviation(0.0)
    );
    assert!(Law::gaussian(&[f64::NAN], 1.0).is_err());
    assert_eq!(
        Law::beta_ball(&[0.0], 1.0, 2.5).unwrap_err(),
        Error::Beta(2.5)
    );
    assert!(Law::sphere(&[0.0], -1.0).is_err());
    let skew = DMatrix::from_row_slice(2, 2, &[1.0, 0.5, 0.0, 1.0]);
    let flat = DMatrix::from_row_slice(2, 2, &[1.0, 1.0, 1.0, 1.0]);
    for matrix in [skew, flat, DMatrix::zeros(2, 2), DMatrix::identity(3, 3)] {
        let error = Law::gaussian_with_covariance(&[0.0; 2], &matrix).unwrap_err();
        assert!(matches!(error, Error::Covariance(_)), "{error}");
    }
    let (plane, space) = (
        Law::dirac(&[0.0; 2]).unwrap(),
        Law::dirac(&[0.0; 3]).unwrap(),
    );
    assert!(matches!(
        Law::mixture(&[(1.0, plane.clone()), (1.0, space.clone())]),
        Err(Error::Different { .. })
    ));
    assert_eq!(Law::mixture(&[]).unwrap_err(), Error::NoMass);
    assert!(discrepancy_between(&plane, &space, 1.0).is_err());
    assert_eq!(plane.energy(2.0).unwrap_err(), Error::Exponent(2.0));
    assert!(plane.potential(1.0).unwrap().value(&[0.0; 3]).is_err());
}
