//! The sums over pairs, fast: blocks of rows on all threads, combined in a fixed order.

use std::ops::Range;
use std::sync::Mutex;

use fearless_simd::Level;
use rayon::prelude::*;
use rieszflow_autodiff::Real;
use rieszflow_autodiff::lanes::Chunk;

use super::blocks::{self, Gradients, ROWS, Row};
use super::integrands::{Derivative, Energy, Integrand};
use super::packed::{Packed, Velocities};
use super::{GradientRows, Moving};
use crate::kernel::Distance;
use crate::{Measure, RieszKernel};

/// A block has at least this many coordinate differences: below, one thread is faster than two.
const LEAST_WORK: usize = 1 << 17;
/// Bounds the memory of the gradients in y, one per block: O(N) in all.
const MOST_BLOCKS: usize = 16;

/// Sums over pairs of particles with the Riesz kernel, on all threads of the current rayon pool.
///
/// For μ = Σ uᵢ δ_{xᵢ} and ν = Σ wⱼ δ_{yⱼ}, and for velocities aᵢ and bⱼ,
///
/// ```math
/// \sum_{i,j} u_i w_j\,|x_i-y_j|^r \qquad\text{and}\qquad
/// \sum_{i,j} u_i w_j\, ∂|\cdot|^r(x_i-y_j;\, a_i-b_j)
/// ```
///
/// with their gradients, in the positions and in the velocities. Source: Altekrüger et al. 2023,
/// Section 5; coincident particles as told in [`crate::pair_sums`].
///
/// Positions and velocities are N×d for μ and M×d for ν, gradients a row per particle
/// ([`GradientRows`]). The result does not depend on the number of threads, to the bit. Cost: O(NMd)
/// time on all cores; O((N+M)d) memory, never N·M, which is kept from call to call, so that only the
/// first call allocates.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::{Measure, PairSums, Points, RieszKernel};
///
/// let x = DMatrix::from_row_slice(2, 2, &[0.0, 0.0, 3.0, 4.0]);
/// let sums = PairSums::new(RieszKernel::new(1.0)?);
/// let x = Measure::uniform(Points::from(&x));
/// assert_eq!(sums.energy(x, x), 2.5); // (0 + 5 + 5 + 0) / 4
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct PairSums<T: Real> {
    kernel: RieszKernel,
    pub(super) level: Level,
    memory: Mutex<Memory<T>>,
}

/// What is kept from call to call.
#[derive(Debug, Default)]
struct Memory<T: Real> {
    x: Packed<Row<T>>,
    y: Packed<Chunk<T>>,
    /// The gradient in x, groups × d.
    of_x: Vec<Row<T>>,
    /// Per block: its running sums, and its gradient in y, chunks × d.
    blocks: Vec<Chunk<T>>,
    values: Vec<f64>,
}

impl<T: Real> PairSums<T> {
    /// The sums with `kernel`.
    pub fn new(kernel: RieszKernel) -> Self {
        Self {
            kernel,
            level: Level::new(),
            memory: Mutex::default(),
        }
    }

    /// The kernel.
    pub fn kernel(&self) -> RieszKernel {
        self.kernel
    }

    /// ∬ |x−y|ʳ dμ(x) dν(y) = Σᵢⱼ uᵢ wⱼ |xᵢ−yⱼ|ʳ; 0 if a measure is empty.
    ///
    /// # Panics
    /// If the measures live in spaces of different dimension.
    pub fn energy(&self, x: Measure<'_, T>, y: Measure<'_, T>) -> f64 {
        self.sum_of_energies(x, y, 0.0, None)
    }

    /// The energy; `scale` times its gradient is added to the rows of x and, if named, of y.
    ///
    /// # Panics
    /// If the dimensions differ or `gradient` is too small.
    pub fn energy_gradient(
        &self,
        x: Measure<'_, T>,
        y: Measure<'_, T>,
        scale: f64,
        gradient: &mut GradientRows<'_, T>,
    ) -> f64 {
        self.sum_of_energies(x, y, scale, Some(gradient))
    }

