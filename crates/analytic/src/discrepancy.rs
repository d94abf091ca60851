//! The exact squared discrepancy between particles and a law: a finite sum, without sampling the
//! law.

use std::ops::Range;

use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::error::{Error, check_shape, normalised_weights};
use crate::law::Law;

/// Particles whose pairs are summed as one unit of work; fixed, so that sums do not depend on the
/// number of threads.
const BLOCK: usize = 64;

/// The two usual estimates of D² from particles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Discrepancy {
    /// With the pairs i = j counted: D² of the empirical measure itself, ≥ 0. For independent draws
    /// from the measure compared with, its mean is the [`sampling_floor`].
    pub v_statistic: f64,
    /// Without the pairs i = j, divided by N(N−1): unbiased for independent particles, may be
    /// negative; NaN for a single particle.
    pub u_statistic: f64,
}

/// Computes D²(μ, ν) between weighted particles μ = Σ wᵢδ_{xᵢ} and a law ν, exactly.
///
/// ```math
/// D^2(μ, ν) = -\frac12\sum_{i,j}w_iw_j|x_i-x_j|^r + \sum_i w_i\,U(x_i) + E(ν)
/// ```
///
/// `particles` is N×d, a row per particle; `weights` are divided by their sum; `None` means equal
/// weights. U and E are [`Law::potential`] and [`Law::energy`] for the exponent r. The U-statistic
/// leaves out i = j and divides the double sum by 1 − Σwᵢ², which is (N−1)/N for equal weights.
/// Costs O(N²d) time and O(N) memory, in parallel over blocks whose sums are combined in fixed
/// order: the result is the same to the bit for every number of threads.
///
/// # Errors
/// [`Error::Shape`], [`Error::WeightCount`], [`Error::Weight`], [`Error::NoMass`], and those of
/// [`Law::potential`]. Particles that are not finite give NaN.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_analytic::{Equilibrium, Law, discrepancy};
/// let interval = Equilibrium::new(1, 1.0)?; // uniform on [−1, 1]
/// let law = Law::equilibrium(&interval, 1.0)?;
/// let particles = DMatrix::from_column_slice(2, 1, &[0.0, 7.0]);
/// let d2 = discrepancy(&particles, Some(&[3.0, 0.0]), &law, 1.0)?.v_statistic;
/// assert!((d2 - (0.5 - 1.0 / 3.0)).abs() < 1e-15); // ∫|y| − ½∬|y−y'|
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn discrepancy(
    particles: &DMatrix<f64>,
    weights: Option<&[f64]>,
    law: &Law,
    exponent: f64,
) -> Result<Discrepancy, Error> {
    discrepancy_with(particles, weights, law, exponent, |weights| {
        let blocks: Vec<usize> = (0..pair_blocks(particles.nrows())).collect();
        pair_sums(particles, weights, exponent, &blocks)
    })
}

/// Computes the same as [`discrepancy()`] from sums over pairs that were computed elsewhere, such as on
/// several machines.
///
/// `sums` gets the weights, with sum 1, and returns the [`pair_sums`] of all blocks in order.
///
/// # Errors
/// As for [`discrepancy()`].
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_analytic::{Law, discrepancy, discrepancy_with, pair_sums};
/// let law = Law::ball(&[0.0], 1.0)?;
/// let particles = DMatrix::from_column_slice(3, 1, &[0.0, 7.0, 1.0]);
/// let found = discrepancy_with(&particles, None, &law, 1.0, |weights| {
///     pair_sums(&particles, weights, 1.0, &[0])
/// })?;
/// assert_eq!(found, discrepancy(&particles, None, &law, 1.0)?);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn discrepancy_with(
    particles: &DMatrix<f64>,
    weights: Option<&[f64]>,
    law: &Law,
    exponent: f64,
    sums: impl FnOnce(&[f64]) -> Vec<f64>,
) -> Result<Discrepancy, Error> {
    check_shape(particles, law.dim())?;
    let weights = match weights {
        Some(weights) => normalised_weights(weights, particles.nrows())?,
        None => equal_weights(particles.nrows()),
    };
    let potential = law.potential(exponent)?;
    let potential = mean_potential(particles, &weights, |point| potential.at(point));
    let energy = law.energy(exponent)?;
    Ok(combine(&weights, potential + energy, sums(&weights)))
}

