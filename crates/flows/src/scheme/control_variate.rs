//! Quiet gradients: what all particles contribute to the field at a minibatch, from copies of where they went last.
//!
//! The repulsion that a transported particle feels is a mean over all N others. Estimated from the B
//! particles of the other minibatch it has an error of about B^{-1/2}, which is as large as the whole
//! force once the flow is near its target. A copy P_k of where the transport took particle k when it was
//! last drawn is known at no cost, and differs little from where it would go now. So the others' mean
//! over the copies is added, and what the copies of the second minibatch already stand for is taken away:
//!
//! ```math
//! \frac1B \sum_j ∇|T^1_i - T^2_j|^r \;+\; \Bigl( \frac1N \sum_{k=1}^N ∇|T^1_i - P_k|^r
//!   - \frac1B \sum_{j} ∇|T^1_i - P_{k_j}|^r \Bigr)
//! ```
//!
//! and the same with the minibatches exchanged. The bracket has mean 0 over the draws of the second
//! minibatch: it is a *control variate*, which leaves the loss and its minimiser what they are. The error
//! that remains is that of T² − P, which vanishes as the training converges. (The idea is that of
//! stochastic variance reduced gradients: Johnson, Zhang 2013.)

use rieszflow_numerics::Real;

/// The weights of the copies for either minibatch: 1/N, less 1/B for those of the other minibatch.
pub(super) struct Weights<T>([Vec<T>; 2]);

impl<T: Real> Weights<T> {
    /// For `count` particles.
    pub(super) fn new(count: usize) -> Self {
        Self([vec![T::zero(); count], vec![T::zero(); count]])
    }

    /// The weights for the first and the second minibatch; `rows` are the particles of both.
    pub(super) fn of_draw(&mut self, rows: &[usize]) -> [&[T]; 2] {
        let (first, second) = rows.split_at(rows.len() / 2);
        let removed = T::from_f64(1.0 / first.len() as f64);
        for (weights, others) in self.0.iter_mut().zip([second, first]) {
            let equal = T::from_f64(1.0 / weights.len() as f64);
            weights.fill(equal);
            for &row in others {
                weights[row] -= removed;
            }
        }
        let [first, second] = &self.0;
        [first, second]
    }
}
