//! The backward pass over layers: X̄ and the gradients in the parameters from Ȳ.

use std::ops::Range;

use faer::{MatMut, MatRef};
use fearless_simd::Level;
use rieszflow_autodiff::Real;
use rieszflow_numerics::parallel::join;
use rieszflow_numerics::product::{Store, multiply_here};

use super::activation::{column_sums, mask};
use super::tile::{self, Tiled, is_tiled};
use super::tree::{half, halves};
use super::{Affine, BLOCK, Layers, Multiply, is_narrow};

/// Some rows of a batch in the backward pass.
pub(super) struct BackwardRows<'a, T> {
    /// X.
    pub(super) input: MatRef<'a, T>,
    /// The outputs of all layers but the last, as in the forward pass.
    pub(super) hidden: &'a [T],
    /// Ȳ.
    pub(super) output_cotangent: MatRef<'a, T>,
    /// Where X̄ goes, if it is needed, and whether it replaces what is there.
    pub(super) input_cotangent: Option<(MatMut<'a, T>, Store)>,
}

impl<T: Real> BackwardRows<'_, T> {
    fn count(&self) -> usize {
        self.input.nrows()
    }

    /// The rows before and from `row` on; each row has `hidden` outputs of hidden layers.
    fn split_at(self, row: usize, hidden: usize) -> (Self, Self) {
        let (input, lower_input) = self.input.split_at_row(row);
        let (hidden, lower_hidden) = self.hidden.split_at(row * hidden);
        let (output_cotangent, lower_output_cotangent) = self.output_cotangent.split_at_row(row);
        let (input_cotangent, lower_input_cotangent) = match self.input_cotangent {
            None => (None, None),
            Some((entries, store)) => {
                let (upper, lower) = entries.split_at_row_mut(row);
                (Some((upper, store)), Some((lower, store)))
            }
        };
        let upper = Self {
            input,
            hidden,
            output_cotangent,
            input_cotangent,
        };
        let lower = Self {
            input: lower_input,
            hidden: lower_hidden,
            output_cotangent: lower_output_cotangent,
            input_cotangent: lower_input_cotangent,
        };
        (upper, lower)
    }
}

/// The working memory of a part: gradients in all parameters, then that of [`backward_block`].
pub(super) fn part_memory<T: Real>(layers: Layers<'_, T>) -> usize {
    layers.parameters() + block_memory(layers, BLOCK)
}

/// The working memory of [`backward_block`]: the cotangents of two layers, and the sums of the columns
/// of one.
pub(super) fn block_memory<T: Real>(layers: Layers<'_, T>, rows: usize) -> usize {
    (2 * rows + 1) * layers.widest()
}

/// X̄ from Ȳ of the parts `own` of `parts`, and the gradients in the parameters at the start of
/// `memory`: of each layer that in W (its transpose if the layer is narrow) and then that in b.
///
/// `memory` has room for the same of each part; they are added up in pairs where all parts of a pair are
/// own ones.
pub(super) fn backward_parts<T: Real>(
    parts: usize,
    own: Range<usize>,
    layers: Layers<'_, T>,
    rows: BackwardRows<'_, T>,
    memory: &mut [T],
) {
    let (hidden, parameters) = (layers.hidden(), layers.parameters());
    if own.is_empty() {
        return;
    }
    if parts > 1 {
        let count = rows.count();
        let (upper, lower) = rows.split_at(half(count), hidden);
        let (upper_memory, lower_memory) = memory.split_at_mut(parts / 2 * part_memory(layers));
        let (first, second) = halves(parts, &own);
        join(
            2 * count * parameters,
            || backward_parts(parts / 2, first, layers, upper, upper_memory),
            || backward_parts(parts / 2, second, layers, lower, lower_memory),
        );
        if own.len() == parts {
            add(upper_memory, &lower_memory[..parameters]);
        }
        return;
    }
    let (gradients, memory) = memory.split_at_mut(parameters);
    let mut store = Store::Replace;
    let mut rest = rows;
    while rest.count() > 0 {
        let count = BLOCK.min(rest.count());
        let (block, after) = rest.split_at(count, hidden);
        let mut end = parameters;
        backward_block(layers, block, multiply_here, memory, |_, layer| {
            let (m, k) = layer.affine.weight.shape();
            let own = &mut gradients[end - (k + 1) * m..end];
            end -= own.len();
            let (weights, biases) = own.split_at_mut(k * m);
            layer.weight_gradient(weights, store, multiply_here);
            match store {
                Store::Replace => biases.copy_from_slice(layer.bias_gradient),
                Store::Add => add(biases, layer.bias_gradient),
            }
        });
        store = Store::Add;
        rest = after;
    }
}

