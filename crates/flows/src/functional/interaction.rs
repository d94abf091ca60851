//! The interaction energy E(μ) = −½ ∬ |x−y|ʳ dμ dμ, a repulsion.
//!
//! It is the half of the discrepancy that makes flows odd: under it a Dirac bursts into a ball, or into
//! a sphere in high dimension. Its flow from there is known in closed form, which the crate
//! `rieszflow-analytic` holds.

use rieszflow_numerics::Real;

use super::Functional;
use crate::pair_sums::{GradientRows, Moving};
use crate::sums::RieszSums;
use crate::{Error, Measure, Minibatches, Points, RieszKernel, Sums};

/// The interaction energy E(μ) = ½ ∬ K dμ dμ = −½ ∬ |x−y|ʳ dμ(x) dμ(y).
///
/// With N particles, two minibatches x¹, x² of size B, and velocities a¹, a²,
///
/// ```math
/// \begin{aligned}
/// E(μ_N) &= -\frac1{2N^2} \sum_{i,j} |x_i-x_j|^r, &
/// \frac{∂E(μ_N)}{∂x_i} &= -\frac1{N^2} \sum_{x_j≠x_i} r\,|x_i-x_j|^{r-2}(x_i-x_j),\\
/// \hat E &= -\frac1{2B^2} \sum_{i,j} |x^1_i-x^2_j|^r, &
/// \hat D_vE &= -\frac1{2B^2} \sum_{i,j} ∂|\cdot|^r(x^1_i-x^2_j;\, a^1_i-a^2_j),
/// \end{aligned}
/// ```
///
/// with ∂|·|ʳ(u; h) the one-sided derivative of [`crate::pair_sums`]. Source: Altekrüger et al. 2023,
/// the losses of Section 4 (Ê) and Section 5 (D̂).
///
/// Positions are N×d (2B×d for minibatches). The derivative is [`Error::Collision`] for r < 1 where
/// coincident particles have different velocities. Cost: O(N²d) time on all cores, O(Nd) memory;
/// for slicing see [`SlicedSums`](crate::SlicedSums).
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::{Functional, Interaction, Points, RieszKernel};
///
/// let x = DMatrix::from_row_slice(2, 1, &[0.0, 1.0]);
/// let energy = Interaction::new(RieszKernel::new(1.0)?).energy(Points::from(&x));
/// assert_eq!(energy, -0.25);
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct Interaction<T: Real> {
    pub(super) sums: RieszSums<T>,
}

impl<T: Real> Interaction<T> {
    /// The interaction energy with `kernel`.
    pub fn new(kernel: RieszKernel) -> Self {
        Self {
            sums: RieszSums::exact(kernel),
        }
    }

    /// The same with sums over all pairs or by slicing.
    ///
    /// # Errors
    /// [`Error::Setting`] for slicing without directions, or with r ≤ ½.
    pub fn with_sums(kernel: RieszKernel, sums: Sums) -> Result<Self, Error> {
        let sums = RieszSums::new(kernel, sums)?;
        Ok(Self { sums })
    }
}

impl<T: Real> Functional<T> for Interaction<T> {
    fn energy(&self, particles: Points<'_, T>) -> f64 {
        -0.5 * self.sums.self_energy(Measure::uniform(particles))
    }

    fn gradient(&self, particles: Points<'_, T>, gradient: &mut [T]) -> f64 {
        let x = Measure::uniform(particles);
        let rows = &mut GradientRows::in_x(gradient, particles.count());
        -0.5 * self.sums.self_energy_gradient(x, -0.5, rows)
    }

    fn minibatch_energy(&self, batches: Minibatches<'_, T>, gradient: &mut [T]) -> f64 {
        let x = Measure::uniform(batches.first());
        let y = Measure::uniform(batches.second());
        let rows = &mut GradientRows::in_minibatches(gradient, batches.batch());
        -0.5 * self.sums.energy_gradient(x, y, -0.5, rows)
    }

    fn mutual_energy(
        &self,
        particles: Measure<'_, T>,
        other: Measure<'_, T>,
        scale: f64,
        gradient: &mut GradientRows<'_, T>,
    ) -> f64 {
        -self
            .sums
            .energy_gradient(particles, other, -scale, gradient)
    }

    fn minibatch_derivative(
        &self,
        positions: Minibatches<'_, T>,
        velocities: Minibatches<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, Error> {
        let x = Moving::uniform(positions.first(), velocities.first());
        let y = Moving::uniform(positions.second(), velocities.second());
        let rows = &mut GradientRows::in_minibatches(gradient, positions.batch());
        Ok(-0.5 * self.sums.directional_derivative(x, y, -0.5, rows)?)
    }
}
