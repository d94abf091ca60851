//! The sum over a block of particles of x with all of y, on the instruction set at hand.
//!
//! The inner loops are compiled for each instruction set that matters and the fitting version is chosen
//! when the program runs ([`all_pairs`](super::all_pairs)). The order of summation is the same on every
//! instruction set. Coordinates are subtracted, never |x|²−2⟨x,y⟩+|y|² expanded, which would lose
//! everything where particles are close.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use std::ops::Range;

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};
use rieszflow_numerics::Real;
use rieszflow_numerics::simd::Chunk;

use super::packed::Groups;

/// Particles of x that are worked on together.
pub(super) const ROWS: usize = 8;
/// One coordinate of eight particles of x.
pub(super) type RowGroup<T> = [T; ROWS];
/// A value for each pair of eight particles of x and a chunk of y, or running sums of them.
pub(super) type Tile<T> = [Chunk<T>; ROWS];

/// After this many chunks of y the running sums are added up, before they are too large for small
/// terms to count.
const FLUSH_INTERVAL: usize = 256;

/// What a block sums over its pairs, with its gradient.
pub(super) trait Integrand<T: Real>: Copy + Send + Sync {
    /// The chunks of y that it sums for a group of x, which coincides with some in `coincident`, out of
    /// `all`.
    fn chunks(self, coincident: Range<usize>, all: usize) -> Range<usize>;

    /// Adds a group of x with some of y to the running sums.
    fn add<S: Simd>(
        self,
        simd: S,
        x: Groups<'_, RowGroup<T>>,
        y: Groups<'_, Chunk<T>>,
        gradients: Gradients,
        running: &mut Running<'_, T>,
    );
}

/// Where a block's results go.
pub(super) struct Results<'a, T: Real> {
    /// The sum of the values, added to; or, if there is room, the sum for each group of the block and each
    /// run of chunks.
    pub(super) values: &'a mut [f64],
    /// The gradient in x, groups of the block × d; overwritten. Empty if it is not asked for.
    pub(super) gradient_x: &'a mut [RowGroup<T>],
    /// The gradient in y, chunks × d; added to. Empty if it is not asked for.
    pub(super) gradient_y: &'a mut [Chunk<T>],
    /// Per group of the block the chunks from the first to the last one that it coincides with.
    pub(super) coincident: &'a mut [Range<usize>],
    /// Memory for running sums, one tile per coordinate.
    pub(super) sums: &'a mut [Tile<T>],
}

/// The running sums of eight particles of x with some of y.
pub(super) struct Running<'a, T: Real> {
    /// The values.
    pub(super) values: Tile<T>,
    /// The gradient in x, one tile per coordinate.
    pub(super) gradient_x: &'a mut [Tile<T>],
    /// The gradient in y, chunks × d; added to.
    pub(super) gradient_y: &'a mut [Chunk<T>],
    /// The chunks of y from the first to the last one with a particle that coincides with one of x.
    pub(super) coincident: Range<usize>,
}

/// The least range that contains another number too.
pub(super) fn extend_range(range: &Range<usize>, number: usize) -> Range<usize> {
    if range.is_empty() {
        number..number + 1
    } else {
        range.start.min(number)..range.end.max(number + 1)
    }
}

/// In which positions or velocities gradients are asked for.
#[derive(Clone, Copy)]
pub(super) enum Gradients {
    Neither,
    InX,
    InBoth,
}

/// Σ of `integrand` over the pairs of some groups of x with all of y, and its gradients.
pub(super) fn block<T: Real, I: Integrand<T>>(
    level: Level,
    integrand: I,
    x: Groups<'_, RowGroup<T>>,
    y: Groups<'_, Chunk<T>>,
    mut results: Results<'_, T>,
) {
    dispatch!(level, simd => block_on(simd, integrand, x, y, &mut results));
}

/// How many runs of chunks a group is summed with.
pub(super) fn runs(chunks: usize) -> usize {
    chunks.div_ceil(FLUSH_INTERVAL).max(1)
}

#[inline(always)]
fn block_on<S: Simd, T: Real, I: Integrand<T>>(
    simd: S,
    integrand: I,
    x: Groups<'_, RowGroup<T>>,
    y: Groups<'_, Chunk<T>>,
    results: &mut Results<'_, T>,
) {
    let gradients = match (results.gradient_x.is_empty(), results.gradient_y.is_empty()) {
        (true, _) => Gradients::Neither,
        (false, true) => Gradients::InX,
        (false, false) => Gradients::InBoth,
    };
    let dim = x.dim;
    let values_per_group = results.values.len() / x.len();
    results.gradient_x.fill([T::zero(); ROWS]);
    for ((group, x), coincident) in x.runs(1).enumerate().zip(&mut *results.coincident) {
        let chunks = integrand.chunks(std::mem::take(coincident), y.len());
        let mut done = chunks.start;
        for (run, y) in y.range(chunks).runs(FLUSH_INTERVAL).enumerate() {
            results.sums.fill([Chunk::default(); ROWS]);
            let gradient_y = match gradients {
                Gradients::InBoth => &mut results.gradient_y[done * dim..][..y.len() * dim],
                _ => &mut [],
            };
            let mut running = Running {
                values: [Chunk::default(); ROWS],
                gradient_x: results.sums,
                gradient_y,
                coincident: 0..0,
            };
            integrand.add(simd, x, y, gradients, &mut running);
            if !running.coincident.is_empty() {
                *coincident = extend_range(coincident, done + running.coincident.start);
                *coincident = extend_range(coincident, done + running.coincident.end - 1);
            }
            let values = totals(simd, &running.values);
            let place = group * values_per_group + run.min(values_per_group.saturating_sub(1));
            results.values[place] += values.map(Real::into_f64).iter().sum::<f64>();
            if let Some(gradient_x) = results.gradient_x.get_mut(group * dim..(group + 1) * dim) {
                for (gradient_x, sums) in gradient_x.iter_mut().zip(&*results.sums) {
                    let sums = totals(simd, sums);
                    for i in 0..ROWS {
                        gradient_x[i] += sums[i];
                    }
                }
            }
            done += y.len();
        }
    }
}

/// The sum of each of eight vectors: neighbouring lanes are added until one vector has them all.
#[inline(always)]
fn totals<S: Simd, T: Real>(simd: S, tile: &Tile<T>) -> RowGroup<T> {
    let [a, b, c, d, e, f, g, h] = tile;
    let all = add_neighbours::<S, T>(
        add_neighbours::<S, T>(pair(simd, a, b), pair(simd, c, d)),
        add_neighbours::<S, T>(pair(simd, e, f), pair(simd, g, h)),
    );
    let all = if Chunk::<T>::LEN > ROWS {
        add_neighbours::<S, T>(all, all)
    } else {
        all
    };
    let mut sums = [T::zero(); ROWS];
    sums.copy_from_slice(&all.as_slice()[..ROWS]);
    sums
}

#[inline(always)]
fn pair<S: Simd, T: Real>(simd: S, a: &Chunk<T>, b: &Chunk<T>) -> T::Lanes<S> {
    add_neighbours::<S, T>(a.load(simd), b.load(simd))
}

#[inline(always)]
fn add_neighbours<S: Simd, T: Real>(a: T::Lanes<S>, b: T::Lanes<S>) -> T::Lanes<S> {
    a.unzip_low(b) + a.unzip_high(b)
}
