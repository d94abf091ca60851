//! Radial flows of the discrepancy in ℝ³ for r = 1, by shells: a reference in O(N log N).

use crate::error::{Error, check_scale, check_time};
use crate::numeric;

/// N uniform spheres of equal mass 1/N around the origin of ℝ³, with radii that move under F_ν, r = 1.
///
/// The mean distance between points of spheres of radii ρ ≤ ρ' is k(ρ, ρ') = ρ' + ρ²/(3ρ'), so that
///
/// ```math
/// ρ_i' = \frac1N\sum_j \partial_ρ k(ρ_i,ρ_j) - U_ν'(ρ_i),\qquad
/// \partial_ρ k(ρ,ρ') = \frac{2ρ}{3ρ'}\;(ρ ≤ ρ'),\quad 1 - \frac{ρ'^2}{3ρ^2}\;(ρ > ρ').
/// ```
///
/// Sorted, the sums cost O(N). There is no closed form for a Gaussian target; this converges to its
/// flow as N and the number of steps grow.
///
/// ```
/// use rieszflow_analytic::{Law, Shells};
/// let target = Law::gaussian(&[0.0; 3], 1.0)?;
/// let potential = target.potential(1.0)?;
/// let radial = potential.radial().expect("a Gaussian");
/// let mut shells = Shells::gaussian(500, 0.3)?;
/// shells.flow(|rho| radial.slope(rho), 1.0, 20)?;
/// assert!((shells.second_moment() - 0.696).abs() < 2e-3);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Shells {
    /// Increasing.
    radii: Vec<f64>,
}

impl Shells {
    /// The shells with the given radii ≥ 0, in any order.
    ///
    /// # Errors
    /// [`Error::NoMass`] if there is no shell, [`Error::Scale`] unless all radii are finite and ≥ 0.
    pub fn new(mut radii: Vec<f64>) -> Result<Self, Error> {
        if radii.is_empty() {
            return Err(Error::NoMass);
        }
        for &radius in &radii {
            check_scale(radius)?;
        }
        radii.sort_by(f64::total_cmp);
        Ok(Self { radii })
    }

    /// The shells at the quantiles (i−½)/N of |x| under N(0, σ²I).
    ///
    /// # Errors
    /// [`Error::NoMass`] for N = 0, [`Error::Deviation`] unless σ is finite and positive.
    pub fn gaussian(count: usize, deviation: f64) -> Result<Self, Error> {
        if !(deviation > 0.0 && deviation.is_finite()) {
            return Err(Error::Deviation(deviation));
        }
        // P(|x| ≤ ρ) = erf(ρ/√2) − √(2/π) ρ e^{−ρ²/2}, in terms of its complement beyond ρ = 1.
        let density =
            |rho: f64| (2.0 / std::f64::consts::PI).sqrt() * rho * (-0.5 * rho * rho).exp();
        let beyond = |rho: f64| libm::erfc(rho * std::f64::consts::FRAC_1_SQRT_2) + density(rho);
        let radius = |i: usize| {
            let outside = 1.0 - (i as f64 + 0.5) / count as f64;
            deviation * numeric::bisect(|rho| outside - beyond(rho), 0.0, 40.0)
        };
        Self::new((0..count).map(radius).collect())
    }

    /// The radii, in increasing order.
    pub fn radii(&self) -> &[f64] {
        &self.radii
    }

    /// Computes the second moment, the mean of ρᵢ².
    pub fn second_moment(&self) -> f64 {
        let squares = self.radii.iter().map(|rho| rho * rho);
        squares.sum::<f64>() / self.radii.len() as f64
    }

    /// Computes the interaction energy −½ mean k(ρᵢ, ρⱼ).
    pub fn energy(&self) -> f64 {
        // Σ_{i,j} k = Σ_j [2(jρⱼ + Σ_{i<j} ρᵢ²/(3ρⱼ)) + 4ρⱼ/3] with j from 0.
        let (mut sum, mut squares) = (0.0, 0.0);
        for (j, &rho) in self.radii.iter().enumerate() {
            if rho > 0.0 {
                sum += 2.0 * (j as f64 * rho + squares / (3.0 * rho)) + 4.0 / 3.0 * rho;
            }
            squares += rho * rho;
        }
        let count = self.radii.len() as f64;
        -0.5 * sum / (count * count)
    }

    /// Moves the shells for the time t under F_ν, where `slope` is the derivative of the target's radial
    /// potential U_ν, by the given number of steps of the classical Runge-Kutta method.
    ///
    /// A slope of 0 leaves the interaction energy alone.
    ///
    /// # Errors
    /// [`Error::Time`] unless t is finite and ≥ 0.
    pub fn flow(
        &mut self,
        slope: impl Fn(f64) -> f64,
        time: f64,
        steps: usize,
    ) -> Result<(), Error> {
        let step = check_time(time)? / steps.max(1) as f64;
        for _ in 0..steps {
            let k1 = velocities(&self.radii, &slope);
            let k2 = velocities(&moved(&self.radii, &k1, 0.5 * step), &slope);
            let k3 = velocities(&moved(&self.radii, &k2, 0.5 * step), &slope);
            let k4 = velocities(&moved(&self.radii, &k3, step), &slope);
            for (i, rho) in self.radii.iter_mut().enumerate() {
                let mean = (k1[i] + 2.0 * (k2[i] + k3[i]) + k4[i]) / 6.0;
                *rho = (*rho + step * mean).max(0.0);
            }
            self.radii.sort_by(f64::total_cmp);
        }
        Ok(())
    }
}

/// The radii after moving with the given velocities.
fn moved(radii: &[f64], velocities: &[f64], step: f64) -> Vec<f64> {
    let pairs = radii.iter().zip(velocities);
    pairs.map(|(rho, v)| (rho + step * v).max(0.0)).collect()
}

/// The velocity of each shell, by sums over the smaller and over the larger ones.
fn velocities(radii: &[f64], slope: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..radii.len()).collect();
    order.sort_by(|&i, &j| radii[i].total_cmp(&radii[j]));
    let mut push = vec![0.0; radii.len()];
    let mut squares = 0.0;
    for (smaller, &i) in order.iter().enumerate() {
        let rho = radii[i];
        if rho > 0.0 {
            // The shell itself and others of its radius push with 2/3.
            push[i] = smaller as f64 - squares / (3.0 * rho * rho) + 2.0 / 3.0;
        }
        squares += rho * rho;
    }
    let mut inverses = 0.0;
    for &i in order.iter().rev().filter(|&&i| radii[i] > 0.0) {
        push[i] += 2.0 / 3.0 * radii[i] * inverses;
        inverses += radii[i].recip();
    }
    let pairs = radii.iter().zip(push);
    pairs
        .map(|(&rho, push)| push / radii.len() as f64 - slope(rho))
        .collect()
}
