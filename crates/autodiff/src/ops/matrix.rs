//! The product of two matrices.

use super::{Op, Sweep};
use crate::tape::Graph;
use crate::{Real, Var};
use rieszflow_numerics::product::{Factor, Store, product};

impl<T: Real> Graph<'_, T> {
    /// The matrix product A·B, for A of shape m×k and B of shape k×n.
    ///
    /// # Panics
    /// If the inner dimensions differ.
    pub fn product(&mut self, a: Var, b: Var) -> Var {
        let ((m, k), (inner, n)) = (self.shape(a), self.shape(b));
        assert_eq!(k, inner, "product of {m}×{k} with {inner}×{n}");
        let differentiable = self.is_differentiable(a) || self.is_differentiable(b);
        self.push(
            Op::Product(a, b),
            (m, n),
            differentiable,
            |earlier, output| {
                let a = Factor::new(earlier.entries(a), m, k);
                let b = Factor::new(earlier.entries(b), k, n);
                product(output, Store::Replace, a, b);
            },
        )
    }
}

/// Ā += C̄ Bᵀ and B̄ += Aᵀ C̄.
pub(super) fn pull_back<T: Real>(sweep: &mut Sweep<'_, T>, (a, b): (Var, Var), own: &[T]) {
    let (m, k) = (sweep.node(a).rows, sweep.node(a).columns);
    let n = sweep.node(b).columns;
    let own = Factor::new(own, m, n);
    let a_value = Factor::new(sweep.entries(a), m, k);
    let b_value = Factor::new(sweep.entries(b), k, n);
    if let Some((cotangent, store)) = sweep.cotangent(a) {
        product(cotangent, store, own, b_value.transposed());
    }
    if let Some((cotangent, store)) = sweep.cotangent(b) {
        product(cotangent, store, a_value.transposed(), own);
    }
}
