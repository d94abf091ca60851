//! The inner loops: eight particles of x with a chunk of particles of y at a time.
//!
//! They are compiled for each instruction set that matters and the fitting version is chosen when
//! the program runs. The order of summation is the same in all of them. Coordinates are subtracted,
//! never |x|²−2⟨x,y⟩+|y|² expanded, which would lose everything where particles are close.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};
use rieszflow_autodiff::Real;
use rieszflow_autodiff::lanes::{Chunk, Lanes};

use super::integrands::Integrand;
use super::packed::Groups;

/// As many particles of x as have their sums in registers.
pub(super) const ROWS: usize = 8;
/// One coordinate of eight particles of x.
pub(super) type Row<T> = [T; ROWS];
/// Something of each pair of eight particles of x and a chunk of y.
pub(super) type Tile<T> = [Chunk<T>; ROWS];
/// The same in registers.
pub(super) type TileLanes<T, S> = [<T as Real>::Lanes<S>; ROWS];

/// An array with something for each of the eight rows, written out: `array::from_fn` is not inlined
/// into functions compiled for an instruction set.
macro_rules! rows {
    ($i:ident => $value:expr) => {
        [
            rows!(0, $i, $value),
            rows!(1, $i, $value),
            rows!(2, $i, $value),
            rows!(3, $i, $value),
            rows!(4, $i, $value),
            rows!(5, $i, $value),
            rows!(6, $i, $value),
            rows!(7, $i, $value),
        ]
    };
    ($number:literal, $i:ident, $value:expr) => {{
        let $i = $number;
        $value
    }};
}

/// So many chunks of y at a time find their factors in the cache.
const RUN: usize = 16;
/// After so many chunks of y the running sums are added up, so that they do not grow too large to
/// take up small terms.
const CASCADE: usize = 16 * RUN;

/// Where a block's gradients go.
pub(super) struct Gradients<'a, T: Real> {
    /// Groups of the block × d; overwritten. Empty if not wanted.
    pub(super) x: &'a mut [Row<T>],
    /// Chunks of y × d; added to. Empty if not wanted.
    pub(super) y: &'a mut [Chunk<T>],
    /// Running sums, one tile per coordinate.
    pub(super) sums: &'a mut [Tile<T>],
}

/// Σ of `integrand` over the pairs of some groups of x with all of y, and its gradients.
pub(super) fn block<T: Real, I: Integrand<T>>(
    level: Level,
    integrand: I,
    x: Groups<'_, Row<T>>,
    y: Groups<'_, Chunk<T>>,
    mut gradients: Gradients<'_, T>,
) -> f64 {
    dispatch!(level, simd => block_on(simd, integrand, x, y, &mut gradients))
}

#[inline(always)]
fn block_on<S: Simd, T: Real, I: Integrand<T>>(
    simd: S,
    integrand: I,
    x: Groups<'_, Row<T>>,
    y: Groups<'_, Chunk<T>>,
    gradients: &mut Gradients<'_, T>,
) -> f64 {
    let dim = x.dim;
    let mut along = [[Chunk::default(); ROWS]; RUN];
    let mut across = [[Chunk::default(); ROWS]; RUN];
    let mut sum = 0.0;
    gradients.x.fill([T::zero(); ROWS]);
    for (group, x) in x.runs(1).enumerate() {
        let mut y_done = 0;
        for y in y.runs(CASCADE) {
            let mut values = [T::Lanes::splat(simd, T::zero()); ROWS];
            gradients.sums.fill([Chunk::default(); ROWS]);
            for y in y.runs(RUN) {
                let mut both_factors = false;
                for ((y, along), across) in y.runs(1).zip(&mut along).zip(&mut across) {
                    let w = y.weights[0].load(simd);
                    let weights = rows!(i => w * x.weights[0][i]);
                    both_factors |= integrand.evaluate(x, y, weights, &mut values, along, across);
                }
                if gradients.x.is_empty() {
                    continue;
                }
                let of_y = match &mut *gradients.y {
                    [] => &mut [],
                    of_y => &mut of_y[y_done * dim..][..y.len() * dim],
                };
                let sums = &mut *gradients.sums;
                spread(
                    simd,
                    &along[..y.len()],
                    x.positions,
                    y.positions,
                    sums,
                    of_y,
                );
                if both_factors {
                    spread(
                        simd,
                        &across[..y.len()],
                        x.velocities,
                        y.velocities,
                        sums,
                        of_y,
                    );
                }
                y_done += y.len();
            }
            sum += totals::<S, T>(values)
                .map(Real::into_f64)
                .iter()
                .sum::<f64>();
            if let Some(of_x) = gradients.x.get_mut(group * dim..(group + 1) * dim) {
                for (of_x, sums) in of_x.iter_mut().zip(&*gradients.sums) {
                    let sums = totals::<S, T>(rows!(i => sums[i].load(simd)));
                    for i in 0..ROWS {
                        of_x[i] += sums[i];
                    }
                }
            }
        }
    }
    sum
}

/// The sum of each of eight vectors: neighbouring lanes are added until one vector has them all.
#[inline(always)]
fn totals<S: Simd, T: Real>([a, b, c, d, e, f, g, h]: TileLanes<T, S>) -> Row<T> {
    let join = |a: T::Lanes<S>, b: T::Lanes<S>| a.unzip_low(b) + a.unzip_high(b);
    let mut all = join(join(join(a, b), join(c, d)), join(join(e, f), join(g, h)));
    let mut len = Chunk::<T>::LEN;
    while len > ROWS {
        all = join(all, all);
        len /= 2;
    }
    rows!(i => all[i])
}

/// Adds `factors` times the differences of x and y to the gradient in x, and takes them from that
/// in y if there is one.
#[inline(always)]
fn spread<S: Simd, T: Real>(
    simd: S,
    factors: &[Tile<T>],
    x: &[Row<T>],
    y: &[Chunk<T>],
    of_x: &mut [Tile<T>],
    of_y: &mut [Chunk<T>],
) {
    if of_y.is_empty() {
        spread_to::<S, T, false>(simd, factors, x, y, of_x, of_y);
    } else {
        spread_to::<S, T, true>(simd, factors, x, y, of_x, of_y);
    }
}

#[inline(always)]
fn spread_to<S: Simd, T: Real, const BOTH: bool>(
    simd: S,
    factors: &[Tile<T>],
    x: &[Row<T>],
    y: &[Chunk<T>],
    of_x: &mut [Tile<T>],
    of_y: &mut [Chunk<T>],
) {
    let dim = x.len();
    for (k, (x, of_x)) in x.iter().zip(of_x).enumerate() {
        let x = rows!(i => T::Lanes::splat(simd, x[i]));
        let mut sums = rows!(i => of_x[i].load(simd));
        for (chunk, factors) in factors.iter().enumerate() {
            let y = y[chunk * dim + k].load(simd);
            let mut of_chunk = T::Lanes::splat(simd, T::zero());
            for i in 0..ROWS {
                let (factor, u) = (factors[i].load(simd), x[i] - y);
                sums[i] = factor.times_plus(u, sums[i]);
                if BOTH {
                    of_chunk = factor.times_plus(u, of_chunk);
                }
            }
            if BOTH {
                let entry = &mut of_y[chunk * dim + k];
                entry.store(entry.load(simd) - of_chunk);
            }
        }
        for (entry, sum) in of_x.iter_mut().zip(sums) {
            entry.store(sum);
        }
    }
}
