//! How far the equilibrium is scaled along the flow of the interaction energy from a Dirac, and
//! along both schemes.

use crate::error::{Error, check_exponent, check_scale, check_step, check_time};

/// Computes the scale c(t) of the flow of the interaction energy from δ₀: γ(t) = (c(t)·Id)_#η*.
///
/// ```math
/// c(t) = \bigl((2-r)\,t\bigr)^{1/(2-r)}
/// ```
///
/// Source: Altekrüger, Hertrich, Steidl 2023. `time` is the flow time t ≥ 0; for r = 1, c(t) = t.
/// Where the scale falls below the range of `f64` (r close to 2, t small) it is 0.
///
/// # Errors
/// [`Error::Exponent`], [`Error::Time`]; [`Error::ScaleOverflow`] where c(t) exceeds the range of
/// `f64`.
///
/// ```
/// assert_eq!(rieszflow_analytic::flow_scale(1.0, 0.8)?, 0.8);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn flow_scale(exponent: f64, time: f64) -> Result<f64, Error> {
    let p = 2.0 - check_exponent(exponent)?;
    in_range((p * check_time(time)?).powf(p.recip()), exponent, time)
}

/// Computes the scale of the flow of the interaction energy after time t from the scale c.
///
/// ```math
/// \bigl(c^{2-r} + (2-r)\,t\bigr)^{1/(2-r)}
/// ```
///
/// The flow from η* scaled by c is the flow from δ₀ entered at the time when it has reached c. For
/// c = 0 this is [`flow_scale`].
///
/// # Errors
/// [`Error::Exponent`], [`Error::Scale`], [`Error::Time`]; [`Error::ScaleOverflow`] where the scale
/// exceeds the range of `f64`.
///
/// ```
/// use rieszflow_analytic::{flow_scale, flow_scale_from};
/// let halfway = flow_scale(0.5, 1.0)?;
/// assert!((flow_scale_from(0.5, halfway, 1.0)? - flow_scale(0.5, 2.0)?).abs() < 1e-15);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn flow_scale_from(exponent: f64, scale: f64, time: f64) -> Result<f64, Error> {
    let p = 2.0 - check_exponent(exponent)?;
    let (c, t) = (check_scale(scale)?, check_time(time)?);
    if c == 0.0 || t == 0.0 {
        return Ok(flow_scale(exponent, time)?.max(c));
    }
    // In units of the larger of the two and with halved powers, nothing leaves the range of f64.
    let unit = c.max((p * t).powf(p.recip()));
    let half = unit.powf(-0.5 * p);
    let grown = (c / unit).powf(p) + p * t * half * half;
    in_range(unit * grown.powf(p.recip()), exponent, time)
}

/// Computes the scale c⁺ after one step of the backward (JKO) scheme of length τ from the scale c.
///
/// c⁺ is the unique positive root of
///
/// ```math
/// c^+ - c = τ\,(c^+)^{r-1}.
/// ```
///
/// Source: Altekrüger, Hertrich, Steidl 2023, where it stands in t = c^{2−r}. The root satisfies
/// the equation to a relative residual |c⁺ − c − τ(c⁺)^{r−1}|/c⁺ below 1e-13 (a few 1e-16 except
/// for scales near the ends of the range of `f64`). Where it falls below that range (c = 0, r close
/// to 2, τ small) it is 0.
///
/// # Errors
/// [`Error::Exponent`], [`Error::Scale`], [`Error::StepSize`]; [`Error::ScaleOverflow`] where c⁺
/// exceeds the range of `f64`.
///
/// ```
/// let next = rieszflow_analytic::backward_scale(1.5, 1.0, 0.1)?;
/// assert!((next - 1.0 - 0.1 * next.sqrt()).abs() < 1e-15);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn backward_scale(exponent: f64, scale: f64, tau: f64) -> Result<f64, Error> {
    let (r, c, tau) = (
        check_exponent(exponent)?,
        check_scale(scale)?,
        check_step(tau)?,
    );
    // The step from a Dirac, where c⁺^{2−r} = τ.
    let from_dirac = in_range(tau.powf((2.0 - r).recip()), exponent, tau)?;
    if c == 0.0 {
        return Ok(from_dirac);
    }
    in_range(c + backward_increment(r, c, tau, from_dirac), exponent, tau)
}

/// The root v > 0 of v = τ(c+v)^{r−1}, by Newton's method on ln v − (r−1)ln(c+v) − ln τ as a
/// function of ln v.
///
/// That function increases, with slope between min(1, 2−r) and max(1, 2−r), and bends one way only,
/// so the method converges from any start.
fn backward_increment(r: f64, c: f64, tau: f64, from_dirac: f64) -> f64 {
    let mut v = tau * (c + from_dirac).powf(r - 1.0);
    loop {
        let x = c + v;
        let ratio = tau * x.powf(r - 1.0) / v;
        let slope = 1.0 + (1.0 - r) * (v / x);
        let next = v * ratio.powf(slope.recip());
        let settled = (ratio - 1.0).abs() <= 1e-9 * slope;
        if settled || !next.is_finite() {
            return next;
        }
        v = next;
    }
}

