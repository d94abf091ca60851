//! All layers of a perceptron as one fast primitive: blocks of rows that stay in the cache, on all threads.
//!
//! It computes what the composition of [`affine`](rieszflow_autodiff::Graph::affine) and
//! [`relu`](rieszflow_autodiff::Graph::relu) does ([`Mlp::record_plain`](crate::Mlp::record_plain)),
//! which judges it in the tests.
//!
//! The rows of a batch are halved into equal parts, as many as a power of two, and each part is cut
//! into blocks. A block goes through all layers, forward and backward, before the next one follows, so
//! that the next layer finds in the cache what the last one left. How the rows are cut depends on
//! the sizes alone, so the results do not depend on the threads, nor on the ranks among which the parts of
//! a large batch are shared out.

mod activation;
mod backward;
mod distributed;
mod forward;
mod tile;
mod tree;

use std::convert::Infallible;

use faer::{MatMut, MatRef};
use rieszflow_autodiff::{CustomOp, InputCotangents, PrimitiveInputs, Real, Reverse};
use rieszflow_numerics::compiled::of_type;
use rieszflow_numerics::product::{Store, multiply};

use backward::{BackwardRows, backward_block, block_memory, part_memory};
use distributed::{KEPT, Kept, backward_parts, forward};
use forward::ForwardRows;

pub use distributed::Assistant;

/// The layers of a perceptron on the rows of X, its first input; the others are W and b of each layer.
pub(crate) struct FusedLayers;

impl<T: Real> CustomOp<T> for FusedLayers {
    type Error = Infallible;

    fn output_shape(&self, inputs: &PrimitiveInputs<'_, T>) -> (usize, usize) {
        let outputs = inputs.entries(inputs.count() - 1).len();
        (inputs.value(0).nrows(), outputs)
    }

    /// Where the hidden outputs are, those of all layers but the last, and the working memory of the
    /// reverse sweep.
    fn residual_len(&self, inputs: &PrimitiveInputs<'_, T>) -> usize {
        let (rows, layers) = (inputs.value(0).nrows(), Layers::Recorded(*inputs));
        let memory = match parts(layers, rows) {
            1 => layers.largest_transposed() + block_memory(layers, rows),
            parts => parts * part_memory(layers),
        };
        KEPT + rows * layers.hidden() + memory
    }

    fn forward(
        &self,
        inputs: &PrimitiveInputs<'_, T>,
        output: &mut [T],
        residual: &mut [T],
    ) -> Result<(), Infallible> {
        let layers = Layers::Recorded(*inputs);
        let (rows, outputs) = self.output_shape(inputs);
        let (kept, residual) = residual.split_at_mut(KEPT);
        let rows = ForwardRows {
            input: layers.input(),
            hidden: &mut residual[..rows * layers.hidden()],
            output: MatMut::from_column_major_slice_mut(output, rows, outputs),
        };
        let found = (Passes::get().forward)(layers, rows);
        found.write(kept);
        Ok(())
    }

    fn vjp(reverse: Reverse<'_, T>) {
        (Passes::get().vjp)(reverse);
    }
}

/// The passes over all layers, compiled in this crate.
struct Passes<T: Real> {
    forward: fn(Layers<'_, T>, ForwardRows<'_, T>) -> Kept,
    vjp: fn(Reverse<'_, T>),
}

static PASSES_F32: Passes<f32> = Passes { forward, vjp };
static PASSES_F64: Passes<f64> = Passes { forward, vjp };

impl<T: Real> Passes<T> {
    fn get() -> &'static Self {
        of_type([&PASSES_F32, &PASSES_F64])
    }
}

fn vjp<T: Real>(reverse: Reverse<'_, T>) {
    let layers = Layers::Recorded(reverse.inputs);
    let input = layers.input();
    let (rows, outputs) = (input.nrows(), layers.outputs());
    let (kept, residual) = reverse.residual.split_at_mut(KEPT);
    let (hidden, memory) = residual.split_at_mut(rows * layers.hidden());
    let output_cotangent = MatRef::from_column_major_slice(reverse.cotangent, rows, outputs);
    let mut cotangents = reverse.input_cotangents;
    let parts = parts(layers, rows);
    if parts > 1 {
        let residual = (Kept::read(kept), hidden, memory);
        vjp_parts(parts, layers, output_cotangent, residual, &mut cotangents);
        return;
    }
    let batch = BackwardRows {
        input,
        hidden,
        output_cotangent,
        input_cotangent: None,
    };
    vjp_whole(layers, batch, memory, &mut cotangents);
}

