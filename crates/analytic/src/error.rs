//! What can go wrong when a closed form is asked for: every message names the value given and the values accepted.

/// The reason why a closed form cannot be evaluated.
///
/// ```
/// let error = rieszflow_analytic::flow_scale(2.5, 1.0).unwrap_err();
/// assert_eq!(error.to_string(), "exponent r = 2.5 given, but 0 < r < 2 is needed");
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The Riesz exponent lies outside (0, 2) or is not a number.
    #[error("exponent r = {0} given, but 0 < r < 2 is needed")]
    Exponent(f64),
    /// The dimension is zero.
    #[error("dimension d = 0 given, but d ≥ 1 is needed")]
    Dimension,
    /// The equilibrium is so large (r close to 2) that its second moment exceeds the range of `f64`.
    #[error(
        "exponent r = {exponent} in dimension {dim} given, but the equilibrium's radius grows like \
         2^(1/(2−r)) and its square exceeds the largest f64; r ≤ 1.998 always works"
    )]
    EquilibriumOverflow {
        /// The exponent r.
        exponent: f64,
        /// The dimension d.
        dim: usize,
    },
    /// A flow time is negative, infinite or not a number.
    #[error("time t = {0} given, but a finite t ≥ 0 is needed")]
    Time(f64),
    /// A step size is not a positive finite number.
    #[error("step size τ = {0} given, but a finite τ > 0 is needed")]
    StepSize(f64),
    /// A scale is negative, infinite or not a number.
    #[error("scale c = {0} given, but a finite c ≥ 0 is needed")]
    Scale(f64),
    /// The next scale exceeds the range of `f64`.
    #[error(
        "with exponent r = {exponent} the scale after t or τ = {duration} exceeds the largest f64; a shorter time is needed"
    )]
    ScaleOverflow {
        /// The exponent r.
        exponent: f64,
        /// The flow time or step size asked for.
        duration: f64,
    },
    /// Steepest descent from a Dirac with r < 1, where the interaction energy falls infinitely fast.
    #[error(
        "forward step from scale c = 0 with r = {0} < 1 asked for, but at a Dirac the interaction energy has \
         slope −∞ and no steepest-descent direction; start from c > 0, take r ≥ 1, or use the backward scheme"
    )]
    ForwardFromDirac(f64),
}

/// Accepts 0 < r < 2.
pub(crate) fn check_exponent(exponent: f64) -> Result<f64, Error> {
    if exponent > 0.0 && exponent < 2.0 {
        Ok(exponent)
    } else {
        Err(Error::Exponent(exponent))
    }
}

/// Accepts a finite τ > 0.
pub(crate) fn check_step(tau: f64) -> Result<f64, Error> {
    if tau > 0.0 && tau.is_finite() {
        Ok(tau)
    } else {
        Err(Error::StepSize(tau))
    }
}

/// Accepts a finite c ≥ 0.
pub(crate) fn check_scale(scale: f64) -> Result<f64, Error> {
    if scale >= 0.0 && scale.is_finite() {
        Ok(scale)
    } else {
        Err(Error::Scale(scale))
    }
}

/// Accepts a finite t ≥ 0.
pub(crate) fn check_time(time: f64) -> Result<f64, Error> {
    if time >= 0.0 && time.is_finite() {
        Ok(time)
    } else {
        Err(Error::Time(time))
    }
}