/// Computes the scales c₁, …, cₙ of the backward (JKO) scheme for the given step sizes τ₁, …, τₙ.
///
/// Iterates [`backward_scale`] from `initial_scale`; 0 is the Dirac. For r = 1,
/// cₙ = c₀ + τ₁ + … + τₙ exactly. While a scale lies below the range of `f64` (r close to 2) it is
/// listed as 0, and the iteration goes on in t = c^{2−r}.
///
/// # Errors
/// As for [`backward_scale`].
///
/// ```
/// let scales = rieszflow_analytic::backward_scales(1.0, 0.0, &[0.5, 0.25, 0.25])?;
/// assert_eq!(scales, [0.5, 0.75, 1.0]);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn backward_scales(
    exponent: f64,
    initial_scale: f64,
    steps: &[f64],
) -> Result<Vec<f64>, Error> {
    let p = 2.0 - check_exponent(exponent)?;
    let mut power = check_scale(initial_scale)?.powf(p);
    iterate(initial_scale, steps, |scale, tau| {
        if scale >= f64::MIN_POSITIVE {
            return backward_scale(exponent, scale, tau);
        }
        power = backward_power(p, power, check_step(tau)?);
        in_range(power.powf(p.recip()), exponent, tau)
    })
}

/// One step of the backward scheme in t = c^p with p = 2 − r: the root t⁺ > t of
/// t⁺(1 − (t/t⁺)^{1/p}) = τ.
///
/// For p < 1, where scales can be that small, the left side is increasing and concave in t⁺, so
/// Newton's method climbs to the root from below.
pub(crate) fn backward_power(p: f64, power: f64, tau: f64) -> f64 {
    let mut next = power.max(tau);
    loop {
        let ratio = (power / next).powf(p.recip());
        let step = (tau - next * (1.0 - ratio)) / (1.0 + ratio * (p.recip() - 1.0));
        next += step;
        if step <= 1e-9 * next {
            return next;
        }
    }
}

/// Computes the scale c⁺ after one step of the forward scheme (steepest descent) of length τ from
/// the scale c.
///
/// ```math
/// c^+ = c + τ\,c^{r-1}
/// ```
///
/// At the Dirac, c = 0: for r = 1 the step is τ; for r > 1 the Dirac is a stationary point of
/// steepest descent and the scheme rests at 0. Source: Altekrüger, Hertrich, Steidl 2023.
///
/// # Errors
/// [`Error::Exponent`], [`Error::Scale`], [`Error::StepSize`]; [`Error::ForwardFromDirac`] for
/// r < 1 and c = 0; [`Error::ScaleOverflow`] where c⁺ exceeds the range of `f64`.
///
/// ```
/// use rieszflow_analytic::forward_scale;
/// assert_eq!(forward_scale(1.0, 0.0, 0.1)?, 0.1);
/// assert_eq!(forward_scale(1.5, 0.0, 0.1)?, 0.0);
/// assert!(forward_scale(0.5, 0.0, 0.1).is_err());
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn forward_scale(exponent: f64, scale: f64, tau: f64) -> Result<f64, Error> {
    let (r, c, tau) = (
        check_exponent(exponent)?,
        check_scale(scale)?,
        check_step(tau)?,
    );
    if c == 0.0 && r < 1.0 {
        return Err(Error::ForwardFromDirac(r));
    }
    in_range(c + tau * c.powf(r - 1.0), exponent, tau)
}

/// Computes the scales c₁, …, cₙ of the forward scheme for the given step sizes τ₁, …, τₙ.
///
/// Iterates [`forward_scale`] from `initial_scale`.
///
/// # Errors
/// As for [`forward_scale`].
///
/// ```
/// let scales = rieszflow_analytic::forward_scales(1.0, 1.0, &[0.5, 0.5])?;
/// assert_eq!(scales, [1.5, 2.0]);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn forward_scales(exponent: f64, initial_scale: f64, steps: &[f64]) -> Result<Vec<f64>, Error> {
    iterate(initial_scale, steps, |scale, tau| {
        forward_scale(exponent, scale, tau)
    })
}

