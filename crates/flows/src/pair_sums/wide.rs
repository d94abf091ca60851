//! The inner loops in many dimensions: several particles of x with a chunk of y at a time.
//!
//! Each coordinate that is loaded is used for all of them. The factors of a few chunks are found
//! first, one sweep over the coordinates; then a second sweep spreads them over the gradients.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use fearless_simd::prelude::*;
use rieszflow_autodiff::Real;
use rieszflow_autodiff::lanes::{Chunk, Lanes};

use super::blocks::{ROWS, Row, Running, Tile, Wanted};
use super::integrands::Integrand;
use super::packed::Groups;

/// So many chunks of y at a time find their factors in the cache.
const RUN: usize = 16;

/// Something of each pair of R particles of x and a chunk of y, in registers.
type RowLanes<T, S, const R: usize> = [<T as Real>::Lanes<S>; R];

/// The factors α of xᵢ−yⱼ and β of aᵢ−bⱼ in the gradient, of eight particles of x with a run of y.
struct Factors<T: Real> {
    along: [Tile<T>; RUN],
    across: [Tile<T>; RUN],
    /// Whether there are any β.
    met: bool,
}

/// Adds a group of x with some of y to the running sums.
///
/// As many of the eight rows at a time as the registers hold: all of them where a chunk is one
/// register and there are 32 of these, half elsewhere. The sums are the same.
#[inline(always)]
pub(super) fn sum<S: Simd, T: Real, I: Integrand<T>>(
    simd: S,
    integrand: I,
    x: Groups<'_, Row<T>>,
    y: Groups<'_, Chunk<T>>,
    wanted: Wanted,
    running: &mut Running<'_, T>,
) {
    if S::f32s::LEN == 16 {
        sum_by::<S, T, I, ROWS>(simd, integrand, x, y, wanted, running);
    } else {
        sum_by::<S, T, I, { ROWS / 2 }>(simd, integrand, x, y, wanted, running);
    }
}

#[inline(always)]
fn sum_by<S: Simd, T: Real, I: Integrand<T>, const R: usize>(
    simd: S,
    integrand: I,
    x: Groups<'_, Row<T>>,
    y: Groups<'_, Chunk<T>>,
    wanted: Wanted,
    running: &mut Running<'_, T>,
) {
    let mut factors = Factors {
        along: [[Chunk::default(); ROWS]; RUN],
        across: [[Chunk::default(); ROWS]; RUN],
        met: false,
    };
    let mut done = 0;
    for y in y.runs(RUN) {
        factors.met = false;
        for first in (0..ROWS).step_by(R) {
            let values = &mut running.values;
            evaluate::<S, T, I, R>(simd, integrand, (x, first), y, values, &mut factors);
        }
        let (along, across) = (&factors.along[..y.len()], &factors.across[..y.len()]);
        let (u, h) = ((x.positions, y.positions), (x.velocities, y.velocities));
        let of_x = &mut *running.of_x;
        match wanted {
            Wanted::Nothing => {}
            Wanted::OfX => {
                spread::<S, T, R, false>(simd, along, u, of_x, &mut []);
                if factors.met {
                    spread::<S, T, R, false>(simd, across, h, of_x, &mut []);
                }
            }
            Wanted::OfBoth => {
                let of_y = &mut running.of_y[done * x.dim..][..y.len() * x.dim];
                spread::<S, T, R, true>(simd, along, u, of_x, of_y);
                if factors.met {
                    spread::<S, T, R, true>(simd, across, h, of_x, of_y);
                }
            }
        }
        done += y.len();
    }
}

