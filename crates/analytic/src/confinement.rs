//! The flow of E + (λ/2)∫|x|² from a scaled equilibrium, and both schemes: a confined repulsion.

use crate::error::{Error, check_exponent, check_scale, check_step, check_time};
use crate::interaction::{
    backward_power, backward_scale, flow_scale_from, forward_scale, in_range, iterate,
};

/// The functional E(μ) + (λ/2)∫|x|² dμ, whose flow from η* scaled by c stays a scaled equilibrium.
///
/// Since the potential of ηᶜ is c^{r−2}|x|²/2 up to a constant on its support (or, on a sphere, has
/// there that slope), all mass moves with the velocity (c^{r−2} − λ)x, so that c' = c^{r−1} − λc. Holds
/// in every dimension, from every c ≥ 0. The flow ends at the scale λ^{−1/(2−r)}.
///
/// ```
/// use rieszflow_analytic::Confinement;
/// let confined = Confinement::new(1.0, 2.0)?;
/// assert_eq!(confined.limit(), 0.5);
/// let scale = confined.flow_scale(0.0, 1.0)?;
/// assert!((scale - 0.5 * (1.0 - (-2.0_f64).exp())).abs() < 1e-15);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confinement {
    exponent: f64,
    strength: f64,
}

impl Confinement {
    /// The confinement of strength λ > 0 for the Riesz exponent r.
    ///
    /// # Errors
    /// [`Error::Exponent`] unless 0 < r < 2, [`Error::Strength`] unless λ is finite and positive.
    pub fn new(exponent: f64, strength: f64) -> Result<Self, Error> {
        let exponent = check_exponent(exponent)?;
        if strength > 0.0 && strength.is_finite() {
            Ok(Self { exponent, strength })
        } else {
            Err(Error::Strength(strength))
        }
    }

    /// The scale λ^{−1/(2−r)} at which the flow ends.
    pub fn limit(&self) -> f64 {
        self.strength.powf(-(2.0 - self.exponent).recip())
    }

    /// Computes the scale of the flow after time t from the scale c₀.
    ///
    /// ```math
    /// c(t) = \Bigl(\frac1λ + \bigl(c_0^{2-r} - \frac1λ\bigr)e^{-(2-r)λt}\Bigr)^{1/(2-r)}
    /// ```
    ///
    /// # Errors
    /// [`Error::Scale`], [`Error::Time`].
    pub fn flow_scale(&self, initial_scale: f64, time: f64) -> Result<f64, Error> {
        let (c, t) = (check_scale(initial_scale)?, check_time(time)?);
        // In y = c^{2−r} the equation is linear: the repulsion acts as if for a shorter time.
        let rate = (2.0 - self.exponent) * self.strength;
        let effective_time = -(-rate * t).exp_m1() / rate;
        flow_scale_from(
            self.exponent,
            c * (-self.strength * t).exp(),
            effective_time,
        )
    }

    /// Computes the scales c₁, …, cₙ of the backward (JKO) scheme for the step sizes τ₁, …, τₙ.
    ///
    /// Each solves c⁺ − c = τ((c⁺)^{r−1} − λc⁺): a step of [`crate::backward_scale`] of length
    /// τ/(1+τλ) from c/(1+τλ).
    ///
    /// # Errors
    /// [`Error::Scale`], [`Error::StepSize`].
    ///
    /// ```
    /// use rieszflow_analytic::Confinement;
    /// let scales = Confinement::new(1.0, 1.0)?.backward_scales(0.0, &[0.5, 0.5])?;
    /// assert!((scales[1] - (1.0 / 3.0 + 0.5) / 1.5).abs() < 1e-15); // c⁺ = (c+τ)/(1+τ)
    /// # Ok::<(), rieszflow_analytic::Error>(())
    /// ```
    pub fn backward_scales(&self, initial_scale: f64, steps: &[f64]) -> Result<Vec<f64>, Error> {
        let p = 2.0 - self.exponent;
        // While a scale is too small for f64 (r close to 2), c^p is not.
        let mut power = check_scale(initial_scale)?.powf(p);
        iterate(initial_scale, steps, |scale, tau| {
            let shrink = (1.0 + check_step(tau)? * self.strength).recip();
            if scale >= f64::MIN_POSITIVE {
                return backward_scale(self.exponent, scale * shrink, tau * shrink);
            }
            power = backward_power(p, power * shrink.powf(p), tau * shrink);
            in_range(power.powf(p.recip()), self.exponent, tau)
        })
    }

    /// Computes the scales c₁, …, cₙ of the forward scheme (steepest descent) for the step sizes.
    ///
    /// Each is c⁺ = c + τ(c^{r−1} − λc); at the Dirac c = 0 as for [`crate::forward_scale`].
    ///
    /// # Errors
    /// [`Error::Scale`], [`Error::StepSize`]; [`Error::ForwardFromDirac`] for r < 1 and c = 0;
    /// [`Error::Overstep`] for a step so long that the scale would become negative.
    pub fn forward_scales(&self, initial_scale: f64, steps: &[f64]) -> Result<Vec<f64>, Error> {
        iterate(initial_scale, steps, |scale, tau| {
            let next = forward_scale(self.exponent, scale, tau)?;
            let next = next - tau * self.strength * scale;
            if next < 0.0 {
                return Err(Error::Overstep { scale, tau, next });
            }
            Ok(next)
        })
    }
}
