//! The potential energy of rotation invariant laws, such as balls and Gaussians, in O(N).
//!
//! What attracts is not a set of particles but a law ν with a known potential, which depends on the
//! distance from a centre alone. A table of it, made once, takes the place of the sum over the
//! particles of a target. Laws themselves are not known here: the profile is a closure, which may come
//! from the crate `rieszflow-analytic`, so that the closed forms stay an independent judge.

use std::f64::consts::PI;

use nalgebra::DMatrix;
use rieszflow_numerics::Real;
use rieszflow_numerics::working_memory::WorkingMemory;

use super::Functional;
use crate::{Error, Minibatches, Points, RieszKernel};

/// Chebyshev coefficients of each piece of a table.
const TERMS: usize = 16;

/// Pieces end at the distances 2⁻ᵏR from the radius R, down to this power of 2.
const FINEST: i32 = -44;

/// From the distance 2ᵏR on one piece reaches to infinity.
const COARSEST: i32 = 6;

/// A radial profile φ(ρ), ρ ≥ 0, with its slope, as piecewise polynomials.
///
/// The profile may have a singularity at one radius R, as the potential of a ball or sphere has at its
/// edge: pieces get ever shorter on the way there. Elsewhere it is smooth, it is even in ρ, and far away
/// it grows like ρʳ. Measured for the potentials of balls, spheres, equilibria and Gaussians in 1 to 10⁴
/// dimensions, the error is below 1e-13 of φ and 1e-11 of φ'. At a distance tR from R an error of 1e-15/t
/// comes to that of φ', as it does if ρ is rounded, where the slope is steep; below 2⁻⁴⁴R the table ends.
///
/// ```
/// use rieszflow_flows::{RadialTable, RieszKernel};
///
/// // The potential of the uniform law on the unit sphere in ℝ³, r = 1: 1 + ρ²/3 inside, ρ + 1/(3ρ)
/// // outside.
/// let table = RadialTable::new(RieszKernel::new(1.0)?, 1.0, |rho| match rho {
///     ..1.0 => (1.0 + rho * rho / 3.0, 2.0 * rho / 3.0),
///     _ => (rho + 1.0 / (3.0 * rho), 1.0 - 1.0 / (3.0 * rho * rho)),
/// })?;
/// let (value, factor) = table.at(0.6);
/// assert!((value - 1.12).abs() < 1e-13 && (factor - 2.0 / 3.0).abs() < 1e-13);
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RadialTable {
    exponent: f64,
    radius: f64,
    /// By the power of 2 of the distance from R, from the finest on.
    inside: Vec<Piece>,
    outside: Vec<Piece>,
    /// Of φ/uʳ and φ'/(ρuʳ⁻²) with u = ρ/R, in 1/u.
    far: Piece,
}

/// Chebyshev coefficients of φ and φ'/ρ on an interval.
type Piece = [[f64; 2]; TERMS];

impl RadialTable {
    /// Tabulates the profile that returns φ(ρ) and φ'(ρ), for a kernel of exponent r and the radius R.
    ///
    /// Costs about 2000 calls of `profile`.
    ///
    /// # Errors
    /// [`Error::Setting`] unless R is positive and finite, and the profile finite where it is
    /// evaluated.
    pub fn new(
        kernel: RieszKernel,
        radius: f64,
        profile: impl Fn(f64) -> (f64, f64),
    ) -> Result<Self, Error> {
        if !(radius > 0.0 && radius.is_finite()) {
            return Err(Error::setting("radius", "positive and finite", &radius));
        }
        let exponent = kernel.exponent();
        let at = |u: f64| {
            let rho = u * radius;
            let (value, slope) = profile(rho);
            [value, slope / rho]
        };
        let pieces = |last: i32, sign: f64| {
            let piece = |power: i32| fit(|y| at(1.0 + sign * 2.0_f64.powi(power - 1) * (y + 3.0)));
            (FINEST..last).map(piece).collect::<Vec<_>>()
        };
        let far = fit(|y| {
            let u = 2.0 * (1.0 + 2.0_f64.powi(COARSEST)) / (1.0 + y);
            let [value, factor] = at(u);
            [value / u.powf(exponent), factor / u.powf(exponent - 2.0)]
        });
        let table = Self {
            exponent,
            radius,
            inside: pieces(0, -1.0),
            outside: pieces(COARSEST, 1.0),
            far,
        };
        let all = table.inside.iter().chain(&table.outside).chain([&far]);
        if all
            .flatten()
            .flatten()
            .all(|coefficient| coefficient.is_finite())
        {
            Ok(table)
        } else {
            Err(Error::setting(
                "profile",
                "finite for every ρ > 0",
                &"NaN or ∞",
            ))
        }
    }