/// The values and factors of R rows, from `first` on, with a run of y.
#[inline(always)]
fn evaluate<S: Simd, T: Real, I: Integrand<T>, const R: usize>(
    simd: S,
    integrand: I,
    (x, first): (Groups<'_, Row<T>>, usize),
    y: Groups<'_, Chunk<T>>,
    values: &mut Tile<T>,
    factors: &mut Factors<T>,
) {
    let zero = T::Lanes::splat(simd, T::zero());
    let mut own: RowLanes<T, S, R> = [zero; R];
    for i in 0..R {
        own[i] = values[first + i].load(simd);
    }
    let places = factors.along.iter_mut().zip(&mut factors.across);
    for (y, (along, across)) in y.runs(1).zip(places) {
        let (squared, inner) = if I::MOVING {
            inner_products::<S, T, R>(simd, (x, first), y)
        } else {
            let squared = squares::<S, T, R>(simd, (x.positions, first), y.positions);
            (squared, [zero; R])
        };
        let of_y = y.weights[0].load(simd);
        let mut met = false;
        for i in 0..R {
            let weight = of_y * x.weights[0][first + i];
            let factor = integrand.apart(weight, squared[i], inner[i], &mut own[i]);
            along[first + i].store(factor);
            across[first + i].store(zero);
            met |= integrand.meet(squared[i]);
        }
        if met {
            factors.met = true;
            let speeds = squares::<S, T, R>(simd, (x.velocities, first), y.velocities);
            for i in 0..R {
                let weight = of_y * x.weights[0][first + i];
                let factor = integrand.coincident(weight, squared[i], speeds[i], &mut own[i]);
                across[first + i].store(factor);
            }
        }
    }
    for i in 0..R {
        values[first + i].store(own[i]);
    }
}

/// Adds `factors` times the differences of x and y to the gradient in x, and takes them from that
/// in y if `BOTH` are wanted.
#[inline(always)]
fn spread<S: Simd, T: Real, const R: usize, const BOTH: bool>(
    simd: S,
    factors: &[Tile<T>],
    (x, y): (&[Row<T>], &[Chunk<T>]),
    of_x: &mut [Tile<T>],
    of_y: &mut [Chunk<T>],
) {
    let dim = x.len();
    let zero = T::Lanes::splat(simd, T::zero());
    // What the rows before have added to the gradient in y.
    let mut of_chunks = [Chunk::<T>::default(); RUN];
    for (k, (x, of_x)) in x.iter().zip(of_x).enumerate() {
        for first in (0..ROWS).step_by(R) {
            let mut rows = [zero; R];
            let mut sums = [zero; R];
            for i in 0..R {
                rows[i] = T::Lanes::splat(simd, x[first + i]);
                sums[i] = of_x[first + i].load(simd);
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
                    sums[i] = factor.times_plus(u, sums[i]);
                    if BOTH {
                        of_chunk = factor.times_plus(u, of_chunk);
                    }
                }
                if BOTH && first + R < ROWS {
                    of_chunks[chunk].store(of_chunk);
                } else if BOTH {
                    let entry = &mut of_y[chunk * dim + k];
                    entry.store(entry.load(simd) - of_chunk);
                }
            }
            for i in 0..R {
                of_x[first + i].store(sums[i]);
            }
        }
    }
}

/// |xᵢ−yⱼ|² for R rows of x and a chunk of y.
#[inline(always)]
fn squares<S: Simd, T: Real, const R: usize>(
    simd: S,
    (x, first): (&[Row<T>], usize),
    y: &[Chunk<T>],
) -> RowLanes<T, S, R> {
    let mut sums = [T::Lanes::splat(simd, T::zero()); R];
    for (x, y) in x.iter().zip(y) {
        let y = y.load(simd);
        for i in 0..R {
            let u = T::Lanes::splat(simd, x[first + i]) - y;
            sums[i] = u.times_plus(u, sums[i]);
        }
    }
    sums
}

/// |xᵢ−yⱼ|² and ⟨xᵢ−yⱼ, aᵢ−bⱼ⟩ likewise.
#[inline(always)]
fn inner_products<S: Simd, T: Real, const R: usize>(
    simd: S,
    (x, first): (Groups<'_, Row<T>>, usize),
    y: Groups<'_, Chunk<T>>,
) -> (RowLanes<T, S, R>, RowLanes<T, S, R>) {
    let mut squares = [T::Lanes::splat(simd, T::zero()); R];
    let mut inner = squares;
    let of_x = x.positions.iter().zip(x.velocities);
    let of_y = y.positions.iter().zip(y.velocities);
    for ((x, a), (y, b)) in of_x.zip(of_y) {
        let (y, b) = (y.load(simd), b.load(simd));
        for i in 0..R {
            let u = T::Lanes::splat(simd, x[first + i]) - y;
            let h = T::Lanes::splat(simd, a[first + i]) - b;
            squares[i] = u.times_plus(u, squares[i]);
            inner[i] = u.times_plus(h, inner[i]);
        }
    }
    (squares, inner)
}
