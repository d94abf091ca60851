//! The particle flow: explicit Euler for the gradient flow of N particles, the baseline.
//!
//! xᵢ' = −N ∂F(μ_N)/∂xᵢ, which for F_ν = E + V_ν and a target of M atoms is
//!
//! ```math
//! x_i' = \frac1N \sum_{x_j≠x_i} r\,|x_i-x_j|^{r-2}(x_i-x_j)
//!      - \frac1M \sum_{y_j≠x_i} r\,|x_i-y_j|^{r-2}(x_i-y_j).
//! ```
//!
//! It cannot leave a Dirac, so coincident particles are jittered at the start; and it moves N atoms where the flow itself may
//! spread each of them into a density. Source: the baseline in Altekrüger et al. 2023, Section 6.
//!
//! With momentum m it is v ← m v − N ∂F(μ_N)/∂x, x ← x + τ v, no longer a gradient flow but one that comes
//! near the target in fewer steps (Hertrich, Wald, Altekrüger, Hagemann, *Generative Sliced MMD Flows with
//! Riesz Kernels*, ICLR 2024).

use std::cmp::Ordering;

use nalgebra::DMatrix;
use rand::seq::SliceRandom;
use rieszflow_numerics::Real;

use super::{Callback, Scheme, StepReport, check_step, not_diverged};
use crate::rng::{Purpose, stream};
use crate::{Error, Functional, Points, State};

/// The name of the scheme, by which its states know it.
const NAME: &str = "particle";

/// Width of the cube in which particles that coincide are jittered.
const JITTER: f64 = 1e-9;

/// The particle flow.
///
/// A step costs one gradient of the functional, O(N(N+M)d) for [`crate::Mmd`].
/// Errors: [`Error::NotFinite`] at the start, [`Error::TimeStep`], [`Error::Dimension`],
/// [`Error::ForeignState`], [`Error::Diverged`]. The example of [`Scheme`] is one of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Particle {
    /// Keys the jitter of the start; 0 by default.
    pub seed: u64,
    /// m, the part of its velocity that a particle keeps from step to step, 0 ≤ m < 1; 0 by default, which
    /// is the gradient flow. Flow time then runs 1/(1−m) times as fast in the long run.
    pub momentum: f64,
}

impl Particle {
    /// The particle flow with jitter keyed by `seed`, without momentum.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            momentum: 0.0,
        }
    }
}

/// An error unless 0 ≤ m < 1.
pub(super) fn check_momentum(momentum: f64) -> Result<(), Error> {
    if (0.0..1.0).contains(&momentum) {
        return Ok(());
    }
    let expected = "at least 0 and below 1";
    Err(Error::setting("momentum", expected, &momentum))
}

impl<T: Real> Scheme<T> for Particle {
    /// Jitters particles that coincide with another one, and no others.
    ///
    /// Every coordinate of such particles is moved within an interval of width 10⁻⁹, or wide enough that
    /// numbers of their size differ in this precision, but at most a hundredth of the least distance
    /// between distinct values of that coordinate. Each of n equal parts of the interval takes one of the
    /// n particles, in random order: particles with a coordinate in common would not repel each other
    /// there.
    fn start(&self, particles: DMatrix<T>) -> Result<State<T>, Error> {
        check_momentum(self.momentum)?;
        let mut state = State::new(NAME, particles)?;
        jitter(&mut state.particles, self.seed);
        Ok(state)
    }

    fn step_with(
        &self,
        functional: &dyn Functional<T>,
        state: &mut State<T>,
        tau: f64,
        _: Callback<'_, T>,
    ) -> Result<StepReport, Error> {
        check_momentum(self.momentum)?;
        check_step(functional, state, tau)?;
        state.check_scheme(NAME)?;
        let last = state.velocities.as_ref();
        let velocities =
            velocities_with_momentum(functional, &state.particles, last, self.momentum)?;
        let mut moved = &velocities * T::from_f64(tau);
        moved += &state.particles;
        not_diverged(&moved)?;
        state.velocities = (self.momentum > 0.0).then_some(velocities);
        state.advance(moved, tau);
        Ok(StepReport::default())
    }
}

