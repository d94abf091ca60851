//! What is summed over pairs, with its gradient, for eight particles of x and a chunk of y.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use fearless_simd::prelude::*;
use rieszflow_autodiff::Real;
use rieszflow_autodiff::lanes::{Chunk, Lanes};

use super::blocks::{ROWS, Row, Tile, TileLanes};
use super::packed::Groups;
use crate::kernel::{COINCIDENT, Power};

/// A function of pairs that is summed.
pub(super) trait Integrand<T: Real>: Copy + Send + Sync {
    /// Adds the weighted values of a tile of pairs to `values`, and finds the factors of the
    /// gradient: `along` that of xᵢ−yⱼ, `across` that of aᵢ−bⱼ. Returns whether `across` was set.
    fn evaluate<S: Simd>(
        self,
        x: Groups<'_, Row<T>>,
        y: Groups<'_, Chunk<T>>,
        weights: TileLanes<T, S>,
        values: &mut TileLanes<T, S>,
        along: &mut Tile<T>,
        across: &mut Tile<T>,
    ) -> bool;
}

/// |xᵢ−yⱼ|ʳ; the gradient is that in the positions.
#[derive(Clone, Copy)]
pub(super) struct Energy<P>(pub(super) P);

impl<T: Real, P: Power<T>> Integrand<T> for Energy<P> {
    #[inline(always)]
    fn evaluate<S: Simd>(
        self,
        x: Groups<'_, Row<T>>,
        y: Groups<'_, Chunk<T>>,
        weights: TileLanes<T, S>,
        values: &mut TileLanes<T, S>,
        along: &mut Tile<T>,
        _: &mut Tile<T>,
    ) -> bool {
        let simd = weights[0].token();
        let squared = squares(simd, x.positions, y.positions);
        for i in 0..ROWS {
            let (value, factor) = self.0.value_and_factor(squared[i]);
            values[i] = weights[i].times_plus(value, values[i]);
            along[i].store(weights[i] * factor);
        }
        false
    }
}

/// ∂|·|ʳ(xᵢ−yⱼ; aᵢ−bⱼ); the gradient is that in the velocities.
#[derive(Clone, Copy)]
pub(super) struct Derivative<P>(pub(super) P);

impl<T: Real, P: Power<T>> Integrand<T> for Derivative<P> {
    #[inline(always)]
    fn evaluate<S: Simd>(
        self,
        x: Groups<'_, Row<T>>,
        y: Groups<'_, Chunk<T>>,
        weights: TileLanes<T, S>,
        values: &mut TileLanes<T, S>,
        along: &mut Tile<T>,
        across: &mut Tile<T>,
    ) -> bool {
        let simd = weights[0].token();
        let zero = T::Lanes::splat(simd, T::zero());
        let (squared, inner) = inner_products(simd, x, y);
        let threshold = T::from_f64(COINCIDENT * COINCIDENT);
        let mut met = false;
        for i in 0..ROWS {
            let factor = weights[i] * self.0.value_and_factor(squared[i]).1;
            // A pair that is not a number is apart, and makes the sum none.
            let coincident = squared[i].simd_lt(threshold);
            let factor = coincident.select(zero, factor);
            values[i] = factor.times_plus(inner[i], values[i]);
            along[i].store(factor);
            across[i].store(zero);
            met |= coincident.any_true();
        }
        if met {
            let speeds = squares(simd, x.velocities, y.velocities);
            for i in 0..ROWS {
                // Without weight there is no pair, even where the derivative is infinite.
                let counts = squared[i].simd_lt(threshold) & weights[i].simd_ne(T::zero());
                let (value, factor) = self.0.at_zero(speeds[i]);
                values[i] += counts.select(weights[i] * value, zero);
                across[i].store(counts.select(weights[i] * factor, zero));
            }
        }
        met
    }
}

/// |xᵢ−yⱼ|² of a tile.
#[inline(always)]
fn squares<S: Simd, T: Real>(simd: S, x: &[Row<T>], y: &[Chunk<T>]) -> TileLanes<T, S> {
    let mut sums = [T::Lanes::splat(simd, T::zero()); ROWS];
    for (x, y) in x.iter().zip(y) {
        let y = y.load(simd);
        for i in 0..ROWS {
            let u = T::Lanes::splat(simd, x[i]) - y;
            sums[i] = u.times_plus(u, sums[i]);
        }
    }
    sums
}

/// |xᵢ−yⱼ|² and ⟨xᵢ−yⱼ, aᵢ−bⱼ⟩ of a tile.
#[inline(always)]
fn inner_products<S: Simd, T: Real>(
    simd: S,
    x: Groups<'_, Row<T>>,
    y: Groups<'_, Chunk<T>>,
) -> (TileLanes<T, S>, TileLanes<T, S>) {
    let mut squares = [T::Lanes::splat(simd, T::zero()); ROWS];
    let mut inner = squares;
    let of_x = x.positions.iter().zip(x.velocities);
    let of_y = y.positions.iter().zip(y.velocities);
    for ((x, a), (y, b)) in of_x.zip(of_y) {
        let (y, b) = (y.load(simd), b.load(simd));
        for i in 0..ROWS {
            let u = T::Lanes::splat(simd, x[i]) - y;
            let h = T::Lanes::splat(simd, a[i]) - b;
            squares[i] = u.times_plus(u, squares[i]);
            inner[i] = u.times_plus(h, inner[i]);
        }
    }
    (squares, inner)
}
