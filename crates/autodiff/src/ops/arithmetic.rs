//! Operations entry by entry: sums, products, quotients, scaling, square root, ReLU.

use super::{Op, Sweep};
use crate::tape::{Graph, Node};
use crate::{Real, Var};

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

    /// A ∘ B, entry by entry.
    pub fn multiply(&mut self, a: Var, b: Var) -> Var {
        self.binary(Op::Multiply(a, b), (a, b), |a, b| a * b)
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

    /// max(A, 0), entry by entry, with derivative 0 at 0; NaN stays NaN, so that a divergence is seen
    /// and not swallowed.
    pub fn relu(&mut self, a: Var) -> Var {
        let zero = T::zero();
        self.unary(Op::Relu(a), a, |a| if a < zero { zero } else { a })
    }

    fn unary(&mut self, op: Op<T>, a: Var, f: impl Fn(T) -> T) -> Var {
        let (shape, differentiable) = (self.shape(a), self.is_differentiable(a));
        self.push(op, shape, differentiable, |earlier, output| {
            for (y, &a) in output.iter_mut().zip(earlier.entries(a)) {
                *y = f(a);
            }
        })
    }

    fn binary(&mut self, op: Op<T>, (a, b): (Var, Var), f: impl Fn(T, T) -> T) -> Var {
        let shape = self.shape(a);
        assert_eq!(shape, self.shape(b), "the shapes must agree");
        let differentiable = self.is_differentiable(a) || self.is_differentiable(b);
        self.push(op, shape, differentiable, |earlier, output| {
            let operands = earlier.entries(a).iter().zip(earlier.entries(b));
            for (y, (&a, &b)) in output.iter_mut().zip(operands) {
                *y = f(a, b);
            }
        })
    }
}

pub(super) fn pull_back_add<T: Real>(sweep: &mut Sweep<'_, T>, (a, b): (Var, Var), own: &[T]) {
    sweep.add_each(a, |i| own[i]);
    sweep.add_each(b, |i| own[i]);
}

pub(super) fn pull_back_subtract<T: Real>(sweep: &mut Sweep<'_, T>, (a, b): (Var, Var), own: &[T]) {
    sweep.add_each(a, |i| own[i]);
    sweep.add_each(b, |i| -own[i]);
}

pub(super) fn pull_back_multiply<T: Real>(sweep: &mut Sweep<'_, T>, (a, b): (Var, Var), own: &[T]) {
    let (a_value, b_value) = (sweep.entries(a), sweep.entries(b));
    sweep.add_each(a, |i| own[i] * b_value[i]);
    sweep.add_each(b, |i| own[i] * a_value[i]);
}

/// For c = a/b: ā += c̄/b and b̄ −= c̄ a/b².
pub(super) fn pull_back_divide<T: Real>(sweep: &mut Sweep<'_, T>, (a, b): (Var, Var), own: &[T]) {
    let (a_value, b_value) = (sweep.entries(a), sweep.entries(b));
    sweep.add_each(a, |i| own[i] / b_value[i]);
    sweep.add_each(b, |i| -own[i] * a_value[i] / (b_value[i] * b_value[i]));
}

/// For c = √a: ā += c̄/(2c).
pub(super) fn pull_back_sqrt<T: Real>(sweep: &mut Sweep<'_, T>, node: &Node<T>, a: Var, own: &[T]) {
    let root = &sweep.values[node.range()];
    let half = T::from_f64(0.5);
    sweep.add_each(a, |i| half * own[i] / root[i]);
}

pub(super) fn pull_back_relu<T: Real>(sweep: &mut Sweep<'_, T>, a: Var, own: &[T]) {
    let value = sweep.entries(a);
    sweep.add_each(a, |i| {
        if value[i] > T::zero() {
            own[i]
        } else {
            T::zero()
        }
    });
}
