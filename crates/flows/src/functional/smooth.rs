//! Smooth functionals from a closure with its gradient: potentials and pair energies.
//!
//! Where F is smooth its one-sided derivative along velocities is linear in them, so what the forward
//! scheme needs follows from the gradient.

use rieszflow_numerics::Real;
use rieszflow_numerics::working_memory::WorkingMemory;

use super::Functional;
use crate::{Error, Minibatches, Points};

/// The potential energy V(μ) = ∫ φ dμ of a smooth function φ on ℝᵈ.
///
/// The closure gets a point x (d coordinates), writes ∇φ(x) and returns φ(x). V is linear in μ, and
/// D_vV = ∫ ⟨∇φ(x), a⟩ dv(x, a). Cost: N calls.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::{Functional, Points, PotentialFunction};
///
/// let bowl = PotentialFunction::new(|x: &[f64], gradient: &mut [f64]| {
///     gradient.copy_from_slice(x);
///     0.5 * x.iter().map(|x| x * x).sum::<f64>()
/// });
/// let x = DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 0.0, 2.0]);
/// assert_eq!(bowl.energy(Points::from(&x)), 0.5 * (0.5 + 2.0));
/// ```
#[derive(Debug)]
pub struct PotentialFunction<T, F> {
    function: F,
    memory: WorkingMemory<Vec<T>>,
}

impl<T: Real, F: Fn(&[T], &mut [T]) -> f64 + Sync> PotentialFunction<T, F> {
    /// The potential energy of φ, given as a closure (x, ∇φ) ↦ φ.
    pub fn new(function: F) -> Self {
        Self {
            function,
            memory: WorkingMemory::default(),
        }
    }

    /// Calls `visit` with i, φ(xᵢ) and ∇φ(xᵢ) of each particle.
    fn for_each(&self, particles: Points<'_, T>, mut visit: impl FnMut(usize, f64, &[T])) {
        let dim = particles.dim();
        self.memory.with(|memory| {
            memory.resize(2 * dim, T::zero());
            let (point, slope) = memory.split_at_mut(dim);
            for i in 0..particles.count() {
                for (k, x) in point.iter_mut().enumerate() {
                    *x = particles.coordinate(k)[i];
                }
                let value = (self.function)(point, slope);
                visit(i, value, slope);
            }
        });
    }
}

impl<T: Real, F: Fn(&[T], &mut [T]) -> f64 + Sync> Functional<T> for PotentialFunction<T, F> {
    fn gradient(&self, particles: Points<'_, T>, gradient: &mut [T]) -> f64 {
        let count = particles.count();
        let weight = T::one() / T::from_f64(count as f64);
        let mut sum = 0.0;
        self.for_each(particles, |i, value, slope| {
            sum += value;
            for (k, &s) in slope.iter().enumerate() {
                gradient[k * count + i] += weight * s;
            }
        });
        sum / count as f64
    }

    fn minibatch_energy(&self, batches: Minibatches<'_, T>, gradient: &mut [T]) -> f64 {
        self.gradient(batches.both(), gradient)
    }