/// The number of blocks of 64 rows in which [`pair_sums`] takes N particles.
pub fn pair_blocks(count: usize) -> usize {
    count.div_ceil(BLOCK)
}

/// Computes Σ wᵢwⱼ|xᵢ−xⱼ|ʳ over the i in each of some blocks of rows and all j > i, in parallel.
///
/// `particles` is N×d, with a weight each; the blocks are numbered from 0 to [`pair_blocks`] − 1. Costs
/// O(Nd) for each row.
///
/// # Panics
/// If a block is not there, or the weights are too few.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_analytic::pair_sums;
/// let particles = DMatrix::from_column_slice(2, 1, &[0.0, 7.0]);
/// assert_eq!(pair_sums(&particles, &[0.5, 0.5], 1.0, &[0]), [0.25 * 7.0]);
/// ```
pub fn pair_sums(
    particles: &DMatrix<f64>,
    weights: &[f64],
    exponent: f64,
    blocks: &[usize],
) -> Vec<f64> {
    let sum = |&block: &usize| {
        let rows = rows_of(block, particles.nrows());
        pair_sum(particles, weights, rows, exponent)
    };
    blocks.par_iter().map(sum).collect()
}

/// Computes D²(μ, ν) between two laws, exactly.
///
/// ```math
/// D^2(μ, ν) = \iint|x-y|^r\,dμ(x)dν(y) + E(μ) + E(ν)
/// ```
///
/// Closed forms for Gaussians of any covariance and their mixtures, for Diracs against everything, and
/// for the energy of a ball or sphere; where two Gaussians N(m, σ²I) are close, nothing cancels. A ball
/// or sphere against another, or against a Gaussian N(m, σ²I), takes a numerical integral over its
/// radius, and one over an angle within if the centres differ: 0.1 s in ℝ³ then, seconds for d = 1000.
/// The error is about 1e-13 times the mean power distance. For two scales of one equilibrium
/// [`crate::Equilibrium::discrepancy_between`] keeps relative precision.
///
/// # Errors
/// [`Error::Exponent`] unless 0 < r < 2; [`Error::Different`] if the dimensions differ;
/// [`Error::Pair`] for a ball or sphere against a Gaussian with a covariance that is no multiple of
/// the identity.
///
/// ```
/// use rieszflow_analytic::{Law, discrepancy_between};
/// let interval = Law::ball(&[0.0], 1.0)?;
/// let dirac = Law::dirac(&[0.0])?;
/// assert!((discrepancy_between(&interval, &dirac, 1.0)? - 1.0 / 6.0).abs() < 1e-15);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn discrepancy_between(first: &Law, second: &Law, exponent: f64) -> Result<f64, Error> {
    let mean_distance = first.mean_power_distance(second, exponent)?;
    if let Some(exact) = first.gaussian_discrepancy(second, exponent) {
        return Ok(exact);
    }
    Ok(mean_distance + first.energy(exponent)? + second.energy(exponent)?)
}

/// Computes the mean of D²(ν_N, ν) over N independent draws ν_N from the law ν, −E(ν)/N.
///
/// The sampling floor: independent particles do not get below it on average, however good the law
/// they come from, because their own pairs i = j count as pairs at distance 0. Particles that are
/// spread more evenly than independent ones do. `count` is N.
///
/// # Errors
/// As for [`Law::energy`].
///
/// ```
/// use rieszflow_analytic::{Equilibrium, Law, sampling_floor};
/// let law = Law::equilibrium(&Equilibrium::new(1, 1.0)?, 1.0)?;
/// assert!((sampling_floor(&law, 1.0, 1000)? - 1e-3 / 3.0).abs() < 1e-18);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn sampling_floor(law: &Law, exponent: f64, count: usize) -> Result<f64, Error> {
    Ok(-law.energy(exponent)? / count as f64)
}