pub(super) fn add<T: Real>(sums: &mut [T], terms: &[T]) {
    for (sum, &term) in sums.iter_mut().zip(terms) {
        *sum += term;
    }
}

/// A layer in the backward pass, and what follows from its cotangent.
pub(super) struct LayerCotangent<'a, T> {
    pub(super) affine: Affine<'a, T>,
    /// X.
    input: MatRef<'a, T>,
    /// The cotangent of XWᵀ + 1bᵀ.
    cotangent: MatRef<'a, T>,
    /// The gradient in b: the sums of the columns of the cotangent.
    pub(super) bias_gradient: &'a [T],
}

impl<T: Real> LayerCotangent<'_, T> {
    /// W̄ = ȲᵀX, or its transpose if the layer is narrow.
    pub(super) fn weight_gradient(&self, gradient: &mut [T], store: Store, multiply: Multiply<T>) {
        let (m, k) = self.affine.weight.shape();
        if is_narrow(m) {
            let gradient = MatMut::from_column_major_slice_mut(gradient, k, m);
            multiply(gradient, store, self.input.transpose(), self.cotangent);
        } else {
            let gradient = MatMut::from_column_major_slice_mut(gradient, m, k);
            multiply(gradient, store, self.cotangent.transpose(), self.input);
        }
    }

    /// X̄ = ȲW.
    pub(super) fn input_gradient(
        &self,
        gradient: MatMut<'_, T>,
        store: Store,
        multiply: Multiply<T>,
    ) {
        multiply(gradient, store, self.cotangent, self.affine.weight);
    }
}

/// A block back through all layers, from the last to the first; each one is shown to `visit`.
pub(super) fn backward_block<T: Real>(
    layers: Layers<'_, T>,
    block: BackwardRows<'_, T>,
    multiply: Multiply<T>,
    memory: &mut [T],
    mut visit: impl FnMut(usize, &LayerCotangent<'_, T>),
) {
    let count = block.count();
    let (sums, memory) = memory.split_at_mut(layers.widest());
    let (mut own, mut other) = memory.split_at_mut(memory.len() / 2);
    let (mut hidden, mut input_cotangent) = (block.hidden, block.input_cotangent);
    let last = layers.count() - 1;
    for (index, affine) in layers.iter().enumerate().rev() {
        let (m, k) = affine.weight.shape();
        let input = if index == 0 {
            block.input
        } else {
            let (before, input) = hidden.split_at(hidden.len() - count * k);
            hidden = before;
            MatRef::from_column_major_slice(input, count, k)
        };
        let cotangent = if index == last {
            column_sums(block.output_cotangent, &mut sums[..m]);
            block.output_cotangent
        } else {
            MatRef::from_column_major_slice(&own[..count * m], count, m)
        };
        let layer = LayerCotangent {
            affine,
            input,
            cotangent,
            bias_gradient: &sums[..m],
        };
        visit(index, &layer);
        if index > 0 {
            let product = tile::BackwardProduct {
                x_bar: MatMut::from_column_major_slice_mut(&mut other[..count * k], count, k),
                y_bar: cotangent,
                weight: affine.weight,
                x: input,
                sums: &mut sums[..k],
            };
            backward_layer(product, multiply);
            std::mem::swap(&mut own, &mut other);
        } else if let Some((entries, store)) = input_cotangent.take() {
            layer.input_gradient(entries, store, multiply);
        }
    }
}

/// X̄ = ȲW ⊙ σ'(X) for the output X of a hidden layer, and the sums of its columns.
fn backward_layer<T: Real>(mut product: tile::BackwardProduct<'_, T>, multiply: Multiply<T>) {
    product.sums.fill(T::zero());
    if is_tiled(product.y_bar.nrows(), product.weight) {
        product.run(Level::new());
    } else {
        let x_bar = product.x_bar.as_mut();
        multiply(x_bar, Store::Replace, product.y_bar, product.weight);
        mask(product.x_bar, product.x, product.sums);
    }
}
