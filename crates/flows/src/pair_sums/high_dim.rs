//! The inner loops in many dimensions: several particles of x with a chunk of y at a time.
//!
//! Each coordinate that is loaded is used for all of them. The factors of a few chunks are found
//! first, one sweep over the coordinates; then a second sweep spreads them over the gradients.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use fearless_simd::prelude::*;
use rieszflow_numerics::Real;
use rieszflow_numerics::simd::{Chunk, Lanes};

use super::blocks::{Gradients, ROWS, RowGroup, Running, Tile, extend_range};
use super::integrands::RadialFunction;
use super::packed::Groups;

/// The factors of this many chunks of y are kept in the cache.
const RUN: usize = 16;

/// A value for each pair of R particles of x and a chunk of y, in registers.
type RowLanes<T, S, const R: usize> = [<T as Real>::Lanes<S>; R];

/// Adds a group of x with some of y to the running sums.
///
/// As many of the eight rows at a time as the registers hold: all of them where a chunk is one
/// register and there are 32 of these, half elsewhere. The sums are the same.
#[inline(always)]
pub(super) fn sum<S: Simd, T: Real, F: RadialFunction<T>>(
    simd: S,
    function: F,
    x: Groups<'_, RowGroup<T>>,
    y: Groups<'_, Chunk<T>>,
    gradients: Gradients,
    running: &mut Running<'_, T>,
) {
    if S::f32s::LEN == 16 {
        sum_by::<S, T, F, ROWS>(simd, function, x, y, gradients, running);
    } else {
        sum_by::<S, T, F, { ROWS / 2 }>(simd, function, x, y, gradients, running);
    }
}

#[inline(always)]
fn sum_by<S: Simd, T: Real, F: RadialFunction<T>, const R: usize>(
    simd: S,
    function: F,
    x: Groups<'_, RowGroup<T>>,
    y: Groups<'_, Chunk<T>>,
    gradients: Gradients,
    running: &mut Running<'_, T>,
) {
    // The factors α of eight particles of x with a run of y.
    let mut factors = [[Chunk::default(); ROWS]; RUN];
    let mut done = 0;
    for y in y.runs(RUN) {
        for first in (0..ROWS).step_by(R) {
            let x = (x, first);
            evaluate::<S, T, F, R>(simd, function, x, (y, done), running, &mut factors);
        }
        let (factors, positions) = (&factors[..y.len()], (x.positions, y.positions));
        let gradient_x = &mut *running.gradient_x;
        match gradients {
            Gradients::Neither => {}
            Gradients::InX => {
                spread::<S, T, R, false>(simd, factors, positions, gradient_x, &mut []);
            }
            Gradients::InBoth => {
                let gradient_y = &mut running.gradient_y[done * x.dim..][..y.len() * x.dim];
                spread::<S, T, R, true>(simd, factors, positions, gradient_x, gradient_y);
            }
        }
        done += y.len();
    }
}

/// The values and factors of R rows, from `first` on, with a run of y that comes after
/// `done` chunks.
#[inline(always)]
fn evaluate<S: Simd, T: Real, F: RadialFunction<T>, const R: usize>(
    simd: S,
    function: F,
    (x, first): (Groups<'_, RowGroup<T>>, usize),
    (y, done): (Groups<'_, Chunk<T>>, usize),
    running: &mut Running<'_, T>,
    factors: &mut [Tile<T>; RUN],
) {
    let mut values: RowLanes<T, S, R> = [T::Lanes::splat(simd, T::zero()); R];
    for (values, sums) in values.iter_mut().zip(&running.values[first..]) {
        *values = sums.load(simd);
    }
    for (chunk, (y, factors)) in y.runs(1).zip(factors).enumerate() {
        let squared = squares::<S, T, R>(simd, (x.positions, first), y.positions);
        let gradient_y = y.weights[0].load(simd);
        for i in 0..R {
            let weight = gradient_y * x.weights[0][first + i];
            let factor = function.value_and_factor(weight, squared[i], &mut values[i]);
            factors[first + i].store(factor);
            if function.any_coincident(squared[i]) {
                running.coincident = extend_range(&running.coincident, done + chunk);
            }
        }
    }
    for (values, sums) in values.iter().zip(&mut running.values[first..]) {
        sums.store(*values);
    }
}

/// Adds `factors` times the differences of x and y to the gradient in x, and takes them from that
/// in y for `BOTH`.
#[inline(always)]
fn spread<S: Simd, T: Real, const R: usize, const BOTH: bool>(
    simd: S,
    factors: &[Tile<T>],
    (x, y): (&[RowGroup<T>], &[Chunk<T>]),
    gradient_x: &mut [Tile<T>],
    gradient_y: &mut [Chunk<T>],
) {
    let dim = x.len();
    let zero = T::Lanes::splat(simd, T::zero());
    // What the rows before have added to the gradient in y.
    let mut of_chunks = [Chunk::<T>::default(); RUN];
    for (k, (x, gradient_x)) in x.iter().zip(gradient_x).enumerate() {
        for first in (0..ROWS).step_by(R) {
            let mut rows = [zero; R];
            let mut sums = [zero; R];
            for i in 0..R {
                rows[i] = T::Lanes::splat(simd, x[first + i]);
                sums[i] = gradient_x[first + i].load(simd);
            }
            for (chunk, factors) in factors.iter().enumerate() {
                let y = y[chunk * dim + k].load(simd);
                let mut of_chunk = if first == 0 {
                    zero
                } else {
                    of_chunks[chunk].load(simd)
                };
                for i in 0..R {
                    let (factor, u) = (factors[first + i].load(simd), rows[i] - y);
                    sums[i] = factor.fused_mul_add(u, sums[i]);
                    if BOTH {
                        of_chunk = factor.fused_mul_add(u, of_chunk);
                    }
                }
                if BOTH && first + R < ROWS {
                    of_chunks[chunk].store(of_chunk);
                } else if BOTH {
                    let entry = &mut gradient_y[chunk * dim + k];
                    entry.store(entry.load(simd) - of_chunk);
                }
            }
            for i in 0..R {
                gradient_x[first + i].store(sums[i]);
            }
        }
    }
}

/// |xᵢ−yⱼ|² for R rows of x and a chunk of y.
#[inline(always)]
pub(super) fn squares<S: Simd, T: Real, const R: usize>(
    simd: S,
    (x, first): (&[RowGroup<T>], usize),
    y: &[Chunk<T>],
) -> RowLanes<T, S, R> {
    let mut sums = [T::Lanes::splat(simd, T::zero()); R];
    for (x, y) in x.iter().zip(y) {
        let y = y.load(simd);
        for i in 0..R {
            let u = T::Lanes::splat(simd, x[first + i]) - y;
            sums[i] = u.fused_mul_add(u, sums[i]);
        }
    }
    sums
}
