//! The sums over pairs, fast: blocks of rows on all threads, combined in a fixed order.

use std::ops::Range;

use fearless_simd::Level;
use rayon::prelude::*;
use rieszflow_numerics::Real;
use rieszflow_numerics::compiled::of_type;
use rieszflow_numerics::simd::Chunk;
use rieszflow_numerics::working_memory::WorkingMemory;

use super::all_pairs::AllPairs;
use super::blocks::{self, Gradients, Integrand, ROWS, Results, RowGroup};
use super::coincident::Coincident;
use super::integrands::{PairEnergy, Separated};
use super::packed::Packed;
use super::partition::Partition;
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
/// first call allocates. Many threads may share one object.
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
    level: Level,
    memory: WorkingMemory<Memory<T>>,
}

/// What is kept from call to call.
#[derive(Debug, Default)]
struct Memory<T: Real> {
    x: Packed<RowGroup<T>>,
    y: Packed<Chunk<T>>,
    /// The gradient in x, groups × d.
    gradient_x: Vec<RowGroup<T>>,
    /// Per block: its running sums, and its gradient in y, chunks × d.
    blocks: Vec<Chunk<T>>,
    values: Vec<f64>,
    /// Per group of x the chunks of y that it coincides with.
    coincident: Vec<Range<usize>>,
    /// The gradient in the velocities from the separated pairs, that of x above that of y;
    /// empty if it is not that of the particles in `x` and `y`.
    linear: Vec<T>,
}

impl<T: Real> PairSums<T> {
    /// The sums with `kernel`.
    pub fn new(kernel: RieszKernel) -> Self {
        Self::with_level(kernel, Level::new())
    }

    /// The sums with `kernel` on the instruction set `level`; [`new`](Self::new) takes the best there is.
    pub fn with_level(kernel: RieszKernel, level: Level) -> Self {
        Self {
            kernel,
            level,
            memory: WorkingMemory::default(),
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
    /// Separated pairs contribute a linear function of the velocities. Its coefficients are kept: as
    /// long as the positions stay the same, another call costs O((N+M)d) and the coincident pairs.
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
        let gradients = if y.velocities.is_some() || gradient.y_start.is_some() {
            Gradients::InBoth
        } else {
            Gradients::InX
        };
        let mut partition = Partition::new(x.measure, y.measure, gradients);
        if partition.is_empty() {
            return 0.0;
        }
        let factor = self.kernel.exponent() * partition.norm;
        let scale = T::from_f64(scale * factor);
        self.memory.with(|memory| {
            let known = memory.x.fill(x.measure) & memory.y.fill(y.measure);
            if !known || memory.linear.len() != partition.gradient_len() {
                self.find_linear(&partition, memory);
            }
            let mut sum = memory.along(&partition, x, y, scale, gradient);
            let coincident: usize = memory.coincident.iter().map(Range::len).sum();
            if coincident > 0 && self.kernel.exponent() <= 1.0 {
                memory.x.set_velocities(x.velocities);
                memory.y.set_velocities(y.velocities);
                partition.set_work(ROWS * Chunk::<T>::LEN * coincident * partition.dim);
                sum += self.sum(Summand::Coincident, &partition, memory);
                memory.collect(&partition, scale, gradient);
            }
            factor * sum
        })
    }

    /// Finds the coefficients of the velocities, and the coincident pairs.
    fn find_linear(&self, partition: &Partition, memory: &mut Memory<T>) {
        self.sum(Summand::Separated, partition, memory);
        let mut linear = std::mem::take(&mut memory.linear);
        linear.clear();
        linear.resize(partition.gradient_len(), T::zero());
        let rows = &mut partition.gradient_rows(&mut linear);
        memory.collect(partition, T::one(), rows);
        memory.linear = linear;
    }

    fn sum_of_energies(
        &self,
        x: Measure<'_, T>,
        y: Measure<'_, T>,
        scale: f64,
        gradient: Option<&mut GradientRows<'_, T>>,
    ) -> f64 {
        let gradients = match &gradient {
            None => Gradients::Neither,
            Some(gradient) if gradient.y_start.is_none() => Gradients::InX,
            Some(_) => Gradients::InBoth,
        };
        let partition = Partition::new(x, y, gradients);
        if partition.is_empty() {
            return 0.0;
        }
        self.memory.with(|memory| {
            memory.x.fill(x);
            memory.y.fill(y);
            memory.linear.clear();
            let sum = self.sum(Summand::Energy, &partition, memory);
            if let Some(gradient) = gradient {
                let scale = self.kernel.exponent() * scale * partition.norm;
                memory.collect(&partition, T::from_f64(scale), gradient);
            }
            partition.norm * sum
        })
    }

    fn sum(&self, summand: Summand, partition: &Partition, memory: &mut Memory<T>) -> f64 {
        let PackedSum(compiled) = of_type([&PACKED_SUM_F32, &PACKED_SUM_F64]);
        compiled(memory, self.kernel, self.level, summand, partition)
    }
}

/// What is summed over the pairs.
#[derive(Clone, Copy)]
enum Summand {
    Energy,
    Separated,
    Coincident,
}

/// [`Memory::sum`], compiled in this crate.
struct PackedSum<T: Real>(fn(&mut Memory<T>, RieszKernel, Level, Summand, &Partition) -> f64);

static PACKED_SUM_F32: PackedSum<f32> = PackedSum(Memory::sum);
static PACKED_SUM_F64: PackedSum<f64> = PackedSum(Memory::sum);

impl<T: Real> Memory<T> {
    /// Sums over all pairs of the packed particles; the gradients stay in the memory.
    fn sum(
        &mut self,
        kernel: RieszKernel,
        level: Level,
        summand: Summand,
        partition: &Partition,
    ) -> f64 {
        let (power, is_distance) = (kernel.radial(), kernel.exponent() == 1.0);
        match summand {
            Summand::Energy if is_distance => {
                self.sum_of(AllPairs(PairEnergy(Distance)), level, partition)
            }
            Summand::Energy => self.sum_of(AllPairs(PairEnergy(power)), level, partition),
            Summand::Separated if is_distance => {
                self.sum_of(AllPairs(Separated(Distance)), level, partition)
            }
            Summand::Separated => self.sum_of(AllPairs(Separated(power)), level, partition),
            Summand::Coincident => self.sum_of(Coincident(kernel), level, partition),
        }
    }

