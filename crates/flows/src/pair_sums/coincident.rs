//! The pairs of coincident particles, where the derivative along velocities has a kink.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use std::ops::Range;

use fearless_simd::prelude::*;
use rieszflow_numerics::Real;
use rieszflow_numerics::simd::Chunk;

use super::blocks::{Gradients, Integrand, ROWS, RowGroup, Running, extend_range};
use super::high_dim::squares;
use super::integrands::coincident_below;
use super::packed::Groups;
use crate::RieszKernel;

/// ∂|·|ʳ(0; aᵢ−bⱼ)/r of the coincident pairs; the gradient is that in the velocities.
#[derive(Clone, Copy)]
pub(super) struct Coincident(pub(super) RieszKernel);

impl<T: Real> Integrand<T> for Coincident {
    fn chunks(self, coincident: Range<usize>, _: usize) -> Range<usize> {
        coincident
    }

    #[inline(always)]
    fn add<S: Simd>(
        self,
        simd: S,
        x: Groups<'_, RowGroup<T>>,
        y: Groups<'_, Chunk<T>>,
        gradients: Gradients,
        running: &mut Running<'_, T>,
    ) {
        for (chunk, y) in y.runs(1).enumerate() {
            for row in 0..ROWS {
                self.add_row(simd, (x, row), (y, chunk), gradients, running);
            }
        }
    }
}

impl Coincident {
    /// Adds a particle of x with one chunk of y.
    #[inline(always)]
    fn add_row<S: Simd, T: Real>(
        self,
        simd: S,
        (x, row): (Groups<'_, RowGroup<T>>, usize),
        (y, chunk): (Groups<'_, Chunk<T>>, usize),
        gradients: Gradients,
        running: &mut Running<'_, T>,
    ) {
        let [squared] = squares::<S, T, 1>(simd, (x.positions, row), y.positions);
        let coincide = squared.simd_lt(coincident_below::<T>());
        if !coincide.any_true() {
            return;
        }
        running.coincident = extend_range(&running.coincident, chunk);
        let [speed_squared] = squares::<S, T, 1>(simd, (x.velocities, row), y.velocities);
        let (derivative, factor) = self.0.one_sided_at_zero::<T, S>(speed_squared);
        // Without weight there is no pair, even where the derivative is infinite.
        let zero = T::Lanes::splat(simd, T::zero());
        let weight = y.weights[0].load(simd) * x.weights[0][row];
        let counts = coincide & weight.simd_ne(T::zero());
        let value = &mut running.values[row];
        value.store(value.load(simd) + counts.select(weight * derivative, zero));
        let factor = counts.select(weight * factor, zero);
        for k in 0..x.dim {
            let h = T::Lanes::splat(simd, x.velocities[k][row]) - y.velocities[k].load(simd);
            let gradient_x = &mut running.gradient_x[k][row];
            gradient_x.store(gradient_x.load(simd) + factor * h);
            if matches!(gradients, Gradients::InBoth) {
                let gradient_y: &mut Chunk<T> = &mut running.gradient_y[chunk * x.dim + k];
                gradient_y.store(gradient_y.load(simd) - factor * h);
            }
        }
    }
}