/// 1/N for each of N particles.
pub(crate) fn equal_weights(count: usize) -> Vec<f64> {
    vec![(count as f64).recip(); count]
}

/// D² between weighted particles and a measure with the given potential and energy.
pub(crate) fn from_potential(
    particles: &DMatrix<f64>,
    weights: &[f64],
    exponent: f64,
    potential: impl Fn(&[f64]) -> f64 + Sync,
    energy: f64,
) -> Discrepancy {
    let potential = mean_potential(particles, weights, potential);
    let blocks: Vec<usize> = (0..pair_blocks(particles.nrows())).collect();
    let sums = pair_sums(particles, weights, exponent, &blocks);
    combine(weights, potential + energy, sums)
}

/// D² from its part that is no sum over pairs, and the sums over pairs.
fn combine(weights: &[f64], fixed: f64, sums: Vec<f64>) -> Discrepancy {
    // Σ_{i<j}: half the double sum without its diagonal, which is zero.
    let pairs: f64 = sums.into_iter().sum();
    let diagonal: f64 = weights.iter().map(|weight| weight * weight).sum();
    Discrepancy {
        v_statistic: fixed - pairs,
        u_statistic: fixed - pairs / (1.0 - diagonal),
    }
}

/// Σ wᵢU(xᵢ), in parallel over fixed blocks that are added in order.
fn mean_potential(
    particles: &DMatrix<f64>,
    weights: &[f64],
    potential: impl Fn(&[f64]) -> f64 + Sync,
) -> f64 {
    let count = particles.nrows();
    let sum = |block: usize| {
        let mut point = vec![0.0; particles.ncols()];
        let mut sum = 0.0;
        for i in rows_of(block, count) {
            let row = particles.row(i);
            point.iter_mut().zip(&row).for_each(|(to, x)| *to = *x);
            sum += weights[i] * potential(&point);
        }
        sum
    };
    let sums: Vec<f64> = (0..pair_blocks(count)).into_par_iter().map(sum).collect();
    sums.iter().sum()
}

/// The rows of a block out of `count`.
fn rows_of(block: usize, count: usize) -> Range<usize> {
    block * BLOCK..((block + 1) * BLOCK).min(count)
}

/// Σ wᵢwⱼ|xᵢ−xⱼ|ʳ over i in `rows` and j > i, block of partners by block, so that they stay in the
/// cache.
fn pair_sum(particles: &DMatrix<f64>, weights: &[f64], rows: Range<usize>, r: f64) -> f64 {
    let count = particles.nrows();
    let mut powers = [0.0; BLOCK];
    let mut sum = 0.0;
    for block in (rows.start..count).step_by(BLOCK) {
        for i in rows.clone() {
            let partners = block.max(i + 1)..(block + BLOCK).min(count).max(i + 1);
            let powers = &mut powers[..partners.len()];
            squared_distances(particles, i, partners.clone(), powers);
            powers_from_squares(powers, r);
            let weighted = powers.iter().zip(&weights[partners]);
            sum += weights[i] * weighted.map(|(power, weight)| power * weight).sum::<f64>();
        }
    }
    sum
}

/// Writes |xᵢ−xⱼ|² for the given partners j.
fn squared_distances(particles: &DMatrix<f64>, i: usize, partners: Range<usize>, to: &mut [f64]) {
    to.fill(0.0);
    for column in particles.column_iter() {
        let column = column.as_slice();
        for (square, x) in to.iter_mut().zip(&column[partners.clone()]) {
            *square += (x - column[i]) * (x - column[i]);
        }
    }
}

