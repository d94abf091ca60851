//! D² between exact laws, and of particles to them, against draws, other formulas and invariances.

use crate::common::{all_laws, check_mean, covariance};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rieszflow_analytic::quadrature::integrate;
use rieszflow_analytic::{Error, Law, discrepancy, discrepancy_between};

/// Every pair of laws, against draws from both.
#[test]
fn discrepancies_between_laws_are_means_over_draws() {
    let (count, dim) = (30_000, 3);
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let laws = all_laws(dim);
    for r in [1.4] {
        for (i, (first, one)) in laws.iter().enumerate() {
            for (second, two) in &laws[i..] {
                let found = discrepancy_between(one, two, r);
                let covariance = |name: &str| name.contains("covariance") || name.contains("of");
                let solid = |name: &str| !name.starts_with("Gauss") && !name.contains("of");
                let pair = format!("{first}, {second}, r = {r}");
                if covariance(first) && solid(second) || covariance(second) && solid(first) {
                    assert_eq!(found, Err(Error::Pair), "{pair}");
                    continue;
                }
                let found = found.unwrap();
                let mirrored = discrepancy_between(two, one, r).unwrap();
                assert!(
                    (found - mirrored).abs() < 1e-13,
                    "{pair}: {found} {mirrored}"
                );
                let draws = [
                    one.sample(count, &mut rng),
                    one.sample(count, &mut rng),
                    two.sample(count, &mut rng),
                    two.sample(count, &mut rng),
                ];
                let distance = |a: usize, b: usize, row: usize| {
                    (draws[a].row(row) - draws[b].row(row)).norm().powf(r)
                };
                let term = |row: usize| {
                    distance(0, 2, row) - 0.5 * distance(0, 1, row) - 0.5 * distance(2, 3, row)
                };
                check_mean(count, term, found, &pair);
            }
        }
    }
}

/// On the line with r = 1, D² is the integral of the squared difference of the distribution functions.
#[test]
fn on_the_line_they_agree_with_distribution_functions() {
    let interval =
        |low: f64, high: f64| Law::ball(&[0.5 * (low + high)], 0.5 * (high - low)).unwrap();
    let laws = [
        interval(-1.0, 1.0),
        interval(-0.5, 0.3),
        interval(0.6, 2.0),
        Law::gaussian(&[0.4], 0.7).unwrap(),
        Law::gaussian(&[-3.0], 0.2).unwrap(),
        Law::sphere(&[0.1], 0.5).unwrap(),
    ];
    let normal = |mean: f64, deviation: f64, x: f64| {
        0.5 + 0.5 * libm::erf((x - mean) / (deviation * 2.0_f64.sqrt()))
    };
    let uniform = |low: f64, high: f64, x: f64| ((x - low) / (high - low)).clamp(0.0, 1.0);
    let cdf = |law: usize, x: f64| match law {
        0 => uniform(-1.0, 1.0, x),
        1 => uniform(-0.5, 0.3, x),
        2 => uniform(0.6, 2.0, x),
        3 => normal(0.4, 0.7, x),
        4 => normal(-3.0, 0.2, x),
        _ => 0.5 * (f64::from(x >= -0.4) + f64::from(x >= 0.6)),
    };
    let mut breaks = vec![
        -8.0, -4.0, -3.0, -2.0, -1.0, -0.5, -0.4, 0.3, 0.6, 1.0, 2.0, 3.5, 8.0,
    ];
    breaks.sort_by(f64::total_cmp);
    for i in 0..laws.len() {
        for j in 0..i {
            let exact: f64 = breaks
                .windows(2)
                .map(|ends| {
                    // Ends belong to the interior, where the distribution functions are continuous.
                    integrate(ends[0], ends[1], |at| {
                        let x = at.x.clamp(ends[0] + 1e-15, ends[1] - 1e-15);
                        (cdf(i, x) - cdf(j, x)).powi(2)
                    })
                })
                .sum();
            let got = discrepancy_between(&laws[i], &laws[j], 1.0).unwrap();
            assert!((got - exact).abs() < 1e-12, "{i}, {j}: {got} {exact}");
        }
    }
}

