//! Several numbers in registers, with reciprocal roots and powers, whatever the instruction set.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use std::ops::Div;

use fearless_simd::prelude::*;
use fearless_simd::{Level, f32x16, f64x8};

use crate::power;
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
        power::of_double(self, exponent)
    }
}

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

    #[inline(always)]
    fn power(self, exponent: f32) -> Self {
        power::of_single(self, exponent)
    }
}

#[cfg(test)]
mod tests {
    use fearless_simd::dispatch;

    use super::*;

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
}
