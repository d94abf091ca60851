//! The forward pass over layers: Y from X.

use faer::prelude::IntoConst;
use faer::{MatMut, MatRef};
use fearless_simd::Level;

use super::activation::activate;
use super::small::{self, Pass, is_small};
use super::{Affine, BLOCK, Layers, Multiply, half, join, parts};
use crate::Real;
use rieszflow_numerics::product::{Store, multiply, multiply_here};

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

/// Y from X through all layers.
pub(crate) fn forward<'a, T: Real>(layers: impl Layers<'a, T>, rows: Forward<'_, T>) {
    match parts(layers, rows.count()) {
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
        if index + 1 == layers.count() {
            through(layer, output.as_mut(), input, multiply);
        } else {
            let outputs = layer.bias.len();
            let (own, others) = hidden.split_at_mut(count * outputs);
            let mut own = MatMut::from_column_major_slice_mut(own, count, outputs);
            through(layer, own.as_mut(), input, multiply);
            (input, hidden) = (own.into_const(), others);
        }
    }
}

/// Y from X through one layer.
fn through<T: Real>(
    layer: Affine<'_, T>,
    mut y: MatMut<'_, T>,
    x: MatRef<'_, T>,
    multiply: Multiply<T>,
) {
    if is_small(x.nrows(), layer.weight) {
        small::Forward { y, x, layer }.run(Level::new());
    } else {
        multiply(y.as_mut(), Store::Replace, x, layer.weight.transpose());
        activate(y, layer.bias, layer.activation);
    }
}
