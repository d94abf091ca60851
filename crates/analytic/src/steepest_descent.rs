//! Steepest descent of the discrepancy at a discrete measure for r = 1: the exact first step of the
//! forward scheme.

use nalgebra::{DMatrix, RowDVector};
use rand::Rng;

use crate::discrepancy::{Discrepancy, discrepancy};
use crate::equilibrium::Equilibrium;
use crate::error::{Error, check_finite, check_shape, check_step, normalised_weights};
use crate::law::Law;

/// The steepest-descent velocity of F at μ = Σ wᵢδ_{pᵢ} for r = 1, for every discrete target ν or
/// for E alone.
///
/// At the atom pᵢ the velocity is distributed as −gᵢ + wᵢη*, where η* is the equilibrium for r = 1
/// and
///
/// ```math
/// g_i = \nabla V_ν(p_i) - \sum_{j≠i} w_j\,\frac{p_i-p_j}{|p_i-p_j|},\qquad
/// \nabla V_ν(p_i) = \sum_k v_k\,\frac{p_i-y_k}{|p_i-y_k|}.
/// ```
///
/// Each atom drifts under the push of the others and the pull of the target, and bursts like a
/// Dirac under its own repulsion. Derivation: steepest descent (Altekrüger, Hertrich, Steidl 2023)
/// minimises D_vF(μ) + ½‖v‖², and with vᵢ the law of the velocity at pᵢ this is, up to a constant,
/// Σ wᵢ(½∫|a+gᵢ|² dvᵢ(a) + wᵢE(vᵢ)); each term is the problem that η* solves, scaled by wᵢ and
/// shifted by −gᵢ.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_analytic::SteepestDescent;
/// let atoms = DMatrix::from_row_slice(1, 2, &[0.0, 0.0]);
/// let target = DMatrix::from_row_slice(1, 2, &[3.0, 4.0]);
/// let descent = SteepestDescent::new(&atoms, &[1.0], Some((&target, &[1.0])))?;
/// assert!((descent.drift()[0] - 0.6).abs() < 1e-15 && (descent.drift()[1] - 0.8).abs() < 1e-15);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SteepestDescent {
    atoms: DMatrix<f64>,
    weights: Vec<f64>,
    drift: DMatrix<f64>,
    equilibrium: Equilibrium,
}

impl SteepestDescent {
    /// The steepest descent at the atoms (k×d, a row each; their weights are divided by their sum)
    /// of the discrepancy to the target (points M×d and weights), or of the interaction energy
    /// alone if that is `None`.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Coordinate`], [`Error::WeightCount`], [`Error::Weight`] (the
    /// atoms' weights must be positive), [`Error::NoMass`]; [`Error::Coincident`] if two atoms, or
    /// an atom and a point of the target with positive weight, are the same.
    pub fn new(
        atoms: &DMatrix<f64>,
        weights: &[f64],
        target: Option<(&DMatrix<f64>, &[f64])>,
    ) -> Result<Self, Error> {
        let equilibrium = Equilibrium::new(atoms.ncols(), 1.0)?;
        check_shape(atoms, atoms.ncols())?;
        check_finite(atoms)?;
        let weights = normalised_weights(weights, atoms.nrows())?;
        if let Some(index) = weights.iter().position(|&weight| weight == 0.0) {
            return Err(Error::Weight {
                index,
                value: 0.0,
                accepted: "> 0",
            });
        }
        let mut drift = DMatrix::zeros(atoms.nrows(), atoms.ncols());
        for i in 0..atoms.nrows() {
            for j in (0..atoms.nrows()).filter(|&j| j != i) {
                let push = direction(atoms, i, atoms, j)
                    .ok_or_else(|| coincident(&format!("atoms {j} and {i}")))?;
                drift
                    .row_mut(i)
                    .zip_apply(&push, |v, p| *v += weights[j] * p);
            }
        }
        if let Some((points, point_weights)) = target {
            check_shape(points, atoms.ncols())?;
            check_finite(points)?;
            let point_weights = normalised_weights(point_weights, points.nrows())?;
            for i in 0..atoms.nrows() {
                for k in (0..points.nrows()).filter(|&k| point_weights[k] > 0.0) {
                    let pull = direction(points, k, atoms, i).ok_or_else(|| {
                        coincident(&format!("atom {i} and point {k} of the target"))
                    })?;
                    drift
                        .row_mut(i)
                        .zip_apply(&pull, |v, p| *v += point_weights[k] * p);
                }
            }
        }
        Ok(Self {
            atoms: atoms.clone(),
            weights,
            drift,
            equilibrium,
        })
    }

    /// The atoms pᵢ, a row each (k×d).
    pub fn atoms(&self) -> &DMatrix<f64> {
        &self.atoms
    }

