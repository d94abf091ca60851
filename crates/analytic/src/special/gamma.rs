//! Ratios Γ(x+h)/Γ(x) without overflow or cancellation, for h of the order of one and x as large as
//! wanted.

/// Stirling's coefficients B₂ₖ/(2k(2k−1)) for k = 1, …, 8.
const STIRLING: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
    -3617.0 / 122_400.0,
];

/// From here on eight terms of Stirling's series are exact to double precision.
const STIRLING_FROM: f64 = 10.0;

/// Computes the ratio Γ(x+h)/Γ(x).
///
/// ```math
/// \frac{Γ(x+h)}{Γ(x)} = x^h \exp\bigl(h\,(q(x,h) - \ln x)\bigr), \qquad q(x,h) = \frac{\lnΓ(x+h) - \lnΓ(x)}{h}
/// ```
///
/// Needs x > 0 and x + h > 0. Source: Stirling's series (DLMF 5.11.1), differenced term by term so
/// that nothing cancels; below x = 10 the recurrence Γ(x+1) = xΓ(x) lifts the argument first.
/// Measured against 40-digit values the relative error is below 2e-15 for |h| ≤ 2 and x up to 1e5.
///
/// ```
/// use rieszflow_analytic::special::gamma_ratio;
/// assert!((gamma_ratio(4.0, 1.0) - 4.0).abs() < 1e-14);
/// assert!((gamma_ratio(5e4, 0.5) / 5e4_f64.sqrt() - 1.0).abs() < 1e-5); // Γ(50000) itself would overflow
/// ```
pub fn gamma_ratio(x: f64, h: f64) -> f64 {
    let (mut shifted, mut product) = (x, 1.0);
    while shifted < STIRLING_FROM {
        product *= shifted / (shifted + h);
        shifted += 1.0;
    }
    product * shifted.powf(h) * (h * quotient_excess(shifted, h)).exp()
}

/// Computes the difference quotient (ln Γ(x+h) − ln Γ(x))/h, and its limit ψ(x), the digamma
/// function, at h = 0.
///
/// Needs x > 0 and x + h > 0. Source and method as for [`gamma_ratio`]. The absolute error is a few
/// units in the last place of 1 + |ln x|, also for arbitrarily small h, where subtracting two
/// logarithms would leave no digit.
///
/// ```
/// use rieszflow_analytic::special::ln_gamma_quotient;
/// let euler_gamma = 0.577_215_664_901_532_9;
/// assert!((ln_gamma_quotient(1.0, 0.0) + euler_gamma).abs() < 1e-15);
/// assert!((ln_gamma_quotient(1.0, 1e-12) + euler_gamma).abs() < 2e-12);
/// ```
pub fn ln_gamma_quotient(x: f64, h: f64) -> f64 {
    let (mut shifted, mut lowered) = (x, 0.0);
    while shifted < STIRLING_FROM {
        lowered += ln_1p_quotient(shifted, h);
        shifted += 1.0;
    }
    shifted.ln() + quotient_excess(shifted, h) - lowered
}

/// (ln Γ(x+h) − ln Γ(x))/h − ln x for x ≥ 10, by Stirling's series.
fn quotient_excess(x: f64, h: f64) -> f64 {
    (x + h - 0.5) * ln_1p_quotient(x, h) - 1.0 + stirling_quotient(x, h)
}

/// ln(1 + h/x)/h, with its limit 1/x at h = 0.
fn ln_1p_quotient(x: f64, h: f64) -> f64 {
    if h == 0.0 {
        1.0 / x
    } else {
        (h / x).ln_1p() / h
    }
}

/// The difference quotient between x and x+h of Stirling's remainder R(x) = Σ Bₖ x^{1−2k}.
///
/// With u = 1/x, v = 1/(x+h) and R = u·P(u²): Horner's scheme gives P(u²) and the divided
/// difference of P at once.
fn stirling_quotient(x: f64, h: f64) -> f64 {
    let (u, v) = (x.recip(), (x + h).recip());
    let (mut value, mut difference) = (0.0, 0.0);
    for coefficient in STIRLING.iter().rev() {
        difference = difference * v * v + value;
        value = value * u * u + coefficient;
    }
    // value = P(u²), difference = P[u², v²], and (v − u)/h = −uv.
    -u * v * (value + v * (u + v) * difference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_steps_are_products() {
        for x in [0.5_f64, 1.0, 7.25, 10.0, 123.0, 5e4] {
            let exact = x * (x + 1.0);
            assert!((gamma_ratio(x, 2.0) / exact - 1.0).abs() < 2e-15, "x = {x}");
            assert!((gamma_ratio(x, 1.0) * gamma_ratio(x + 1.0, -1.0) - 1.0).abs() < 2e-15);
        }
    }

    #[test]
    fn agrees_with_libm_where_that_does_not_overflow() {
        for (x, h) in [(0.3, 0.2), (1.5, -0.9), (3.0, 0.75), (9.0, 1.9)] {
            let exact = libm::tgamma(x + h) / libm::tgamma(x);
            assert!(
                (gamma_ratio(x, h) / exact - 1.0).abs() < 5e-15,
                "Γ({x}+{h})/Γ({x})"
            );
            let quotient = (libm::lgamma(x + h) - libm::lgamma(x)) / h;
            assert!((ln_gamma_quotient(x, h) - quotient).abs() < 2e-14);
        }
    }

    #[test]
    fn quotient_is_smooth_through_zero() {
        for x in [0.4, 2.0, 11.0, 900.0] {
            let at_zero = ln_gamma_quotient(x, 0.0);
            let central = 0.5 * (ln_gamma_quotient(x, 1e-9) + ln_gamma_quotient(x, -1e-9));
            assert!(
                (at_zero - central).abs() < 3e-15 * (1.0 + at_zero.abs()),
                "x = {x}"
            );
        }
    }
}
