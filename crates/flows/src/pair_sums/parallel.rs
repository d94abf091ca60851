//! The sums over pairs, fast: blocks of rows on all threads, combined in a fixed order.

use std::ops::Range;

use fearless_simd::Level;
use rieszflow_numerics::Real;
use rieszflow_numerics::ranks::Team;
use rieszflow_numerics::simd::Chunk;
use rieszflow_numerics::working_memory::WorkingMemory;

use super::blocks::{Gradients, ROWS};
use super::distributed;
use super::memory::{Job, Memory, Summand};
use super::partition::Partition;
use super::{GradientRows, Moving};
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
                self.find_linear(&partition, (x, y), memory);
            }
            let mut sum = memory.along(&partition, (x, y), scale, gradient);
            let coincident: usize = memory.coincident.iter().map(Range::len).sum();
            if coincident > 0 && self.kernel.exponent() <= 1.0 {
                memory.x.set_velocities(x.velocities);
                memory.y.set_velocities(y.velocities);
                partition.set_work(ROWS * Chunk::<T>::LEN * coincident * partition.dim);
                sum += self.sum(Summand::Coincident, &partition, (x, y), memory);
                memory.collect(&partition, scale, gradient);
            }
            factor * sum
        })
    }

    /// Finds the coefficients of the velocities, and the coincident pairs.
    fn find_linear(
        &self,
        partition: &Partition,
        particles: (Moving<'_, T>, Moving<'_, T>),
        memory: &mut Memory<T>,
    ) {
        self.sum(Summand::Separated, partition, particles, memory);
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
            let particles = (Moving::resting(x), Moving::resting(y));
            let sum = self.sum(Summand::Energy, &partition, particles, memory);
            if let Some(gradient) = gradient {
                let scale = self.kernel.exponent() * scale * partition.norm;
                memory.collect(&partition, T::from_f64(scale), gradient);
            }
            partition.norm * sum
        })
    }

    /// Sums over all pairs of the packed particles, on all ranks if that is worth it; the gradients stay in
    /// the memory.
    fn sum(
        &self,
        summand: Summand,
        partition: &Partition,
        particles: (Moving<'_, T>, Moving<'_, T>),
        memory: &mut Memory<T>,
    ) -> f64 {
        let team = Team::new(partition.is_long());
        let job = Job {
            kernel: self.kernel,
            level: self.level,
            summand,
            partition,
            ranks: team.ranks(),
        };
        team.call(distributed::work::<T>(), |message| {
            distributed::put(message, &job, particles, &memory.coincident);
        });
        memory.sum(&job)
    }
}
