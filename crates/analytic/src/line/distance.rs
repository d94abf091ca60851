//! Exact squared discrepancy and Wasserstein distance on the line.

use super::{DiscreteMeasure, Measure};

/// Computes D²(μ, ν) for r = 1 on the line, exactly.
///
/// ```math
/// D^2(μ,ν) = \int_{-∞}^{∞} (R_μ - R_ν)^2\,dx
/// ```
///
/// R are the distribution functions. It equals ∬|x−y| dμdν − ½∬|x−x'| dμdμ − ½∬|y−y'| dνdν (Székely
/// and Rizzo 2013; the energy distance is twice this). Cost O(N + M) for atoms, O(N) evaluations of
/// [`Measure::squared_cdf_difference`] otherwise.
///
/// ```
/// use rieszflow_analytic::line::{DiscreteMeasure, Uniform, discrepancy};
/// let dirac = DiscreteMeasure::equal(&[0.0])?;
/// assert_eq!(discrepancy(&dirac, &DiscreteMeasure::equal(&[3.0])?), 3.0);
/// assert!((discrepancy(&dirac, &Uniform::new(-1.0, 1.0)?) - 1.0 / 6.0).abs() < 1e-15);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn discrepancy(first: &DiscreteMeasure, second: &impl Measure) -> f64 {
    let (mut sum, mut left, mut level) = (0.0, f64::NEG_INFINITY, 0.0);
    for &(atom, mass) in first.steps() {
        sum += second.squared_cdf_difference(left, atom, level);
        (left, level) = (atom, mass);
    }
    sum + second.squared_cdf_difference(left, f64::INFINITY, level)
}

/// Computes the Wasserstein distance W₂(μ, ν) on the line, exactly (a length).
///
/// ```math
/// W_2^2(μ,ν) = \int_0^1 (g_μ(s) - g_ν(s))^2\,ds
/// ```
///
/// g are the quantile functions. Cost O(N + M) for atoms, O(N) evaluations of
/// [`Measure::squared_quantile_difference`] otherwise.
///
/// ```
/// use rieszflow_analytic::line::{DiscreteMeasure, Uniform, wasserstein};
/// let pair = DiscreteMeasure::equal(&[0.0, 1.0])?;
/// assert_eq!(wasserstein(&pair, &DiscreteMeasure::equal(&[2.0, 3.0])?), 2.0);
/// let dirac = DiscreteMeasure::equal(&[0.0])?;
/// assert!((wasserstein(&dirac, &Uniform::new(-1.0, 1.0)?).powi(2) - 1.0 / 3.0).abs() < 1e-15);
/// # Ok::<(), rieszflow_analytic::Error>(())
/// ```
pub fn wasserstein(first: &DiscreteMeasure, second: &impl Measure) -> f64 {
    let (mut sum, mut before) = (0.0, 0.0);
    for &(atom, mass) in first.steps() {
        sum += second.squared_quantile_difference(atom, before, mass);
        before = mass;
    }
    sum.sqrt()
}