fn jitter<T: Real>(particles: &mut DMatrix<T>, seed: u64) {
    let coincident = coincident_rows(particles);
    if coincident.is_empty() {
        return;
    }
    let count = coincident.len() as f64;
    let mut rng = stream(seed, Purpose::Start, 0, 0);
    let mut parts: Vec<usize> = (0..coincident.len()).collect();
    for mut coordinate in particles.column_iter_mut() {
        let spacing = least_spacing(coordinate.as_slice());
        parts.shuffle(&mut rng);
        for (&row, &part) in coincident.iter().zip(&parts) {
            let x = &mut coordinate[row];
            let resolution = 2.0 * num_traits::Float::abs(*x).into_f64() * T::epsilon().into_f64();
            let width = JITTER.min(0.01 * spacing).max(count * resolution);
            *x += T::from_f64(width * ((part as f64 + 0.5) / count - 0.5));
        }
    }
}

/// The rows that have an equal one, in increasing order.
fn coincident_rows<T: Real>(particles: &DMatrix<T>) -> Vec<usize> {
    let compare = |a: &usize, b: &usize| {
        let coordinates = (0..particles.ncols()).map(|k| {
            let (x, y) = (particles[(*a, k)], particles[(*b, k)]);
            x.partial_cmp(&y).unwrap_or(Ordering::Equal)
        });
        coordinates.fold(Ordering::Equal, Ordering::then)
    };
    let mut rows: Vec<usize> = (0..particles.nrows()).collect();
    rows.sort_by(compare);
    let groups = rows.chunk_by(|a, b| compare(a, b) == Ordering::Equal);
    let mut coincident: Vec<usize> = groups
        .filter(|group| group.len() > 1)
        .flatten()
        .copied()
        .collect();
    coincident.sort_unstable();
    coincident
}

/// The least distance between two distinct numbers; infinite if there are no two.
fn least_spacing<T: Real>(numbers: &[T]) -> f64 {
    let mut sorted: Vec<f64> = numbers.iter().map(|x| x.into_f64()).collect();
    sorted.sort_by(f64::total_cmp);
    let gaps = sorted.windows(2).map(|pair| pair[1] - pair[0]);
    gaps.filter(|&gap| gap > 0.0).fold(f64::INFINITY, f64::min)
}

/// One explicit Euler step of the particle flow: xᵢ − τ N ∂F(μ_N)/∂xᵢ (N×d).
///
/// # Errors
/// [`Error::Diverged`] if the functional is not finite.
pub fn step<T: Real>(
    functional: &dyn Functional<T>,
    particles: &DMatrix<T>,
    tau: f64,
) -> Result<DMatrix<T>, Error> {
    let mut moved = velocities(functional, particles)? * T::from_f64(tau);
    moved += particles;
    Ok(moved)
}

/// m v − N ∂F(μ_N)/∂x with the velocities v of the step before, if there was one (N×d).
pub(super) fn velocities_with_momentum<T: Real>(
    functional: &dyn Functional<T>,
    particles: &DMatrix<T>,
    last: Option<&DMatrix<T>>,
    momentum: f64,
) -> Result<DMatrix<T>, Error> {
    let mut velocities = velocities(functional, particles)?;
    if let Some(last) = last.filter(|_| momentum > 0.0) {
        velocities += last * T::from_f64(momentum);
    }
    Ok(velocities)
}

/// −N ∂F(μ_N)/∂xᵢ (N×d).
fn velocities<T: Real>(
    functional: &dyn Functional<T>,
    particles: &DMatrix<T>,
) -> Result<DMatrix<T>, Error> {
    let mut gradient = DMatrix::zeros(particles.nrows(), particles.ncols());
    let energy = functional.gradient(Points::from(particles), gradient.as_mut_slice());
    // Squared distances may overflow before the particles do.
    if !energy.is_finite() {
        return Err(Error::Diverged("the functional".to_owned()));
    }
    gradient *= T::from_f64(-(particles.nrows() as f64));
    Ok(gradient)
}