/// The whole batch is one block: the gradients in the weights go where they belong at once.
fn vjp_whole<T: Real>(
    layers: Layers<'_, T>,
    batch: BackwardRows<'_, T>,
    memory: &mut [T],
    cotangents: &mut InputCotangents<'_, T>,
) {
    let rows = batch.input.nrows();
    let (transposed, memory) = memory.split_at_mut(layers.largest_transposed());
    backward_block(layers, batch, multiply, memory, |index, layer| {
        let (m, k) = layer.affine.weight.shape();
        if is_narrow(m) {
            let transposed = &mut transposed[..m * k];
            layer.weight_gradient(transposed, Store::Replace, multiply);
            add_weights(cotangents, index, transposed, (m, k));
        } else if let Some((entries, store)) = cotangents.get(weight_input(index)) {
            layer.weight_gradient(entries, store, multiply);
        }
        cotangents.add_each(bias_input(index), |i| layer.bias_gradient[i]);
        if index == 0
            && let Some((entries, store)) = cotangents.get(0)
        {
            let input_cotangent = MatMut::from_column_major_slice_mut(entries, rows, k);
            layer.input_gradient(input_cotangent, store, multiply);
        }
    });
}

/// The batch is several parts, each with gradients in the weights, which are added up in pairs.
fn vjp_parts<T: Real>(
    parts: usize,
    layers: Layers<'_, T>,
    output_cotangent: MatRef<'_, T>,
    (kept, hidden, memory): (Kept, &mut [T], &mut [T]),
    cotangents: &mut InputCotangents<'_, T>,
) {
    let input = layers.input();
    let (rows, inputs) = input.shape();
    let input_cotangent = cotangents.get(0).map(|(entries, store)| {
        let entries = MatMut::from_column_major_slice_mut(entries, rows, inputs);
        (entries, store)
    });
    let team = kept.team(layers, hidden, input_cotangent.is_some());
    let batch = BackwardRows {
        input,
        hidden,
        output_cotangent,
        input_cotangent,
    };
    backward_parts((parts, &team, kept), layers, batch, memory);
    let mut rest = &memory[..];
    for (index, layer) in layers.iter().enumerate() {
        let (m, k) = layer.weight.shape();
        let (weights, after) = rest.split_at(m * k);
        let (biases, after) = after.split_at(m);
        add_weights(cotangents, index, weights, (m, k));
        cotangents.add_each(bias_input(index), |i| biases[i]);
        rest = after;
    }
}

/// Adds the gradient in W of a layer, m×k, which is stored transposed if the layer is narrow.
fn add_weights<T: Real>(
    cotangents: &mut InputCotangents<'_, T>,
    layer: usize,
    gradient: &[T],
    (m, k): (usize, usize),
) {
    if !is_narrow(m) {
        cotangents.add_each(weight_input(layer), |i| gradient[i]);
    } else if let Some((entries, store)) = cotangents.get(weight_input(layer)) {
        if store == Store::Replace {
            entries.fill(T::zero());
        }
        for (row, terms) in gradient.chunks_exact(k).enumerate() {
            for (entry, &term) in entries[row..].iter_mut().step_by(m).zip(terms) {
                *entry += term;
            }
        }
    }
}

fn weight_input(layer: usize) -> usize {
    1 + 2 * layer
}

fn bias_input(layer: usize) -> usize {
    2 + 2 * layer
}

/// Rows of a block: a multiple of the height of the product's innermost loop, and few enough for
/// the product to be at its fastest.
const BLOCK: usize = 192;
/// Most rows of a part, unless there would be too many parts.
const PART: usize = 512;
/// Bounds the memory of the gradients in the parameters, one per part of the batch.
const MOST_PARTS: usize = 16;
/// A batch of at least this many rows is cut in two if both its halves have enough to do,
const LEAST_ROWS: usize = 128;
/// which means at least this many multiplications,
const LEAST_WORK: usize = 1 << 18;
/// and there are not too many gradients to add up.
const MOST_PARAMETERS: usize = 1 << 20;

