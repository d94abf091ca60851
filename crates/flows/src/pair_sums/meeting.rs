//! The pairs that meet: coincident particles, where the derivative along velocities has a kink.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use std::ops::Range;

use fearless_simd::prelude::*;
use rieszflow_numerics::Real;
use rieszflow_numerics::simd::Chunk;

use super::blocks::{Integrand, ROWS, Row, Running, Wanted, including};
use super::integrands::coincident;
use super::packed::Groups;
use super::wide::squares;
use crate::RieszKernel;

/// ∂|·|ʳ(0; aᵢ−bⱼ)/r of the pairs that meet; the gradient is that in the velocities.
#[derive(Clone, Copy)]
pub(super) struct Meeting(pub(super) RieszKernel);

impl<T: Real> Integrand<T> for Meeting {
    fn chunks(self, met: Range<usize>, _: usize) -> Range<usize> {
        met
    }

    #[inline(always)]
    fn add<S: Simd>(
        self,
        simd: S,
        x: Groups<'_, Row<T>>,
        y: Groups<'_, Chunk<T>>,
        wanted: Wanted,
        running: &mut Running<'_, T>,
    ) {
        for (chunk, y) in y.runs(1).enumerate() {
            for row in 0..ROWS {
                self.add_row(simd, (x, row), (y, chunk), wanted, running);
            }
        }
    }
}

impl Meeting {
    /// Adds a particle of x with one chunk of y.
    #[inline(always)]
    fn add_row<S: Simd, T: Real>(
        self,
        simd: S,
        (x, row): (Groups<'_, Row<T>>, usize),
        (y, chunk): (Groups<'_, Chunk<T>>, usize),
        wanted: Wanted,
        running: &mut Running<'_, T>,
    ) {
        let [squared] = squares::<S, T, 1>(simd, (x.positions, row), y.positions);
        let meet = squared.simd_lt(coincident::<T>());
        if !meet.any_true() {
            return;
        }
        running.met = including(&running.met, chunk);
        let [speed_squared] = squares::<S, T, 1>(simd, (x.velocities, row), y.velocities);
        let (derivative, factor) = self.0.at_zero::<T, S>(speed_squared);
        // Without weight there is no pair, even where the derivative is infinite.
        let zero = T::Lanes::splat(simd, T::zero());
        let weight = y.weights[0].load(simd) * x.weights[0][row];
        let counts = meet & weight.simd_ne(T::zero());
        let value = &mut running.values[row];
        value.store(value.load(simd) + counts.select(weight * derivative, zero));
        let factor = counts.select(weight * factor, zero);
        for k in 0..x.dim {
            let h = T::Lanes::splat(simd, x.velocities[k][row]) - y.velocities[k].load(simd);
            let of_x = &mut running.of_x[k][row];
            of_x.store(of_x.load(simd) + factor * h);
            if matches!(wanted, Wanted::OfBoth) {
                let of_y: &mut Chunk<T> = &mut running.of_y[chunk * x.dim + k];
                of_y.store(of_y.load(simd) - factor * h);
            }
        }
    }
}
