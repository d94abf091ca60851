//! The forward pass over layers: Y from X.

use std::ops::Range;

use faer::prelude::IntoConst;
use faer::{MatMut, MatRef};
use fearless_simd::Level;
use rieszflow_autodiff::Real;
use rieszflow_numerics::parallel::join;
use rieszflow_numerics::product::{Store, multiply, multiply_here};

use super::activation::{Activation, activate};
use super::tile::{self, Tiled, is_tiled};
use super::tree::{half, halves};
use super::{Affine, BLOCK, Layers, Multiply};

/// Some rows of a batch in the forward pass.
pub(super) struct ForwardRows<'a, T> {
    /// X.
    pub(super) input: MatRef<'a, T>,
    /// The outputs of all layers but the last: block by block, and layer by layer in a block.
    pub(super) hidden: &'a mut [T],
    /// Y.
    pub(super) output: MatMut<'a, T>,
}

impl<T: Real> ForwardRows<'_, T> {
    pub(super) fn count(&self) -> usize {
        self.output.nrows()
    }

    /// The rows before and from `row` on; each row has `hidden` outputs of hidden layers.
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

/// Y from X through all layers, in one block.
pub(super) fn forward_whole<T: Real>(layers: Layers<'_, T>, rows: ForwardRows<'_, T>) {
    forward_block(layers, rows, multiply);
}

/// Y from X through all layers, of the parts `own` of `parts`.
pub(super) fn forward_parts<T: Real>(
    parts: usize,
    own: Range<usize>,
    layers: Layers<'_, T>,
    rows: ForwardRows<'_, T>,
) {
    let hidden = layers.hidden();
    if own.is_empty() {
        return;
    }
    if parts > 1 {
        let count = rows.count();
        let (upper, lower) = rows.split_at(half(count), hidden);
        let (first, second) = halves(parts, &own);
        join(
            count * layers.parameters(),
            || forward_parts(parts / 2, first, layers, upper),
            || forward_parts(parts / 2, second, layers, lower),
        );
        return;
    }
    let mut rest = rows;
    while rest.count() > 0 {
        let count = BLOCK.min(rest.count());
        let (block, after) = rest.split_at(count, hidden);
        forward_block(layers, block, multiply_here);
        rest = after;
    }
}

/// A block through all layers.
fn forward_block<T: Real>(layers: Layers<'_, T>, block: ForwardRows<'_, T>, multiply: Multiply<T>) {
    let count = block.count();
    let (mut x, mut hidden, mut output) = (block.input, block.hidden, block.output);
    for (index, layer) in layers.iter().enumerate() {
        if index + 1 == layers.count() {
            forward_layer(layer, Activation::Identity, output.as_mut(), x, multiply);
        } else {
            let outputs = layer.bias.len();
            let (own, others) = hidden.split_at_mut(count * outputs);
            let mut y = MatMut::from_column_major_slice_mut(own, count, outputs);
            forward_layer(layer, Activation::Relu, y.as_mut(), x, multiply);
            (x, hidden) = (y.into_const(), others);
        }
    }
}

/// Y = σ(XWᵀ + 1bᵀ).
fn forward_layer<T: Real>(
    layer: Affine<'_, T>,
    activation: Activation,
    mut y: MatMut<'_, T>,
    x: MatRef<'_, T>,
    multiply: Multiply<T>,
) {
    if is_tiled(x.nrows(), layer.weight) {
        let product = tile::ForwardProduct {
            y,
            x,
            layer,
            activation,
        };
        product.run(Level::new());
    } else {
        multiply(y.as_mut(), Store::Replace, x, layer.weight.transpose());
        activate(y, layer.bias, activation);
    }
}
