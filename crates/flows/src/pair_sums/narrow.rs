//! The inner loop in few dimensions: a particle of x with chunks of y, everything in registers.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use fearless_simd::prelude::*;
use rieszflow_numerics::Real;
use rieszflow_numerics::simd::{Chunk, Lanes};

use super::blocks::{ROWS, Row, Running, Wanted, including};
use super::integrands::OfDistance;
use super::packed::Groups;

/// Adds a group of x with some of y in D dimensions to the running sums.
#[inline(always)]
pub(super) fn sum<S: Simd, T: Real, F: OfDistance<T>, const D: usize>(
    simd: S,
    function: F,
    x: Groups<'_, Row<T>>,
    y: Groups<'_, Chunk<T>>,
    wanted: Wanted,
    running: &mut Running<'_, T>,
) {
    for row in 0..ROWS {
        let x = (x, row);
        match wanted {
            Wanted::Nothing => with_row::<S, T, F, D, 0>(simd, function, x, y, running),
            Wanted::OfX => with_row::<S, T, F, D, 1>(simd, function, x, y, running),
            Wanted::OfBoth => with_row::<S, T, F, D, 2>(simd, function, x, y, running),
        }
    }
}

/// The same for one particle of x; gradients in x alone (`SIDES` = 1), in both (2) or none (0).
#[inline(always)]
fn with_row<S: Simd, T: Real, F: OfDistance<T>, const D: usize, const SIDES: usize>(
    simd: S,
    function: F,
    (x, row): (Groups<'_, Row<T>>, usize),
    y: Groups<'_, Chunk<T>>,
    running: &mut Running<'_, T>,
) {
    let zero = T::Lanes::splat(simd, T::zero());
    let mut position = [zero; D];
    for (position, x) in position.iter_mut().zip(x.positions) {
        *position = T::Lanes::splat(simd, x[row]);
    }
    let weight = T::Lanes::splat(simd, x.weights[0][row]);
    let mut value = running.values[row].load(simd);
    let mut of_x = [zero; D];
    for (of_x, sums) in of_x.iter_mut().zip(&*running.of_x) {
        *of_x = sums[row].load(simd);
    }
    let of_ys = running.of_y.as_chunks_mut::<D>().0;
    let of_groups = y.weights.iter().zip(y.positions.as_chunks::<D>().0);
    for (chunk, (of_y, y)) in of_groups.enumerate() {
        let weight = of_y.load(simd) * weight;
        let (mut u, mut squared) = ([zero; D], zero);
        for k in 0..D {
            u[k] = position[k] - y[k].load(simd);
            squared = u[k].times_plus(u[k], squared);
        }
        let of_y = if SIDES > 1 {
            &mut of_ys[chunk]
        } else {
            &mut [Chunk::default(); D]
        };
        let factor = function.value_and_factor(weight, squared, &mut value);
        spread::<S, T, D, SIDES>(factor, u, &mut of_x, of_y);
        if function.meet(squared) {
            running.met = including(&running.met, chunk);
        }
    }
    running.values[row].store(value);
    for (sums, of_x) in running.of_x.iter_mut().zip(&of_x) {
        sums[row].store(*of_x);
    }
}

/// Adds a factor times differences to the gradient in x, and takes it from that in y.
#[inline(always)]
fn spread<S: Simd, T: Real, const D: usize, const SIDES: usize>(
    factor: T::Lanes<S>,
    difference: [T::Lanes<S>; D],
    of_x: &mut [T::Lanes<S>; D],
    of_y: &mut [Chunk<T>; D],
) {
    let simd = factor.token();
    let opposite = T::Lanes::splat(simd, T::zero()) - factor;
    for k in 0..D {
        if SIDES > 0 {
            of_x[k] = factor.times_plus(difference[k], of_x[k]);
        }
        if SIDES > 1 {
            of_y[k].store(opposite.times_plus(difference[k], of_y[k].load(simd)));
        }
    }
}
