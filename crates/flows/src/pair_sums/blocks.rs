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

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};
use rieszflow_autodiff::Real;
use rieszflow_autodiff::lanes::Chunk;

use super::integrands::Integrand;
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

/// Where a block's gradients go.
pub(super) struct Gradients<'a, T: Real> {
    /// Groups of the block × d; overwritten. Empty if not wanted.
    pub(super) x: &'a mut [Row<T>],
    /// Chunks of y × d; added to. Empty if not wanted.
    pub(super) y: &'a mut [Chunk<T>],
    /// Running sums, one tile per coordinate.
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
    let wanted = match (gradients.x.is_empty(), gradients.y.is_empty()) {
        (true, _) => Wanted::Nothing,
        (false, true) => Wanted::OfX,
        (false, false) => Wanted::OfBoth,
    };
    let dim = x.dim;
    let mut sum = 0.0;
    gradients.x.fill([T::zero(); ROWS]);
    for (group, x) in x.runs(1).enumerate() {
        let mut y_done = 0;
        for y in y.runs(CASCADE) {
            gradients.sums.fill([Chunk::default(); ROWS]);
            let of_y = match wanted {
                Wanted::OfBoth => &mut gradients.y[y_done * dim..][..y.len() * dim],
                _ => &mut [],
            };
            let mut running = Running {
                values: [Chunk::default(); ROWS],
                of_x: gradients.sums,
                of_y,
            };
            match dim {
                1 => narrow::sum::<S, T, I, 1>(simd, integrand, x, y, wanted, &mut running),
                2 => narrow::sum::<S, T, I, 2>(simd, integrand, x, y, wanted, &mut running),
                3 => narrow::sum::<S, T, I, 3>(simd, integrand, x, y, wanted, &mut running),
                _ => wide::sum(simd, integrand, x, y, wanted, &mut running),
            }
            let values = totals(simd, &running.values);
            sum += values.map(Real::into_f64).iter().sum::<f64>();
            if let Some(of_x) = gradients.x.get_mut(group * dim..(group + 1) * dim) {
                for (of_x, sums) in of_x.iter_mut().zip(&*gradients.sums) {
                    let sums = totals(simd, sums);
                    for i in 0..ROWS {
                        of_x[i] += sums[i];
                    }
                }
            }
            y_done += y.len();
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