/// Replaces u² by uʳ; r = ½, 1, 3/2 by square roots, several times faster than `powf`.
fn powers_from_squares(squares: &mut [f64], r: f64) {
    if r == 1.0 {
        for u in squares {
            *u = u.sqrt();
        }
    } else if r == 0.5 {
        for u in squares {
            *u = u.sqrt().sqrt();
        }
    } else if r == 1.5 {
        for u in squares {
            *u = u.sqrt() * u.sqrt().sqrt();
        }
    } else {
        for u in squares {
            *u = u.powf(0.5 * r);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::equilibrium::Equilibrium;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// The double sum as it stands in the definition.
    fn plain(particles: &DMatrix<f64>, eta: &Equilibrium, scale: f64) -> f64 {
        let (n, r) = (particles.nrows(), eta.exponent());
        let mut pairs = 0.0;
        let mut potential = 0.0;
        for i in 0..n {
            potential += scale.powf(r) * eta.potential(particles.row(i).norm() / scale);
            for j in 0..n {
                pairs += (particles.row(i) - particles.row(j)).norm().powf(r);
            }
        }
        let n = n as f64;
        -pairs / (2.0 * n * n) + potential / n - scale.powf(r) * eta.second_moment() / r
    }

    #[test]
    fn blocks_agree_with_the_plain_double_sum() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for (d, r, n) in [
            (1, 1.5, 1),
            (2, 1.0, 65),
            (3, 0.5, 128),
            (5, 0.7, 200),
            (40, 1.9, 70),
        ] {
            let eta = Equilibrium::new(d, r).unwrap();
            let particles = eta.sample(n, &mut rng);
            let law = Law::equilibrium(&eta, 1.3).unwrap();
            let got = discrepancy(&particles, None, &law, r).unwrap().v_statistic;
            let allowed = 1e-13 * (1.0 - eta.energy());
            assert!(
                (got - plain(&particles, &eta, 1.3)).abs() < allowed,
                "d = {d}, r = {r}"
            );
        }
    }

    #[test]
    fn mean_over_samples_is_the_sampling_floor() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for (d, r) in [(1, 0.5), (2, 1.0), (2, 1.5), (3, 0.8), (3, 1.2), (10, 1.0)] {
            let law = Law::equilibrium(&Equilibrium::new(d, r).unwrap(), 1.0).unwrap();
            let (runs, n) = (400, 50);
            let (mut v, mut u) = (0.0, 0.0);
            for _ in 0..runs {
                let found = discrepancy(&law.sample(n, &mut rng), None, &law, r).unwrap();
                v += found.v_statistic / f64::from(runs);
                u += found.u_statistic / f64::from(runs);
            }
            let floor = sampling_floor(&law, r, n).unwrap();
            // The spread of a mean over 400 runs is well below a tenth of the floor.
            assert!(
                (v / floor - 1.0).abs() < 0.15,
                "d = {d}, r = {r}: {v} against {floor}"
            );
            assert!(u.abs() < 0.15 * floor, "d = {d}, r = {r}: {u}");
        }
    }

    #[test]
    fn a_dirac_compared_with_itself_is_at_zero() {
        let eta = Equilibrium::new(3, 1.0).unwrap();
        let dirac = Law::equilibrium(&eta, 0.0).unwrap();
        let found = discrepancy(&DMatrix::zeros(10, 3), None, &dirac, 1.0).unwrap();
        assert_eq!((found.v_statistic, found.u_statistic), (0.0, 0.0));
    }

    #[test]
    fn same_bits_for_any_number_of_threads() {
        let law = Law::equilibrium(&Equilibrium::new(4, 1.3).unwrap(), 0.9).unwrap();
        let particles = law.sample(500, &mut ChaCha8Rng::seed_from_u64(5));
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let found = pool.install(|| discrepancy(&particles, None, &law, 1.3));
            found.unwrap().v_statistic.to_bits()
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn dimensions_must_agree() {
        let law = Law::equilibrium(&Equilibrium::new(2, 1.0).unwrap(), 1.0).unwrap();
        let error = discrepancy(&DMatrix::zeros(4, 3), None, &law, 1.0).unwrap_err();
        assert!(error.to_string().contains("exactly d = 2 columns"));
    }
}
