//! Tests that every instruction set this machine has sums the same pairs.

use fearless_simd::Level;
use rieszflow_flows::{GradientRows, Moving, PairSums, Points, RieszKernel};
use rieszflow_numerics::simd::levels;

fn wave(len: usize, frequency: f32) -> Vec<f32> {
    (0..len).map(|i| (frequency * i as f32).sin()).collect()
}

/// Value and gradient of the energy, then those of its derivative.
fn everything(level: Level, exponent: f64) -> Vec<f64> {
    let (n, m, d) = (37, 53, 3);
    let (x, mut y, a, b) = (
        wave(n * d, 1.1),
        wave(m * d, 0.7),
        wave(n * d, 2.3),
        wave(m * d, 1.9),
    );
    for k in 0..d {
        y[k * m + m - 1] = x[k * n];
    }
    let kernel = RieszKernel::new(exponent).expect("0 < r < 2");
    let sums = PairSums::with_level(kernel, level);
    let x = Moving::uniform(Points::new(&x, n, d), Points::new(&a, n, d));
    let y = Moving::uniform(Points::new(&y, m, d), Points::new(&b, m, d));
    let mut entries = [vec![0.0; (n + m) * d], vec![0.0; (n + m) * d]];
    let [of_energy, of_derivative] = entries.each_mut().map(|entries| GradientRows {
        entries,
        rows: n + m,
        y_start: Some(n),
    });
    let (mut of_energy, mut of_derivative) = (of_energy, of_derivative);
    let values = [
        sums.energy_gradient(x.measure, y.measure, 1.0, &mut of_energy),
        sums.directional_derivative(x, y, 1.0, &mut of_derivative),
    ];
    let gradients = entries.iter().flatten().map(|&g| f64::from(g));
    values.into_iter().chain(gradients).collect()
}

#[test]
fn all_instruction_sets_agree() {
    for exponent in [1.0, 0.5, 1.5] {
        let best = everything(Level::new(), exponent);
        for level in levels() {
            for (other, best) in everything(level, exponent).into_iter().zip(&best) {
                let close = (other - best).abs() < 1e-5 * (1.0 + best.abs());
                assert!(close || other == *best, "{level:?}: {other} and {best}");
            }
        }
    }
}

/// All instruction sets with fused products round powers alike. (For r = 1 the instructions that
/// estimate reciprocal roots differ.)
#[cfg(target_arch = "x86_64")]
#[test]
fn fused_instruction_sets_agree_to_the_bit() {
    let best = Level::new();
    if let (Some(_), Some(avx2)) = (best.as_avx512(), best.as_avx2()) {
        for exponent in [0.5, 1.5] {
            let other = everything(Level::Avx2(avx2), exponent);
            assert_eq!(everything(best, exponent), other);
        }
    }
}
