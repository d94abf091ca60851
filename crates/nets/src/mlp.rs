//! The multilayer perceptron: fully connected layers with ReLU between them.

use rand::Rng;
use rieszflow_autodiff::{Graph, Real, Var};
use smallvec::SmallVec;

use crate::Linear;
use crate::fused::FusedLayers;

/// A ReLU network, described by its layer sizes; the parameters are kept apart in a flat vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    /// The network with the given sizes: inputs, hidden widths, outputs.
    ///
    /// # Panics
    /// If fewer than two sizes are given or one is 0.
    pub fn new(sizes: &[usize]) -> Self {
        assert!(sizes.len() >= 2, "a network has inputs and outputs");
        assert!(sizes.iter().all(|&size| size > 0), "a layer without units");
        let mut offset = 0;
        let layers = sizes
            .windows(2)
            .map(|pair| {
                let layer = Linear::new(pair[0], pair[1], offset);
                offset = layer.end();
                layer
            })
            .collect();
        Self { layers }
    }

    /// The layers from input to output.
    pub fn layers(&self) -> &[Linear] {
        &self.layers
    }

    /// Length of the parameter vector.
    pub fn parameter_count(&self) -> usize {
        self.layers[self.layers.len() - 1].end()
    }

    /// Fresh parameters, every layer as in [`Linear::initialise`].
    pub fn initialise<T: Real, R: Rng + ?Sized>(&self, rng: &mut R) -> Vec<T> {
        let mut parameters = vec![T::zero(); self.parameter_count()];
        for layer in &self.layers {
            layer.initialise(&mut parameters, rng);
        }
        parameters
    }

    /// Records the network on the rows of `input`, an N×inputs node; the result is N×outputs.
    ///
    /// Its parameters must be the next ones of the graph. All layers are one node, and fast.
    pub fn record<T: Real>(&self, graph: &mut Graph<'_, T>, input: Var) -> Var {
        let mut inputs: SmallVec<[Var; 32]> = SmallVec::new();
        inputs.push(input);
        for layer in &self.layers {
            inputs.extend(layer.record(graph));
        }
        match graph.custom(&FusedLayers, &inputs) {
            Ok(output) => output,
        }
    }

    /// Records the same network layer by layer, as it is defined: slower, and what
    /// [`record`](Self::record) is judged by.
    ///
    /// # Panics
    /// Never: every network has a layer.
    pub fn record_plain<T: Real>(&self, graph: &mut Graph<'_, T>, input: Var) -> Var {
        let (last, hidden) = self.layers.split_last().expect("a network has a layer");
        let features = hidden.iter().fold(input, |features, layer| {
            let [weight, bias] = layer.record(graph);
            let features = graph.affine(features, weight, bias);
            graph.relu(features)
        });
        let [weight, bias] = last.record(graph);
        graph.affine(features, weight, bias)
    }
}
