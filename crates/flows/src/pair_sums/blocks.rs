//! The inner loops: some rows of x against all of y, sixteen pairs at a time.
//!
//! They are written so that the compiler vectorises them, once for each instruction set that
//! matters; the fitting version is chosen when the program runs. Fixed lanes make the order of
//! summation, and so the result, the same in all of them. Coordinates are subtracted, never
//! |x|²−2⟨x,y⟩+|y|² expanded, which would lose everything where particles are close.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]
#![expect(
    clippy::needless_range_loop,
    reason = "coordinates are numbered alike in particles, sums and gradients"
)]

use multiversion::multiversion;
use rieszflow_autodiff::Real;

use crate::kernel::Power;
use crate::{Measure, Points};

const LANES: usize = 16;
type Lanes<T> = [T; LANES];

/// Some rows of x with all of y.
#[derive(Clone, Copy)]
pub(super) struct Block<'a, T> {
    pub(super) x: Points<'a, T>,
    pub(super) x_weights: Option<&'a [T]>,
    pub(super) y: Measure<'a, T>,
}

impl<T: Real> Block<'_, T> {
    /// Weights of sixteen pairs of particle i from particle j of y on, 0 beyond the last; a
    /// measure without weights counts 1 each here.
    #[inline(always)]
    fn weights(&self, i: usize, j: usize) -> Lanes<T> {
        let of_x = self.x_weights.map_or(T::one(), |w| w[i]);
        let left = self.y.points.count() - j;
        match self.y.weights {
            None if left >= LANES => [of_x; LANES],
            None => std::array::from_fn(|l| if l < left { of_x } else { T::zero() }),
            Some(w) => std::array::from_fn(|l| if l < left { of_x * w[j + l] } else { T::zero() }),
        }
    }
}

/// Velocities of the particles of a block; `None` where they rest.
#[derive(Clone, Copy)]
pub(super) struct Velocities<'a, T> {
    pub(super) x: Option<Points<'a, T>>,
    pub(super) y: Option<Points<'a, T>>,
}

impl<T: Real> Velocities<'_, T> {
    /// Coordinate k of aᵢ−bⱼ for sixteen particles of y from j on.
    #[inline(always)]
    fn relative(&self, k: usize, i: usize, j: usize) -> Lanes<T> {
        let a = self.x.map_or(T::zero(), |a| a.coordinate(k)[i]);
        match self.y {
            Some(b) => load(b.coordinate(k), j).map(|b| a - b),
            None => [a; LANES],
        }
    }
}

/// Sixteen values from `j` on; past the end the last one is repeated.
#[inline(always)]
fn load<T: Real>(values: &[T], j: usize) -> Lanes<T> {
    let rest = &values[j..];
    match rest.first_chunk() {
        Some(chunk) => *chunk,
        None => std::array::from_fn(|l| rest[l.min(rest.len() - 1)]),
    }
}

/// Differences of coordinate k of particle i of x to sixteen particles of y.
#[inline(always)]
fn differences<T: Real>(
    x: Points<'_, T>,
    y: Points<'_, T>,
    k: usize,
    i: usize,
    j: usize,
) -> Lanes<T> {
    let (x, y) = (x.coordinate(k)[i], load(y.coordinate(k), j));
    y.map(|y| x - y)
}

#[inline(always)]
fn total<T: Real>(lanes: &Lanes<T>) -> f64 {
    lanes.iter().map(|v| v.into_f64()).sum()
}

/// Takes sixteen terms from the gradient of particles j and following of y.
#[inline(always)]
fn take<T: Real>(column: &mut [T], j: usize, terms: &Lanes<T>) {
    for (entry, &term) in column[j..].iter_mut().zip(terms) {
        *entry -= term;
    }
}

/// What a block adds up: gradients in its rows of x and, if wanted, in all of y.
pub(super) struct Partial<'a, T> {
    /// Rows of the block × d, column-major; overwritten.
    pub(super) x: &'a mut [T],
    /// Rows of y × d, column-major, or empty if not wanted; added to.
    pub(super) y: &'a mut [T],
    /// Sixteen running sums per coordinate.
    pub(super) lanes: &'a mut [Lanes<T>],
}

