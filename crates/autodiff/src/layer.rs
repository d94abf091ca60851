//! The passes over the affine layers of a network: blocks of rows that stay in the cache, on all threads.
//!
//! The rows of a batch are halved into equal parts, as many as a power of two, and the blocks of a
//! part follow one another. Each block goes through all layers, forth and back, before the next one
//! follows, so that what one layer leaves the next one finds in the cache. How the rows are cut
//! depends on the sizes alone, so the results do not depend on the threads.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use faer::prelude::IntoConst;
use faer::{MatMut, MatRef};
use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};

use crate::Real;
use crate::lanes::Chunk;
use crate::ops::Activation;
use crate::product::{LEAST_PIECE, Store, multiply, multiply_here};

/// Rows of a block: a multiple of the height of the product's innermost loop, and few enough for
/// the product to be at its fastest.
const BLOCK: usize = 192;
/// Most rows of a part, unless there would be too many.
const PART: usize = 512;
/// Bounds the memory of the gradients in the parameters, one per part of the batch.
const MOST_PARTS: usize = 16;

/// In how many parts a batch is cut.
pub(crate) fn parts(rows: usize) -> usize {
    let parts = rows.div_ceil(PART).max(1);
    parts.next_power_of_two().min(MOST_PARTS)
}

/// Whether a layer has so few outputs that Ȳᵀ X is found faster as its transpose.
pub(crate) fn is_narrow(outputs: usize) -> bool {
    outputs < 16
}

/// Where a batch is cut in two, at a full vector.
fn half(rows: usize) -> usize {
    (rows / 2).next_multiple_of(16)
}

/// The layer Y = σ(X Wᵀ + 1 bᵀ).
#[derive(Clone, Copy)]
pub(crate) struct Affine<'a, T> {
    /// W, outputs × inputs.
    pub(crate) weight: MatRef<'a, T>,
    /// b.
    pub(crate) bias: &'a [T],
    /// σ.
    pub(crate) activation: Activation,
}

/// Layers that follow one another.
pub(crate) trait Layers<'a, T: Real>: Copy + Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// One of them.
    fn get(&self, index: usize) -> Affine<'a, T>;

    /// All of them.
    fn all(self) -> impl DoubleEndedIterator<Item = Affine<'a, T>> + ExactSizeIterator {
        (0..self.count()).map(move |index| self.get(index))
    }

    /// Outputs of all layers but the last.
    fn hidden(self) -> usize {
        let outputs = self.all().map(|layer| layer.weight.nrows());
        outputs.take(self.count() - 1).sum()
    }

    /// Parameters of all layers.
    fn parameters(self) -> usize {
        let parameters = self
            .all()
            .map(|layer| (layer.weight.ncols() + 1) * layer.bias.len());
        parameters.sum()
    }

    /// The most outputs that a layer has.
    fn widest(self) -> usize {
        self.all().map(|layer| layer.bias.len()).max().unwrap_or(0)
    }
}

/// Some rows of a batch in the forward pass.
pub(crate) struct Forward<'a, T> {
    /// X.
    pub(crate) input: MatRef<'a, T>,
    /// The outputs of all layers but the last: block by block, and layer by layer in a block.
    pub(crate) hidden: &'a mut [T],
    /// Y.
    pub(crate) output: MatMut<'a, T>,
}

impl<T: Real> Forward<'_, T> {
    fn count(&self) -> usize {
        self.output.nrows()
    }

    fn split_at(self, row: usize, hidden: usize) -> (Self, Self) {
        let (input, lower_input) = self.input.split_at_row(row);
        let (hidden, lower_hidden) = self.hidden.split_at_mut(row * hidden);
        let (output, lower_output) = self.output.split_at_row_mut(row);
        let upper = Self {
            input,
            hidden,
            output,
        };
        let lower = Self {
            input: lower_input,
            hidden: lower_hidden,
            output: lower_output,
        };
        (upper, lower)
    }
}

/// How products are taken: on all threads or on this one.
pub(crate) type Multiply<T> = fn(MatMut<'_, T>, Store, MatRef<'_, T>, MatRef<'_, T>);

/// Y from X through all layers.
pub(crate) fn forward<'a, T: Real>(layers: impl Layers<'a, T>, rows: Forward<'_, T>) {
    match parts(rows.count()) {
        1 => ascend(layers, rows, multiply),
        parts => forward_parts(parts, layers, rows),
    }
}