    /// Sums `integrand` over the packed particles, block by block, and adds up the values in the
    /// order of the rows; the gradients stay in the memory.
    fn sum_of<I: Integrand<T>>(
        &mut self,
        integrand: I,
        level: Level,
        partition: &Partition,
    ) -> f64 {
        self.reserve(partition);
        let x = self.x.groups(partition.dim);
        let y = self.y.groups(partition.dim);
        let evaluate = |((((index, value), coincident), gradient_x), block): Task<'_, T>| {
            let (sums, gradient_y) = block.split_at_mut(partition.dim * ROWS);
            gradient_y.fill(Chunk::default());
            let gradients = !matches!(partition.gradients, Gradients::Neither);
            let results = Results {
                gradient_x: if gradients { gradient_x } else { &mut [] },
                gradient_y,
                coincident,
                sums: sums.as_chunks_mut().0,
            };
            let x = x.range(partition.groups(index));
            *value = blocks::block(level, integrand, x, y, results);
        };
        let gradient_x = &mut self.gradient_x[..x.len() * partition.dim];
        let values = &mut self.values[..partition.blocks()];
        let coincident = &mut self.coincident[..x.len()];
        let blocks = &mut self.blocks;
        if values.len() == 1 {
            let block = &mut blocks[..partition.block_len()];
            evaluate(((((0, &mut values[0]), coincident), gradient_x), block));
        } else {
            values
                .par_iter_mut()
                .enumerate()
                .zip(coincident.par_chunks_mut(partition.block_groups))
                .zip(gradient_x.par_chunks_mut(partition.block_groups * partition.dim))
                .zip(blocks.par_chunks_exact_mut(partition.block_len()))
                .for_each(evaluate);
        }
        values.iter().sum()
    }
}

/// A block's number and its places for the value, coincident chunks, the gradient in x and the rest.
type Task<'m, T> = (
    (
        ((usize, &'m mut f64), &'m mut [Range<usize>]),
        &'m mut [RowGroup<T>],
    ),
    &'m mut [Chunk<T>],
);

impl<T: Real> Memory<T> {
    fn reserve(&mut self, partition: &Partition) {
        fn at_least<V: Clone + Default>(memory: &mut Vec<V>, len: usize) {
            if memory.len() < len {
                memory.resize(len, V::default());
            }
        }
        self.coincident
            .resize(partition.x_count.div_ceil(ROWS), 0..0);
        at_least(
            &mut self.gradient_x,
            partition.x_count.div_ceil(ROWS) * partition.dim,
        );
        at_least(&mut self.blocks, partition.blocks() * partition.block_len());
        at_least(&mut self.values, partition.blocks());
    }

    /// The sum of `linear` times velocities; adds `scale` times `linear` to the gradient in them.
    fn along(
        &mut self,
        partition: &Partition,
        x: Moving<'_, T>,
        y: Moving<'_, T>,
        scale: T,
        gradient: &mut GradientRows<'_, T>,
    ) -> f64 {
        let mut linear = partition.gradient_rows(&mut self.linear);
        let mut sum = 0.0;
        for k in 0..partition.dim {
            let gradient_x = linear.x(k, partition.x_count);
            add(gradient.x(k, partition.x_count), scale, &[&*gradient_x], 1);
            sum += x
                .velocities
                .map_or(0.0, |a| inner(gradient_x, a.coordinate(k)));
            if let Some(gradient_y) = linear.y(k, partition.y_count) {
                if let Some(target) = gradient.y(k, partition.y_count) {
                    add(target, scale, &[&*gradient_y], 1);
                }
                sum += y
                    .velocities
                    .map_or(0.0, |b| inner(gradient_y, b.coordinate(k)));
            }
        }
        sum
    }

    /// Adds the blocks' gradients to the rows where they belong.
    fn collect(&self, partition: &Partition, scale: T, gradient: &mut GradientRows<'_, T>) {
        let blocks = || self.blocks.chunks_exact(partition.block_len());
        for k in 0..partition.dim {
            let gradient_x = &self.gradient_x[k..];
            add(
                gradient.x(k, partition.x_count),
                scale,
                gradient_x,
                partition.dim,
            );
            if let Some(target) = gradient.y(k, partition.y_count) {
                for block in blocks().take(partition.blocks()) {
                    add(
                        target,
                        scale,
                        &block[partition.dim * ROWS + k..],
                        partition.dim,
                    );
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
