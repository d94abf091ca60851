//! Custom primitives supplied from outside, such as a sum over all pairs of particles.

use crate::Real;
use crate::node::{
    Cotangents, Custom, InputCotangents, Node, Op, PrimitiveInputs, Recorded, Reverse, Var,
};
use crate::tape::Graph;

/// A primitive of several matrices with a hand-written vector–Jacobian product.
///
/// The forward evaluation may borrow anything; what the reverse sweep needs of it is left in the
/// *residual*, which the tape keeps.
///
/// The sum of cubes, whose residual is its gradient:
/// ```
/// use rieszflow_autodiff::{CustomOp, PrimitiveInputs, Reverse, Tape};
///
/// struct SumOfCubes;
/// impl CustomOp<f64> for SumOfCubes {
///     type Error = std::convert::Infallible;
///     fn output_shape(&self, _: &PrimitiveInputs<'_, f64>) -> (usize, usize) { (1, 1) }
///     fn residual_len(&self, inputs: &PrimitiveInputs<'_, f64>) -> usize { inputs.value(0).len() }
///     fn forward(&self, inputs: &PrimitiveInputs<'_, f64>, y: &mut [f64], residual: &mut [f64])
///         -> Result<(), Self::Error> {
///         let x = inputs.value(0);
///         y[0] = x.iter().map(|x| x.powi(3)).sum();
///         residual.iter_mut().zip(&x).for_each(|(g, x)| *g = 3.0 * x * x);
///         Ok(())
///     }
///     fn vjp(mut reverse: Reverse<'_, f64>) {
///         let (cotangent, gradient) = (reverse.cotangent[0], reverse.residual);
///         reverse.input_cotangents.add_each(0, |i| cotangent * gradient[i]);
///     }
/// }
///
/// let (parameters, mut gradient) = ([1.0, 2.0], [0.0; 2]);
/// let mut tape = Tape::new();
/// let mut graph = tape.record(&parameters);
/// let x = graph.parameter(2, 1);
/// let y = graph.custom(&SumOfCubes, &[x]).unwrap();
/// graph.gradient(y, &mut gradient);
/// assert_eq!(gradient, [3.0, 12.0]);
/// ```
pub trait CustomOp<T> {
    /// Why the primitive may have no value.
    type Error;

    /// Rows and columns of the output.
    fn output_shape(&self, inputs: &PrimitiveInputs<'_, T>) -> (usize, usize);

    /// Number of entries that [`forward`](Self::forward) leaves for [`vjp`](Self::vjp), which may also
    /// use them as working memory.
    fn residual_len(&self, inputs: &PrimitiveInputs<'_, T>) -> usize;

    /// Writes every entry of the output, column-major, and of the residual as far as it is read; both
    /// arrive with arbitrary content.
    ///
    /// # Errors
    /// If the primitive has no value at these inputs.
    fn forward(
        &self,
        inputs: &PrimitiveInputs<'_, T>,
        output: &mut [T],
        residual: &mut [T],
    ) -> Result<(), Self::Error>;

    /// The vector–Jacobian product: adds what follows from the output's cotangent to those of the
    /// inputs.
    fn vjp(reverse: Reverse<'_, T>);
}

impl<T: Real> Custom<T> {
    pub(crate) fn vjp(
        &self,
        node: &Node<T>,
        cotangent: &[T],
        values: &mut [T],
        (inputs, parameters): (&[Var], &[T]),
        cotangents: Cotangents<'_, T>,
    ) {
        let (start, count) = self.inputs;
        let inputs = &inputs[start..start + count];
        let (before, own) = values.split_at_mut(node.offset);
        let (output, rest) = own.split_at_mut(node.rows * node.columns);
        let recorded = Recorded {
            nodes: cotangents.nodes,
            parameters,
            values: before,
        };
        (self.vjp)(Reverse {
            inputs: PrimitiveInputs { inputs, recorded },
            output,
            residual: &mut rest[..self.residual_len],
            cotangent,
            input_cotangents: InputCotangents { inputs, cotangents },
        });
    }
}

impl<T: Real> Graph<'_, T> {
    /// Evaluates a primitive supplied from outside.
    ///
    /// # Errors
    /// The error of [`CustomOp::forward`]; nothing is recorded then.
    pub fn custom<C: CustomOp<T>>(&mut self, op: &C, inputs: &[Var]) -> Result<Var, C::Error> {
        let recorded = self.recorded();
        let (rows, columns) = op.output_shape(&PrimitiveInputs { inputs, recorded });
        let residual_len = op.residual_len(&PrimitiveInputs { inputs, recorded });
        let place = self.reserve(rows * columns + residual_len);
        let (recorded, free) = self.split_at(place.start);
        let (output, residual) = free[..place.len()].split_at_mut(rows * columns);
        op.forward(&PrimitiveInputs { inputs, recorded }, output, residual)?;
        let differentiable = inputs.iter().any(|&input| self.is_differentiable(input));
        let custom = Custom {
            inputs: (self.store_inputs(inputs), inputs.len()),
            residual_len,
            vjp: C::vjp,
        };
        Ok(self.append(Node {
            op: Op::Custom(custom),
            rows,
            columns,
            offset: place.start,
            differentiable,
        }))
    }
}