    /// Σᵢⱼ uᵢ wⱼ ∂|·|ʳ(xᵢ−yⱼ; aᵢ−bⱼ); `scale` times its gradient in the velocities is added.
    ///
    /// Not finite where a coincident pair with r < 1 has different velocities.
    ///
    /// # Panics
    /// If the dimensions differ or `gradient` is too small.
    pub fn directional_derivative(
        &self,
        x: Moving<'_, T>,
        y: Moving<'_, T>,
        scale: f64,
        gradient: &mut GradientRows<'_, T>,
    ) -> f64 {
        let (velocities, r) = (Velocities::Needed, self.kernel.exponent());
        let sum = if self.is_distance() {
            let integrand = Derivative(Distance);
            self.sum(integrand, x, y, velocities, r * scale, Some(gradient))
        } else {
            let integrand = Derivative(self.kernel.radial());
            self.sum(integrand, x, y, velocities, r * scale, Some(gradient))
        };
        r * sum
    }

    fn sum_of_energies(
        &self,
        x: Measure<'_, T>,
        y: Measure<'_, T>,
        scale: f64,
        gradient: Option<&mut GradientRows<'_, T>>,
    ) -> f64 {
        let (x, y) = (Moving::resting(x), Moving::resting(y));
        let (velocities, scale) = (Velocities::Unused, self.kernel.exponent() * scale);
        if self.is_distance() {
            self.sum(Energy(Distance), x, y, velocities, scale, gradient)
        } else {
            let integrand = Energy(self.kernel.radial());
            self.sum(integrand, x, y, velocities, scale, gradient)
        }
    }

    fn is_distance(&self) -> bool {
        self.kernel.exponent() == 1.0
    }

    /// Sums `integrand` over all pairs, block by block, and adds up the values in the order of the
    /// rows.
    fn sum<I: Integrand<T>>(
        &self,
        integrand: I,
        x: Moving<'_, T>,
        y: Moving<'_, T>,
        velocities: Velocities,
        scale: f64,
        gradient: Option<&mut GradientRows<'_, T>>,
    ) -> f64 {
        let layout = Layout::new(x.measure, y.measure, gradient.as_deref());
        if layout.is_empty() {
            return 0.0;
        }
        let mut memory = self.memory.lock().expect("no block panics");
        memory.reserve(&layout);
        let Memory {
            x: packed_x,
            y: packed_y,
            of_x,
            blocks,
            values,
        } = &mut *memory;
        packed_x.fill(x, velocities);
        packed_y.fill(y, velocities);
        let x = packed_x.groups(layout.dim);
        let y = packed_y.groups(layout.dim);
        let evaluate = |(((index, value), of_x), block): Task<'_, T>| {
            let (sums, of_y) = block.split_at_mut(layout.dim * ROWS);
            of_y.fill(Chunk::default());
            let gradients = Gradients {
                x: if layout.gradient { of_x } else { &mut [] },
                y: of_y,
                sums: sums.as_chunks_mut().0,
            };
            let x = x.range(layout.groups(index));
            *value = blocks::block(self.level, integrand, x, y, gradients);
        };
        let of_x = &mut of_x[..x.len() * layout.dim];
        let values = &mut values[..layout.blocks()];
        let each_of_x = layout.block_groups * layout.dim;
        if values.len() == 1 {
            evaluate((
                ((0, &mut values[0]), of_x),
                &mut blocks[..layout.block_len()],
            ));
        } else {
            values
                .par_iter_mut()
                .enumerate()
                .zip(of_x.par_chunks_mut(each_of_x))
                .zip(blocks.par_chunks_exact_mut(layout.block_len()))
                .for_each(evaluate);
        }
        if let Some(gradient) = gradient {
            let scale = T::from_f64(scale * layout.norm);
            layout.collect(of_x, blocks, scale, gradient);
        }
        layout.norm * values.iter().sum::<f64>()
    }
}

