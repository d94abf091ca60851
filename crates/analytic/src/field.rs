//! Minimisers of the interaction energy in an external field λ|x|^α/α.

use nalgebra::DMatrix;
use rand::{Rng, RngExt};

use crate::beta_ball::{BallPotential, draw_in_ball, mean_power_distance};
use crate::error::{Error, check_exponent};
use crate::quadrature::integrate;
use crate::special::gamma_ratio;

/// The minimiser of F(μ) = E(μ) + λ∫|x|^α dμ/α where it is known.
///
/// All of them are mixtures of one radial law scaled to different radii t ≤ R: an atom at t = R, and the
/// rest with P(t ≤ uR) = u^{α−1}. With B the beta function and W = ∬|x−x'|ʳ on the unit sphere,
///
/// | d, r | α | law of radius t | weight of t = R | R |
/// |---|---|---|---|---|
/// | 1, 1 | α > 1 | the points ±t | 0 | R^{α−1} = 1/λ |
/// | 2, 1 | 1 < α ≤ 2 | arcsine disc, density ∝ (t²−\|x\|²)^{−½} | α−1 | R^{α−1} = π/(λαB(α/2, ½)) |
/// | 3, 1 | 1 < α ≤ 2 | sphere | α−1 | R^{α−1} = 2/(λ(α+1)) |
/// | d + r > 3 | α ≥ [`FieldMinimiser::sphere_threshold`] | sphere | 1 | R^{α−r} = rW/(2λ) |
///
/// The measure condenses on a sphere from the threshold on. Setting: Chafaï, Matzke, Saff, Vu,
/// Womersley 2024; the formulas follow from the condition of Euler and Lagrange, that λ|x|^α/α − U(x)
/// is constant on the support and nowhere smaller, with U [`FieldMinimiser::potential`].
///
/// ```
/// use rieszflow_analytic::FieldMinimiser;
/// let disc = FieldMinimiser::new(2, 1.0, 1.0, 2.0)?; // the equilibrium η*
/// assert!((disc.radius() - std::f64::consts::FRAC_PI_4).abs() < 1e-15);
/// let sphere = FieldMinimiser::new(10, 1.0, 1.0, 2.0)?;
/// assert_eq!(sphere.sphere_mass(), 1.0);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FieldMinimiser {
    dim: usize,
    exponent: f64,
    strength: f64,
    power: f64,
    radius: f64,
    /// The weight of the largest radius.
    atom: f64,
    /// β of the radial law: 0 for spheres, ½ for arcsine discs.
    beta: f64,
    potential: BallPotential,
}

impl FieldMinimiser {
    /// The minimiser for the dimension d, exponent r, strength λ > 0 and power α of the field.
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::Exponent`], [`Error::Strength`]; [`Error::Field`] where the
    /// minimiser is not known.
    pub fn new(dim: usize, exponent: f64, strength: f64, power: f64) -> Result<Self, Error> {
        let r = check_exponent(exponent)?;
        if dim == 0 {
            return Err(Error::Dimension);
        }
        if !(strength > 0.0 && strength.is_finite()) {
            return Err(Error::Strength(strength));
        }
        // β, the weight of the largest radius, and R^{α−r} (r = 1 but for the sphere).
        let (beta, atom, radius_power) = match dim {
            1 if r == 1.0 && power > 1.0 => (0.0, 0.0, strength.recip()),
            2 if r == 1.0 && power > 1.0 && power <= 2.0 => {
                // π/B(α/2, ½) = √π Γ((α+1)/2)/Γ(α/2)
                let ratio = std::f64::consts::PI.sqrt() * gamma_ratio(0.5 * power, 0.5);
                (0.5, power - 1.0, ratio / (strength * power))
            }
            3 if r == 1.0 && power > 1.0 && power <= 2.0 => {
                (0.0, power - 1.0, 2.0 / (strength * (power + 1.0)))
            }
            _ if dim as f64 + r > 3.0
                && power.is_finite()
                && power >= Self::sphere_threshold(dim, r)? =>
            {
                let pairs = mean_power_distance(dim, r, 0.0);
                (0.0, 1.0, 0.5 * r * pairs / strength)
            }
            _ => {
                return Err(Error::Field {
                    dim,
                    exponent,
                    power,
                });
            }
        };
        Ok(Self {
            dim,
            exponent,
            strength,
            power,
            radius: radius_power.powf((power - r).recip()),
            atom,
            beta,
            potential: BallPotential::new(dim, r, beta),
        })
    }

    /// Computes the smallest α for which the uniform sphere is the minimiser, for d + r > 3.
    ///
    /// ```math
    /// α ≥ \max\Bigl\{\frac{rW}{2(W-1)},\; 2 - \frac{(2-r)(d+r-4)}{2(d+r-3)}\Bigr\}
    /// ```
    ///
    /// W is the mean of |x−x'|ʳ over the unit sphere. The first bound compares the sphere with the
    /// centre, the second is convexity at the sphere.
    ///
    /// # Errors
    /// [`Error::Exponent`] unless 0 < r < 2, [`Error::NoThreshold`] unless d + r > 3.
    ///
    /// ```
    /// let threshold = rieszflow_analytic::FieldMinimiser::sphere_threshold(4, 1.0)?;
    /// assert!((threshold - 1.896_172).abs() < 1e-6);
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn sphere_threshold(dim: usize, exponent: f64) -> Result<f64, Error> {
        let (d, r) = (dim as f64, check_exponent(exponent)?);
        if d + r <= 3.0 {
            return Err(Error::NoThreshold { dim, exponent });
        }
        let pairs = mean_power_distance(dim, r, 0.0);
        let centre = r * pairs / (2.0 * (pairs - 1.0));
        let convexity = 2.0 - (2.0 - r) * (d + r - 4.0) / (2.0 * (d + r - 3.0));
        Ok(centre.max(convexity))
    }

