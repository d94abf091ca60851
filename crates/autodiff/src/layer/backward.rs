//! The reverse sweep over layers: X̄ and the gradients in the parameters from Ȳ.

use faer::{MatMut, MatRef};
use fearless_simd::Level;

use super::activation::mask;
use super::small::{self, Pass, is_small};
use super::{Affine, BLOCK, Layers, Multiply, half, is_narrow, join};
use crate::Real;
use rieszflow_numerics::product::{Store, multiply_here};

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
        add(of_upper, &of_lower[..parameters]);
        return;
    }
    let (gradients, memory) = memory.split_at_mut(parameters);
    let mut store = Store::Replace;
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
            layer.weight_gradient(of_weight, store, multiply_here);
            match store {
                Store::Replace => of_bias.copy_from_slice(layer.of_bias),
                Store::Add => add(of_bias, layer.of_bias),
            }
        });
        store = Store::Add;
        rest = after;
    }
}

fn add<T: Real>(sums: &mut [T], terms: &[T]) {
    for (sum, &term) in sums.iter_mut().zip(terms) {
        *sum += term;
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
    let mut hidden = block.hidden;
    for (index, layer) in layers.all().enumerate().rev() {
        let (m, k) = layer.weight.shape();
        let input = if index == 0 {
            block.input
        } else {
            let (before, input) = hidden.split_at(hidden.len() - count * k);
            hidden = before;
            MatRef::from_column_major_slice(input, count, k)
        };
        let cotangent = match of_output.take() {
            Some(mut cotangent) => {
                sums[..m].fill(T::zero());
                let activation = layer.activation;
                mask(cotangent.as_mut(), block.output, activation, &mut sums[..m]);
                cotangent
            }
            None => MatMut::from_column_major_slice_mut(&mut own[..count * m], count, m),
        };
        let shown = LayerCotangent {
            layer,
            input,
            cotangent: cotangent.as_ref(),
            of_bias: &sums[..m],
        };
        visit(index, &shown);
        if index > 0 {
            let pass = small::Backward {
                of_x: MatMut::from_column_major_slice_mut(&mut other[..count * k], count, k),
                of_y: cotangent.as_ref(),
                weight: layer.weight,
                x: input,
                activation: layers.get(index - 1).activation,
                sums: &mut sums[..k],
            };
            back_through(pass, multiply);
            std::mem::swap(&mut own, &mut other);
        } else if let Some((of_input, store)) = of_input.take() {
            shown.input_gradient(of_input, store, multiply);
        }
    }
}

/// X̄ from Ȳ through one layer, masked, and the sums of its columns.
fn back_through<T: Real>(mut pass: small::Backward<'_, T>, multiply: Multiply<T>) {
    pass.sums.fill(T::zero());
    if is_small(pass.of_y.nrows(), pass.weight) {
        pass.run(Level::new());
    } else {
        let of_x = pass.of_x.as_mut();
        multiply(of_x, Store::Replace, pass.of_y, pass.weight);
        mask(pass.of_x, pass.x, pass.activation, pass.sums);
    }
}
