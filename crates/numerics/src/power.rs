//! xᵉ for normal positive x and −1 ≤ e ≤ 0, by polynomials for log₂ and 2ᵗ.
//!
//! For x = 2ⁿm let w = e·(n + log₂ m), and k the integer nearest to it: xᵉ = 2ᵏ 2ʷ⁻ᵏ. To keep the digits of
//! w − k, k is subtracted from e·n before the rounding. For 0, subnormal numbers and ∞ the result is that of a
//! number near the smallest or the largest normal one.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use fearless_simd::prelude::*;
use fearless_simd::{f32x16, f64x8, i32x16, u64x8};

/// xᵉ to two units in the last place. Where products are not fused, e·n is as good as its own rounding.
#[inline(always)]
pub(crate) fn of_single<S: Simd>(x: f32x16<S>, exponent: f32) -> f32x16<S> {
    const ROOT_HALF: i32 = 0x3f35_04f3;
    /// The sign and the exponent of a number: 2²³n as an integer.
    const UPPER: i32 = -0x0080_0000;
    const UNIT: f32 = 1.0 / 8_388_608.0;
    /// Added to a number w, it leaves the nearest integer to w + 127 in the lowest bits: shifted to
    /// the exponent's place they are 2ʷ.
    const ROUND: f32 = 12_582_912.0 + 127.0;

    let bits: i32x16<S> = x.bitcast();
    let upper = (bits - ROOT_HALF) & UPPER;
    // 2²³n.
    let n: f32x16<S> = upper.to_float();
    let m = f32x16::from_bits((bits - upper).bitcast());
    let e = f32x16::splat(x.token(), exponent * UNIT);
    let of_m = single::log2(m - 1.0, exponent);
    // Below −126 the scale would not be a normal number.
    let rounded = n.mul_add(e, of_m).max(-126.0) + ROUND;
    let fraction = n.mul_add(e, ROUND - rounded) + of_m;
    let rounded: i32x16<S> = rounded.bitcast();
    let scale = f32x16::from_bits((rounded << 23).bitcast());
    single::exp2(fraction) * scale
}

/// xᵉ to two units in the last place, fused or not: the upper part of e times n is exact.
#[inline(always)]
pub(crate) fn of_double<S: Simd>(x: f64x8<S>, exponent: f64) -> f64x8<S> {
    const ROOT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    const EXPONENT: u64 = 0x7ff0_0000_0000_0000;
    /// As bits, 2⁵² + k for an integer k in the lowest of them.
    const INTEGER: u64 = 0x4330_0000_0000_0000;
    const TWO_52: f64 = 4_503_599_627_370_496.0;
    const BIAS: f64 = 1023.0;
    /// Added to a number w, it leaves the nearest integer to w + 1023 in the lowest bits.
    const ROUND: f64 = 1.5 * TWO_52 + BIAS;
    /// The bits of e whose products with an integer of eleven bits are exact.
    const UPPER: u64 = !0x7ff;

    let bits: u64x8<S> = x.bitcast();
    // 2⁵²(n + 1023).
    let place = (bits + (ONE - ROOT_HALF)) & EXPONENT;
    let n = f64x8::from_bits(((place >> 52) | INTEGER).bitcast()) - (TWO_52 + BIAS);
    let m = f64x8::from_bits(((bits + ONE) - place).bitcast());
    let upper = f64::from_bits(exponent.to_bits() & UPPER);
    let rest = n.mul_add(exponent - upper, double::log2(m, exponent));
    // Below −1022 the scale would not be a normal number.
    let rounded = n.mul_add(upper, rest).max(-1022.0) + ROUND;
    let fraction = n.mul_add(upper, ROUND - rounded) + rest;
    let rounded: u64x8<S> = rounded.bitcast();
    let scale = f64x8::from_bits((rounded << 52).bitcast());
    double::exp2(fraction) * scale
}

mod single {
    use fearless_simd::f32x16;
    use fearless_simd::prelude::*;

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

