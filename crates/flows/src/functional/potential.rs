//! The potential energy V_ν(μ) = ∬ |x−y|ʳ dμ(x) dν(y) towards a target ν, an attraction.

use std::sync::OnceLock;

use nalgebra::DMatrix;
use rieszflow_numerics::Real;

use super::Functional;
use super::target_blocks::{TargetBlocks, number_of_blocks};
use crate::pair_sums::{GradientRows, Moving};
use crate::sums::RieszSums;
use crate::{Error, Measure, Minibatches, Points, RieszKernel, Sums};

/// The potential energy V_ν(μ) = −∬ K dμ dν = ∬ |x−y|ʳ dμ(x) dν(y) of a discrete target ν.
///
/// With the target Σ wⱼ δ_{yⱼ} of M atoms, and with velocities a,
///
/// ```math
/// V_ν(μ_N) = \frac1N \sum_{i,j} w_j\,|x_i-y_j|^r, \qquad
/// \hat D_vV_ν = \frac1{2B} \sum_{i,j} w_j\, ∂|\cdot|^r(x_i-y_j;\, a_i),
/// ```
///
/// the sums over both minibatches in training, and with 16384 atoms and more over a block of about 8192 of them that
/// stands for all, another one in each draw ([`Minibatches::draw`]). Source: Altekrüger et al. 2023, as for
/// [`Interaction`](crate::Interaction). It is linear in μ: every particle moves as if it were alone, and
/// without the repulsion of E mass gathers where the potential of ν is least.
///
/// Cost: O(NMd) time on all cores, O((N+M)d) memory; for slicing see [`SlicedSums`](crate::SlicedSums). The derivative is [`Error::Collision`] for r < 1
/// where a particle lies on an atom of the target and moves.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::{Functional, Points, Potential, RieszKernel};
///
/// let target = DMatrix::from_row_slice(2, 1, &[0.0, 4.0]);
/// let potential = Potential::new(RieszKernel::new(1.0)?, target, Some(vec![3.0, 1.0]))?;
/// let x = DMatrix::from_element(1, 1, 1.0);
/// assert_eq!(potential.energy(Points::from(&x)), 0.75 * 1.0 + 0.25 * 3.0);
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct Potential<T: Real> {
    pub(super) sums: RieszSums<T>,
    target: DMatrix<T>,
    weights: Option<Vec<T>>,
    /// What training draws from a large target, made when it first does.
    blocks: OnceLock<TargetBlocks<T>>,
}

impl<T: Real> Potential<T> {
    /// The potential of the atoms in the rows of `target` (M×d), with equal weights or the given
    /// ones, which are divided by their sum.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a coordinate or weight is not a number, [`Error::Setting`] if there
    /// is no atom, or the weights are negative, all zero, or not one per atom.
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
    /// As [`new`](Self::new), and [`Error::Setting`] for slicing without directions, or with r ≤ ½.
    pub fn with_sums(
        kernel: RieszKernel,
        target: DMatrix<T>,
        weights: Option<Vec<T>>,
        sums: Sums,
    ) -> Result<Self, Error> {
        if target.nrows() == 0 {
            return Err(Error::setting("target", "at least one particle", &"empty"));
        }
        finite_rows("target particle", &target)?;
        let weights = weights.map(|w| normalise(w, target.nrows())).transpose()?;
        Ok(Self {
            sums: RieszSums::new(kernel, sums)?,
            target,
            weights,
            blocks: OnceLock::new(),
        })
    }

    /// The target ν as a measure.
    pub fn target(&self) -> Measure<'_, T> {
        let points = Points::from(&self.target);
        match &self.weights {
            Some(weights) => Measure::weighted(points, weights),
            None => Measure::uniform(points),
        }
    }

    /// How many atoms, at most, stand for a target of `atoms` in a draw of a training.
    pub fn atoms_of_a_draw(atoms: usize) -> usize {
        atoms.div_ceil(number_of_blocks(atoms))
    }

    /// The atoms that stand for the target in a draw of a training, and by how much their measure is scaled.
    fn of_draw(&self, draw: Option<u64>) -> (Measure<'_, T>, f64) {
        match draw {
            Some(draw) if number_of_blocks(self.target.nrows()) > 1 => {
                let blocks = || TargetBlocks::new(&self.target, self.weights.as_deref());
                self.blocks.get_or_init(blocks).of_draw(draw)
            }
            _ => (self.target(), 1.0),
        }
    }

    /// E(ν), the interaction energy of the target itself.
    pub fn target_energy(&self) -> f64 {
        -0.5 * self.sums.self_energy(self.target())
    }
}

/// Checks that every row is finite and names the first that is not.
pub(crate) fn finite_rows<T: Real>(what: &'static str, matrix: &DMatrix<T>) -> Result<(), Error> {
    let finite = |row: usize| (0..matrix.ncols()).all(|k| matrix[(row, k)].is_finite());
    match (0..matrix.nrows()).find(|&row| !finite(row)) {
        Some(row) => Err(Error::NotFinite { what, row }),
        None => Ok(()),
    }
}

fn normalise<T: Real>(weights: Vec<T>, count: usize) -> Result<Vec<T>, Error> {
    if weights.len() != count {
        let expected = format!("{count}, one a particle");
        return Err(Error::setting("weights", &expected, &weights.len()));
    }
    if let Some(row) = weights.iter().position(|w| !w.is_finite()) {
        return Err(Error::NotFinite {
            what: "weight of target particle",
            row,
        });
    }
    let total: f64 = weights.iter().map(|w| w.into_f64()).sum();
    if total <= 0.0 || weights.iter().any(|&w| w < T::zero()) {
        let expected = "nonnegative with a positive sum";
        return Err(Error::setting("weights", expected, &total));
    }
    Ok(weights
        .into_iter()
        .map(|w| T::from_f64(w.into_f64() / total))
        .collect())
}

impl<T: Real> Functional<T> for Potential<T> {
    fn dim(&self) -> Option<usize> {
        Some(self.target.ncols())
    }

    fn energy(&self, particles: Points<'_, T>) -> f64 {
        self.sums.energy(Measure::uniform(particles), self.target())
    }

    fn gradient(&self, particles: Points<'_, T>, gradient: &mut [T]) -> f64 {
        let rows = &mut GradientRows::in_x(gradient, particles.count());
        self.sums
            .energy_gradient(Measure::uniform(particles), self.target(), 1.0, rows)
    }

    fn minibatch_energy(&self, batches: Minibatches<'_, T>, gradient: &mut [T]) -> f64 {
        let (block, scale) = self.of_draw(batches.draw());
        let rows = &mut GradientRows::in_x(gradient, 2 * batches.batch());
        let particles = Measure::uniform(batches.both());
        scale * self.sums.energy_gradient(particles, block, scale, rows)
    }

    fn minibatch_derivative(
        &self,
        positions: Minibatches<'_, T>,
        velocities: Minibatches<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, Error> {
        let (block, scale) = self.of_draw(positions.draw());
        let x = Moving::uniform(positions.both(), velocities.both());
        let rows = &mut GradientRows::in_x(gradient, 2 * positions.batch());
        let block = Moving::resting(block);
        let derivative = self.sums.directional_derivative(x, block, scale, rows)?;
        Ok(scale * derivative)
    }
}