#[test]
fn particles_are_a_mixture_of_diracs() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    for dim in [1, 2, 4] {
        let particles = Law::gaussian(&vec![0.2; dim], 1.5)
            .unwrap()
            .sample(9, &mut rng);
        let weights: Vec<f64> = (0..9).map(|i| 1.0 + f64::from(i % 4)).collect();
        let diracs: Vec<(f64, Law)> = particles
            .row_iter()
            .zip(&weights)
            .map(|(row, &weight)| {
                let point: Vec<f64> = row.iter().copied().collect();
                (weight, Law::dirac(&point).unwrap())
            })
            .collect();
        let empirical = Law::mixture(&diracs).unwrap();
        for (name, law) in all_laws(dim) {
            for r in [0.5, 1.0, 1.3] {
                let Ok(between) = discrepancy_between(&empirical, &law, r) else {
                    assert!(law.energy(r).is_err(), "{name}");
                    continue;
                };
                let found = discrepancy(&particles, Some(&weights), &law, r).unwrap();
                let error = (found.v_statistic - between).abs();
                assert!(error < 1e-12, "{name}, d = {dim}, r = {r}: {error:e}");
            }
        }
    }
}

fn laws() -> impl Strategy<Value = Law> {
    let centre = prop::collection::vec(-2.0..2.0_f64, 2);
    (centre, 0.1..2.0_f64, 0..4_u8).prop_map(|(centre, size, kind)| {
        match kind {
            0 => Law::gaussian(&centre, size),
            1 => Law::sphere(&centre, size),
            2 => Law::beta_ball(&centre, size, 1.4),
            _ => Law::dirac(&centre),
        }
        .unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn discrepancies_are_squared_distances(one in laws(), two in laws(), three in laws(), r in 0.2..1.8_f64) {
        let root = |first: &Law, second: &Law| {
            discrepancy_between(first, second, r).unwrap().max(0.0).sqrt()
        };
        prop_assert!(discrepancy_between(&one, &two, r).unwrap() > -1e-12);
        prop_assert!(root(&one, &one) < 1e-6);
        prop_assert!(root(&one, &three) <= root(&one, &two) + root(&two, &three) + 1e-6);
    }

    #[test]
    fn gaussians_scale_and_rotate(
        mean in prop::collection::vec(-2.0..2.0_f64, 3), r in 0.05..1.95_f64, factor in 0.1..10.0_f64,
        deviation in 0.1..3.0_f64, angle in 0.0..6.0_f64,
    ) {
        let unit = Law::gaussian(&[0.0; 3], 1.0).unwrap();
        let far = Law::gaussian(&mean, deviation).unwrap();
        let d2 = discrepancy_between(&unit, &far, r).unwrap();
        let stretched: Vec<f64> = mean.iter().map(|m| m * factor).collect();
        let scaled = discrepancy_between(
            &Law::gaussian(&[0.0; 3], factor).unwrap(),
            &Law::gaussian(&stretched, deviation * factor).unwrap(),
            r,
        ).unwrap();
        prop_assert!((scaled / (factor.powf(r) * d2) - 1.0).abs() < 1e-11);
        // A covariance that is a multiple of the identity, and a rotation of an oblique one.
        let variance = DMatrix::identity(3, 3) * (deviation * deviation);
        let by_matrix = Law::gaussian_with_covariance(&mean, &variance).unwrap();
        let same = discrepancy_between(&unit, &by_matrix, r).unwrap();
        prop_assert!((same - d2).abs() < 1e-11 * (1.0 + d2));
        let (sine, cosine) = angle.sin_cos();
        let turn = DMatrix::from_row_slice(
            3, 3, &[cosine, -sine, 0.0, sine, cosine, 0.0, 0.0, 0.0, 1.0],
        );
        let oblique = Law::gaussian_with_covariance(&mean, &covariance(3)).unwrap();
        let turned_matrix = &turn * covariance(3) * turn.transpose();
        let turned_mean = &turn * DVector::from_vec(mean.clone());
        let turned =
            Law::gaussian_with_covariance(turned_mean.as_slice(), &turned_matrix).unwrap();
        let (before, after) = (
            discrepancy_between(&unit, &oblique, r).unwrap(),
            discrepancy_between(&unit, &turned, r).unwrap(),
        );
        prop_assert!((before - after).abs() < 1e-11 * (1.0 + before));
    }
}
