//! Reductions of a matrix to a scalar node, accumulated in double precision.

use crate::Real;
use crate::node::{Cotangents, Op, Recorded, Var};
use crate::tape::Graph;

impl<T: Real> Graph<'_, T> {
    /// Σ of the squares of all entries; for particles in rows, N times the mean squared norm.
    pub fn sum_of_squares(&mut self, a: Var) -> Var {
        let differentiable = self.is_differentiable(a);
        self.push(
            Op::SumOfSquares(a),
            (1, 1),
            differentiable,
            |recorded, output| {
                // Eight partial sums, so that additions need not wait for one another.
                let mut sums = [0.0; 8];
                let chunks = recorded.entries(a).chunks_exact(sums.len());
                let square = |a: &T| a.into_f64() * a.into_f64();
                let rest: f64 = chunks.remainder().iter().map(square).sum();
                for chunk in chunks {
                    for (sum, a) in sums.iter_mut().zip(chunk) {
                        *sum += square(a);
                    }
                }
                output[0] = T::from_f64(sums.iter().sum::<f64>() + rest);
            },
        )
    }
}

/// For s = Σ aᵢ²: āᵢ += 2 s̄ aᵢ.
pub(crate) fn sum_of_squares_vjp<T: Real>(
    own: &[T],
    values: Recorded<'_, T>,
    a: Var,
    inputs: &mut Cotangents<'_, T>,
) {
    let value = values.entries(a);
    let twice = own[0] + own[0];
    inputs.add_each(a, |i| twice * value[i]);
}