/// Computes the distance |x(t) − q| of the steepest-descent flow of the discrepancy from δ_p to δ_q.
///
/// For 1 < r < 2, in every dimension, the measure stays a Dirac on the line from p to q and arrives in
/// finite time:
///
/// ```math
/// |x(t)-q|^{2-r} = |p-q|^{2-r} - r(2-r)\,t
/// ```
///
/// until this is 0. `distance` is |p − q|. D² to the target is the r-th power of the distance.
///
/// # Errors
/// [`Error::DiracDescent`] unless 1 < r < 2; [`Error::Scale`] unless the distance is finite and ≥ 0;
/// [`Error::Time`].
///
/// ```
/// let distance = rieszflow_analytic::dirac_descent(1.5, 1.0, 0.5)?;
/// assert!((distance - 0.625_f64.powi(2)).abs() < 1e-15);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn dirac_descent(exponent: f64, distance: f64, time: f64) -> Result<f64, Error> {
    if !(exponent > 1.0 && exponent < 2.0) {
        return Err(Error::DiracDescent(exponent));
    }
    let p = 2.0 - exponent;
    let rest = check_scale(distance)?.powf(p) - exponent * p * check_time(time)?;
    Ok(rest.max(0.0).powf(p.recip()))
}

pub(crate) fn iterate(
    initial_scale: f64,
    steps: &[f64],
    mut step: impl FnMut(f64, f64) -> Result<f64, Error>,
) -> Result<Vec<f64>, Error> {
    let mut scale = check_scale(initial_scale)?;
    steps
        .iter()
        .map(|&tau| {
            scale = step(scale, tau)?;
            Ok(scale)
        })
        .collect()
}

pub(crate) fn in_range(scale: f64, exponent: f64, duration: f64) -> Result<f64, Error> {
    if scale.is_finite() {
        Ok(scale)
    } else {
        Err(Error::ScaleOverflow { exponent, duration })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backward_root_satisfies_its_equation_everywhere() {
        for r in [1e-9, 0.01, 0.5, 0.999, 1.0, 1.001, 1.5, 1.9, 1.97, 1.99] {
            for c in [0.0, 1e-300, 1e-12, 1e-3, 0.5, 1.0, 7.0, 1e6] {
                for tau in [1e-12, 1e-6, 0.05, 0.999, 1.0, 1.001, 30.0, 1e3] {
                    let Ok(next) = backward_scale(r, c, tau) else {
                        assert!(r > 1.97 && tau > 1.0);
                        continue;
                    };
                    if next < f64::MIN_POSITIVE {
                        assert!(c < 1e-200 && r > 1.9);
                        continue;
                    }
                    let residual = (next - c - tau * next.powf(r - 1.0)) / next;
                    assert!(
                        residual.abs() < 1e-13,
                        "r = {r}, c = {c}, τ = {tau}: {next} leaves {residual:e}"
                    );
                    assert!(next >= c);
                }
            }
        }
    }

    #[test]
    fn distance_one_is_linear() {
        assert_eq!(backward_scale(1.0, 0.25, 0.5), Ok(0.75));
        assert_eq!(forward_scale(1.0, 0.25, 0.5), Ok(0.75));
        assert_eq!(flow_scale(1.0, 1.25), Ok(1.25));
    }

    #[test]
    fn schemes_converge_to_the_flow() {
        for r in [0.5, 1.5] {
            let error = |n: usize| {
                let scales = backward_scales(r, 0.0, &vec![1.0 / n as f64; n]).unwrap();
                (scales[n - 1] - flow_scale(r, 1.0).unwrap()).abs()
            };
            let order = (error(1000) / error(2000)).log2();
            assert!(order > 0.85 && order < 1.05, "r = {r}: order {order}");
        }
    }

    #[test]
    fn scales_too_small_for_f64_are_stepped_over() {
        // Stretching time by λ stretches scales by λ^{1/(2−r)}, here by 10⁻³³⁰.
        let (r, n, factor) = (1.99, 2000, 10.0_f64.powf(-3.3));
        let large = backward_scales(r, 0.0, &vec![1.0; n]).unwrap();
        let small = backward_scales(r, 0.0, &vec![factor; n]).unwrap();
        assert_eq!(small[0], 0.0);
        let representable = small
            .iter()
            .zip(&large)
            .filter(|(small, _)| **small > 1e-300);
        assert!(representable.clone().count() > n - 100);
        for (small, large) in representable {
            assert!((small.log10() - (large.log10() - 330.0)).abs() < 1e-9);
        }
    }

    #[test]
    fn bad_input_is_refused() {
        assert_eq!(backward_scale(2.0, 0.0, 1.0), Err(Error::Exponent(2.0)));
        assert_eq!(backward_scale(1.0, -1.0, 1.0), Err(Error::Scale(-1.0)));
        assert_eq!(backward_scale(1.0, 0.0, 0.0), Err(Error::StepSize(0.0)));
        assert!(backward_scale(1.0, f64::NAN, 1.0).is_err());
        assert!(forward_scale(1.0, 1.0, f64::INFINITY).is_err());
        assert_eq!(
            forward_scale(0.9, 0.0, 1.0),
            Err(Error::ForwardFromDirac(0.9))
        );
        assert_eq!(flow_scale(1.0, -0.5), Err(Error::Time(-0.5)));
        assert!(matches!(
            flow_scale(1.999, 1e6),
            Err(Error::ScaleOverflow { .. })
        ));
    }
}
