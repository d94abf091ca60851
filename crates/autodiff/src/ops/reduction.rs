//! Reductions of a matrix to a scalar node, accumulated in double precision.

use super::{Op, Sweep};
use crate::tape::Graph;
use crate::{Real, Var};

impl<T: Real> Graph<'_, T> {
    /// Σ of all entries.
    pub fn sum(&mut self, a: Var) -> Var {
        self.reduce(Op::Sum(a), a, |a| a)
    }

    /// Σ of the squares of all entries; for particles in rows, N times the mean squared norm.
    pub fn sum_of_squares(&mut self, a: Var) -> Var {
        self.reduce(Op::SumOfSquares(a), a, |a| a * a)
    }

    fn reduce(&mut self, op: Op<T>, a: Var, term: impl Fn(f64) -> f64) -> Var {
        let differentiable = self.is_differentiable(a);
        self.push(op, (1, 1), differentiable, |earlier, output| {
            // Partial sums, of which several are under way at a time.
            let mut sums = [0.0; 8];
            let chunks = earlier.entries(a).chunks_exact(sums.len());
            let rest = chunks.remainder().iter().map(|a| term(a.into_f64()));
            let rest: f64 = rest.sum();
            for chunk in chunks {
                for (sum, a) in sums.iter_mut().zip(chunk) {
                    *sum += term(a.into_f64());
                }
            }
            output[0] = T::from_f64(sums.iter().sum::<f64>() + rest);
        })
    }
}

pub(super) fn pull_back_sum_of_squares<T: Real>(sweep: &mut Sweep<'_, T>, a: Var, own: &[T]) {
    let value = sweep.entries(a);
    let twice = own[0] + own[0];
    sweep.add_each(a, |i| twice * value[i]);
}
