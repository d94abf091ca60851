//! Estimates of 1/√x for normal positive x, by what the processor has for it.

use fearless_simd::prelude::*;
use fearless_simd::{f32x16, i32x16};

pub(crate) use instructions::{approx_11_bits, approx_14_bits};

/// 1/√x for normal positive x to 3.5 %: an integer operation halves and negates the exponent.
#[inline(always)]
pub(crate) fn approx_4_bits<S: Simd>(x: f32x16<S>) -> f32x16<S> {
    /// The constant with the least |1 − x y²|, 0.0682.
    const HALVED: i32 = 0x5f37_4800;
    let bits: i32x16<S> = x.bitcast();
    f32x16::from_bits((HALVED - (bits >> 1)).bitcast())
}

#[cfg(target_arch = "x86_64")]
mod instructions {
    use std::arch::x86_64::{__m256, __m512, _mm256_rsqrt_ps, _mm512_rsqrt14_ps};

    use fearless_simd::prelude::*;
    use fearless_simd::{f32x8, f32x16};

    /// 1/√x to 6.2·10⁻⁵ by the instruction for it, where there is one: AVX-512.
    #[inline(always)]
    pub(crate) fn approx_14_bits<S: Simd>(x: f32x16<S>) -> Option<f32x16<S>> {
        fearless_simd::kernel!(
            #[inline]
            fn estimate(_avx512: Avx512, x: __m512) -> __m512 {
                _mm512_rsqrt14_ps(x)
            }
        );
        let simd = x.token().level().as_avx512()?;
        let x512 = f32x16::simd_from(simd, x.to_array());
        let y = f32x16::simd_from(simd, estimate(simd, x512.into()));
        Some(f32x16::simd_from(x.token(), y.to_array()))
    }

    /// 1/√x to 3.7·10⁻⁴ by the instruction for it, where there is one: AVX2 and what includes it.
    #[inline(always)]
    pub(crate) fn approx_11_bits<S: Simd>(x: f32x16<S>) -> Option<f32x16<S>> {
        fearless_simd::kernel!(
            #[inline]
            fn estimate(_avx2: Avx2, x: __m256) -> __m256 {
                _mm256_rsqrt_ps(x)
            }
        );
        let simd = x.token().level().as_avx2()?;
        let (low, high) = f32x16::simd_from(simd, x.to_array()).split();
        let low = f32x8::simd_from(simd, estimate(simd, low.into()));
        let high = f32x8::simd_from(simd, estimate(simd, high.into()));
        Some(f32x16::simd_from(x.token(), low.combine(high).to_array()))
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod instructions {
    use fearless_simd::{Simd, f32x16};

    #[inline]
    pub(crate) fn approx_14_bits<S: Simd>(_: f32x16<S>) -> Option<f32x16<S>> {
        None
    }

    #[inline]
    pub(crate) fn approx_11_bits<S: Simd>(_: f32x16<S>) -> Option<f32x16<S>> {
        None
    }
}
