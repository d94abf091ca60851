//! The affine layer of a network, Y = σ(X Wᵀ + 1 bᵀ), with its activation fused in.

use faer::{MatMut, MatRef};

use super::{Op, Sweep};
use crate::layer::{self, Rows};
use crate::product::multiply;
use crate::tape::{Graph, Node};
use crate::{Real, Var};

/// The nonlinearity σ applied entry by entry after an affine map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// σ(y) = y.
    Identity,
    /// σ(y) = max(y, 0), with σ'(0) = 0.
    Relu,
}

/// The operands of an affine layer.
#[derive(Clone, Copy)]
pub(crate) struct Layer {
    input: Var,
    weight: Var,
    bias: Var,
    activation: Activation,
}

impl<T: Real> Graph<'_, T> {
    /// The layer σ(X Wᵀ + 1 bᵀ) on the rows of X.
    ///
    /// X is N×k (a particle per row), W is m×k, b is m×1; the result is N×m. These are the
    /// conventions of the usual fully connected layer, y = W x + b.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn affine(&mut self, input: Var, weight: Var, bias: Var, activation: Activation) -> Var {
        let ((rows, k), (m, inner)) = (self.shape(input), self.shape(weight));
        assert_eq!(k, inner, "layer with {m}×{inner} weight on {k} columns");
        assert_eq!(self.shape(bias), (m, 1), "the bias must be {m}×1");
        let differentiable = [input, weight, bias]
            .iter()
            .any(|&v| self.is_differentiable(v));
        let layer = Layer {
            input,
            weight,
            bias,
            activation,
        };
        self.push(
            Op::Affine(layer),
            (rows, m),
            differentiable,
            |earlier, output| {
                let x = MatRef::from_column_major_slice(earlier.entries(input), rows, k);
                let w = MatRef::from_column_major_slice(earlier.entries(weight), m, k);
                let y = MatMut::from_column_major_slice_mut(output, rows, m);
                layer::forward(y, x, w, earlier.entries(bias), activation);
            },
        )
    }
}

/// With Ȳ masked by σ': X̄ += Ȳ W, W̄ += Ȳᵀ X, b̄ += column sums of Ȳ.
pub(super) fn pull_back<T: Real>(
    sweep: &mut Sweep<'_, T>,
    node: &Node<T>,
    layer: Layer,
    own: &mut [T],
) {
    let (rows, m) = (node.rows, node.columns);
    let k = sweep.node(layer.input).columns;
    if rows == 0 {
        return;
    }
    let w = MatRef::from_column_major_slice(sweep.entries(layer.weight), m, k);
    let mut rows = Rows {
        cotangent: MatMut::from_column_major_slice_mut(own, rows, m),
        value: MatRef::from_column_major_slice(&sweep.values[node.range()], rows, m),
        input: MatRef::from_column_major_slice(sweep.entries(layer.input), rows, k),
        of_input: None,
    };
    let parts = layer::parts(node.rows);
    let mut memory = std::mem::take(sweep.workspace);
    if parts == 1 && !layer::is_narrow(m) {
        // The whole batch is one block; what may be large are the weights.
        memory.clear();
        memory.resize(m, T::zero());
        let of_bias = &mut memory[..];
        layer::mask(
            rows.cotangent.as_mut(),
            rows.value,
            layer.activation,
            of_bias,
        );
        let own = rows.cotangent.as_ref();
        if let Some((cotangent, store)) = sweep.cotangent(layer.weight) {
            let cotangent = MatMut::from_column_major_slice_mut(cotangent, m, k);
            multiply(cotangent, store, own.transpose(), rows.input);
        }
        sweep.add_each(layer.bias, |i| of_bias[i]);
        if let Some((cotangent, store)) = sweep.cotangent(layer.input) {
            let cotangent = MatMut::from_column_major_slice_mut(cotangent, node.rows, k);
            multiply(cotangent, store, own, w);
        }
    } else {
        let part_len = m * k + m;
        memory.resize(parts * part_len, T::zero());
        rows.of_input = sweep.cotangent(layer.input).map(|(cotangent, store)| {
            let cotangent = MatMut::from_column_major_slice_mut(cotangent, node.rows, k);
            (cotangent, store)
        });
        layer::pull_back(parts, rows, w, layer.activation, &mut memory);
        let (of_weight, of_bias) = memory[..part_len].split_at(m * k);
        if layer::is_narrow(m) {
            sweep.add_to(layer.weight, |entries| add_transpose(entries, of_weight, m));
        } else {
            sweep.add_each(layer.weight, |i| of_weight[i]);
        }
        sweep.add_each(layer.bias, |i| of_bias[i]);
    }
    *sweep.workspace = memory;
}

/// Adds the transpose of `terms` to a matrix of so many rows.
fn add_transpose<T: Real>(entries: &mut [T], terms: &[T], rows: usize) {
    for (row, terms) in terms.chunks_exact(entries.len() / rows).enumerate() {
        for (entry, &term) in entries[row..].iter_mut().step_by(rows).zip(terms) {
            *entry += term;
        }
    }
}
