//! Affine layers of a network, Y = σ(X Wᵀ + 1 bᵀ), with their activations fused in.

use faer::{MatMut, MatRef};

use super::{Op, Sweep};
use crate::layer::{self, Affine, Layers};
use crate::tape::{Graph, Node, entries};
use crate::{Real, Var};
use rieszflow_numerics::product::{Store, multiply};

/// The nonlinearity σ applied entry by entry after an affine map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// σ(y) = y.
    Identity,
    /// σ(y) = max(y, 0), with σ'(0) = 0.
    Relu,
}

/// The operands of a layer σ(X Wᵀ + 1 bᵀ).
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// W, m×k.
    pub weight: Var,
    /// b, m×1.
    pub bias: Var,
    /// σ.
    pub activation: Activation,
}

/// Layers whose operands are nodes of a tape.
#[derive(Clone, Copy)]
struct Recorded<'a, T> {
    layers: &'a [Layer],
    nodes: &'a [Node<T>],
    parameters: &'a [T],
    values: &'a [T],
}

impl<'a, T: Real> Layers<'a, T> for Recorded<'a, T> {
    fn count(&self) -> usize {
        self.layers.len()
    }

    fn get(&self, index: usize) -> Affine<'a, T> {
        let layer = self.layers[index];
        let node = &self.nodes[layer.weight.0];
        let entries = |var| entries(self.nodes, self.parameters, self.values, var);
        let weight = entries(layer.weight);
        Affine {
            weight: MatRef::from_column_major_slice(weight, node.rows, node.columns),
            bias: entries(layer.bias),
            activation: layer.activation,
        }
    }
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
        let layer = Layer {
            weight,
            bias,
            activation,
        };
        self.layers(input, &[layer])
    }

    /// Layers that follow one another: the same as [`affine`](Self::affine) one by one, but faster,
    /// since each block of rows goes through all of them while it is in the cache.
    ///
    /// The result is N×m with the m outputs of the last layer; what the others give is no node.
    ///
    /// # Panics
    /// If there are none or the shapes do not fit.
    pub fn layers(&mut self, input: Var, layers: &[Layer]) -> Var {
        let (rows, inputs) = self.shape(input);
        let (mut outputs, mut hidden) = (inputs, 0);
        let mut differentiable = self.is_differentiable(input);
        for (index, &Layer { weight, bias, .. }) in layers.iter().enumerate() {
            let (m, k) = self.shape(weight);
            assert_eq!(outputs, k, "layer with {m}×{k} weight on {outputs} columns");
            assert_eq!(self.shape(bias), (m, 1), "the bias must be {m}×1");
            differentiable |= self.is_differentiable(weight) || self.is_differentiable(bias);
            hidden += if index > 0 { outputs } else { 0 };
            outputs = m;
        }
        assert!(!layers.is_empty(), "no layers");
        let place = self.reserve(rows * (hidden + outputs));
        let (earlier, after) = self.split_at(place.start);
        let (hidden, output) = after[..place.len()].split_at_mut(rows * hidden);
        let offset = place.start + hidden.len();
        let recorded = Recorded {
            layers,
            nodes: earlier.nodes,
            parameters: earlier.parameters,
            values: earlier.values,
        };
        let block = layer::Forward {
            input: MatRef::from_column_major_slice(earlier.entries(input), rows, inputs),
            hidden,
            output: MatMut::from_column_major_slice_mut(output, rows, outputs),
        };
        layer::forward(recorded, block);
        let layers = self.keep(layers);
        self.append(Node {
            op: Op::Layers(input, layers),
            rows,
            columns: outputs,
            offset,
            differentiable,
        })
    }
}

