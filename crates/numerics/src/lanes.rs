//! Several numbers in registers, with reciprocal roots and powers, whatever the instruction set.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use std::ops::Div;

use fearless_simd::prelude::*;
use fearless_simd::{Level, f32x16, f64x8, i32x16};

use crate::rsqrt::{approx_4_bits, approx_11_bits, approx_14_bits};

/// The instruction sets that run here, the best one first: what is dispatched is tested on each.
pub fn levels() -> impl Iterator<Item = Level> {
    let best = Level::new();
    let levels = [
        Some(best),
        #[cfg(target_arch = "x86_64")]
        best.as_avx2().map(Level::Avx2),
        #[cfg(target_arch = "x86_64")]
        best.as_sse4_2().map(Level::Sse4_2),
        #[cfg(target_arch = "x86_64")]
        best.as_sse2().map(Level::Sse2),
    ];
    levels.into_iter().flatten()
}

/// A chunk of numbers in registers of the instruction set `S`.
pub trait Lanes<S: Simd>: SimdBase<S> + Div<Output = Self> {
    /// 1/√self for normal positive numbers, to two units in the last place; for 0 and subnormal
    /// numbers something finite and positive.
    #[must_use]
    fn reciprocal_root(self) -> Self;

    /// self·factor + term, rounded once where the instruction set can.
    #[must_use]
    fn fused_mul_add(self, factor: Self, term: Self) -> Self;

    /// self^exponent for normal positive numbers and −1 ≤ exponent ≤ 0, to a few units in the last
    /// place; for 0, subnormal numbers and ∞ something finite and positive.
    #[must_use]
    fn power(self, exponent: Self::Element) -> Self;
}

impl<S: Simd> Lanes<S> for f64x8<S> {
    #[inline(always)]
    fn reciprocal_root(self) -> Self {
        let one = Self::splat(self.token(), 1.0);
        one / Self::splat(self.token(), f64::MIN_POSITIVE)
            .max(self)
            .sqrt()
    }

    #[inline(always)]
    fn fused_mul_add(self, factor: Self, term: Self) -> Self {
        self.mul_add(factor, term)
    }

    #[inline(always)]
    fn power(self, exponent: f64) -> Self {
        let power = |x: f64| x.clamp(f64::MIN_POSITIVE, f64::MAX).powf(exponent);
        Self::simd_from(self.token(), self.map(power))
    }
}

/// log₂(1+t)/t on √½ ≤ 1+t ≤ √2, from the lowest power of t on: the minimax polynomial, whose
/// error is 5·10⁻⁸ in log₂.
const LOG2: [f32; 8] = [
    1.442_694_8,
    -0.721_357_17,
    0.480_939_45,
    -0.360_087_22,
    0.286_707_5,
    -0.250_069_14,
    0.236_890_12,
    -0.145_743_82,
];

/// 2ᵗ on |t| ≤ ½, likewise, to a relative error of 2·10⁻⁹.
const EXP2: [f32; 7] = [
    1.0,
    std::f32::consts::LN_2,
    0.240_226_5,
    0.055_503_245,
    0.009_617_999,
    0.001_340_161_4,
    0.000_154_777_1,
];

/// (1/√(1−h) − 1)/h for |h| ≤ 0.0682, from the lowest power of h on: the minimax polynomial, whose
/// error in 1/√(1−h) is 2.3·10⁻⁸.
const ROOT: [f32; 4] = [0.499_998_33, 0.374_997_7, 0.313_932_9, 0.274_946_4];

impl<S: Simd> Lanes<S> for f32x16<S> {
    /// An estimate y, and 1/√x = y/√(1−h) with h = 1 − x y² by as many powers of h as it takes. Several
    /// times faster than a square root and a division.
    #[inline(always)]
    fn reciprocal_root(self) -> Self {
        let x = Self::splat(self.token(), f32::MIN_POSITIVE).max(self);
        if let Some(y) = approx_14_bits(x) {
            let h = (x * y).mul_add(-y, 1.0);
            return (y * h).mul_add(0.5, y);
        }
        if let Some(y) = approx_11_bits(x) {
            let h = (x * y).mul_add(-y, 1.0);
            return y.mul_add(h * h.mul_add(0.375, 0.5), y);
        }
        let y = approx_4_bits(x);
        let h = (x * y).mul_add(-y, 1.0);
        let [a, b, c, d] = ROOT;
        let q = (h * h).mul_add(h.mul_add(d, c), h.mul_add(b, a));
        y.mul_add(h * q, y)
    }

    #[inline(always)]
    fn fused_mul_add(self, factor: Self, term: Self) -> Self {
        self.mul_add(factor, term)
    }

