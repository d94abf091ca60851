//! The packed particles of a sum over pairs, its blocks on all threads, and its gradients.

use std::ops::Range;
use std::slice::ChunksExactMut;

use fearless_simd::Level;
use rayon::prelude::*;
use rieszflow_numerics::Real;
use rieszflow_numerics::compiled::of_type;
use rieszflow_numerics::ranks::{Communicator, Message, share};
use rieszflow_numerics::simd::Chunk;

use super::all_pairs::AllPairs;
use super::blocks::{self, Gradients, Integrand, ROWS, Results, RowGroup};
use super::coincident::Coincident;
use super::integrands::{PairEnergy, Separated};
use super::packed::Packed;
use super::partition::{MOST_BLOCKS, Partition, Shares};
use super::{GradientRows, Moving};
use crate::RieszKernel;
use crate::kernel::Distance;

/// What is summed over the pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Summand {
    Energy,
    Separated,
    Coincident,
}

/// What is kept from call to call.
#[derive(Debug, Default)]
pub(super) struct Memory<T: Real> {
    pub(super) x: Packed<RowGroup<T>>,
    pub(super) y: Packed<Chunk<T>>,
    /// The gradient in x, groups × d.
    gradient_x: Vec<RowGroup<T>>,
    /// Per block: its running sums, and its gradient in y, chunks × d.
    blocks: Vec<Chunk<T>>,
    values: Vec<f64>,
    /// Per group of x the chunks of y that it coincides with.
    pub(super) coincident: Vec<Range<usize>>,
    /// The gradient in the velocities from the separated pairs, that of x above that of y;
    /// empty if it is not that of the particles in `x` and `y`.
    pub(super) linear: Vec<T>,
}

/// A sum over the particles of a [`Memory`].
pub(super) struct Job<'a> {
    pub(super) kernel: RieszKernel,
    pub(super) level: Level,
    pub(super) summand: Summand,
    pub(super) partition: &'a Partition,
    pub(super) ranks: &'a dyn Communicator,
}

