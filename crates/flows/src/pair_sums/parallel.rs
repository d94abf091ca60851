//! The sums over pairs, fast: blocks of rows on all threads, combined in a fixed order.

use std::ops::Range;
use std::sync::Mutex;

use fearless_simd::Level;
use rayon::prelude::*;
use rieszflow_numerics::Real;
use rieszflow_numerics::simd::Chunk;

use super::blocks::{self, Everywhere, Integrand, ROWS, Results, Row, Wanted};
use super::integrands::{Apart, Energy};
use super::layout::Layout;
use super::meeting::Meeting;
use super::packed::Packed;
use super::{GradientRows, Moving};
use crate::kernel::Distance;
use crate::{Measure, RieszKernel};

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
    /// Per group of x the chunks of y that it meets.
    met: Vec<Range<usize>>,
    /// The gradient in the velocities from the pairs that are apart, that of x above that of y;
    /// empty if it is not that of the particles in `x` and `y`.
    linear: Vec<T>,
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
    /// Pairs that are apart contribute what is linear in the velocities. Its coefficients are kept: as
    /// long as the positions stay the same, another call costs O((N+M)d) and the pairs that meet.
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
        let wanted = if y.velocities.is_some() || gradient.y_start.is_some() {
            Wanted::OfBoth
        } else {
            Wanted::OfX
        };
        let mut layout = Layout::new(x.measure, y.measure, wanted);
        if layout.is_empty() {
            return 0.0;
        }
        let factor = self.kernel.exponent() * layout.norm;
        let scale = T::from_f64(scale * factor);
        let memory = &mut *self.memory.lock().expect("no block panics");
        let known = memory.x.fill(x.measure) & memory.y.fill(y.measure);
        if !known || memory.linear.len() != layout.gradient_len() {
            self.find_linear(&layout, memory);
        }
        let mut sum = memory.along(&layout, x, y, scale, gradient);
        let met: usize = memory.met.iter().map(Range::len).sum();
        if met > 0 && self.kernel.exponent() <= 1.0 {
            memory.x.set_in_motion(x.velocities);
            memory.y.set_in_motion(y.velocities);
            layout.set_work(ROWS * Chunk::<T>::LEN * met * layout.dim);
            sum += self.sum(&layout, Meeting(self.kernel), memory);
            memory.collect(&layout, scale, gradient);
        }
        factor * sum
    }

    /// Finds the coefficients of the velocities, and the pairs that meet.
    fn find_linear(&self, layout: &Layout, memory: &mut Memory<T>) {
        if self.is_distance() {
            self.sum(layout, Everywhere(Apart(Distance)), memory);
        } else {
            let power = self.kernel.radial();
            self.sum(layout, Everywhere(Apart(power)), memory);
        }
        let mut linear = std::mem::take(&mut memory.linear);
        linear.clear();
        linear.resize(layout.gradient_len(), T::zero());
        let rows = &mut layout.gradient_rows(&mut linear);
        memory.collect(layout, T::one(), rows);
        memory.linear = linear;
    }

    fn sum_of_energies(
        &self,
        x: Measure<'_, T>,
        y: Measure<'_, T>,
        scale: f64,
        gradient: Option<&mut GradientRows<'_, T>>,
    ) -> f64 {
        let wanted = match &gradient {
            None => Wanted::Nothing,
            Some(gradient) if gradient.y_start.is_none() => Wanted::OfX,
            Some(_) => Wanted::OfBoth,
        };
        let layout = Layout::new(x, y, wanted);
        if layout.is_empty() {
            return 0.0;
        }
        let memory = &mut *self.memory.lock().expect("no block panics");
        memory.x.fill(x);
        memory.y.fill(y);
        memory.linear.clear();
        let sum = if self.is_distance() {
            self.sum(&layout, Everywhere(Energy(Distance)), memory)
        } else {
            let power = self.kernel.radial();
            self.sum(&layout, Everywhere(Energy(power)), memory)
        };
        if let Some(gradient) = gradient {
            let scale = self.kernel.exponent() * scale * layout.norm;
            memory.collect(&layout, T::from_f64(scale), gradient);
        }
        layout.norm * sum
    }

    fn is_distance(&self) -> bool {
        self.kernel.exponent() == 1.0
    }

    /// Sums `integrand` over the packed particles, block by block, and adds up the values in the
    /// order of the rows; the gradients stay in the memory.
    fn sum<I: Integrand<T>>(&self, layout: &Layout, integrand: I, memory: &mut Memory<T>) -> f64 {
        memory.reserve(layout);
        let x = memory.x.groups(layout.dim);
        let y = memory.y.groups(layout.dim);
        let evaluate = |((((index, value), met), of_x), block): Task<'_, T>| {
            let (sums, of_y) = block.split_at_mut(layout.dim * ROWS);
            of_y.fill(Chunk::default());
            let wanted = !matches!(layout.wanted, Wanted::Nothing);
            let results = Results {
                of_x: if wanted { of_x } else { &mut [] },
                of_y,
                met,
                sums: sums.as_chunks_mut().0,
            };
            let x = x.range(layout.groups(index));
            *value = blocks::block(self.level, integrand, x, y, results);
        };
        let of_x = &mut memory.of_x[..x.len() * layout.dim];
        let values = &mut memory.values[..layout.blocks()];
        let met = &mut memory.met[..x.len()];
        let blocks = &mut memory.blocks;
        if values.len() == 1 {
            let block = &mut blocks[..layout.block_len()];
            evaluate(((((0, &mut values[0]), met), of_x), block));
        } else {
            values
                .par_iter_mut()
                .enumerate()
                .zip(met.par_chunks_mut(layout.block_groups))
                .zip(of_x.par_chunks_mut(layout.block_groups * layout.dim))
                .zip(blocks.par_chunks_exact_mut(layout.block_len()))
                .for_each(evaluate);
        }
        values.iter().sum()
    }
}

