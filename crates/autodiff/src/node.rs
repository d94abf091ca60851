//! Nodes of a recorded expression: how they were computed, their values, and their cotangents.

use std::ops::Range;

use nalgebra::DMatrixView;
use rieszflow_numerics::Real;
use rieszflow_numerics::product::Store;

/// A node of a recorded expression: a matrix that later operations may use.
///
/// A handle is valid for the [`Graph`](crate::Graph) that returned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Var(pub(crate) usize);

/// What the arena knows of a node: how it was computed, its shape, and where its value lies.
#[derive(Clone, Copy)]
pub(crate) struct Node<T> {
    pub(crate) op: Op<T>,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Start in the arena; for a parameter, start in the parameter vector.
    pub(crate) offset: usize,
    /// Whether a parameter is among its ancestors.
    pub(crate) differentiable: bool,
}

impl<T> Node<T> {
    pub(crate) fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.rows * self.columns
    }
}

/// How a node was computed, and from which nodes.
#[derive(Clone, Copy)]
pub(crate) enum Op<T> {
    Parameter,
    Constant,
    Affine(Var, Var, Var),
    Relu(Var),
    Add(Var, Var),
    Subtract(Var, Var),
    Divide(Var, Var),
    Scale(Var, T),
    Shift(Var),
    Sqrt(Var),
    SumOfSquares(Var),
    Custom(Custom<T>),
}

/// The nodes recorded so far, as an operation reads them.
#[derive(Clone, Copy)]
pub(crate) struct Recorded<'a, T> {
    pub(crate) nodes: &'a [Node<T>],
    pub(crate) parameters: &'a [T],
    pub(crate) values: &'a [T],
}

impl<'a, T: Real> Recorded<'a, T> {
    /// The value of a node, column-major: from the parameter vector or from the arena.
    pub(crate) fn entries(&self, var: Var) -> &'a [T] {
        let node = &self.nodes[var.0];
        match node.op {
            Op::Parameter => &self.parameters[node.range()],
            _ => &self.values[node.range()],
        }
    }

    /// The value of a node.
    pub(crate) fn value(&self, var: Var) -> DMatrixView<'a, T> {
        let node = &self.nodes[var.0];
        DMatrixView::from_slice(self.entries(var), node.rows, node.columns)
    }
}

/// The cotangents of the nodes, and of the parameters.
pub(crate) struct Cotangents<'a, T> {
    pub(crate) nodes: &'a [Node<T>],
    /// Of the nodes that are no parameters, at the offsets of their values.
    pub(crate) entries: &'a mut [T],
    /// Of the parameters.
    pub(crate) gradient: &'a mut [T],
    /// Whether a node's cotangent has been written.
    pub(crate) reached: &'a mut [bool],
}

impl<T: Real> Cotangents<'_, T> {
    /// The cotangent of a node, and those of the nodes before it.
    pub(crate) fn split_at(&mut self, node: &Node<T>) -> (&[T], Cotangents<'_, T>) {
        let (before, rest) = self.entries.split_at_mut(node.offset);
        let cotangents = Cotangents {
            nodes: self.nodes,
            entries: before,
            gradient: self.gradient,
            reached: self.reached,
        };
        (&rest[..node.rows * node.columns], cotangents)
    }

    /// The cotangent of a node, and whether to replace its (stale) content or to add to it.
    ///
    /// `None` if no parameter depends on the node.
    pub(crate) fn get(&mut self, var: Var) -> Option<(&mut [T], Store)> {
        let node = &self.nodes[var.0];
        if !node.differentiable {
            return None;
        }
        let first = !std::mem::replace(&mut self.reached[var.0], true);
        let store = if first { Store::Replace } else { Store::Add };
        let entries = match node.op {
            Op::Parameter => &mut self.gradient[node.range()],
            _ => &mut self.entries[node.range()],
        };
        Some((entries, store))
    }

    /// Adds `term(i)` to entry i of a node's cotangent, for all entries.
    pub(crate) fn add_each(&mut self, var: Var, term: impl Fn(usize) -> T) {
        match self.get(var) {
            None => {}
            Some((cotangent, Store::Replace)) => {
                for (i, entry) in cotangent.iter_mut().enumerate() {
                    *entry = term(i);
                }
            }
            Some((cotangent, Store::Add)) => {
                for (i, entry) in cotangent.iter_mut().enumerate() {
                    *entry += term(i);
                }
            }
        }
    }

    /// Zeroes the gradient in the parameters that no operation has reached.
    pub(crate) fn clear_unreached(&mut self) {
        for (node, reached) in self.nodes.iter().zip(&*self.reached) {
            if matches!(node.op, Op::Parameter) && !reached {
                self.gradient[node.range()].fill(T::zero());
            }
        }
    }
}

/// A recorded custom primitive.
#[derive(Clone, Copy)]
pub(crate) struct Custom<T> {
    /// Where the tape keeps its inputs, and how many they are.
    pub(crate) inputs: (usize, usize),
    pub(crate) residual_len: usize,
    pub(crate) vjp: fn(Reverse<'_, T>),
}

/// The inputs of a custom primitive.
#[derive(Clone, Copy)]
pub struct PrimitiveInputs<'a, T> {
    pub(crate) inputs: &'a [Var],
    pub(crate) recorded: Recorded<'a, T>,
}

impl<'a, T: Real> PrimitiveInputs<'a, T> {
    /// How many they are.
    pub fn count(&self) -> usize {
        self.inputs.len()
    }

    /// The value of input `index`.
    pub fn value(&self, index: usize) -> DMatrixView<'a, T> {
        self.recorded.value(self.inputs[index])
    }

    /// Its entries, column-major.
    pub fn entries(&self, index: usize) -> &'a [T] {
        self.recorded.entries(self.inputs[index])
    }
}

/// What a custom primitive sees in the reverse sweep.
pub struct Reverse<'a, T> {
    /// The values of its inputs.
    pub inputs: PrimitiveInputs<'a, T>,
    /// Its output, column-major.
    pub output: &'a [T],
    /// What the forward evaluation left.
    pub residual: &'a mut [T],
    /// Ȳ, the cotangent of the output.
    pub cotangent: &'a [T],
    /// Where the cotangents of the inputs go.
    pub input_cotangents: InputCotangents<'a, T>,
}

/// The cotangents of the inputs of a custom primitive.
pub struct InputCotangents<'a, T> {
    pub(crate) inputs: &'a [Var],
    pub(crate) cotangents: Cotangents<'a, T>,
}

impl<T: Real> InputCotangents<'_, T> {
    /// The cotangent of input `index`, column-major, and whether to replace its (stale) content or to
    /// add to it; `None` if no parameter depends on the input.
    pub fn get(&mut self, index: usize) -> Option<(&mut [T], Store)> {
        self.cotangents.get(self.inputs[index])
    }

    /// Adds `term(i)` to entry i of the cotangent of input `index`, for all entries.
    pub fn add_each(&mut self, index: usize, term: impl Fn(usize) -> T) {
        self.cotangents.add_each(self.inputs[index], term);
    }
}
