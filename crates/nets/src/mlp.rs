//! The multilayer perceptron: fully connected layers with ReLU between them.

use rand::Rng;
use rieszflow_autodiff::{Activation, Graph, Real, Var};
use smallvec::SmallVec;

use crate::Linear;

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
    pub fn forward<T: Real>(&self, graph: &mut Graph<'_, T>, input: Var) -> Var {
        let last = self.layers.len() - 1;
        let layers = self.layers.iter().enumerate().map(|(index, layer)| {
            let activation = if index < last {
                Activation::Relu
            } else {
                Activation::Identity
            };
            layer.record(graph, activation)
        });
        let layers: SmallVec<[_; 16]> = layers.collect();
        graph.layers(input, &layers)
    }
}
