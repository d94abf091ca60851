//! Functionals on the tape: one evaluation, such as a sweep over all pairs, gives value and gradient.

use rieszflow_autodiff::{CustomOp, Graph, PrimitiveInputs, Reverse, Var};
use rieszflow_numerics::Real;

use crate::{Error, Points};

/// Records f(X) of an N×d node X. `f` gets X, adds its gradient in X to the given entries, which are 0,
/// and returns its value.
pub(crate) fn record_with_gradient<T: Real>(
    graph: &mut Graph<'_, T>,
    node: Var,
    f: impl Fn(Points<'_, T>, &mut [T]) -> Result<f64, Error>,
) -> Result<Var, Error> {
    graph.custom(&WithGradient(f), &[node])
}

struct WithGradient<F>(F);

impl<T, F> CustomOp<T> for WithGradient<F>
where
    T: Real,
    F: Fn(Points<'_, T>, &mut [T]) -> Result<f64, Error>,
{
    type Error = Error;

    fn output_shape(&self, _: &PrimitiveInputs<'_, T>) -> (usize, usize) {
        (1, 1)
    }

    fn residual_len(&self, inputs: &PrimitiveInputs<'_, T>) -> usize {
        inputs.value(0).len()
    }

    fn forward(
        &self,
        inputs: &PrimitiveInputs<'_, T>,
        output: &mut [T],
        gradient: &mut [T],
    ) -> Result<(), Error> {
        gradient.fill(T::zero());
        let (rows, columns) = inputs.value(0).shape();
        let points = Points::new(inputs.entries(0), rows, columns);
        output[0] = T::from_f64((self.0)(points, gradient)?);
        Ok(())
    }

    fn vjp(mut reverse: Reverse<'_, T>) {
        let (cotangent, gradient) = (reverse.cotangent[0], reverse.residual);
        let input = &mut reverse.input_cotangents;
        input.add_each(0, |i| cotangent * gradient[i]);
    }
}