    /// factor·log₂(1+t) for √½ ≤ 1+t ≤ √2; by Estrin's rule, t, t² and t⁴ in turn, so that little
    /// waits for little.
    #[inline(always)]
    pub(super) fn log2<S: Simd>(t: f32x16<S>, factor: f32) -> f32x16<S> {
        let [a, b, c, d, e, f, g, h] = LOG2.map(|coefficient| factor * coefficient);
        let square = t * t;
        let low = square.mul_add(t.mul_add(d, c), t.mul_add(b, a));
        let high = square.mul_add(t.mul_add(h, g), t.mul_add(f, e));
        (square * square).mul_add(high, low) * t
    }

    /// 2ᵗ for |t| ≤ ½, likewise.
    #[inline(always)]
    pub(super) fn exp2<S: Simd>(t: f32x16<S>) -> f32x16<S> {
        let [a, b, c, d, e, f, g] = EXP2;
        let square = t * t;
        let low = square.mul_add(t.mul_add(d, c), t.mul_add(b, a));
        let high = square.mul_add(g, t.mul_add(f, e));
        (square * square).mul_add(high, low)
    }
}

mod double {
    use fearless_simd::f64x8;
    use fearless_simd::prelude::*;

    /// log₂(m)/s for s = (m−1)/(m+1) and √½ ≤ m ≤ √2, from the lowest power of s² on: the minimax
    /// polynomial, whose error is 3·10⁻¹⁹ in log₂.
    const LOG2: [f64; 8] = [
        2.885_390_081_777_926_8,
        0.961_796_693_926_021_3,
        0.577_078_016_333_913_5,
        0.412_198_587_720_141_6,
        0.320_598_378_748_911_6,
        0.262_341_301_496_495_9,
        0.220_755_628_675_340_68,
        0.215_085_950_779_247_58,
    ];

    /// (2ᵗ−1)/t on |t| ≤ ½, likewise in t; the relative error of 2ᵗ is 3·10⁻¹⁸.
    const EXP2: [f64; 11] = [
        std::f64::consts::LN_2,
        0.240_226_506_959_101_55,
        0.055_504_108_664_819_925,
        0.009_618_129_107_588_335,
        0.001_333_355_814_678_995_3,
        0.000_154_035_304_625_146_65,
        1.525_273_348_995_848_2e-5,
        1.321_543_308_956_853_5e-6,
        1.017_819_803_433_959_4e-7,
        7.074_105_630_639_217e-9,
        4.435_280_787_159_340_3e-10,
    ];

    /// factor·log₂(m) for √½ ≤ m ≤ √2.
    #[inline(always)]
    pub(super) fn log2<S: Simd>(m: f64x8<S>, factor: f64) -> f64x8<S> {
        let s = (m - 1.0) / (m + 1.0);
        let [a, b, c, d, e, f, g, h] = LOG2.map(|coefficient| factor * coefficient);
        let square = s * s;
        let fourth = square * square;
        let low = fourth.mul_add(square.mul_add(d, c), square.mul_add(b, a));
        let high = fourth.mul_add(square.mul_add(h, g), square.mul_add(f, e));
        (fourth * fourth).mul_add(high, low) * s
    }

    /// 2ᵗ for |t| ≤ ½; what is added to 1 is at most 0.42, so that its error counts less.
    #[inline(always)]
    pub(super) fn exp2<S: Simd>(t: f64x8<S>) -> f64x8<S> {
        let [a, b, c, d, e, f, g, h, i, j, k] = EXP2;
        let square = t * t;
        let fourth = square * square;
        let low = fourth.mul_add(
            t.mul_add(f, e),
            square.mul_add(t.mul_add(d, c), t.mul_add(b, a)),
        );
        let high = square
            .mul_add(k, t.mul_add(j, i))
            .mul_add(square, t.mul_add(h, g));
        (fourth * square).mul_add(high, low).mul_add(t, 1.0)
    }
}