    /// The weights wᵢ, which sum to one.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The mean velocities −gᵢ, a row each (k×d, length per time).
    pub fn drift(&self) -> &DMatrix<f64> {
        &self.drift
    }

    /// The equilibrium for r = 1, whose copies scaled by wᵢ are the velocities' spread.
    pub fn equilibrium(&self) -> &Equilibrium {
        &self.equilibrium
    }

    /// Computes ‖v‖² = Σ wᵢ(|gᵢ|² + wᵢ²m₂) of the steepest-descent velocity.
    ///
    /// It is the rate at which F falls: the directional derivative of F along v is −‖v‖².
    ///
    /// ```
    /// use nalgebra::DMatrix;
    /// use rieszflow_analytic::SteepestDescent;
    /// // On the line η* is uniform on [−1, 1], with m₂ = 1/3.
    /// let descent = SteepestDescent::new(&DMatrix::zeros(1, 1), &[1.0], None)?;
    /// assert!((descent.squared_speed() - 1.0 / 3.0).abs() < 1e-15);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn squared_speed(&self) -> f64 {
        let m2 = self.equilibrium.second_moment();
        let atoms = self.weights.iter().zip(self.drift.row_iter());
        atoms
            .map(|(w, drift)| w * (drift.norm_squared() + w * w * m2))
            .sum()
    }

    /// Draws `count` independent velocities at the given atom, as the rows of a matrix (`count` ×
    /// d).
    ///
    /// # Panics
    /// If there is no such atom.
    pub fn sample_velocities<R: Rng + ?Sized>(
        &self,
        atom: usize,
        count: usize,
        rng: &mut R,
    ) -> DMatrix<f64> {
        let mut velocities = self.equilibrium.sample(count, rng) * self.weights[atom];
        for mut velocity in velocities.row_iter_mut() {
            velocity += self.drift.row(atom);
        }
        velocities
    }

    /// Draws `count` particles of the given atom after one exact forward step of length τ (`count`
    /// × d): pᵢ + τv.
    ///
    /// # Errors
    /// [`Error::StepSize`] unless τ is finite and positive.
    ///
    /// # Panics
    /// If there is no such atom.
    ///
    /// ```
    /// use nalgebra::DMatrix;
    /// use rand::SeedableRng;
    /// use rieszflow_analytic::SteepestDescent;
    /// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    /// let descent = SteepestDescent::new(&DMatrix::from_element(1, 1, 5.0), &[1.0], None)?;
    /// let particles = descent.sample_step(0, 0.1, 20, &mut rng)?;
    /// assert!(particles.iter().all(|x| (x - 5.0).abs() <= 0.1));
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn sample_step<R: Rng + ?Sized>(
        &self,
        atom: usize,
        tau: f64,
        count: usize,
        rng: &mut R,
    ) -> Result<DMatrix<f64>, Error> {
        let mut particles = self.sample_velocities(atom, count, rng) * check_step(tau)?;
        for mut particle in particles.row_iter_mut() {
            particle += self.atoms.row(atom);
        }
        Ok(particles)
    }

    /// Computes D² between given velocities at an atom (n×d), shifted by gᵢ and divided by wᵢ, and
    /// η*.
    ///
    /// How a learned velocity is judged: zero up to sampling for the exact one, on the scale of η*
    /// for every weight.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is a row and d columns.
    ///
    /// # Panics
    /// If there is no such atom.
    ///
    /// ```
    /// use nalgebra::DMatrix;
    /// use rand::SeedableRng;
    /// use rieszflow_analytic::SteepestDescent;
    /// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    /// let atoms = DMatrix::from_row_slice(2, 2, &[0.0, 0.0, 1.0, 2.0]);
    /// let descent = SteepestDescent::new(&atoms, &[0.25, 0.75], None)?;
    /// let velocities = descent.sample_velocities(1, 1000, &mut rng);
    /// assert!(descent.discrepancy(1, &velocities)?.v_statistic < 1.5e-3);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn discrepancy(
        &self,
        atom: usize,
        velocities: &DMatrix<f64>,
    ) -> Result<Discrepancy, Error> {
        check_shape(velocities, self.atoms.ncols())?;
        let mut spread = velocities.clone();
        for mut velocity in spread.row_iter_mut() {
            velocity -= self.drift.row(atom);
            velocity /= self.weights[atom];
        }
        discrepancy(
            &spread,
            None,
            &Law::equilibrium(&self.equilibrium, 1.0)?,
            1.0,
        )
    }
}

fn coincident(what: &str) -> Error {
    Error::Coincident {
        what: what.to_owned(),
    }
}

/// The unit vector towards row i of `to` from row j of `from`, if they differ.
fn direction(
    to: &DMatrix<f64>,
    i: usize,
    from: &DMatrix<f64>,
    j: usize,
) -> Option<RowDVector<f64>> {
    (to.row(i) - from.row(j)).try_normalize(0.0)
}
