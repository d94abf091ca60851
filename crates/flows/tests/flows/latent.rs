//! The latent variables and the streams of random numbers they are drawn from.

use rand::Rng;
use rieszflow_flows::latent::{fill_normal, stratified_normal};
use rieszflow_flows::rng::{Purpose, stream};
use statrs::function::erf::erfc;

/// The distribution function of N(0, 1).
fn level(z: f64) -> f64 {
    0.5 * erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

#[test]
fn each_stratum_holds_one_latent() {
    for (count, dim) in [(1, 1), (2, 3), (1000, 2), (4097, 1)] {
        let z = stratified_normal::<f64, _>(count, dim, &mut stream(3, Purpose::Push, 0, 0));
        assert_eq!(z.shape(), (count, dim));
        for coordinate in z.column_iter() {
            let mut strata: Vec<usize> = coordinate
                .iter()
                .map(|&z| (level(z) * count as f64) as usize)
                .collect();
            assert!(count < 10 || !strata.is_sorted(), "in random order");
            strata.sort_unstable();
            assert!(strata.into_iter().eq(0..count));
        }
    }
}

/// Mean and variance of stratified normals are far closer to 0 and 1 than those of independent ones,
/// whose spread at N = 4000 is 0.016 and 0.022; correlations of coordinates are not controlled.
#[test]
fn stratified_latents_have_the_right_moments() {
    let count = 4000;
    let z = stratified_normal::<f32, _>(count, 3, &mut stream(3, Purpose::Push, 1, 0));
    for coordinate in z.column_iter() {
        let moment = |p: i32| {
            coordinate
                .iter()
                .map(|&z| f64::from(z).powi(p))
                .sum::<f64>()
                / count as f64
        };
        assert!(moment(1).abs() < 1e-3);
        assert!((moment(2) - 1.0).abs() < 5e-3);
        assert!(moment(3).abs() < 0.03);
        assert!((moment(4) - 3.0).abs() < 0.2);
    }
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        let product = z.column(a).dot(&z.column(b)) / count as f32;
        assert!(product.abs() < 5.0 / (count as f32).sqrt(), "{product}");
    }
}

/// Independent normals, five standard deviations allowed.
#[test]
fn independent_latents_have_the_right_moments() {
    let count = 100_000;
    let mut z = vec![f64::NAN; count];
    fill_normal(&mut z, &mut stream(3, Purpose::Training, 0, 0));
    let moment = |p: i32| z.iter().map(|z| z.powi(p)).sum::<f64>() / count as f64;
    for (p, exact, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
        let allowed = 5.0 * f64::sqrt(variance / count as f64);
        assert!(
            (moment(p) - exact).abs() < allowed,
            "moment {p}: {}",
            moment(p)
        );
    }
    let below = z.iter().filter(|&&z| z < -1.0).count() as f64 / count as f64;
    assert!((below - level(-1.0)).abs() < 5.0 * (0.16 * 0.84 / count as f64).sqrt());
}

#[test]
fn streams_differ_in_every_key_and_repeat() {
    let first = |seed, purpose, step, iteration| stream(seed, purpose, step, iteration).next_u64();
    let key = (7, Purpose::Training, 3, 11);
    let same = first(key.0, key.1, key.2, key.3);
    assert_eq!(first(7, Purpose::Training, 3, 11), same);
    for other in [
        first(8, Purpose::Training, 3, 11),
        first(7, Purpose::Push, 3, 11),
        first(7, Purpose::Training, 4, 11),
        first(7, Purpose::Training, 3, 12),
        first(3, Purpose::Training, 7, 11),
        first(7, Purpose::Training, 11, 3),
    ] {
        assert_ne!(other, same);
    }
}
