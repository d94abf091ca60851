//! Operations entry by entry: sums, quotients, scaling, square root, ReLU.

use crate::Real;
use crate::node::{Cotangents, Op, Recorded, Var};
use crate::tape::Graph;

impl<T: Real> Graph<'_, T> {
    /// A + B, entry by entry.
    ///
    /// # Panics
    /// If the shapes differ; so do the other operations on two matrices here.
    pub fn add(&mut self, a: Var, b: Var) -> Var {
        self.binary(Op::Add(a, b), (a, b), |a, b| a + b)
    }

    /// A − B, entry by entry.
    pub fn subtract(&mut self, a: Var, b: Var) -> Var {
        self.binary(Op::Subtract(a, b), (a, b), |a, b| a - b)
    }

    /// A / B, entry by entry.
    pub fn divide(&mut self, a: Var, b: Var) -> Var {
        self.binary(Op::Divide(a, b), (a, b), |a, b| a / b)
    }

    /// `factor` · A.
    pub fn scale(&mut self, a: Var, factor: T) -> Var {
        self.unary(Op::Scale(a, factor), a, |a| factor * a)
    }

    /// A + `offset`, added to every entry.
    pub fn shift(&mut self, a: Var, offset: T) -> Var {
        self.unary(Op::Shift(a), a, |a| a + offset)
    }

    /// √A, entry by entry; its derivative at 0 is infinite.
    pub fn sqrt(&mut self, a: Var) -> Var {
        self.unary(Op::Sqrt(a), a, num_traits::Float::sqrt)
    }

    /// max(A, 0), entry by entry, with derivative 0 at 0; NaN stays NaN, so that a divergence is
    /// seen.
    pub fn relu(&mut self, a: Var) -> Var {
        let zero = T::zero();
        self.unary(Op::Relu(a), a, |a| if a < zero { zero } else { a })
    }

    fn unary(&mut self, op: Op<T>, a: Var, f: impl Fn(T) -> T) -> Var {
        let (shape, differentiable) = (self.shape(a), self.is_differentiable(a));
        self.push(op, shape, differentiable, |recorded, output| {
            for (y, &a) in output.iter_mut().zip(recorded.entries(a)) {
                *y = f(a);
            }
        })
    }

    fn binary(&mut self, op: Op<T>, (a, b): (Var, Var), f: impl Fn(T, T) -> T) -> Var {
        let shape = self.shape(a);
        assert_eq!(shape, self.shape(b), "the shapes must agree");
        let differentiable = self.is_differentiable(a) || self.is_differentiable(b);
        self.push(op, shape, differentiable, |recorded, output| {
            let operands = recorded.entries(a).iter().zip(recorded.entries(b));
            for (y, (&a, &b)) in output.iter_mut().zip(operands) {
                *y = f(a, b);
            }
        })
    }
}

/// For c = a + b: ā += c̄ and b̄ += c̄.
pub(crate) fn add_vjp<T: Real>(own: &[T], (a, b): (Var, Var), inputs: &mut Cotangents<'_, T>) {
    inputs.add_each(a, |i| own[i]);
    inputs.add_each(b, |i| own[i]);
}

/// For c = a − b: ā += c̄ and b̄ −= c̄.
pub(crate) fn subtract_vjp<T: Real>(own: &[T], (a, b): (Var, Var), inputs: &mut Cotangents<'_, T>) {
    inputs.add_each(a, |i| own[i]);
    inputs.add_each(b, |i| -own[i]);
}

/// For c = a/b: ā += c̄/b and b̄ −= c̄ a/b².
pub(crate) fn divide_vjp<T: Real>(
    own: &[T],
    values: Recorded<'_, T>,
    (a, b): (Var, Var),
    inputs: &mut Cotangents<'_, T>,
) {
    let (a_value, b_value) = (values.entries(a), values.entries(b));
    inputs.add_each(a, |i| own[i] / b_value[i]);
    inputs.add_each(b, |i| -own[i] * a_value[i] / (b_value[i] * b_value[i]));
}

/// For c = √a: ā += c̄/(2c).
pub(crate) fn sqrt_vjp<T: Real>(own: &[T], root: &[T], a: Var, inputs: &mut Cotangents<'_, T>) {
    let half = T::from_f64(0.5);
    inputs.add_each(a, |i| half * own[i] / root[i]);
}

/// For c = max(a, 0): ā += c̄ where a > 0.
pub(crate) fn relu_vjp<T: Real>(
    own: &[T],
    values: Recorded<'_, T>,
    a: Var,
    inputs: &mut Cotangents<'_, T>,
) {
    let value = values.entries(a);
    inputs.add_each(a, |i| {
        if value[i] > T::zero() {
            own[i]
        } else {
            T::zero()
        }
    });
}