pub(super) fn pull_back<T: Real>(
    sweep: &mut Sweep<'_, T>,
    node: &Node<T>,
    (input, layers): (Var, &[Layer]),
    own: &mut [T],
) {
    if node.rows == 0 {
        return;
    }
    let recorded = Recorded {
        layers,
        nodes: sweep.nodes,
        parameters: sweep.parameters,
        values: sweep.values,
    };
    let rows = node.rows;
    let hidden = &sweep.values[node.offset - rows * recorded.hidden()..node.offset];
    let block = layer::Backward {
        input: MatRef::from_column_major_slice(
            sweep.entries(input),
            rows,
            sweep.node(input).columns,
        ),
        hidden,
        output: MatRef::from_column_major_slice(&sweep.values[node.range()], rows, node.columns),
        cotangent: MatMut::from_column_major_slice_mut(own, rows, node.columns),
        of_input: None,
    };
    let mut memory = std::mem::take(sweep.workspace);
    match layer::parts(recorded, rows) {
        1 => pull_back_whole(sweep, recorded, input, block, &mut memory),
        parts => pull_back_parts(parts, sweep, recorded, input, block, &mut memory),
    }
    *sweep.workspace = memory;
}

/// The whole batch is one block; what may be large are the weights.
fn pull_back_whole<T: Real>(
    sweep: &mut Sweep<'_, T>,
    recorded: Recorded<'_, T>,
    input: Var,
    block: layer::Backward<'_, T>,
    memory: &mut Vec<T>,
) {
    let rows = block.input.nrows();
    let transposed = recorded.all().map(|layer| match layer.weight.shape() {
        (m, k) if layer::is_narrow(m) => m * k,
        _ => 0,
    });
    let transposed = transposed.max().unwrap_or(0);
    let memory = at_least(memory, transposed + layer::block_memory(recorded, rows));
    let (transposed, memory) = memory.split_at_mut(transposed);
    layer::descend(recorded, block, multiply, memory, |index, cotangent| {
        let Layer { weight, bias, .. } = recorded.layers[index];
        let (m, k) = recorded.get(index).weight.shape();
        if layer::is_narrow(m) {
            let transposed = &mut transposed[..m * k];
            cotangent.weight_gradient(transposed, Store::Replace, multiply);
            sweep.add_to(weight, |entries| add_transpose(entries, transposed, m));
        } else if let Some((of_weight, store)) = sweep.cotangent(weight) {
            cotangent.weight_gradient(of_weight, store, multiply);
        }
        sweep.add_each(bias, |i| cotangent.of_bias[i]);
        if index == 0
            && let Some((of_input, store)) = sweep.cotangent(input)
        {
            let of_input = MatMut::from_column_major_slice_mut(of_input, rows, k);
            cotangent.input_gradient(of_input, store, multiply);
        }
    });
}

/// The batch is many blocks, with gradients of their own in the weights.
fn pull_back_parts<T: Real>(
    parts: usize,
    sweep: &mut Sweep<'_, T>,
    recorded: Recorded<'_, T>,
    input: Var,
    block: layer::Backward<'_, T>,
    memory: &mut Vec<T>,
) {
    let memory = at_least(memory, parts * layer::part_memory(recorded));
    let (rows, inputs) = block.input.shape();
    let of_input = sweep.cotangent(input).map(|(of_input, store)| {
        let of_input = MatMut::from_column_major_slice_mut(of_input, rows, inputs);
        (of_input, store)
    });
    let block = layer::Backward { of_input, ..block };
    layer::backward_parts(parts, recorded, block, memory);
    let mut rest = &memory[..];
    for (&Layer { weight, bias, .. }, layer) in recorded.layers.iter().zip(recorded.all()) {
        let (m, k) = layer.weight.shape();
        let (of_weight, after) = rest.split_at(m * k);
        let (of_bias, after) = after.split_at(m);
        if layer::is_narrow(m) {
            sweep.add_to(weight, |entries| add_transpose(entries, of_weight, m));
        } else {
            sweep.add_each(weight, |i| of_weight[i]);
        }
        sweep.add_each(bias, |i| of_bias[i]);
        rest = after;
    }
}

/// The memory, which grows to `len` entries if it has fewer.
fn at_least<T: Real>(memory: &mut Vec<T>, len: usize) -> &mut [T] {
    if memory.len() < len {
        memory.resize(len, T::zero());
    }
    memory
}

/// Adds the transpose of `terms` to a matrix of so many rows.
fn add_transpose<T: Real>(entries: &mut [T], terms: &[T], rows: usize) {
    for (row, terms) in terms.chunks_exact(entries.len() / rows).enumerate() {
        for (entry, &term) in entries[row..].iter_mut().step_by(rows).zip(terms) {
            *entry += term;
        }
    }
}
