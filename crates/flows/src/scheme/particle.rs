//! The particle flow: explicit Euler for the gradient flow of N particles, the baseline.
//!
//! xᵢ' = −N ∂F(μ_N)/∂xᵢ, which for F_ν = E + V_ν and a target of M atoms is
//!
//! ```math
//! x_i' = \frac1N \sum_{x_j≠x_i} r\,|x_i-x_j|^{r-2}(x_i-x_j)
//!      - \frac1M \sum_{y_j≠x_i} r\,|x_i-y_j|^{r-2}(x_i-y_j).
//! ```
//!
//! It cannot leave a Dirac, so the start is jittered; and it moves N atoms where the flow itself may
//! spread each of them into a density. Source: the baseline in Altekrüger et al. 2023, Section 6.

use nalgebra::DMatrix;
use rand::seq::SliceRandom;
use rieszflow_numerics::Real;

use super::{Scheme, StepReport, Watch, not_diverged, valid_time_step};
use crate::functional::finite_rows;
use crate::rng::{Purpose, stream};
use crate::{Error, Functional, Points, State};

/// Width of the cube in which particles that start at 0 are jittered.
const JITTER: f64 = 1e-9;

/// The particle flow.
///
/// A step costs one gradient of the functional, O(N(N+M)d) for [`crate::Mmd`].
/// Errors: [`Error::NotFinite`] at the start, [`Error::TimeStep`], [`Error::Diverged`]. The example of
/// [`Scheme`] is one of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Particle {
    /// Keys the jitter of the start.
    pub seed: u64,
}

impl<T: Real> Scheme<T> for Particle {
    /// Jitters every coordinate on an interval of width 10⁻⁹, or wide enough that N numbers beside
    /// it differ in this precision.
    ///
    /// Each of N equal parts of the interval takes one particle, in random order: particles that
    /// started with a coordinate in common would not repel each other there.
    fn start(&mut self, mut particles: DMatrix<T>) -> Result<State<T>, Error> {
        finite_rows("particle", &particles)?;
        let mut rng = stream(self.seed, Purpose::Start, 0, 0);
        let count = particles.nrows() as f64;
        let mut parts: Vec<usize> = (0..particles.nrows()).collect();
        for mut coordinate in particles.column_iter_mut() {
            parts.shuffle(&mut rng);
            for (x, &part) in coordinate.iter_mut().zip(&parts) {
                let spacing = 2.0 * num_traits::Float::abs(*x).into_f64() * T::epsilon().into_f64();
                let width = JITTER.max(count * spacing);
                *x += T::from_f64(width * ((part as f64 + 0.5) / count - 0.5));
            }
        }
        Ok(State::new(particles))
    }

    fn step(
        &mut self,
        functional: &dyn Functional<T>,
        state: &mut State<T>,
        tau: f64,
        _: Watch<'_, T>,
    ) -> Result<StepReport, Error> {
        valid_time_step(tau)?;
        let moved = step(functional, &state.particles, tau)?;
        not_diverged(&moved)?;
        state.advance(moved, tau);
        Ok(StepReport::default())
    }
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
    let mut gradient = DMatrix::zeros(particles.nrows(), particles.ncols());
    let energy = functional.gradient(Points::from(particles), gradient.as_mut_slice());
    // Squared distances may overflow before the particles do.
    if !energy.is_finite() {
        return Err(Error::Diverged("the functional".to_owned()));
    }
    Ok(particles - gradient * T::from_f64(tau * particles.nrows() as f64))
}
