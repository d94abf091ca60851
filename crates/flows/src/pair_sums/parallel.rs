//! The sums over pairs, fast: blocks of rows on all threads, combined in a fixed order.

use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;
use rieszflow_autodiff::Real;

use super::blocks::{self, Block, Partial, Velocities};
use super::{GradientRows, Moving};
use crate::kernel::{Distance, Power, Radial};
use crate::{Measure, RieszKernel};

/// A block has at least this many rows, and there are at most `MOST_BLOCKS` blocks.
const LEAST_ROWS: usize = 32;
/// Bounds the memory of the gradients in y, one per block: O(N) in all.
const MOST_BLOCKS: usize = 16;
/// Below this many coordinate differences one thread is faster than two.
const PARALLEL_THRESHOLD: usize = 1 << 17;

/// Sums over pairs of particles with the Riesz kernel, on all threads of the current rayon pool.
///
/// The result does not depend on the number of threads, to the bit. The working memory is O(N·d),
/// never N², and is kept from call to call, so that only the first call allocates.
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
pub struct PairSums<T> {
    kernel: RieszKernel,
    memory: Mutex<Memory<T>>,
}

#[derive(Debug, Default)]
struct Memory<T> {
    /// Per block: its gradient in x, its gradient in y, its lanes.
    partials: Vec<T>,
    lanes: Vec<[T; 16]>,
    values: Vec<f64>,
}

impl<T: Real> PairSums<T> {
    /// The sums with `kernel`.
    pub fn new(kernel: RieszKernel) -> Self {
        Self {
            kernel,
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
        let layout = Layout::new(x, y, false);
        let sum = self.run(&layout, |rows, _| match self.power() {
            Either::Distance(power) => energy(power, block(x, y, &rows)),
            Either::Radial(power) => energy(power, block(x, y, &rows)),
        });
        layout.norm * sum
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
        let layout = Layout::new(x, y, gradient.y_start.is_some());
        let sum = self.run(&layout, |rows, partial| match self.power() {
            Either::Distance(power) => energy_gradient(power, block(x, y, &rows), partial),
            Either::Radial(power) => energy_gradient(power, block(x, y, &rows), partial),
        });
        self.collect(&layout, scale, gradient);
        layout.norm * sum
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
        let layout = Layout::new(x.measure, y.measure, gradient.y_start.is_some());
        let sum = self.run(&layout, |rows, partial| {
            let block = block(x.measure, y.measure, &rows);
            let velocities = Velocities {
                x: x.velocities.map(|v| v.rows(rows)),
                y: y.velocities,
            };
            match self.power() {
                Either::Distance(power) => {
                    directional_derivative(power, block, velocities, partial)
                }
                Either::Radial(power) => directional_derivative(power, block, velocities, partial),
            }
        });
        self.collect(&layout, scale, gradient);
        layout.norm * sum
    }

    fn power(&self) -> Either<T> {
        let radial = self.kernel.radial();
        radial
            .distance()
            .map_or(Either::Radial(radial), Either::Distance)
    }

    /// Evaluates all blocks and returns the sum of their values, in the order of the rows.
    fn run(
        &self,
        layout: &Layout,
        block: impl Fn(Range<usize>, Partial<'_, T>) -> f64 + Sync,
    ) -> f64 {
        if layout.is_empty() {
            return 0.0;
        }
        let mut memory = self.memory.lock().expect("no block panics");
        memory.reserve(layout);
        let Memory {
            partials,
            lanes,
            values,
        } = &mut *memory;
        let blocks = layout.blocks();
        let values = &mut values[..blocks];
        let evaluate = |(((index, value), partial), lanes): Task<'_, T>| {
            let rows = layout.rows(index);
            let (of_x, of_y) = partial.split_at_mut(layout.block_rows * layout.dim);
            of_y.fill(T::zero());
            let partial = Partial {
                x: &mut of_x[..rows.len() * layout.dim],
                y: of_y,
                lanes,
            };
            *value = block(rows, partial);
        };
        if layout.work() < PARALLEL_THRESHOLD {
            values
                .iter_mut()
                .enumerate()
                .zip(partials.chunks_exact_mut(layout.partial_len()))
                .zip(lanes.chunks_exact_mut(layout.dim))
                .for_each(evaluate);
        } else {
            values
                .par_iter_mut()
                .enumerate()
                .zip(partials.par_chunks_exact_mut(layout.partial_len()))
                .zip(lanes.par_chunks_exact_mut(layout.dim))
                .for_each(evaluate);
        }
        values.iter().sum()
    }

    /// Adds the blocks' gradients to the rows where they belong.
    fn collect(&self, layout: &Layout, scale: f64, gradient: &mut GradientRows<'_, T>) {
        if layout.is_empty() {
            return;
        }
        let memory = self.memory.lock().expect("no block panics");
        let scale = T::from_f64(scale * layout.norm);
        let partials = memory.partials.chunks_exact(layout.partial_len());
        for (index, partial) in partials.take(layout.blocks()).enumerate() {
            let rows = layout.rows(index);
            let (of_x, of_y) = partial.split_at(layout.block_rows * layout.dim);
            for k in 0..layout.dim {
                let target = &mut gradient.x(k, layout.x_count)[rows.clone()];
                add(target, scale, &of_x[k * rows.len()..]);
                if let Some(target) = gradient.y(k, layout.y_count) {
                    add(target, scale, &of_y[k * layout.y_count..]);
                }
            }
        }
    }
}

/// A block's number and its places for value, gradients and lanes.
type Task<'m, T> = (((usize, &'m mut f64), &'m mut [T]), &'m mut [[T; 16]]);