    /// The radius R of the support (a length).
    pub fn radius(&self) -> f64 {
        self.radius
    }

    /// The mass that sits on the sphere of radius R itself.
    pub fn sphere_mass(&self) -> f64 {
        if self.beta == 0.0 { self.atom } else { 0.0 }
    }

    /// Computes the second moment ∫|x|² dμ.
    pub fn second_moment(&self) -> f64 {
        self.moment(2.0)
    }

    /// Computes F at the minimiser, λ(1/α − 1/r)∫|x|^α dμ.
    ///
    /// The energy is −(λ/r)∫|x|^α dμ, since rescaling x ↦ cx cannot lower F.
    pub fn functional(&self) -> f64 {
        let scale = self.strength * (self.power.recip() - self.exponent.recip());
        scale * self.moment(self.power)
    }

    /// Computes the mass within distance ρ of the origin; NaN for a negative or NaN ρ.
    pub fn radial_cdf(&self, rho: f64) -> f64 {
        let ratio = rho / self.radius;
        if rho.is_nan() || rho < 0.0 {
            f64::NAN
        } else if ratio >= 1.0 {
            1.0
        } else if self.beta == 0.0 {
            (1.0 - self.atom) * ratio.powf(self.power - 1.0)
        } else {
            // In the arcsine disc of radius t the mass within ρ < t is 1 − √(1−ρ²/t²).
            let within = |x: f64| 1.0 - ((1.0 - x) * (1.0 + x)).sqrt();
            let smaller = ratio.powf(self.power - 1.0);
            let larger = integrate(smaller, 1.0, |at| {
                let t = at.x.powf((self.power - 1.0).recip());
                within((ratio / t).min(1.0))
            });
            self.atom * within(ratio) + (1.0 - self.atom) * (smaller + larger)
        }
    }

    /// Computes the potential U(ρ) = ∫|x−y|ʳ dμ(y) at |x| = ρ, by quadrature over the radii t.
    ///
    /// Known independently of the field, so that it can check the condition of Euler and Lagrange;
    /// about 12 digits. NaN for a negative or NaN ρ.
    pub fn potential(&self, rho: f64) -> f64 {
        let largest = self.potential.value(self.radius, rho);
        if self.atom == 1.0 || rho.is_nan() || rho < 0.0 {
            return largest;
        }
        // In u = (t/R)^{α−1}, uniform on [0, 1], with a kink where t = ρ.
        let inverse = (self.power - 1.0).recip();
        let at = |u: f64| self.potential.value(self.radius * u.powf(inverse), rho);
        let kink = (rho / self.radius).powf(self.power - 1.0);
        let spread = if kink > 0.0 && kink < 1.0 {
            integrate(0.0, kink, |node| at(node.x)) + integrate(kink, 1.0, |node| at(node.x))
        } else {
            integrate(0.0, 1.0, |node| at(node.x))
        };
        self.atom * largest + (1.0 - self.atom) * spread
    }

    /// Draws `count` independent points as the rows of a matrix (`count` × d).
    ///
    /// ```
    /// use rand::SeedableRng;
    /// use rieszflow_analytic::FieldMinimiser;
    /// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    /// let minimiser = FieldMinimiser::new(3, 1.0, 1.0, 1.5)?;
    /// let points = minimiser.sample(100, &mut rng);
    /// assert!(points.row_iter().all(|x| x.norm() <= minimiser.radius() * (1.0 + 1e-15)));
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn sample<R: Rng + ?Sized>(&self, count: usize, rng: &mut R) -> DMatrix<f64> {
        let mut points = DMatrix::zeros(count, self.dim);
        let mut point = vec![0.0; self.dim];
        for mut row in points.row_iter_mut() {
            let is_largest = self.atom == 1.0 || rng.random::<f64>() < self.atom;
            let radius = if is_largest {
                self.radius
            } else {
                self.radius * rng.random::<f64>().powf((self.power - 1.0).recip())
            };
            draw_in_ball(&mut point, radius, self.beta, rng);
            row.iter_mut().zip(&point).for_each(|(to, x)| *to = *x);
        }
        points
    }

    /// ∫|x|^k dμ.
    fn moment(&self, k: f64) -> f64 {
        // E t^k, and E|X|^k of the radial law of radius 1, where |X|² ~ Beta(d/2, β).
        let rate = self.power - 1.0;
        let radii = self.atom + (1.0 - self.atom) * rate / (rate + k);
        let half = 0.5 * self.dim as f64;
        let within = gamma_ratio(half, 0.5 * k) / gamma_ratio(half + self.beta, 0.5 * k);
        self.radius.powf(k) * radii * within
    }
}
