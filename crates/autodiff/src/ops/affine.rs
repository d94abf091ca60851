//! The affine layer Y = XWᵀ + 1bᵀ on the rows of X.

use nalgebra::DMatrixViewMut;
use rieszflow_numerics::product::Store;

use crate::Real;
use crate::node::{Cotangents, Op, Recorded, Var};
use crate::tape::Graph;

impl<T: Real> Graph<'_, T> {
    /// The affine layer XWᵀ + 1bᵀ on the rows of X.
    ///
    /// X is N×k (a particle per row), W is m×k, b is m×1; the result is N×m. These are the
    /// conventions of the usual fully connected layer, y = W x + b.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn affine(&mut self, x: Var, w: Var, b: Var) -> Var {
        let ((rows, inputs), (m, k)) = (self.shape(x), self.shape(w));
        assert_eq!(inputs, k, "layer with {m}×{k} weight on {inputs} columns");
        assert_eq!(self.shape(b), (m, 1), "the bias must be {m}×1");
        let differentiable = [x, w, b].iter().any(|&var| self.is_differentiable(var));
        let op = Op::Affine(x, w, b);
        self.push(op, (rows, m), differentiable, |recorded, output| {
            let mut y = DMatrixViewMut::from_slice(output, rows, m);
            for (mut column, &bias) in y.column_iter_mut().zip(recorded.entries(b)) {
                column.fill(bias);
            }
            let wt = recorded.value(w).transpose();
            y.gemm(T::one(), &recorded.value(x), &wt, T::one());
        })
    }
}

/// X̄ += ȲW, W̄ += ȲᵀX, b̄ += Σ of the rows of Ȳ.
pub(crate) fn vjp<T: Real>(
    own: &[T],
    values: Recorded<'_, T>,
    (x, w, b): (Var, Var, Var),
    inputs: &mut Cotangents<'_, T>,
) {
    let (x_value, w_value) = (values.value(x), values.value(w));
    let ((rows, k), m) = (x_value.shape(), w_value.nrows());
    let y_bar = nalgebra::DMatrixView::from_slice(own, rows, m);
    if let Some((entries, store)) = inputs.get(x) {
        let mut x_bar = DMatrixViewMut::from_slice(entries, rows, k);
        x_bar.gemm(T::one(), &y_bar, &w_value, weight_of(store));
    }
    if let Some((entries, store)) = inputs.get(w) {
        let mut w_bar = DMatrixViewMut::from_slice(entries, m, k);
        w_bar.gemm_tr(T::one(), &y_bar, &x_value, weight_of(store));
    }
    inputs.add_each(b, |j| y_bar.column(j).sum());
}

/// The factor of what a cotangent holds already.
fn weight_of<T: Real>(store: Store) -> T {
    match store {
        Store::Replace => T::zero(),
        Store::Add => T::one(),
    }
}