fn add<T: Real>(target: &mut [T], scale: T, terms: &[T]) {
    for (entry, &term) in target.iter_mut().zip(terms) {
        *entry += scale * term;
    }
}

enum Either<T> {
    Distance(Distance<T>),
    Radial(Radial<T>),
}

/// How the rows of x are cut into blocks; depends on the sizes alone, not on the threads.
struct Layout {
    x_count: usize,
    y_count: usize,
    dim: usize,
    block_rows: usize,
    both: bool,
    /// The weight that the blocks left out: 1/N for each measure without weights.
    norm: f64,
}

impl Layout {
    fn new<T: Real>(x: Measure<'_, T>, y: Measure<'_, T>, both: bool) -> Self {
        assert_eq!(x.points.dim(), y.points.dim(), "one space");
        let norm = |measure: &Measure<'_, T>| match measure.weights {
            Some(_) => 1.0,
            None => 1.0 / measure.points.count().max(1) as f64,
        };
        let x_count = x.points.count();
        Self {
            x_count,
            y_count: y.points.count(),
            dim: x.points.dim(),
            block_rows: LEAST_ROWS.max(x_count.div_ceil(MOST_BLOCKS)),
            both,
            norm: norm(&x) * norm(&y),
        }
    }

    fn is_empty(&self) -> bool {
        self.work() == 0
    }

    fn work(&self) -> usize {
        self.x_count * self.y_count * self.dim
    }

    fn blocks(&self) -> usize {
        self.x_count.div_ceil(self.block_rows)
    }

    fn rows(&self, index: usize) -> Range<usize> {
        let start = index * self.block_rows;
        start..self.x_count.min(start + self.block_rows)
    }

    fn partial_len(&self) -> usize {
        let of_y = if self.both { self.y_count } else { 0 };
        (self.block_rows + of_y) * self.dim
    }
}

impl<T: Real> Memory<T> {
    fn reserve(&mut self, layout: &Layout) {
        fn at_least<V: Clone>(memory: &mut Vec<V>, len: usize, value: V) {
            if memory.len() < len {
                memory.resize(len, value);
            }
        }
        let blocks = layout.blocks();
        at_least(&mut self.partials, blocks * layout.partial_len(), T::zero());
        at_least(&mut self.lanes, blocks * layout.dim, [T::zero(); 16]);
        at_least(&mut self.values, blocks, 0.0);
    }
}

fn block<'a, T: Real>(x: Measure<'a, T>, y: Measure<'a, T>, rows: &Range<usize>) -> Block<'a, T> {
    Block {
        x: x.points.rows(rows.clone()),
        x_weights: x.weights.map(|w| &w[rows.clone()]),
        y,
    }
}

/// Calls a block function compiled for dimension 1, 2, 3 or any other.
macro_rules! for_dimension {
    ($function:ident, $dim:expr, $both:expr, $($argument:expr),*) => {
        match ($dim, $both) {
            (1, false) => blocks::$function::<T, P, 1, false>($($argument),*),
            (1, true) => blocks::$function::<T, P, 1, true>($($argument),*),
            (2, false) => blocks::$function::<T, P, 2, false>($($argument),*),
            (2, true) => blocks::$function::<T, P, 2, true>($($argument),*),
            (3, false) => blocks::$function::<T, P, 3, false>($($argument),*),
            (3, true) => blocks::$function::<T, P, 3, true>($($argument),*),
            (_, false) => blocks::$function::<T, P, 0, false>($($argument),*),
            (_, true) => blocks::$function::<T, P, 0, true>($($argument),*),
        }
    };
}

fn energy<T: Real, P: Power<T>>(power: P, block: Block<'_, T>) -> f64 {
    match block.x.dim() {
        1 => blocks::energy::<T, P, 1>(power, block),
        2 => blocks::energy::<T, P, 2>(power, block),
        3 => blocks::energy::<T, P, 3>(power, block),
        _ => blocks::energy::<T, P, 0>(power, block),
    }
}

fn energy_gradient<T: Real, P: Power<T>>(
    power: P,
    block: Block<'_, T>,
    partial: Partial<'_, T>,
) -> f64 {
    let both = !partial.y.is_empty();
    for_dimension!(energy_gradient, block.x.dim(), both, power, block, partial)
}

fn directional_derivative<T: Real, P: Power<T>>(
    power: P,
    block: Block<'_, T>,
    velocities: Velocities<'_, T>,
    partial: Partial<'_, T>,
) -> f64 {
    let both = !partial.y.is_empty();
    for_dimension!(
        directional_derivative,
        block.x.dim(),
        both,
        power,
        block,
        velocities,
        partial
    )
}