fn forward_parts<'a, T: Real>(parts: usize, layers: impl Layers<'a, T>, rows: Forward<'_, T>) {
    let hidden = layers.hidden();
    if parts > 1 {
        let count = rows.count();
        let (upper, lower) = rows.split_at(half(count), hidden);
        join(
            count * layers.parameters(),
            || forward_parts(parts / 2, layers, upper),
            || forward_parts(parts / 2, layers, lower),
        );
        return;
    }
    let mut rest = rows;
    while rest.count() > 0 {
        let count = BLOCK.min(rest.count());
        let (block, after) = rest.split_at(count, hidden);
        ascend(layers, block, multiply_here);
        rest = after;
    }
}

/// A block through all layers.
fn ascend<'a, T: Real>(layers: impl Layers<'a, T>, block: Forward<'_, T>, multiply: Multiply<T>) {
    let count = block.count();
    let Forward {
        mut input,
        mut hidden,
        mut output,
    } = block;
    for (index, layer) in layers.all().enumerate() {
        let transposed = layer.weight.transpose();
        if index + 1 == layers.count() {
            multiply(output.as_mut(), Store::Replace, input, transposed);
            activate(output.as_mut(), layer.bias, layer.activation);
        } else {
            let outputs = layer.bias.len();
            let (own, others) = hidden.split_at_mut(count * outputs);
            let mut own = MatMut::from_column_major_slice_mut(own, count, outputs);
            multiply(own.as_mut(), Store::Replace, input, transposed);
            activate(own.as_mut(), layer.bias, layer.activation);
            (input, hidden) = (own.into_const(), others);
        }
    }
}

/// Some rows of a batch in the reverse sweep.
pub(crate) struct Backward<'a, T> {
    /// X.
    pub(crate) input: MatRef<'a, T>,
    /// The outputs of all layers but the last, as in [`Forward`].
    pub(crate) hidden: &'a [T],
    /// Y.
    pub(crate) output: MatRef<'a, T>,
    /// Ȳ, which will be masked by σ'.
    pub(crate) cotangent: MatMut<'a, T>,
    /// X̄, if it is wanted, and whether to replace it.
    pub(crate) of_input: Option<(MatMut<'a, T>, Store)>,
}

impl<T: Real> Backward<'_, T> {
    fn count(&self) -> usize {
        self.output.nrows()
    }

    fn split_at(self, row: usize, hidden: usize) -> (Self, Self) {
        let (input, lower_input) = self.input.split_at_row(row);
        let (hidden, lower_hidden) = self.hidden.split_at(row * hidden);
        let (output, lower_output) = self.output.split_at_row(row);
        let (cotangent, lower_cotangent) = self.cotangent.split_at_row_mut(row);
        let (of_input, lower_of_input) = match self.of_input {
            None => (None, None),
            Some((of_input, store)) => {
                let (upper, lower) = of_input.split_at_row_mut(row);
                (Some((upper, store)), Some((lower, store)))
            }
        };
        let upper = Self {
            input,
            hidden,
            output,
            cotangent,
            of_input,
        };
        let lower = Self {
            input: lower_input,
            hidden: lower_hidden,
            output: lower_output,
            cotangent: lower_cotangent,
            of_input: lower_of_input,
        };
        (upper, lower)
    }
}

/// How much memory a part needs in the reverse sweep: gradients in all parameters, then that of
/// [`descend`].
pub(crate) fn part_memory<'a, T: Real>(layers: impl Layers<'a, T>) -> usize {
    layers.parameters() + block_memory(layers, BLOCK)
}

/// How much memory [`descend`] needs: the cotangents of two layers, and sums of the columns of one.
pub(crate) fn block_memory<'a, T: Real>(layers: impl Layers<'a, T>, rows: usize) -> usize {
    (2 * rows + 1) * layers.widest()
}