/// A block's number and its places for value, gradient in x and the rest.
type Task<'m, T> = (((usize, &'m mut f64), &'m mut [Row<T>]), &'m mut [Chunk<T>]);

/// How the rows of x are cut into blocks; depends on the sizes alone, not on the threads.
struct Layout {
    x_count: usize,
    y_count: usize,
    dim: usize,
    /// Groups of eight rows in a block.
    block_groups: usize,
    /// Chunks of y.
    chunks: usize,
    gradient: bool,
    both: bool,
    /// The weight that the blocks left out: 1/N for each measure without weights.
    norm: f64,
}

impl Layout {
    fn new<T: Real>(
        x: Measure<'_, T>,
        y: Measure<'_, T>,
        gradient: Option<&GradientRows<'_, T>>,
    ) -> Self {
        assert_eq!(x.points.dim(), y.points.dim(), "one space");
        let norm = |measure: &Measure<'_, T>| match measure.weights {
            Some(_) => 1.0,
            None => 1.0 / measure.points.count().max(1) as f64,
        };
        let (x_count, y_count, dim) = (x.points.count(), y.points.count(), x.points.dim());
        let group_work = (ROWS * y_count * dim).max(1);
        let groups = x_count.div_ceil(ROWS);
        Self {
            x_count,
            y_count,
            dim,
            block_groups: LEAST_WORK
                .div_ceil(group_work)
                .max(groups.div_ceil(MOST_BLOCKS)),
            chunks: y_count.div_ceil(Chunk::<T>::LEN),
            gradient: gradient.is_some(),
            both: gradient.is_some_and(|gradient| gradient.y_start.is_some()),
            norm: norm(&x) * norm(&y),
        }
    }

    fn is_empty(&self) -> bool {
        self.x_count * self.y_count * self.dim == 0
    }

    fn blocks(&self) -> usize {
        self.x_count.div_ceil(ROWS * self.block_groups)
    }

    /// The groups of rows of block `index`.
    fn groups(&self, index: usize) -> Range<usize> {
        let start = index * self.block_groups;
        start..self.x_count.div_ceil(ROWS).min(start + self.block_groups)
    }

    fn block_len(&self) -> usize {
        let of_y = if self.both { self.chunks } else { 0 };
        self.dim * (ROWS + of_y)
    }

    /// Adds the blocks' gradients to the rows where they belong.
    fn collect<T: Real>(
        &self,
        of_x: &[Row<T>],
        blocks: &[Chunk<T>],
        scale: T,
        gradient: &mut GradientRows<'_, T>,
    ) {
        for k in 0..self.dim {
            add(gradient.x(k, self.x_count), scale, &of_x[k..], self.dim);
            if let Some(target) = gradient.y(k, self.y_count) {
                for block in blocks.chunks_exact(self.block_len()).take(self.blocks()) {
                    add(target, scale, &block[self.dim * ROWS + k..], self.dim);
                }
            }
        }
    }
}

/// Adds `scale` times every `stride`-th vector of `terms`.
fn add<T: Real, V: AsRef<[T]>>(target: &mut [T], scale: T, terms: &[V], stride: usize) {
    let len = terms[0].as_ref().len();
    for (target, terms) in target.chunks_mut(len).zip(terms.iter().step_by(stride)) {
        for (entry, &term) in target.iter_mut().zip(terms.as_ref()) {
            *entry += scale * term;
        }
    }
}

impl<T: Real> Memory<T> {
    fn reserve(&mut self, layout: &Layout) {
        fn at_least<V: Clone + Default>(memory: &mut Vec<V>, len: usize) {
            if memory.len() < len {
                memory.resize(len, V::default());
            }
        }
        at_least(&mut self.of_x, layout.x_count.div_ceil(ROWS) * layout.dim);
        at_least(&mut self.blocks, layout.blocks() * layout.block_len());
        at_least(&mut self.values, layout.blocks());
    }
}