    /// φ(ρ) and φ'(ρ)/ρ, the factor of x in the gradient of φ(|x|); NaN for a NaN ρ.
    pub fn at(&self, rho: f64) -> (f64, f64) {
        let u = rho / self.radius;
        let apart = u - 1.0;
        // The power of 2 and the mantissa in [1, 2) of the distance from R.
        let bits = apart.abs().to_bits();
        let power = (bits >> 52) as i32 - 1023;
        let mantissa = f64::from_bits(bits & (u64::MAX >> 12) | 1.0_f64.to_bits());
        let y = 2.0 * mantissa - 3.0;
        let index = (power - FINEST).max(0) as usize;
        let y = if power < FINEST { -1.0 } else { y };
        if apart < 0.0 {
            // At the centre the distance is R itself, where the last piece ends.
            let last = self.inside.len() - 1;
            let (index, y) = if index > last {
                (last, 1.0)
            } else {
                (index, y)
            };
            let [value, factor] = sum(&self.inside[index], y);
            (value, factor)
        } else if let Some(piece) = self.outside.get(index) {
            let [value, factor] = sum(piece, y);
            (value, factor)
        } else {
            let y = 2.0 * (1.0 + 2.0_f64.powi(COARSEST)) / u - 1.0;
            let [value, factor] = sum(&self.far, y);
            let power = u.powf(self.exponent);
            (value * power, factor * (power / (u * u)))
        }
    }
}

/// The Chebyshev coefficients of the polynomials that agree with f at the roots of T₁₆.
fn fit(f: impl Fn(f64) -> [f64; 2]) -> Piece {
    let angle = |j: usize| PI * (j as f64 + 0.5) / TERMS as f64;
    let values: [[f64; 2]; TERMS] = std::array::from_fn(|j| f(angle(j).cos()));
    std::array::from_fn(|k| {
        let scale = if k == 0 { 1.0 } else { 2.0 } / TERMS as f64;
        [0, 1].map(|which| {
            let terms = (0..TERMS).map(|j| values[j][which] * (k as f64 * angle(j)).cos());
            scale * terms.sum::<f64>()
        })
    })
}

/// The polynomials at y, by Clenshaw's recurrence.
fn sum(piece: &Piece, y: f64) -> [f64; 2] {
    let (mut next, mut last) = ([0.0; 2], [0.0; 2]);
    for coefficients in piece[1..].iter().rev() {
        let now = [0, 1].map(|i| coefficients[i] + 2.0 * y * next[i] - last[i]);
        (last, next) = (next, now);
    }
    [0, 1].map(|i| piece[0][i] + y * next[i] - last[i])
}

