//! A check of recorded gradients by finite differences, for this crate's operations and for any other.

use crate::node::Var;
use crate::tape::{Graph, Tape};

/// The largest error of a gradient, and where it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradientError {
    /// |recorded − finite difference| / (1 + |finite difference|), at its largest.
    pub error: f64,
    /// The parameter it was found at.
    pub index: usize,
    /// ∂L/∂θ as the reverse sweep gives it.
    pub recorded: f64,
    /// ∂L/∂θ by finite differences.
    pub difference: f64,
}

/// Compares the gradient of `record`, a recorded scalar function of θ, with finite differences.
///
/// The differences are central with one Richardson extrapolation, (4 D(h/2) − D(h))/3, whose error
/// is O(h⁴): with h = 10⁻³ about 10⁻¹¹ for smooth functions of size one. Where the function has a
/// kink within h of θ (a ReLU at its corner) the comparison means nothing. Costs four recordings a
/// parameter.
///
/// ```
/// use rieszflow_autodiff::check::gradient_error;
///
/// let found = gradient_error(&[0.3, 1.2], 1e-3, |graph| {
///     let x = graph.parameter(2, 1);
///     let y = graph.sqrt(x);
///     graph.sum_of_squares(y)
/// });
/// assert!(found.error < 1e-10);
/// ```
///
/// # Panics
/// If `parameters` is empty or `record` returns a node that is not 1×1.
pub fn gradient_error(
    parameters: &[f64],
    h: f64,
    record: impl Fn(&mut Graph<'_, f64>) -> Var,
) -> GradientError {
    let mut tape = Tape::new();
    let mut gradient = vec![0.0; parameters.len()];
    let mut graph = tape.record(parameters);
    let loss = record(&mut graph);
    graph.gradient(loss, &mut gradient);

    let mut shifted = parameters.to_vec();
    let mut loss_at = |index: usize, value: f64| {
        let old = std::mem::replace(&mut shifted[index], value);
        let mut graph = tape.record(&shifted);
        let loss = record(&mut graph);
        let value = graph.scalar(loss);
        shifted[index] = old;
        value
    };
    let errors = gradient.iter().enumerate().map(|(index, &recorded)| {
        let at = parameters[index];
        let mut central = |h: f64| (loss_at(index, at + h) - loss_at(index, at - h)) / (2.0 * h);
        let difference = (4.0 * central(0.5 * h) - central(h)) / 3.0;
        GradientError {
            error: (recorded - difference).abs() / (1.0 + difference.abs()),
            index,
            recorded,
            difference,
        }
    });
    errors
        .max_by(|a, b| a.error.total_cmp(&b.error))
        .expect("at least one parameter")
}