    fn minibatch_derivative(
        &self,
        positions: Minibatches<'_, T>,
        velocities: Minibatches<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, Error> {
        let (positions, velocities) = (positions.both(), velocities.both());
        let count = positions.count();
        let weight = T::one() / T::from_f64(count as f64);
        let mut sum = 0.0;
        self.for_each(positions, |i, _, slope| {
            for (k, &s) in slope.iter().enumerate() {
                gradient[k * count + i] += weight * s;
                sum += (s * velocities.coordinate(k)[i]).into_f64();
            }
        });
        Ok(sum / count as f64)
    }
}

/// The pair energy ½ ∬ W(x−y) dμ dμ of a smooth even function W on ℝᵈ.
///
/// The closure gets a difference u = x−y (d coordinates), writes ∇W(u) and returns W(u). The
/// derivative is D_v = ½ ∬ ⟨∇W(x−y), a−b⟩ dv(x, a) dv(y, b). Cost: N² calls, on one thread.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::{Functional, PairFunction, Points};
///
/// // Springs between all particles, ¼ ∬ |x−y|² dμ dμ.
/// let springs = PairFunction::new(|u: &[f64], gradient: &mut [f64]| {
///     gradient.copy_from_slice(u);
///     0.5 * u.iter().map(|u| u * u).sum::<f64>()
/// });
/// let x = DMatrix::from_row_slice(2, 1, &[0.0, 2.0]);
/// assert_eq!(springs.energy(Points::from(&x)), 0.5 * (2.0 + 2.0) / 4.0);
/// ```
#[derive(Debug)]
pub struct PairFunction<T, F> {
    function: F,
    memory: WorkingMemory<Vec<T>>,
}

impl<T: Real, F: Fn(&[T], &mut [T]) -> f64 + Sync> PairFunction<T, F> {
    /// The pair energy of W, given as a closure (u, ∇W) ↦ W.
    pub fn new(function: F) -> Self {
        Self {
            function,
            memory: WorkingMemory::default(),
        }
    }

    /// Calls `visit` with i, j, W(xᵢ−yⱼ) and ∇W(xᵢ−yⱼ) of each pair.
    fn for_each(
        &self,
        x: Points<'_, T>,
        y: Points<'_, T>,
        mut visit: impl FnMut(usize, usize, f64, &[T]),
    ) {
        let dim = x.dim();
        self.memory.with(|memory| {
            memory.resize(2 * dim, T::zero());
            let (difference, slope) = memory.split_at_mut(dim);
            for i in 0..x.count() {
                for j in 0..y.count() {
                    for (k, u) in difference.iter_mut().enumerate() {
                        *u = x.coordinate(k)[i] - y.coordinate(k)[j];
                    }
                    let value = (self.function)(difference, slope);
                    visit(i, j, value, slope);
                }
            }
        });
    }
}

impl<T: Real, F: Fn(&[T], &mut [T]) -> f64 + Sync> Functional<T> for PairFunction<T, F> {
    fn gradient(&self, particles: Points<'_, T>, gradient: &mut [T]) -> f64 {
        let count = particles.count();
        let pairs = (count * count) as f64;
        // Each particle stands on both sides of the double integral: twice ½.
        let weight = T::from_f64(pairs.recip());
        let mut sum = 0.0;
        self.for_each(particles, particles, |i, _, value, slope| {
            sum += value;
            for (k, &s) in slope.iter().enumerate() {
                gradient[k * count + i] += weight * s;
            }
        });
        0.5 * sum / pairs
    }

    fn minibatch_energy(&self, batches: Minibatches<'_, T>, gradient: &mut [T]) -> f64 {
        let (batch, rows) = (batches.batch(), 2 * batches.batch());
        let pairs = (batch * batch) as f64;
        let weight = T::from_f64(0.5 / pairs);
        let mut sum = 0.0;
        self.for_each(batches.first(), batches.second(), |i, j, value, slope| {
            sum += value;
            for (k, &s) in slope.iter().enumerate() {
                gradient[k * rows + i] += weight * s;
                gradient[k * rows + batch + j] -= weight * s;
            }
        });
        0.5 * sum / pairs
    }

    fn minibatch_derivative(
        &self,
        positions: Minibatches<'_, T>,
        velocities: Minibatches<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, Error> {
        let (batch, rows) = (positions.batch(), 2 * positions.batch());
        let pairs = (batch * batch) as f64;
        let weight = T::from_f64(0.5 / pairs);
        let (a, b) = (velocities.first(), velocities.second());
        let mut sum = 0.0;
        self.for_each(positions.first(), positions.second(), |i, j, _, slope| {
            for (k, &s) in slope.iter().enumerate() {
                sum += (s * (a.coordinate(k)[i] - b.coordinate(k)[j])).into_f64();
                gradient[k * rows + i] += weight * s;
                gradient[k * rows + batch + j] -= weight * s;
            }
        });
        Ok(0.5 * sum / pairs)
    }
}