/// Σ of wᵢⱼ |xᵢ−yⱼ|ʳ over a block. `D` is the dimension, or 0 for any.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
pub(super) fn energy<T: Real, P: Power<T>, const D: usize>(power: P, block: Block<'_, T>) -> f64 {
    let (x, y) = (block.x, block.y.points);
    let dim = if D == 0 { x.dim() } else { D };
    let mut sum = 0.0;
    for i in 0..x.count() {
        let mut values = [T::zero(); LANES];
        for j in (0..y.count()).step_by(LANES) {
            let mut squared = [T::zero(); LANES];
            for k in 0..dim {
                let u = differences(x, y, k, i, j);
                for l in 0..LANES {
                    squared[l] += u[l] * u[l];
                }
            }
            let weights = block.weights(i, j);
            for l in 0..LANES {
                values[l] += weights[l] * power.value_and_factor(squared[l]).0;
            }
        }
        sum += total(&values);
    }
    sum
}

/// The energy of a block, and its gradient. `D` is the dimension, or 0 for any.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
pub(super) fn energy_gradient<T: Real, P: Power<T>, const D: usize, const BOTH: bool>(
    power: P,
    block: Block<'_, T>,
    partial: Partial<'_, T>,
) -> f64 {
    let (x, y) = (block.x, block.y.points);
    let dim = if D == 0 { x.dim() } else { D };
    let mut local = [[T::zero(); LANES]; D];
    let sums = if D == 0 {
        partial.lanes
    } else {
        &mut local[..]
    };
    let mut sum = 0.0;
    for i in 0..x.count() {
        let mut values = [T::zero(); LANES];
        sums.fill([T::zero(); LANES]);
        for j in (0..y.count()).step_by(LANES) {
            let mut squared = [T::zero(); LANES];
            for k in 0..dim {
                let u = differences(x, y, k, i, j);
                for l in 0..LANES {
                    squared[l] += u[l] * u[l];
                }
            }
            let mut factors = block.weights(i, j);
            for l in 0..LANES {
                let (value, factor) = power.value_and_factor(squared[l]);
                values[l] += factors[l] * value;
                factors[l] *= factor;
            }
            for k in 0..dim {
                let mut terms = differences(x, y, k, i, j);
                for l in 0..LANES {
                    terms[l] *= factors[l];
                    sums[k][l] += terms[l];
                }
                if BOTH {
                    take(
                        &mut partial.y[k * y.count()..(k + 1) * y.count()],
                        j,
                        &terms,
                    );
                }
            }
        }
        sum += total(&values);
        for k in 0..dim {
            partial.x[k * x.count() + i] = T::from_f64(total(&sums[k]));
        }
    }
    sum
}

/// Σ of wᵢⱼ ∂|·|ʳ(xᵢ−yⱼ; aᵢ−bⱼ) over a block, and its gradient in the velocities.
///
/// `D` is the dimension, or 0 for any.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
pub(super) fn directional_derivative<T: Real, P: Power<T>, const D: usize, const BOTH: bool>(
    power: P,
    block: Block<'_, T>,
    velocities: Velocities<'_, T>,
    partial: Partial<'_, T>,
) -> f64 {
    let (x, y) = (block.x, block.y.points);
    let dim = if D == 0 { x.dim() } else { D };
    let relative = |k, i, j| velocities.relative(k, i, j);
    let mut local = [[T::zero(); LANES]; D];
    let sums = if D == 0 {
        partial.lanes
    } else {
        &mut local[..]
    };
    let mut sum = 0.0;
    for i in 0..x.count() {
        let mut values = [T::zero(); LANES];
        sums.fill([T::zero(); LANES]);
        for j in (0..y.count()).step_by(LANES) {
            let mut squared = [T::zero(); LANES];
            let mut inner = [T::zero(); LANES];
            let mut speed_squared = [T::zero(); LANES];
            for k in 0..dim {
                let (u, h) = (differences(x, y, k, i, j), relative(k, i, j));
                for l in 0..LANES {
                    squared[l] += u[l] * u[l];
                    inner[l] += u[l] * h[l];
                    speed_squared[l] += h[l] * h[l];
                }
            }
            let mut along = block.weights(i, j);
            let mut across = along;
            for l in 0..LANES {
                let (value, alpha, beta) =
                    power.directional(squared[l], inner[l], speed_squared[l]);
                values[l] += along[l] * value;
                along[l] *= alpha;
                across[l] *= beta;
            }
            for k in 0..dim {
                let (u, h) = (differences(x, y, k, i, j), relative(k, i, j));
                let mut terms = [T::zero(); LANES];
                for l in 0..LANES {
                    terms[l] = along[l] * u[l] + across[l] * h[l];
                    sums[k][l] += terms[l];
                }
                if BOTH {
                    take(
                        &mut partial.y[k * y.count()..(k + 1) * y.count()],
                        j,
                        &terms,
                    );
                }
            }
        }
        sum += total(&values);
        for k in 0..dim {
            partial.x[k * x.count() + i] = T::from_f64(total(&sums[k]));
        }
    }
    sum
}