    /// 2 to the power e·(n + log₂ m) for x = 2ⁿm. The integer next to it is taken away from e·n before
    /// that is rounded, where products are fused; elsewhere e·n is as good as its own rounding.
    #[inline(always)]
    fn power(self, exponent: f32) -> Self {
        const ROOT_HALF: i32 = 0x3f35_04f3;
        /// The sign and the exponent of a number: 2²³n as an integer.
        const UPPER: i32 = -0x0080_0000;
        const UNIT: f32 = 1.0 / 8_388_608.0;
        /// Added to a number w, it leaves the nearest integer to w + 127 in the lowest bits: shifted to
        /// the exponent's place they are 2ʷ.
        const ROUND: f32 = 12_582_912.0 + 127.0;

        let bits: i32x16<S> = self.bitcast();
        let upper = (bits - ROOT_HALF) & UPPER;
        // 2²³n.
        let n: Self = upper.to_float();
        let m = Self::from_bits((bits - upper).bitcast());
        let e = Self::splat(self.token(), exponent * UNIT);
        let of_m = log2(m - 1.0, exponent);
        // Below −126 the scale would not be a normal number.
        let rounded = n.mul_add(e, of_m).max(-126.0) + ROUND;
        let fraction = n.mul_add(e, ROUND - rounded) + of_m;
        let rounded: i32x16<S> = rounded.bitcast();
        let scale = Self::from_bits((rounded << 23).bitcast());
        exp2(fraction) * scale
    }
}

/// factor·log₂(1+t) for √½ ≤ 1+t ≤ √2; by Estrin's rule, t, t² and t⁴ in turn, so that little waits
/// for little.
#[inline(always)]
fn log2<S: Simd>(t: f32x16<S>, factor: f32) -> f32x16<S> {
    let [a, b, c, d, e, f, g, h] = LOG2.map(|coefficient| factor * coefficient);
    let square = t * t;
    let low = square.mul_add(t.mul_add(d, c), t.mul_add(b, a));
    let high = square.mul_add(t.mul_add(h, g), t.mul_add(f, e));
    (square * square).mul_add(high, low) * t
}

/// 2ᵗ for |t| ≤ ½, likewise.
#[inline(always)]
fn exp2<S: Simd>(t: f32x16<S>) -> f32x16<S> {
    let [a, b, c, d, e, f, g] = EXP2;
    let square = t * t;
    let low = square.mul_add(t.mul_add(d, c), t.mul_add(b, a));
    let high = square.mul_add(g, t.mul_add(f, e));
    (square * square).mul_add(high, low)
}

#[cfg(test)]
mod tests {
    use fearless_simd::dispatch;

    use super::*;

    #[inline(always)]
    fn powers<S: Simd>(simd: S, x: [f32; 16], exponent: f32) -> [f32; 16] {
        f32x16::simd_from(simd, x).power(exponent).to_array()
    }

    #[test]
    fn powers_of_single_precision_are_good_to_two_units() {
        let mut worst = 0.0_f64;
        for exponent in [-0.999, -0.85, -0.75, -0.5, -0.35, -0.25, -0.01_f32] {
            for step in 0..20_000_u32 {
                let x: [f32; 16] = std::array::from_fn(|l| {
                    f32::from_bits(0x0080_0000 + (step * 16 + l as u32) * 6653)
                });
                let fast = dispatch!(Level::new(), simd => powers(simd, x, exponent));
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

    #[inline(always)]
    fn reciprocal_roots<S: Simd>(simd: S, x: [f32; 16]) -> [f32; 16] {
        f32x16::simd_from(simd, x).reciprocal_root().to_array()
    }

    /// With each of the instructions that estimate them, and without.
    #[test]
    fn reciprocal_roots_of_single_precision_are_good_to_two_units() {
        for level in levels() {
            let mut worst = 0.0_f64;
            for step in 0..200_000_u32 {
                let x: [f32; 16] = std::array::from_fn(|l| {
                    f32::from_bits(0x0080_0000 + (step * 16 + l as u32) * 661)
                });
                let fast = dispatch!(level, simd => reciprocal_roots(simd, x));
                for (fast, x) in fast.into_iter().zip(x) {
                    let error = f64::from(fast) * f64::from(x).sqrt() - 1.0;
                    worst = worst.max(error.abs());
                }
            }
            assert!(
                worst < 2.0 * f64::from(f32::EPSILON),
                "{level:?}: {worst:e}"
            );
            for x in [0.0, 1e-45, 1e-38_f32] {
                let found = dispatch!(level, simd => reciprocal_roots(simd, [x; 16]))[0];
                assert!(found.is_finite() && found > 0.0, "{x:e}: {found:e}");
            }
        }
    }

    #[test]
    fn powers_of_zero_and_infinity_are_finite_and_positive() {
        let edges = [0.0, 1e-40, f32::MIN_POSITIVE, f32::MAX, f32::INFINITY];
        for exponent in [-0.999, -0.5, -0.001_f32] {
            for x in edges {
                let found = dispatch!(Level::new(), simd => powers(simd, [x; 16], exponent))[0];
                assert!(
                    found.is_finite() && found > 0.0,
                    "{x:e}^{exponent} = {found:e}"
                );
            }
            for x in [0.0, 1e-310, f64::MAX, f64::INFINITY] {
                let exponent = f64::from(exponent);
                let found = dispatch!(Level::new(), simd => {
                    f64x8::simd_from(simd, [x; 8]).power(exponent).to_array()
                })[0];
                assert!(
                    found.is_finite() && found > 0.0,
                    "{x:e}^{exponent} = {found:e}"
                );
            }
        }
    }
}
