//! A functional in the plane whose flow implodes into a point and explodes again.

use rieszflow_numerics::Real;
use rieszflow_numerics::working_memory::WorkingMemory;

use super::Functional;
use crate::pair_sums::{GradientRows, Moving, PairSums};
use crate::{Error, Measure, Minibatches, Points, RieszKernel};

/// F(μ) = ∫ (1_{a<0}|b| − a) dμ − ½ ∬ 1_{a≥0} 1_{a'≥0} |b−b'| dμ dμ' on ℝ² ∋ (a, b).
///
/// ```math
/// F(μ) = \int \bigl(1_{a<0}|b| - a\bigr)\,dμ
///      - \tfrac12 \iint 1_{a≥0}\,1_{a'≥0}\,|b-b'| \,dμ\,dμ'
/// ```
///
/// Left of a = 0 mass is pulled to b = 0, right of it it repels itself along b, and everywhere it
/// drifts to the right. From δ₋₁ ⊗ U[−1,1] everything collapses into the point (0, 0) at time 1 and
/// spreads again afterwards (Altekrüger, Hertrich, Steidl 2023, Appendix F, Example 3). The
/// indicators are evaluated at the present positions and not differentiated.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::{Functional, ImplosionExplosion, Points};
///
/// let left = DMatrix::from_row_slice(2, 2, &[-1.0, 0.5, -1.0, -0.5]);
/// assert_eq!(ImplosionExplosion::new().energy(Points::from(&left)), 1.5);
/// let right = DMatrix::from_row_slice(2, 2, &[1.0, 0.5, 1.0, -0.5]);
/// assert_eq!(ImplosionExplosion::new().energy(Points::from(&right)), -1.25);
/// ```
#[derive(Debug)]
pub struct ImplosionExplosion<T: Real> {
    sums: PairSums<T>,
    /// 1_{a≥0}/B of the particles.
    weights: WorkingMemory<Vec<T>>,
}

impl<T: Real> Default for ImplosionExplosion<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Real> ImplosionExplosion<T> {
    /// The functional.
    ///
    /// # Panics
    /// Never: the exponent 1 is valid.
    pub fn new() -> Self {
        let distance = RieszKernel::new(1.0).expect("0 < 1 < 2");
        Self {
            sums: PairSums::new(distance),
            weights: WorkingMemory::default(),
        }
    }

    /// ∫ (1_{a<0}|b| − a) dμ of particles of equal weight, and its gradient added.
    fn drift(particles: Points<'_, T>, gradient: &mut [T]) -> f64 {
        let weight = T::one() / T::from_f64(particles.count() as f64);
        let (along_a, along_b) = gradient.split_at_mut(particles.count());
        let mut sum = 0.0;
        for (i, (&a, &b)) in coordinates(particles).enumerate() {
            along_a[i] -= weight;
            sum -= a.into_f64();
            if a < T::zero() {
                along_b[i] += weight * sign(b);
                sum += b.into_f64().abs();
            }
        }
        sum / particles.count() as f64
    }

    /// The one-sided derivative of the drift along velocities, and its gradient in them added.
    fn drift_derivative(
        positions: Points<'_, T>,
        velocities: Points<'_, T>,
        gradient: &mut [T],
    ) -> f64 {
        let weight = T::one() / T::from_f64(positions.count() as f64);
        let (along_a, along_b) = gradient.split_at_mut(positions.count());
        let mut sum = 0.0;
        let moving = coordinates(positions).zip(coordinates(velocities));
        for (i, ((&a, &b), (&va, &vb))) in moving.enumerate() {
            along_a[i] -= weight;
            sum -= va.into_f64();
            if a < T::zero() {
                // d|b| along vb is sign(b) vb, and |vb| where b = 0.
                let slope = if b.is_zero() { sign(vb) } else { sign(b) };
                along_b[i] += weight * slope;
                sum += (slope * vb).into_f64();
            }
        }
        sum / positions.count() as f64
    }

    /// Lets `use_weights` have the weights 1_{a≥0}/n of the particles, n per measure.
    fn with_weights<R>(
        &self,
        particles: Points<'_, T>,
        n: usize,
        use_weights: impl FnOnce(&[T]) -> R,
    ) -> R {
        let weight = T::one() / T::from_f64(n as f64);
        self.weights.with(|weights| {
            weights.clear();
            weights.extend(
                particles.coordinate(0).iter().map(
                    |&a| {
                        if a >= T::zero() { weight } else { T::zero() }
                    },
                ),
            );
            use_weights(weights)
        })
    }
}

/// (a, b) of every particle.
fn coordinates<T: Real>(particles: Points<'_, T>) -> impl Iterator<Item = (&T, &T)> {
    particles.coordinate(0).iter().zip(particles.coordinate(1))
}

/// −1, 0 or 1; NaN for NaN.
fn sign<T: Real>(x: T) -> T {
    if x.is_zero() { x } else { x.signum() }
}

impl<T: Real> Functional<T> for ImplosionExplosion<T> {
    fn dim(&self) -> Option<usize> {
        Some(2)
    }

    fn gradient(&self, particles: Points<'_, T>, gradient: &mut [T]) -> f64 {
        let count = particles.count();
        let drift = Self::drift(particles, gradient);
        let repulsion = self.with_weights(particles, count, |weights| {
            let b = Measure::weighted(particles.only(1), weights);
            let rows = &mut GradientRows::in_x(&mut gradient[count..], count);
            self.sums.energy_gradient(b, b, -1.0, rows)
        });
        drift - 0.5 * repulsion
    }

    fn minibatch_energy(&self, batches: Minibatches<'_, T>, gradient: &mut [T]) -> f64 {
        let batch = batches.batch();
        let drift = Self::drift(batches.both(), gradient);
        let repulsion = self.with_weights(batches.both(), batch, |weights| {
            let (u, w) = weights.split_at(batch);
            let x = Measure::weighted(batches.first().only(1), u);
            let y = Measure::weighted(batches.second().only(1), w);
            let rows = &mut GradientRows::in_minibatches(&mut gradient[2 * batch..], batch);
            self.sums.energy_gradient(x, y, -0.5, rows)
        });
        drift - 0.5 * repulsion
    }

    fn minibatch_derivative(
        &self,
        positions: Minibatches<'_, T>,
        velocities: Minibatches<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, Error> {
        let batch = positions.batch();
        let drift = Self::drift_derivative(positions.both(), velocities.both(), gradient);
        let repulsion = self.with_weights(positions.both(), batch, |weights| {
            let (u, w) = weights.split_at(batch);
            let x = Moving {
                measure: Measure::weighted(positions.first().only(1), u),
                velocities: Some(velocities.first().only(1)),
            };
            let y = Moving {
                measure: Measure::weighted(positions.second().only(1), w),
                velocities: Some(velocities.second().only(1)),
            };
            let rows = &mut GradientRows::in_minibatches(&mut gradient[2 * batch..], batch);
            self.sums.directional_derivative(x, y, -0.5, rows)
        });
        Ok(drift - 0.5 * repulsion)
    }
}