/// [`Memory::sum_here`], compiled in this crate.
struct PackedSum<T: Real>(fn(&mut Memory<T>, &Job<'_>) -> f64);

static PACKED_SUM_F32: PackedSum<f32> = PackedSum(Memory::sum_here);
static PACKED_SUM_F64: PackedSum<f64> = PackedSum(Memory::sum_here);

impl<T: Real> Memory<T> {
    /// Sums over all pairs of the packed particles, on all ranks of the job; the gradients stay in the
    /// memory of the first one.
    pub(super) fn sum(&mut self, job: &Job<'_>) -> f64 {
        let PackedSum(compiled) = of_type([&PACKED_SUM_F32, &PACKED_SUM_F64]);
        compiled(self, job)
    }

    fn sum_here(&mut self, job: &Job<'_>) -> f64 {
        let (power, is_distance) = (job.kernel.radial(), job.kernel.exponent() == 1.0);
        match job.summand {
            Summand::Energy if is_distance => self.sum_of(AllPairs(PairEnergy(Distance)), job),
            Summand::Energy => self.sum_of(AllPairs(PairEnergy(power)), job),
            Summand::Separated if is_distance => self.sum_of(AllPairs(Separated(Distance)), job),
            Summand::Separated => self.sum_of(AllPairs(Separated(power)), job),
            Summand::Coincident => self.sum_of(Coincident(job.kernel), job),
        }
    }

    /// Sums `integrand` over the packed particles, block by block, and adds up the values in the
    /// order of the rows.
    fn sum_of<I: Integrand<T>>(&mut self, integrand: I, job: &Job<'_>) -> f64 {
        let shares = Shares::new(job.partition, job.ranks);
        self.reserve(job.partition, &shares);
        let mut sums = [0.0; MOST_BLOCKS];
        for round in shares.rounds() {
            self.evaluate(integrand, job, &shares, &round);
            self.gather(job, &shares, &round);
            let values = &self.values[..shares.values(&round)];
            for (index, value) in values.iter().enumerate() {
                sums[shares.block(&round, index)] += value;
            }
        }
        sums[..job.partition.blocks()].iter().sum()
    }

    /// Evaluates this rank's share of some units, in pieces for all threads.
    fn evaluate<I: Integrand<T>>(
        &mut self,
        integrand: I,
        job: &Job<'_>,
        shares: &Shares<'_>,
        round: &Range<usize>,
    ) {
        let partition = job.partition;
        let own = share(round, job.ranks.rank(), job.ranks.size());
        if own.is_empty() {
            return;
        }
        let (groups, piece) = (shares.groups(&own), shares.piece(own.len()));
        let piece_groups = shares.groups(&(own.start..own.start + piece)).len();
        let piece_values = shares.values(&(0..piece));
        let x = self.x.groups(partition.dim).range(groups.clone());
        let y = self.y.groups(partition.dim);
        let evaluate = |((((index, values), coincident), gradient_x), block): Task<'_, T>| {
            let (sums, gradient_y) = block.split_at_mut(partition.dim * ROWS);
            gradient_y.fill(Chunk::default());
            let gradients = !matches!(partition.gradients, Gradients::Neither);
            values.fill(0.0);
            let results = Results {
                values,
                gradient_x: if gradients { gradient_x } else { &mut [] },
                gradient_y,
                coincident,
                sums: sums.as_chunks_mut().0,
            };
            let start = index * piece_groups;
            let x = x.range(start..x.len().min(start + piece_groups));
            blocks::block(job.level, integrand, x, y, results);
        };
        let values = &mut self.values[shares.places(round, &own)];
        let coincident = &mut self.coincident[groups.clone()];
        let gradient_x =
            &mut self.gradient_x[groups.start * partition.dim..groups.end * partition.dim];
        let blocks = &mut self.blocks[shares.memory_start(&own)..];
        if values.len() <= piece_values {
            let block = &mut blocks[..partition.block_len()];
            evaluate(((((0, values), coincident), gradient_x), block));
        } else {
            values
                .par_chunks_mut(piece_values)
                .enumerate()
                .zip(coincident.par_chunks_mut(piece_groups))
                .zip(gradient_x.par_chunks_mut(piece_groups * partition.dim))
                .zip(blocks.par_chunks_exact_mut(partition.block_len()))
                .for_each(evaluate);
        }
    }

    /// Brings the results of all ranks for some units to the first one.
    fn gather(&mut self, job: &Job<'_>, shares: &Shares<'_>, round: &Range<usize>) {
        let (rank, size) = (job.ranks.rank(), job.ranks.size());
        if size == 1 {
            return;
        }
        let mut message = Message::default();
        if rank > 0 {
            let own = share(round, rank, size);
            self.results(job, shares, round, &own).put(&mut message);
        }
        let gathered = job.ranks.gather(message.bytes());
        for (other, bytes) in (1..).zip(gathered) {
            let units = share(round, other, size);
            let results = self.results(job, shares, round, &units);
            results.take(&mut Message::new(bytes));
        }
    }

    /// The results for some units of a round.
    fn results(
        &mut self,
        job: &Job<'_>,
        shares: &Shares<'_>,
        round: &Range<usize>,
        units: &Range<usize>,
    ) -> UnitResults<'_, T> {
        let partition = job.partition;
        let (dim, groups) = (partition.dim, shares.groups(units));
        let (in_x, in_y) = match partition.gradients {
            Gradients::Neither => (0..0, 0),
            Gradients::InX => (groups.start * dim..groups.end * dim, 0),
            Gradients::InBoth => (groups.start * dim..groups.end * dim, units.len()),
        };
        let coincident = match job.summand {
            Summand::Energy => 0..0,
            Summand::Separated | Summand::Coincident => groups,
        };
        let len = partition.block_len();
        UnitResults {
            values: &mut self.values[shares.places(round, units)],
            gradient_x: self.gradient_x[in_x].as_flattened_mut(),
            blocks: self.blocks[shares.memory_start(units)..][..in_y * len].chunks_exact_mut(len),
            gradient_y_start: dim * ROWS,
            coincident: &mut self.coincident[coincident],
        }
    }

    fn reserve(&mut self, partition: &Partition, shares: &Shares<'_>) {
        fn at_least<V: Clone + Default>(memory: &mut Vec<V>, len: usize) {
            if memory.len() < len {
                memory.resize(len, V::default());
            }
        }
        self.coincident.resize(partition.groups(), 0..0);
        at_least(&mut self.gradient_x, partition.groups() * partition.dim);
        at_least(&mut self.blocks, shares.pieces() * partition.block_len());
        at_least(&mut self.values, shares.most_values());
    }

    /// The sum of `linear` times velocities; adds `scale` times `linear` to the gradient in them.
    pub(super) fn along(
        &mut self,
        partition: &Partition,
        (x, y): (Moving<'_, T>, Moving<'_, T>),
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
    pub(super) fn collect(
        &self,
        partition: &Partition,
        scale: T,
        gradient: &mut GradientRows<'_, T>,
    ) {
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

/// A piece's number and its places for values, coincident chunks, the gradient in x and the rest.
type Task<'m, T> = (
    (
        ((usize, &'m mut [f64]), &'m mut [Range<usize>]),
        &'m mut [RowGroup<T>],
    ),
    &'m mut [Chunk<T>],
);

/// The results for some units, as far as the sum has them.
struct UnitResults<'m, T: Real> {
    values: &'m mut [f64],
    gradient_x: &'m mut [T],
    /// The memory of the blocks, with the gradients in y from some place on.
    blocks: ChunksExactMut<'m, Chunk<T>>,
    gradient_y_start: usize,
    coincident: &'m mut [Range<usize>],
}

impl<T: Real> UnitResults<'_, T> {
    fn put(self, message: &mut Message) {
        message.put(self.values);
        message.put(self.gradient_x);
        for block in self.blocks {
            for chunk in &block[self.gradient_y_start..] {
                message.put(chunk.as_ref());
            }
        }
        for chunks in self.coincident {
            message.put_count(chunks.start);
            message.put_count(chunks.end);
        }
    }

    fn take(self, message: &mut Message) {
        message.fill(self.values);
        message.fill(self.gradient_x);
        for block in self.blocks {
            for chunk in &mut block[self.gradient_y_start..] {
                message.fill(chunk.as_mut());
            }
        }
        for chunks in self.coincident {
            *chunks = message.count()..message.count();
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
