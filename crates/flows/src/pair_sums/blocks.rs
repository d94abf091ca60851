//! The sum over a block of particles of x with all of y, on the instruction set at hand.
//!
//! The inner loops are compiled for each instruction set that matters and the fitting version is chosen
//! when the program runs. In few dimensions they keep everything in registers ([`narrow`]), in many
//! they take several particles at a time ([`wide`]). The order of summation is the same on every
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

use super::integrands::OfDistance;
use super::packed::Groups;
use super::{narrow, wide};

/// Particles of x that are worked on together.
pub(super) const ROWS: usize = 8;
/// One coordinate of eight particles of x.
pub(super) type Row<T> = [T; ROWS];
/// Something of each pair of eight particles of x and a chunk of y, or the running sums of such.
pub(super) type Tile<T> = [Chunk<T>; ROWS];

/// After so many chunks of y the running sums are added up, so that they do not grow too large to
/// take up small terms.
const CASCADE: usize = 256;

/// What a block sums over its pairs, with its gradient.
pub(super) trait Integrand<T: Real>: Copy + Send + Sync {
    /// The chunks of y that it takes, for a group of x that meets some in `met`, out of `all`.
    fn chunks(self, met: Range<usize>, all: usize) -> Range<usize>;

    /// Adds a group of x with some of y to the running sums.
    fn add<S: Simd>(
        self,
        simd: S,
        x: Groups<'_, Row<T>>,
        y: Groups<'_, Chunk<T>>,
        wanted: Wanted,
        running: &mut Running<'_, T>,
    );
}

/// A function of the distance, of all pairs.
#[derive(Clone, Copy)]
pub(super) struct Everywhere<F>(pub(super) F);

impl<T: Real, F: OfDistance<T>> Integrand<T> for Everywhere<F> {
    fn chunks(self, _: Range<usize>, all: usize) -> Range<usize> {
        0..all
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
        match x.dim {
            1 => narrow::sum::<S, T, F, 1>(simd, self.0, x, y, wanted, running),
            2 => narrow::sum::<S, T, F, 2>(simd, self.0, x, y, wanted, running),
            3 => narrow::sum::<S, T, F, 3>(simd, self.0, x, y, wanted, running),
            _ => wide::sum(simd, self.0, x, y, wanted, running),
        }
    }
}

/// Where a block's results go.
pub(super) struct Results<'a, T: Real> {
    /// The gradient in x, groups of the block × d; overwritten. Empty if not wanted.
    pub(super) of_x: &'a mut [Row<T>],
    /// The gradient in y, chunks × d; added to. Empty if not wanted.
    pub(super) of_y: &'a mut [Chunk<T>],
    /// Per group of the block the chunks from the first to the last one that it meets.
    pub(super) met: &'a mut [Range<usize>],
    /// Memory for running sums, one tile per coordinate.
    pub(super) sums: &'a mut [Tile<T>],
}

/// The running sums of eight particles of x with some of y.
pub(super) struct Running<'a, T: Real> {
    /// The values.
    pub(super) values: Tile<T>,
    /// The gradient in x, one tile per coordinate.
    pub(super) of_x: &'a mut [Tile<T>],
    /// The gradient in y, chunks × d; added to.
    pub(super) of_y: &'a mut [Chunk<T>],
    /// The chunks of y from the first to the last one with a particle that one of x meets.
    pub(super) met: Range<usize>,
}

/// The least range that has another number too.
pub(super) fn including(range: &Range<usize>, number: usize) -> Range<usize> {
    if range.is_empty() {
        number..number + 1
    } else {
        range.start.min(number)..range.end.max(number + 1)
    }
}

/// Which gradients are wanted.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    Nothing,
    OfX,
    OfBoth,
}

/// Σ of `integrand` over the pairs of some groups of x with all of y, and its gradients.
pub(super) fn block<T: Real, I: Integrand<T>>(
    level: Level,
    integrand: I,
    x: Groups<'_, Row<T>>,
    y: Groups<'_, Chunk<T>>,
    mut results: Results<'_, T>,
) -> f64 {
    dispatch!(level, simd => block_on(simd, integrand, x, y, &mut results))
}

#[inline(always)]
fn block_on<S: Simd, T: Real, I: Integrand<T>>(
    simd: S,
    integrand: I,
    x: Groups<'_, Row<T>>,
    y: Groups<'_, Chunk<T>>,
    results: &mut Results<'_, T>,
) -> f64 {
    let wanted = match (results.of_x.is_empty(), results.of_y.is_empty()) {
        (true, _) => Wanted::Nothing,
        (false, true) => Wanted::OfX,
        (false, false) => Wanted::OfBoth,
    };
    let dim = x.dim;
    let mut sum = 0.0;
    results.of_x.fill([T::zero(); ROWS]);
    for ((group, x), met) in x.runs(1).enumerate().zip(&mut *results.met) {
        let chunks = integrand.chunks(std::mem::take(met), y.len());
        let mut done = chunks.start;
        for y in y.range(chunks).runs(CASCADE) {
            results.sums.fill([Chunk::default(); ROWS]);
            let of_y = match wanted {
                Wanted::OfBoth => &mut results.of_y[done * dim..][..y.len() * dim],
                _ => &mut [],
            };
            let mut running = Running {
                values: [Chunk::default(); ROWS],
                of_x: results.sums,
                of_y,
                met: 0..0,
            };
            integrand.add(simd, x, y, wanted, &mut running);
            if !running.met.is_empty() {
                *met = including(met, done + running.met.start);
                *met = including(met, done + running.met.end - 1);
            }
            let values = totals(simd, &running.values);
            sum += values.map(Real::into_f64).iter().sum::<f64>();
            if let Some(of_x) = results.of_x.get_mut(group * dim..(group + 1) * dim) {
                for (of_x, sums) in of_x.iter_mut().zip(&*results.sums) {
                    let sums = totals(simd, sums);
                    for i in 0..ROWS {
                        of_x[i] += sums[i];
                    }
                }
            }
            done += y.len();
        }
    }
    sum
}

/// The sum of each of eight vectors: neighbouring lanes are added until one vector has them all.
#[inline(always)]
fn totals<S: Simd, T: Real>(simd: S, tile: &Tile<T>) -> Row<T> {
    let [a, b, c, d, e, f, g, h] = tile;
    let all = join::<S, T>(
        join::<S, T>(pair(simd, a, b), pair(simd, c, d)),
        join::<S, T>(pair(simd, e, f), pair(simd, g, h)),
    );
    let all = if Chunk::<T>::LEN > ROWS {
        join::<S, T>(all, all)
    } else {
        all
    };
    let mut sums = [T::zero(); ROWS];
    sums.copy_from_slice(&all.as_slice()[..ROWS]);
    sums
}

#[inline(always)]
fn pair<S: Simd, T: Real>(simd: S, a: &Chunk<T>, b: &Chunk<T>) -> T::Lanes<S> {
    join::<S, T>(a.load(simd), b.load(simd))
}

#[inline(always)]
fn join<S: Simd, T: Real>(a: T::Lanes<S>, b: T::Lanes<S>) -> T::Lanes<S> {
    a.unzip_low(b) + a.unzip_high(b)
}
