//! Fused primitives supplied from outside, such as a sum over all pairs of particles.

use crate::ops::{Op, Sweep};
use crate::tape::{Graph, Node};
use crate::{Real, Var};

/// A primitive of one matrix argument with a hand-written vector-Jacobian product.
///
/// The forward evaluation may borrow anything; what the reverse sweep needs it leaves in the
/// *residual*, which the tape keeps. A primitive of several arguments takes them side by side in
/// one matrix ([`Graph::concatenate_columns`]).
///
/// The sum of cubes, whose residual is its gradient:
/// ```
/// use rieszflow_autodiff::{CustomOp, Tape};
///
/// struct SumOfCubes;
/// impl CustomOp<f64> for SumOfCubes {
///     type Error = std::convert::Infallible;
///     fn output_shape(&self, _: (usize, usize)) -> (usize, usize) { (1, 1) }
///     fn residual_len(&self, (rows, columns): (usize, usize)) -> usize { rows * columns }
///     fn forward(&self, x: &[f64], _: (usize, usize), y: &mut [f64], residual: &mut [f64])
///         -> Result<(), Self::Error> {
///         y[0] = x.iter().map(|x| x.powi(3)).sum();
///         residual.iter_mut().zip(x).for_each(|(g, x)| *g = 3.0 * x * x);
///         Ok(())
///     }
///     fn backward(residual: &[f64], cotangent: &[f64], input_cotangent: &mut [f64]) {
///         input_cotangent.iter_mut().zip(residual).for_each(|(c, g)| *c += cotangent[0] * g);
///     }
/// }
///
/// let (parameters, mut gradient) = ([1.0, 2.0], [0.0; 2]);
/// let mut tape = Tape::new();
/// let mut graph = tape.record(&parameters);
/// let x = graph.parameter(0, 2, 1);
/// let y = graph.custom(&SumOfCubes, x).unwrap();
/// graph.gradient(y, &mut gradient);
/// assert_eq!(gradient, [3.0, 12.0]);
/// ```
pub trait CustomOp<T> {
    /// Why the primitive may have no value.
    type Error;

    /// Rows and columns of the output for an input of the given shape.
    fn output_shape(&self, input_shape: (usize, usize)) -> (usize, usize);

    /// Number of values that [`forward`](Self::forward) leaves for [`backward`](Self::backward).
    fn residual_len(&self, input_shape: (usize, usize)) -> usize;

    /// Writes every entry of the output and of the residual, which arrive with arbitrary content.
    ///
    /// Input and output are column-major.
    ///
    /// # Errors
    /// If the primitive has no value at this input.
    fn forward(
        &self,
        input: &[T],
        input_shape: (usize, usize),
        output: &mut [T],
        residual: &mut [T],
    ) -> Result<(), Self::Error>;

    /// Adds the vector-Jacobian product with the output's `cotangent` to `input_cotangent`.
    fn backward(residual: &[T], cotangent: &[T], input_cotangent: &mut [T]);
}

type Backward<T> = fn(residual: &[T], cotangent: &[T], input_cotangent: &mut [T]);

/// What a recorded primitive keeps for the reverse sweep.
#[derive(Clone, Copy)]
pub(crate) struct Residual<T> {
    offset: usize,
    len: usize,
    backward: Backward<T>,
}

impl<T: Real> Residual<T> {
    pub(crate) fn pull_back(&self, sweep: &mut Sweep<'_, T>, input: Var, own: &[T]) {
        let residual = &sweep.values[self.offset..self.offset + self.len];
        sweep.add_to(input, |cotangent| (self.backward)(residual, own, cotangent));
    }
}

impl<T: Real> Graph<'_, T> {
    /// Evaluates a primitive supplied from outside.
    ///
    /// # Errors
    /// The error of [`CustomOp::forward`]; nothing is recorded then.
    pub fn custom<C: CustomOp<T>>(&mut self, op: &C, input: Var) -> Result<Var, C::Error> {
        let input_shape = self.shape(input);
        let (rows, columns) = op.output_shape(input_shape);
        let residual_len = op.residual_len(input_shape);
        let place = self.reserve(rows * columns + residual_len);
        let (earlier, after) = self.split_at(place.start);
        let (output, residual) = after[..place.len()].split_at_mut(rows * columns);
        op.forward(earlier.entries(input), input_shape, output, residual)?;
        let residual = Residual {
            offset: place.start + rows * columns,
            len: residual_len,
            backward: C::backward,
        };
        let differentiable = self.is_differentiable(input);
        Ok(self.append(Node {
            op: Op::Custom(input, residual),
            rows,
            columns,
            offset: place.start,
            differentiable,
        }))
    }
}
