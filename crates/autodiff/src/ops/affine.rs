//! The affine layer of a network, Y = σ(X Wᵀ + 1 bᵀ), with its activation fused in.

use super::{Op, Sweep};
use crate::product::{Factor, Store, product};
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
                let x = Factor::new(earlier.entries(input), rows, k);
                let w = Factor::new(earlier.entries(weight), m, k);
                product(output, Store::Replace, x, w.transposed());
                if rows > 0 {
                    activate(output, rows, earlier.entries(bias), activation);
                }
            },
        )
    }
}

fn activate<T: Real>(output: &mut [T], rows: usize, bias: &[T], activation: Activation) {
    for (column, &shift) in output.chunks_exact_mut(rows).zip(bias) {
        match activation {
            Activation::Identity => column.iter_mut().for_each(|y| *y += shift),
            Activation::Relu => column.iter_mut().for_each(|y| *y = relu(*y + shift)),
        }
    }
}

/// max(y, 0); NaN stays NaN, so that a divergence is seen and not swallowed.
#[inline]
pub(super) fn relu<T: Real>(y: T) -> T {
    if y < T::zero() { T::zero() } else { y }
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
    if layer.activation == Activation::Relu {
        mask(own, &sweep.values[node.range()]);
    }
    sweep.add_to(layer.bias, |cotangent| {
        for (sum, column) in cotangent.iter_mut().zip(own.chunks_exact(rows)) {
            *sum += column_sum(column);
        }
    });
    let own = Factor::new(own, rows, m);
    let x = Factor::new(sweep.entries(layer.input), rows, k);
    let w = Factor::new(sweep.entries(layer.weight), m, k);
    if let Some((cotangent, store)) = sweep.cotangent(layer.weight) {
        product(cotangent, store, own.transposed(), x);
    }
    if let Some((cotangent, store)) = sweep.cotangent(layer.input) {
        product(cotangent, store, own, w);
    }
}

fn mask<T: Real>(cotangent: &mut [T], output: &[T]) {
    for (entry, &y) in cotangent.iter_mut().zip(output) {
        *entry = if y > T::zero() { *entry } else { T::zero() };
    }
}

/// The sum of a column in 16 interleaved partial sums: fast, and more accurate than one running sum.
fn column_sum<T: Real>(column: &[T]) -> T {
    let mut lanes = [T::zero(); 16];
    let chunks = column.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += value;
        }
    }
    let head: T = lanes.into_iter().sum();
    head + rest.iter().copied().sum::<T>()
}
