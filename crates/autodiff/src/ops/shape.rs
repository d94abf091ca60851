//! Operations that rearrange entries: joining columns, taking rows.

use super::{Op, Sweep};
use crate::tape::{Graph, Node};
use crate::{Real, Var};

impl<T: Real> Graph<'_, T> {
    /// [A, B]: the columns of A followed by those of B.
    ///
    /// # Panics
    /// If the numbers of rows differ.
    pub fn concatenate_columns(&mut self, a: Var, b: Var) -> Var {
        let ((rows, k), (other, l)) = (self.shape(a), self.shape(b));
        assert_eq!(rows, other, "the numbers of rows must agree");
        let differentiable = self.is_differentiable(a) || self.is_differentiable(b);
        self.push(
            Op::ConcatenateColumns(a, b),
            (rows, k + l),
            differentiable,
            |earlier, output| {
                let (left, right) = output.split_at_mut(rows * k);
                left.copy_from_slice(earlier.entries(a));
                right.copy_from_slice(earlier.entries(b));
            },
        )
    }

    /// `count` rows of A from row `start` on.
    ///
    /// # Panics
    /// If A has fewer than `start + count` rows.
    pub fn rows(&mut self, a: Var, start: usize, count: usize) -> Var {
        let (rows, columns) = self.shape(a);
        assert!(
            start + count <= rows,
            "rows {start}..{} of a matrix with {rows}",
            start + count
        );
        let differentiable = self.is_differentiable(a);
        self.push(
            Op::Rows { of: a, start },
            (count, columns),
            differentiable,
            |earlier, output| {
                let source = earlier.entries(a);
                for column in 0..columns {
                    let from = column * rows + start;
                    output[column * count..(column + 1) * count]
                        .copy_from_slice(&source[from..from + count]);
                }
            },
        )
    }
}

pub(super) fn pull_back_concatenation<T: Real>(
    sweep: &mut Sweep<'_, T>,
    (a, b): (Var, Var),
    own: &[T],
) {
    let split = sweep.entries(a).len();
    sweep.add_each(a, |i| own[i]);
    sweep.add_each(b, |i| own[split + i]);
}

pub(super) fn pull_back_rows<T: Real>(
    sweep: &mut Sweep<'_, T>,
    node: &Node<T>,
    (of, start): (Var, usize),
    own: &[T],
) {
    let (count, rows) = (node.rows, sweep.node(of).rows);
    sweep.add_to(of, |cotangent| {
        for column in 0..node.columns {
            let target = &mut cotangent[column * rows + start..][..count];
            for (entry, &add) in target.iter_mut().zip(&own[column * count..]) {
                *entry += add;
            }
        }
    });
}
