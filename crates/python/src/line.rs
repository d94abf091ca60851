//! D² on the line for r = 1, with its gradient, by sorting: what cancels in sums over pairs does not here.

use rieszflow_analytic::line::{DiscreteMeasure, discrepancy};

/// Points on the line with weights of sum 1.
pub struct Atoms {
    /// The points, all finite.
    pub points: Vec<f64>,
    /// Their weights.
    pub weights: Vec<f64>,
    /// 1 − Σwᵢ², which the U-statistic divides the sum over pairs of points by; 1 for the V-statistic.
    pub distinct: f64,
}

impl Atoms {
    fn measure(&self) -> DiscreteMeasure {
        let measure = DiscreteMeasure::new(&self.points, &self.weights);
        measure.expect("points are finite, and weights sum to 1")
    }
}

/// D² = ∫ (R_x − R_y)² dt of the measures on `x` and `y`, with the distribution functions R. Cost:
/// O((N+M) log(N+M)).
pub fn squared_discrepancy(x: &Atoms, y: &Atoms) -> f64 {
    let more = |atoms: &Atoms| match atoms.distinct {
        1.0 => 0.0,
        distinct => energy(atoms) * (1.0 / distinct - 1.0),
    };
    discrepancy(&x.measure(), &y.measure()) + more(x) + more(y)
}

/// The gradient of D² in the points of x,
///
/// ```text
/// ∂D²/∂xᵢ = wᵢ [R_y(xᵢ) + R_y(xᵢ−) − R_x(xᵢ) − R_x(xᵢ−)]
/// ```
///
/// with the limits from the left; at coincident points that is the mean of both one-sided derivatives, as in
/// sums over pairs. Cost: O((N+M) log(N+M)).
pub fn gradient(x: &Atoms, y: &Atoms) -> Vec<f64> {
    let (of_x, of_y) = (x.measure(), y.measure());
    let slope = |(&point, weight): (&f64, &f64)| {
        weight * (balance(&of_y, point) - balance(&of_x, point) / x.distinct)
    };
    x.points.iter().zip(&x.weights).map(slope).collect()
}

/// E = −½ ΣΣ wᵢwⱼ|xᵢ−xⱼ|: between neighbours lies W from below and 1 − W from above.
pub fn energy(atoms: &Atoms) -> f64 {
    let measure = atoms.measure();
    let gaps = measure.steps().windows(2).map(|pair| {
        let [(low, mass), (high, _)] = [pair[0], pair[1]];
        (high - low) * mass * (1.0 - mass)
    });
    -gaps.sum::<f64>()
}

/// The mass below `point` less the mass above it, R(x) + R(x−) − 1.
fn balance(measure: &DiscreteMeasure, point: f64) -> f64 {
    let steps = measure.steps();
    let mass = |count: usize| count.checked_sub(1).map_or(0.0, |last| steps[last].1);
    let below = mass(steps.partition_point(|step| step.0 < point));
    let until = mass(steps.partition_point(|step| step.0 <= point));
    below + until - 1.0
}
