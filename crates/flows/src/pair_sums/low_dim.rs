//! The inner loop in few dimensions: a particle of x with chunks of y, everything in registers.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use fearless_simd::prelude::*;
use rieszflow_numerics::Real;
use rieszflow_numerics::simd::{Chunk, Lanes};

use super::blocks::{Gradients, ROWS, RowGroup, Running, extend_range};
use super::integrands::RadialFunction;
use super::packed::Groups;

/// Adds a group of x with some of y in D dimensions to the running sums.
#[inline(always)]
pub(super) fn sum<S: Simd, T: Real, F: RadialFunction<T>, const D: usize>(
    simd: S,
    function: F,
    x: Groups<'_, RowGroup<T>>,
    y: Groups<'_, Chunk<T>>,
    gradients: Gradients,
    running: &mut Running<'_, T>,
) {
    for row in 0..ROWS {
        let x = (x, row);
        match gradients {
            Gradients::Neither => with_row::<S, T, F, D, 0>(simd, function, x, y, running),
            Gradients::InX => with_row::<S, T, F, D, 1>(simd, function, x, y, running),
            Gradients::InBoth => with_row::<S, T, F, D, 2>(simd, function, x, y, running),
        }
    }
}

/// The same for one particle of x; gradients in x alone (`SIDES` = 1), in both (2) or none (0).
#[inline(always)]
fn with_row<S: Simd, T: Real, F: RadialFunction<T>, const D: usize, const SIDES: usize>(
    simd: S,
    function: F,
    (x, row): (Groups<'_, RowGroup<T>>, usize),
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
    let mut gradient_x = [zero; D];
    for (gradient_x, sums) in gradient_x.iter_mut().zip(&*running.gradient_x) {
        *gradient_x = sums[row].load(simd);
    }
    let of_ys = running.gradient_y.as_chunks_mut::<D>().0;
    let of_groups = y.weights.iter().zip(y.positions.as_chunks::<D>().0);
    for (chunk, (gradient_y, y)) in of_groups.enumerate() {
        let weight = gradient_y.load(simd) * weight;
        let (mut u, mut squared) = ([zero; D], zero);
        for k in 0..D {
            u[k] = position[k] - y[k].load(simd);
            squared = u[k].fused_mul_add(u[k], squared);
        }
        let gradient_y = if SIDES > 1 {
            &mut of_ys[chunk]
        } else {
            &mut [Chunk::default(); D]
        };
        let factor = function.value_and_factor(weight, squared, &mut value);
        spread::<S, T, D, SIDES>(factor, u, &mut gradient_x, gradient_y);
        if function.any_coincident(squared) {
            running.coincident = extend_range(&running.coincident, chunk);
        }
    }
    running.values[row].store(value);
    for (sums, gradient_x) in running.gradient_x.iter_mut().zip(&gradient_x) {
        sums[row].store(*gradient_x);
    }
}

/// Adds a factor times differences to the gradient in x, and takes it from that in y.
#[inline(always)]
fn spread<S: Simd, T: Real, const D: usize, const SIDES: usize>(
    factor: T::Lanes<S>,
    difference: [T::Lanes<S>; D],
    gradient_x: &mut [T::Lanes<S>; D],
    gradient_y: &mut [Chunk<T>; D],
) {
    let simd = factor.token();
    let opposite = T::Lanes::splat(simd, T::zero()) - factor;
    for k in 0..D {
        if SIDES > 0 {
            gradient_x[k] = factor.fused_mul_add(difference[k], gradient_x[k]);
        }
        if SIDES > 1 {
            gradient_y[k].store(opposite.fused_mul_add(difference[k], gradient_y[k].load(simd)));
        }
    }
}
