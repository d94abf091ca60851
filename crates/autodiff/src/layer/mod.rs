//! The passes over the affine layers of a network: blocks of rows that stay in the cache, on all threads.
//!
//! The rows of a batch are halved into equal parts, as many as a power of two, and the blocks of a
//! part follow one another. Each block goes through all layers, forth and back, before the next one
//! follows, so that what one layer leaves the next one finds in the cache. How the rows are cut
//! depends on the sizes alone, so the results do not depend on the threads.

mod activation;
mod backward;
mod forward;
mod small;

use faer::{MatMut, MatRef};

use crate::Real;
use crate::ops::Activation;
use rieszflow_numerics::product::{LEAST_PIECE, Store};

pub(crate) use backward::{Backward, backward_parts, block_memory, descend, part_memory};
pub(crate) use forward::{Forward, forward};

/// Rows of a block: a multiple of the height of the product's innermost loop, and few enough for
/// the product to be at its fastest.
const BLOCK: usize = 192;
/// Most rows of a part, unless there would be too many.
const PART: usize = 512;
/// Bounds the memory of the gradients in the parameters, one per part of the batch.
const MOST_PARTS: usize = 16;
/// A batch of so many rows is cut in two if both its halves have enough to do,
const LEAST_ROWS: usize = 128;
/// which is to say, so many multiplications,
const LEAST_WORK: usize = LEAST_PIECE / 8;
/// and there are not too many gradients to add up.
const MOST_PARAMETERS: usize = 1 << 20;

/// In how many parts a batch is cut.
pub(crate) fn parts<'a, T: Real>(layers: impl Layers<'a, T>, rows: usize) -> usize {
    let parameters = layers.parameters();
    let is_worth_two =
        rows >= LEAST_ROWS && rows * parameters >= 2 * LEAST_WORK && parameters <= MOST_PARAMETERS;
    let parts = rows.div_ceil(PART).max(if is_worth_two { 2 } else { 1 });
    parts.next_power_of_two().min(MOST_PARTS)
}

/// Whether a layer has so few outputs that Ȳᵀ X is found faster as its transpose.
pub(crate) fn is_narrow(outputs: usize) -> bool {
    outputs < 16
}

/// Where a batch is cut in two, at a full vector.
fn half(rows: usize) -> usize {
    (rows / 2).next_multiple_of(16)
}

/// The layer Y = σ(X Wᵀ + 1 bᵀ).
#[derive(Clone, Copy)]
pub(crate) struct Affine<'a, T> {
    /// W, outputs × inputs.
    pub(crate) weight: MatRef<'a, T>,
    /// b.
    pub(crate) bias: &'a [T],
    /// σ.
    pub(crate) activation: Activation,
}

/// Layers that follow one another.
pub(crate) trait Layers<'a, T: Real>: Copy + Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// One of them.
    fn get(&self, index: usize) -> Affine<'a, T>;

    /// All of them.
    fn all(self) -> impl DoubleEndedIterator<Item = Affine<'a, T>> + ExactSizeIterator {
        (0..self.count()).map(move |index| self.get(index))
    }

    /// Outputs of all layers but the last.
    fn hidden(self) -> usize {
        let outputs = self.all().map(|layer| layer.weight.nrows());
        outputs.take(self.count() - 1).sum()
    }

    /// Parameters of all layers.
    fn parameters(self) -> usize {
        let parameters = self
            .all()
            .map(|layer| (layer.weight.ncols() + 1) * layer.bias.len());
        parameters.sum()
    }

    /// The most outputs that a layer has.
    fn widest(self) -> usize {
        self.all().map(|layer| layer.bias.len()).max().unwrap_or(0)
    }
}

/// How products are taken: on all threads or on this one.
pub(crate) type Multiply<T> = fn(MatMut<'_, T>, Store, MatRef<'_, T>, MatRef<'_, T>);

/// Runs both on two threads if there is enough to do, given as a number of multiplications; more must
/// be on a thread that belongs to no pool, as it has to wait for one that does.
fn join(work: usize, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    let least = if rayon::current_thread_index().is_some() {
        LEAST_WORK
    } else {
        2 * LEAST_PIECE
    };
    if work < least {
        a();
        b();
    } else {
        rayon::join(a, b);
    }
}