/// A block's number and its places for the value, what it meets, the gradient in x and the rest.
type Task<'m, T> = (
    (
        ((usize, &'m mut f64), &'m mut [Range<usize>]),
        &'m mut [Row<T>],
    ),
    &'m mut [Chunk<T>],
);

impl<T: Real> Memory<T> {
    fn reserve(&mut self, layout: &Layout) {
        fn at_least<V: Clone + Default>(memory: &mut Vec<V>, len: usize) {
            if memory.len() < len {
                memory.resize(len, V::default());
            }
        }
        self.met.resize(layout.x_count.div_ceil(ROWS), 0..0);
        at_least(&mut self.of_x, layout.x_count.div_ceil(ROWS) * layout.dim);
        at_least(&mut self.blocks, layout.blocks() * layout.block_len());
        at_least(&mut self.values, layout.blocks());
    }

    /// The sum of `linear` times velocities; adds `scale` times `linear` to the gradient in them.
    fn along(
        &mut self,
        layout: &Layout,
        x: Moving<'_, T>,
        y: Moving<'_, T>,
        scale: T,
        gradient: &mut GradientRows<'_, T>,
    ) -> f64 {
        let mut linear = layout.gradient_rows(&mut self.linear);
        let mut sum = 0.0;
        for k in 0..layout.dim {
            let of_x = linear.x(k, layout.x_count);
            add(gradient.x(k, layout.x_count), scale, &[&*of_x], 1);
            sum += x.velocities.map_or(0.0, |a| inner(of_x, a.coordinate(k)));
            if let Some(of_y) = linear.y(k, layout.y_count) {
                if let Some(target) = gradient.y(k, layout.y_count) {
                    add(target, scale, &[&*of_y], 1);
                }
                sum += y.velocities.map_or(0.0, |b| inner(of_y, b.coordinate(k)));
            }
        }
        sum
    }

    /// Adds the blocks' gradients to the rows where they belong.
    fn collect(&self, layout: &Layout, scale: T, gradient: &mut GradientRows<'_, T>) {
        let blocks = || self.blocks.chunks_exact(layout.block_len());
        for k in 0..layout.dim {
            let of_x = &self.of_x[k..];
            add(gradient.x(k, layout.x_count), scale, of_x, layout.dim);
            if let Some(target) = gradient.y(k, layout.y_count) {
                for block in blocks().take(layout.blocks()) {
                    add(target, scale, &block[layout.dim * ROWS + k..], layout.dim);
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

/// Σ gᵢ aᵢ in double precision, eight sums side by side.
fn inner<T: Real>(g: &[T], a: &[T]) -> f64 {
    let mut sums = [0.0; 8];
    for (g, a) in g.chunks(sums.len()).zip(a.chunks(sums.len())) {
        for (sum, (g, a)) in sums.iter_mut().zip(g.iter().zip(a)) {
            *sum += g.into_f64() * a.into_f64();
        }
    }
    sums.iter().sum()
}
