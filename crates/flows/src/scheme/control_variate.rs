//! Variance reduction: what all particles contribute to the field at a minibatch, from copies of where they
//! went last.
//!
//! The repulsion that a transported particle feels is a mean over all N others. Estimated from the B
//! particles of the other minibatch it has an error of about B^{-1/2}, which is as large as the whole
//! force once the flow is near its target. A copy P_k of where the transport took particle k when it was
//! last drawn is known at no cost, and differs little from where it would go now. So the mean over all
//! copies is added, and what the copies of the other minibatch contribute is taken away:
//!
//! ```math
//! \frac1B \sum_j ∇|T^1_i - T^2_j|^r \;+\; \Bigl( \frac1N \sum_{k=1}^N ∇|T^1_i - P_k|^r
//!   - \frac1B \sum_{j} ∇|T^1_i - P_{k_j}|^r \Bigr)
//! ```
//!
//! and the same with the minibatches exchanged. Over independent draws of the second minibatch the bracket
//! has mean 0: it is a *control variate*, which leaves the loss and its minimiser what they are. (The
//! minibatches are disjoint, so a mean of order B/N times T − P remains.) The error that is left is that
//! of T² − P, which vanishes as the training converges. The idea is that of stochastic variance reduced
//! gradients (Johnson, Zhang 2013).

use nalgebra::DMatrix;
use rieszflow_numerics::Real;

use crate::{Functional, GradientRows, Measure, Minibatches, Points};

/// Where the transport took every particle when it was last drawn, and what each copy weighs for either
/// minibatch.
#[derive(Clone, Copy)]
pub(super) struct Copies<'a, T> {
    /// N×d.
    positions: &'a DMatrix<T>,
    weights: [&'a [T]; 2],
}

impl<T: Real> Copies<'_, T> {
    /// The control variate of F̂ for transported minibatches: half the mutual energies of either minibatch
    /// and the copies; its gradient (2B×d) is added.
    pub(super) fn control_variate(
        &self,
        functional: &dyn Functional<T>,
        transported: Minibatches<'_, T>,
        gradient: &mut [T],
    ) -> f64 {
        let batch = transported.batch();
        let sides = [(0, transported.first()), (batch, transported.second())];
        let sides = sides.into_iter().zip(self.weights);
        let energies = sides.map(|((start, particles), weights)| {
            let copies = Measure::weighted(Points::from(self.positions), weights);
            let rows = &mut GradientRows::in_x(&mut gradient[start..], 2 * batch);
            functional.mutual_energy(Measure::uniform(particles), copies, 0.5, rows)
        });
        0.5 * energies.sum::<f64>()
    }
}

/// The memory of the weights: 1/N, less 1/B for the copies of the other minibatch.
pub(super) struct Weights<T>([Vec<T>; 2]);

impl<T: Real> Weights<T> {
    /// For `count` particles.
    pub(super) fn new(count: usize) -> Self {
        Self([vec![T::zero(); count], vec![T::zero(); count]])
    }

    /// The copies at these positions (N×d) as either minibatch weighs them; `rows` are the particles of
    /// the first minibatch and then those of the second.
    pub(super) fn of_draw<'a>(
        &'a mut self,
        positions: &'a DMatrix<T>,
        rows: &[usize],
    ) -> Copies<'a, T> {
        let (first, second) = rows.split_at(rows.len() / 2);
        let equal = T::from_f64(1.0 / positions.nrows() as f64);
        let removed = T::from_f64(1.0 / first.len() as f64);
        for (weights, others) in self.0.iter_mut().zip([second, first]) {
            weights.fill(equal);
            for &row in others {
                weights[row] -= removed;
            }
        }
        let [first, second] = &self.0;
        Copies {
            positions,
            weights: [first, second],
        }
    }
}