/// X̄ += what follows from Ȳ, and the gradients in the parameters at the start of `memory`: of each
/// layer that in W (its transpose if the layer is narrow) and then that in b.
///
/// `memory` has room for the same of each part; they are added up in pairs.
pub(crate) fn backward_parts<'a, T: Real>(
    parts: usize,
    layers: impl Layers<'a, T>,
    rows: Backward<'_, T>,
    memory: &mut [T],
) {
    let (hidden, parameters) = (layers.hidden(), layers.parameters());
    if parts > 1 {
        let count = rows.count();
        let (upper, lower) = rows.split_at(half(count), hidden);
        let (of_upper, of_lower) = memory.split_at_mut(parts / 2 * part_memory(layers));
        join(
            2 * count * parameters,
            || backward_parts(parts / 2, layers, upper, of_upper),
            || backward_parts(parts / 2, layers, lower, of_lower),
        );
        for (sum, &term) in of_upper.iter_mut().zip(&of_lower[..parameters]) {
            *sum += term;
        }
        return;
    }
    let (gradients, memory) = memory.split_at_mut(parameters);
    gradients.fill(T::zero());
    let mut rest = rows;
    while rest.count() > 0 {
        let count = BLOCK.min(rest.count());
        let (block, after) = rest.split_at(count, hidden);
        let mut end = parameters;
        descend(layers, block, multiply_here, memory, |_, layer| {
            let (m, k) = layer.layer.weight.shape();
            let own = &mut gradients[end - (k + 1) * m..end];
            end -= own.len();
            let (of_weight, of_bias) = own.split_at_mut(k * m);
            layer.weight_gradient(of_weight, Store::Add, multiply_here);
            for (sum, &term) in of_bias.iter_mut().zip(layer.of_bias) {
                *sum += term;
            }
        });
        rest = after;
    }
}

/// A layer in the reverse sweep, and what follows from its cotangent.
pub(crate) struct LayerCotangent<'a, T> {
    layer: Affine<'a, T>,
    /// X.
    input: MatRef<'a, T>,
    /// Ȳ, masked by σ'.
    cotangent: MatRef<'a, T>,
    /// The gradient in b: the sums of the columns of Ȳ.
    pub(crate) of_bias: &'a [T],
}

impl<T: Real> LayerCotangent<'_, T> {
    /// W̄ = Ȳᵀ X, or its transpose if the layer is narrow.
    pub(crate) fn weight_gradient(&self, of_weight: &mut [T], store: Store, multiply: Multiply<T>) {
        let (m, k) = self.layer.weight.shape();
        if is_narrow(m) {
            let of_weight = MatMut::from_column_major_slice_mut(of_weight, k, m);
            multiply(of_weight, store, self.input.transpose(), self.cotangent);
        } else {
            let of_weight = MatMut::from_column_major_slice_mut(of_weight, m, k);
            multiply(of_weight, store, self.cotangent.transpose(), self.input);
        }
    }

    /// X̄ = Ȳ W.
    pub(crate) fn input_gradient(
        &self,
        of_input: MatMut<'_, T>,
        store: Store,
        multiply: Multiply<T>,
    ) {
        multiply(of_input, store, self.cotangent, self.layer.weight);
    }
}

/// A block back through all layers, from the last to the first; each one is shown to `visit`.
pub(crate) fn descend<'a, T: Real>(
    layers: impl Layers<'a, T>,
    block: Backward<'_, T>,
    multiply: Multiply<T>,
    memory: &mut [T],
    mut visit: impl FnMut(usize, &LayerCotangent<'_, T>),
) {
    let count = block.count();
    let (sums, memory) = memory.split_at_mut(layers.widest());
    let (mut own, mut other) = memory.split_at_mut(memory.len() / 2);
    let (mut of_output, mut of_input) = (Some(block.cotangent), block.of_input);
    let (mut output, mut hidden) = (block.output, block.hidden);
    for (index, layer) in layers.all().enumerate().rev() {
        let (m, k) = layer.weight.shape();
        let input = if index == 0 {
            block.input
        } else {
            let (before, input) = hidden.split_at(hidden.len() - count * k);
            hidden = before;
            MatRef::from_column_major_slice(input, count, k)
        };
        let mut cotangent = match of_output.take() {
            Some(of_output) => of_output,
            None => MatMut::from_column_major_slice_mut(&mut own[..count * m], count, m),
        };
        let of_bias = &mut sums[..m];
        of_bias.fill(T::zero());
        mask(cotangent.as_mut(), output, layer.activation, of_bias);
        let shown = LayerCotangent {
            layer,
            input,
            cotangent: cotangent.as_ref(),
            of_bias,
        };
        visit(index, &shown);
        if index > 0 {
            let below = MatMut::from_column_major_slice_mut(&mut other[..count * k], count, k);
            shown.input_gradient(below, Store::Replace, multiply);
            std::mem::swap(&mut own, &mut other);
            output = input;
        } else if let Some((of_input, store)) = of_input.take() {
            shown.input_gradient(of_input, store, multiply);
        }
    }
}

