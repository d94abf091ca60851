//! Powers in registers against those of the standard library.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, f32x16, f64x8};
use rieszflow_numerics::simd::{Lanes, levels};

const EXPONENTS: [f64; 7] = [-0.999, -0.85, -0.75, -0.5, -0.35, -0.25, -0.01];

#[inline(always)]
fn singles<S: Simd>(simd: S, x: [f32; 16], exponent: f32) -> [f32; 16] {
    f32x16::simd_from(simd, x).power(exponent).to_array()
}

#[inline(always)]
fn doubles<S: Simd>(simd: S, x: [f64; 8], exponent: f64) -> [f64; 8] {
    f64x8::simd_from(simd, x).power(exponent).to_array()
}

#[test]
fn powers_of_single_precision_are_good_to_two_units() {
    let mut worst = 0.0_f64;
    for exponent in EXPONENTS.map(|e| e as f32) {
        for step in 0..20_000_u32 {
            let x: [f32; 16] = std::array::from_fn(|l| {
                f32::from_bits(0x0080_0000 + (step * 16 + l as u32) * 6653)
            });
            let fast = dispatch!(Level::new(), simd => singles(simd, x, exponent));
            for (fast, x) in fast.into_iter().zip(x) {
                let exact = f64::from(x).powf(f64::from(exponent));
                if exact > f64::from(f32::MIN_POSITIVE) {
                    worst = worst.max((f64::from(fast) / exact - 1.0).abs());
                }
            }
        }
    }
    assert!(worst < 2.0 * f64::from(f32::EPSILON), "{worst:e}");
}

/// From the smallest to the largest number, on every instruction set.
#[test]
fn powers_of_double_precision_are_good_to_two_units() {
    /// Steps through all positive normal numbers.
    const STRIDE: u64 = 0x7fe0_0000_0000_0000 / 160_000;
    for level in levels() {
        let mut worst = 0.0_f64;
        for exponent in EXPONENTS {
            for step in 0..20_000_u64 {
                let x: [f64; 8] = std::array::from_fn(|l| {
                    f64::from_bits(0x0010_0000_0000_0000 + (step * 8 + l as u64) * STRIDE)
                });
                let fast = dispatch!(level, simd => doubles(simd, x, exponent));
                for (fast, x) in fast.into_iter().zip(x) {
                    let exact = x.powf(exponent);
                    if exact > f64::MIN_POSITIVE {
                        worst = worst.max((fast / exact - 1.0).abs());
                    }
                }
            }
        }
        assert!(worst < 2.0 * f64::EPSILON, "{level:?}: {worst:e}");
    }
}

#[test]
fn powers_of_zero_and_infinity_are_finite_and_positive() {
    for exponent in [-0.999, -0.5, -0.001] {
        for x in [0.0, 1e-40, f32::MIN_POSITIVE, f32::MAX, f32::INFINITY] {
            let found = dispatch!(Level::new(), simd => singles(simd, [x; 16], exponent as f32))[0];
            assert!(
                found.is_finite() && found > 0.0,
                "{x:e}^{exponent} = {found:e}"
            );
        }
        for x in [0.0, 1e-310, f64::MAX, f64::INFINITY] {
            let found = dispatch!(Level::new(), simd => doubles(simd, [x; 8], exponent))[0];
            assert!(
                found.is_finite() && found > 0.0,
                "{x:e}^{exponent} = {found:e}"
            );
        }
    }
}
