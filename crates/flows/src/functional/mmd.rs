//! The MMD functional F_ν = E + V_ν, whose flow minimises the squared discrepancy to ν.
//!
//! The particles repel each other and are attracted by the target. Where the two balance everywhere,
//! μ = ν. MMD stands for the *maximum mean discrepancy*, here with the kernel −|x−y|ʳ. For r = 1 the
//! energy distance of statistics is 2D².

use std::sync::{Mutex, MutexGuard};

use nalgebra::DMatrix;
use rieszflow_numerics::Real;

use super::{Functional, Interaction, Potential, Sum};
use crate::{
    Error, GradientRows, Measure, Minibatches, Points, RieszKernel, SlicedEnergies, SlicedSums,
    Sums,
};

/// F_ν(μ) = E(μ) + V_ν(μ) = D²(μ,ν) − E(ν), with D² the squared discrepancy.
///
/// ```math
/// D^2(μ,ν) = \iint |x-y|^r \,dμ\,dν - \tfrac12 \iint |x-x'|^r \,dμ\,dμ
///          - \tfrac12 \iint |y-y'|^r \,dν\,dν \;≥\; 0
/// ```
///
/// Source: Altekrüger et al. 2023, where D² is introduced with this factor ½. With N particles and a
/// target of M atoms one evaluation costs O(N(N+M)d) time on all cores and O((N+M)d) memory. Errors
/// as for [`Interaction`] and [`Potential`].
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::{Functional, Mmd, Points, RieszKernel};
///
/// // A particle at 0 and a target atom at 3, r = 1: D² = 3, and the particle is pulled by 1.
/// let functional = Mmd::new(RieszKernel::new(1.0)?, DMatrix::from_element(1, 1, 3.0), None)?;
/// let x = DMatrix::zeros(1, 1);
/// assert_eq!(functional.discrepancy(Points::from(&x)), 3.0);
/// let mut gradient = [0.0];
/// functional.gradient(Points::from(&x), &mut gradient);
/// assert_eq!(gradient, [-1.0]);
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct Mmd<T: Real> {
    sum: Sum<Interaction<T>, Potential<T>>,
    /// What has been measured last, until a gradient is asked for.
    measured: Mutex<Option<Measured<T>>>,
}

/// The energies and the gradient at some particles, by sliced sums.
#[derive(Debug)]
struct Measured<T> {
    particles: Vec<T>,
    gradient: Vec<T>,
    energies: SlicedEnergies,
}

impl<T: Real> Measured<T> {
    fn is_at(&self, particles: Points<'_, T>) -> bool {
        let count = particles.count();
        self.particles.len() == count * particles.dim()
            && (0..particles.dim())
                .all(|k| self.particles[k * count..][..count] == *particles.coordinate(k))
    }
}

impl<T: Real> Mmd<T> {
    /// The functional towards the atoms in the rows of `target` (M×d), weighted or not.
    ///
    /// # Errors
    /// As [`Potential::new`].
    pub fn new(
        kernel: RieszKernel,
        target: DMatrix<T>,
        weights: Option<Vec<T>>,
    ) -> Result<Self, Error> {
        Self::with_sums(kernel, target, weights, Sums::Exact)
    }

    /// The same with sums over all pairs or by slicing.
    ///
    /// # Errors
    /// As [`Potential::with_sums`].
    pub fn with_sums(
        kernel: RieszKernel,
        target: DMatrix<T>,
        weights: Option<Vec<T>>,
        sums: Sums,
    ) -> Result<Self, Error> {
        let potential = Potential::with_sums(kernel, target, weights, sums)?;
        Ok(Self {
            sum: Sum(Interaction::with_sums(kernel, sums)?, potential),
            measured: Mutex::default(),
        })
    }

    /// The squared discrepancy D²(μ_N, ν) = F_ν(μ_N) + E(ν) ≥ 0 (V-statistic).
    pub fn discrepancy(&self, particles: Points<'_, T>) -> f64 {
        match self.sliced_energies(particles) {
            Some(energies) => energies.discrepancy,
            None => self.energy(particles) + self.target_energy(),
        }
    }

    /// With sliced sums, all energies of the particles and the target from one set of projections.
    fn sliced_energies(&self, particles: Points<'_, T>) -> Option<SlicedEnergies> {
        let sums = self.sliced_sums(particles)?;
        Some(sums.energies(Measure::uniform(particles), self.sum.1.target()))
    }

    /// The sliced sums, if there are any, and particles.
    fn sliced_sums(&self, particles: Points<'_, T>) -> Option<&SlicedSums<T>> {
        let sums = self.sum.1.sums.sliced()?;
        (particles.count() * particles.dim() > 0).then_some(sums)
    }

    /// All energies by sliced sums; the gradient is added.
    fn sliced_gradient(
        &self,
        sums: &SlicedSums<T>,
        particles: Points<'_, T>,
        gradient: &mut [T],
    ) -> SlicedEnergies {
        let rows = &mut GradientRows::in_x(gradient, particles.count());
        sums.discrepancy_gradient(Measure::uniform(particles), self.sum.1.target(), rows)
    }

    fn last_measured(&self) -> MutexGuard<'_, Option<Measured<T>>> {
        self.measured
            .lock()
            .expect("nothing panics while it is held")
    }

    /// E(ν), the interaction energy of the target itself.
    pub fn target_energy(&self) -> f64 {
        self.sum.1.target_energy()
    }
}

impl<T: Real> Functional<T> for Mmd<T> {
    fn dim(&self) -> Option<usize> {
        self.sum.dim()
    }

    fn energy(&self, particles: Points<'_, T>) -> f64 {
        match self.sliced_energies(particles) {
            Some(energies) => energies.functional(),
            None => self.sum.energy(particles),
        }
    }

    fn gradient(&self, particles: Points<'_, T>, gradient: &mut [T]) -> f64 {
        let Some(sums) = self.sliced_sums(particles) else {
            return self.sum.gradient(particles, gradient);
        };
        let measured = self.last_measured().take();
        if let Some(measured) = measured.filter(|measured| measured.is_at(particles)) {
            for (entry, slope) in gradient.iter_mut().zip(measured.gradient) {
                *entry += slope;
            }
            return measured.energies.functional();
        }
        self.sliced_gradient(sums, particles, gradient).functional()
    }

    fn measure(&self, particles: Points<'_, T>) -> Option<SlicedEnergies> {
        let sums = self.sliced_sums(particles)?;
        let mut gradient = vec![T::zero(); particles.count() * particles.dim()];
        let energies = self.sliced_gradient(sums, particles, &mut gradient);
        let coordinates = (0..particles.dim()).flat_map(|k| particles.coordinate(k));
        *self.last_measured() = Some(Measured {
            particles: coordinates.copied().collect(),
            gradient,
            energies,
        });
        Some(energies)
    }

    fn minibatch_energy(&self, batches: Minibatches<'_, T>, gradient: &mut [T]) -> f64 {
        self.sum.minibatch_energy(batches, gradient)
    }

    fn mutual_energy(
        &self,
        particles: Measure<'_, T>,
        other: Measure<'_, T>,
        scale: f64,
        gradient: &mut GradientRows<'_, T>,
    ) -> f64 {
        self.sum.mutual_energy(particles, other, scale, gradient)
    }

    fn minibatch_derivative(
        &self,
        positions: Minibatches<'_, T>,
        velocities: Minibatches<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, Error> {
        self.sum
            .minibatch_derivative(positions, velocities, gradient)
    }
}
