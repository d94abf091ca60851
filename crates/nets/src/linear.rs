//! A fully connected layer as a view of a flat parameter vector.

use nalgebra::{DMatrixView, DMatrixViewMut, DVectorView, DVectorViewMut};
use rand::{Rng, RngExt};
use rieszflow_autodiff::{Graph, Real, Var};

/// The layer y = W x + b with W of shape `outputs`×`inputs`.
///
/// Its parameters lie in a flat vector from `offset` on: first W column by column, then b.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    inputs: usize,
    outputs: usize,
    offset: usize,
}

impl Linear {
    /// A layer whose parameters start at `offset`.
    pub fn new(inputs: usize, outputs: usize, offset: usize) -> Self {
        Self {
            inputs,
            outputs,
            offset,
        }
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Where the next layer's parameters may start.
    pub fn end(&self) -> usize {
        self.bias_offset() + self.outputs
    }

    fn bias_offset(&self) -> usize {
        self.offset + self.outputs * self.inputs
    }

    /// W, `outputs`×`inputs`.
    pub fn weight<'p, T: Real>(&self, parameters: &'p [T]) -> DMatrixView<'p, T> {
        let entries = &parameters[self.offset..self.bias_offset()];
        DMatrixView::from_slice(entries, self.outputs, self.inputs)
    }

    /// W for changing, `outputs`×`inputs`.
    pub fn weight_mut<'p, T: Real>(&self, parameters: &'p mut [T]) -> DMatrixViewMut<'p, T> {
        let entries = &mut parameters[self.offset..self.bias_offset()];
        DMatrixViewMut::from_slice(entries, self.outputs, self.inputs)
    }

    /// b, of length `outputs`.
    pub fn bias<'p, T: Real>(&self, parameters: &'p [T]) -> DVectorView<'p, T> {
        DVectorView::from_slice(&parameters[self.bias_offset()..self.end()], self.outputs)
    }

    /// b for changing, of length `outputs`.
    pub fn bias_mut<'p, T: Real>(&self, parameters: &'p mut [T]) -> DVectorViewMut<'p, T> {
        let entries = &mut parameters[self.bias_offset()..self.end()];
        DVectorViewMut::from_slice(entries, self.outputs)
    }

    /// Draws W and b uniformly from ±1/√`inputs`, PyTorch's default for this layer.
    pub fn initialise<T: Real, R: Rng + ?Sized>(&self, parameters: &mut [T], rng: &mut R) {
        let bound = 1.0 / (self.inputs as f64).sqrt();
        for parameter in &mut parameters[self.offset..self.end()] {
            *parameter = T::from_f64(rng.random_range(-bound..=bound));
        }
    }

    /// Records the parameters W and b, the next ones of the graph.
    pub(crate) fn record<T: Real>(&self, graph: &mut Graph<'_, T>) -> [Var; 2] {
        [
            graph.parameter(self.outputs, self.inputs),
            graph.parameter(self.outputs, 1),
        ]
    }
}