/// Runs both on two threads if there is enough to do, given as a number of multiplications.
fn join(work: usize, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    if work < 2 * LEAST_PIECE {
        a();
        b();
    } else {
        rayon::join(a, b);
    }
}

fn activate<T: Real>(y: MatMut<'_, T>, bias: &[T], activation: Activation) {
    dispatch!(Level::new(), simd => activate_on(simd, y, bias, activation));
}

#[inline(always)]
fn activate_on<S: Simd, T: Real>(
    simd: S,
    mut y: MatMut<'_, T>,
    bias: &[T],
    activation: Activation,
) {
    for (j, &shift) in bias.iter().enumerate() {
        let mut chunks = column_mut(y.as_mut(), j).chunks_exact_mut(Chunk::<T>::LEN);
        for chunk in &mut chunks {
            activated::<S, T>(T::Lanes::from_slice(simd, chunk) + shift, activation)
                .store_slice(chunk);
        }
        let last = chunks.into_remainder();
        let mut chunk = Chunk::filled_up(last);
        chunk.store(activated::<S, T>(chunk.load(simd) + shift, activation));
        last.copy_from_slice(&chunk.as_ref()[..last.len()]);
    }
}

/// σ, lane by lane. What is not a number stays none.
#[inline(always)]
fn activated<S: Simd, T: Real>(x: T::Lanes<S>, activation: Activation) -> T::Lanes<S> {
    match activation {
        Activation::Identity => x,
        Activation::Relu => {
            let zero = T::Lanes::splat(x.token(), T::zero());
            x.simd_lt(zero).select(zero, x)
        }
    }
}

/// The cotangent of x from that of y = σ(x), lane by lane.
#[inline(always)]
fn masked<S: Simd, T: Real>(
    cotangent: T::Lanes<S>,
    y: T::Lanes<S>,
    activation: Activation,
) -> T::Lanes<S> {
    match activation {
        Activation::Identity => cotangent,
        Activation::Relu => {
            let zero = T::Lanes::splat(y.token(), T::zero());
            y.simd_gt(zero).select(cotangent, zero)
        }
    }
}

/// Masks the cotangent by σ' and adds its columns to `sums`.
fn mask<T: Real>(
    cotangent: MatMut<'_, T>,
    value: MatRef<'_, T>,
    activation: Activation,
    sums: &mut [T],
) {
    dispatch!(Level::new(), simd => mask_on(simd, cotangent, value, activation, sums));
}

#[inline(always)]
fn mask_on<S: Simd, T: Real>(
    simd: S,
    mut cotangent: MatMut<'_, T>,
    value: MatRef<'_, T>,
    activation: Activation,
    sums: &mut [T],
) {
    let zero = T::Lanes::splat(simd, T::zero());
    for (j, sum) in sums.iter_mut().enumerate() {
        let value = value.col(j).try_as_col_major().expect("a column");
        let values = value.as_slice().chunks_exact(Chunk::<T>::LEN);
        let mut entries = column_mut(cotangent.as_mut(), j).chunks_exact_mut(Chunk::<T>::LEN);
        let last_values = Chunk::filled_up(values.remainder());
        // Partial sums, one a lane: fast, and more accurate than one running sum.
        let mut lanes = zero;
        for (entries, values) in (&mut entries).zip(values) {
            let values = T::Lanes::from_slice(simd, values);
            let entry = masked::<S, T>(T::Lanes::from_slice(simd, entries), values, activation);
            entry.store_slice(entries);
            lanes += entry;
        }
        let last = entries.into_remainder();
        let mut chunk = Chunk::filled_up(last);
        let entry = masked::<S, T>(chunk.load(simd), last_values.load(simd), activation);
        chunk.store(entry);
        last.copy_from_slice(&chunk.as_ref()[..last.len()]);
        lanes += entry;
        for &lane in lanes.as_slice() {
            *sum += lane;
        }
    }
}

fn column_mut<T>(matrix: MatMut<'_, T>, j: usize) -> &mut [T] {
    let column = matrix.col_mut(j).try_as_col_major_mut();
    column.expect("a column").as_slice_mut()
}