/// In how many parts a batch is cut.
fn parts<T: Real>(layers: Layers<'_, T>, rows: usize) -> usize {
    let parameters = layers.parameters();
    let is_worth_two =
        rows >= LEAST_ROWS && rows * parameters >= 2 * LEAST_WORK && parameters <= MOST_PARAMETERS;
    let parts = rows.div_ceil(PART).max(if is_worth_two { 2 } else { 1 });
    parts.next_power_of_two().min(MOST_PARTS)
}

/// Whether a layer has so few outputs that ȲᵀX is found faster as its transpose.
fn is_narrow(outputs: usize) -> bool {
    outputs < 16
}

/// How products are taken: on all threads or on this one.
type Multiply<T> = fn(MatMut<'_, T>, Store, MatRef<'_, T>, MatRef<'_, T>);

/// The affine map Y = XWᵀ + 1bᵀ of a layer.
#[derive(Clone, Copy)]
struct Affine<'a, T> {
    /// W, outputs × inputs.
    weight: MatRef<'a, T>,
    /// b.
    bias: &'a [T],
}

/// The layers of a perceptron, with ReLU between them, and its input.
#[derive(Clone, Copy)]
enum Layers<'a, T> {
    /// On the tape: X, then W and b of each layer.
    Recorded(PrimitiveInputs<'a, T>),
    /// X, and W and b of layers of these sizes one after the other.
    Flat {
        input: MatRef<'a, T>,
        sizes: &'a [usize],
        parameters: &'a [T],
    },
}

impl<'a, T: Real> Layers<'a, T> {
    /// X.
    fn input(self) -> MatRef<'a, T> {
        match self {
            Self::Recorded(inputs) => {
                let (rows, columns) = inputs.value(0).shape();
                MatRef::from_column_major_slice(inputs.entries(0), rows, columns)
            }
            Self::Flat { input, .. } => input,
        }
    }

    fn count(self) -> usize {
        match self {
            Self::Recorded(inputs) => inputs.count() / 2,
            Self::Flat { sizes, .. } => sizes.len() - 1,
        }
    }

    fn get(self, index: usize) -> Affine<'a, T> {
        match self {
            Self::Recorded(all) => {
                let weight = weight_input(index);
                let (outputs, inputs) = all.value(weight).shape();
                Affine {
                    weight: MatRef::from_column_major_slice(all.entries(weight), outputs, inputs),
                    bias: all.entries(bias_input(index)),
                }
            }
            Self::Flat {
                sizes, parameters, ..
            } => {
                let before = sizes[..=index].windows(2);
                let start: usize = before.map(|pair| (pair[0] + 1) * pair[1]).sum();
                let (inputs, outputs) = (sizes[index], sizes[index + 1]);
                let (weight, rest) = parameters[start..].split_at(inputs * outputs);
                Affine {
                    weight: MatRef::from_column_major_slice(weight, outputs, inputs),
                    bias: &rest[..outputs],
                }
            }
        }
    }

    fn iter(self) -> impl DoubleEndedIterator<Item = Affine<'a, T>> + ExactSizeIterator {
        (0..self.count()).map(move |index| self.get(index))
    }

    /// Outputs of the last layer.
    fn outputs(self) -> usize {
        self.get(self.count() - 1).bias.len()
    }

    /// Outputs of all layers but the last.
    fn hidden(self) -> usize {
        let outputs = self.iter().map(|layer| layer.bias.len());
        outputs.take(self.count() - 1).sum()
    }

    fn parameters(self) -> usize {
        let parameters = |layer: Affine<'_, T>| (layer.weight.ncols() + 1) * layer.bias.len();
        self.iter().map(parameters).sum()
    }

    /// The most outputs that a layer has.
    fn widest(self) -> usize {
        self.iter().map(|layer| layer.bias.len()).max().unwrap_or(0)
    }

    /// The most weights of a narrow layer.
    fn largest_transposed(self) -> usize {
        let narrow = self.iter().filter(|layer| is_narrow(layer.bias.len()));
        narrow
            .map(|layer| layer.weight.nrows() * layer.weight.ncols())
            .max()
            .unwrap_or(0)
    }
}