/// The potential energy V(μ) = ∫ U dμ of the mean U of equal radial profiles around K centres.
///
/// ```math
/// U(x) = \frac1K \sum_{k=1}^K φ(|x-m_k|), \qquad
/// V(μ_N) = \frac1N \sum_i U(x_i), \qquad
/// D_vV = \int ⟨∇U(x), a⟩\,dv(x,a)
/// ```
///
/// With φ the potential ρ ↦ ∫|x−y|ʳ dν(y), |x| = ρ, of a radial law ν this is V_ν without a sample of
/// ν, and `Sum(Interaction, RadialPotential)` is F_ν. U is taken to be differentiable: it is for every ν
/// but those with atoms, for which [`Potential`](crate::Potential) has the one-sided derivative.
///
/// Positions are N×d, centres K×d. Sums are in double precision in every precision of the particles.
/// Cost: O(NKd) time on one thread, O(N) memory. There are no errors.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_analytic::Law;
/// use rieszflow_flows::{Functional, Interaction, Points, RadialPotential, RadialTable, RieszKernel, Sum};
///
/// // F_ν towards the uniform law on the ball of radius 2 in the plane.
/// let (kernel, law) = (RieszKernel::new(1.0)?, Law::ball(&[0.0, 0.0], 2.0)?);
/// let potential = law.potential(1.0)?;
/// let radial = potential.radial().expect("a single ball");
/// let table = RadialTable::new(kernel, 2.0, |rho| (radial.value(rho), radial.slope(rho)))?;
/// let attraction = RadialPotential::new(table, DMatrix::zeros(1, 2));
/// let functional = Sum(Interaction::new(kernel), attraction);
///
/// let x = DMatrix::from_row_slice(1, 2, &[3.0, 4.0]);
/// let value = functional.energy(Points::from(&x));
/// assert!((value - potential.value(&[3.0, 4.0])?).abs() < 1e-11);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RadialPotential {
    table: RadialTable,
    /// K×d.
    centres: DMatrix<f64>,
    memory: WorkingMemory<Vec<f64>>,
}

impl RadialPotential {
    /// The mean of the profile in `table` around the rows of `centres` (K×d).
    pub fn new(table: RadialTable, centres: DMatrix<f64>) -> Self {
        Self {
            table,
            centres,
            memory: WorkingMemory::default(),
        }
    }

    /// V of the particles; calls `visit` with i, k and terms whose sum is ∂V/∂xᵢₖ.
    fn for_each_slope<T: Real>(
        &self,
        particles: Points<'_, T>,
        mut visit: impl FnMut(usize, usize, f64),
    ) -> f64 {
        let weight = 1.0 / (particles.count() as f64 * self.centres.nrows() as f64);
        let mut sum = 0.0;
        self.memory.with(|factors| {
            for centre in self.centres.row_iter() {
                let offsets = |k: usize| {
                    let coordinate = particles.coordinate(k).iter();
                    coordinate.map(move |x| x.into_f64() - centre[k])
                };
                factors.clear();
                factors.resize(particles.count(), 0.0);
                for k in 0..particles.dim() {
                    for (squared, u) in factors.iter_mut().zip(offsets(k)) {
                        *squared += u * u;
                    }
                }
                for factor in &mut *factors {
                    let (value, slope_over_rho) = self.table.at(factor.sqrt());
                    sum += value;
                    *factor = weight * slope_over_rho;
                }
                for k in 0..particles.dim() {
                    for (i, (factor, u)) in factors.iter().zip(offsets(k)).enumerate() {
                        visit(i, k, factor * u);
                    }
                }
            }
        });
        weight * sum
    }
}

impl<T: Real> Functional<T> for RadialPotential {
    fn dim(&self) -> Option<usize> {
        Some(self.centres.ncols())
    }

    fn gradient(&self, particles: Points<'_, T>, gradient: &mut [T]) -> f64 {
        let count = particles.count();
        self.for_each_slope(particles, |i, k, slope| {
            gradient[k * count + i] += T::from_f64(slope);
        })
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
        let (count, velocities) = (2 * positions.batch(), velocities.both());
        let mut sum = 0.0;
        self.for_each_slope(positions.both(), |i, k, slope| {
            gradient[k * count + i] += T::from_f64(slope);
            sum += slope * velocities.coordinate(k)[i].into_f64();
        });
        Ok(sum)
    }
}
