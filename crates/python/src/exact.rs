//! Closed forms: the equilibrium, the scales of flow and schemes, flow and JKO step on the line.

use pyo3::prelude::*;
use rieszflow_analytic::line::{self, DiscreteMeasure, Repulsion};
use rieszflow_analytic::{Equilibrium, EquilibriumKind};

use crate::error::value_error;

/// Radius, second moment and energy of η*, and whether it is on a ball.
#[pyfunction]
pub fn equilibrium(dim: usize, exponent: f64) -> PyResult<(f64, f64, f64, bool)> {
    let eta = Equilibrium::new(dim, exponent).map_err(value_error)?;
    let is_ball = eta.kind() == EquilibriumKind::Ball;
    Ok((eta.radius(), eta.second_moment(), eta.energy(), is_ball))
}

/// The density of η* at the given distances from 0; `None` on a sphere.
#[pyfunction]
pub fn equilibrium_density(
    dim: usize,
    exponent: f64,
    radii: Vec<f64>,
) -> PyResult<Option<Vec<f64>>> {
    let eta = Equilibrium::new(dim, exponent).map_err(value_error)?;
    Ok(radii
        .into_iter()
        .map(|radius| eta.density(radius))
        .collect())
}

/// The scales of the flow of E from `initial_scale` at the given times.
#[pyfunction]
pub fn flow_scales(exponent: f64, initial_scale: f64, times: Vec<f64>) -> PyResult<Vec<f64>> {
    let at = |&time: &f64| rieszflow_analytic::flow_scale_from(exponent, initial_scale, time);
    times
        .iter()
        .map(at)
        .collect::<Result<_, _>>()
        .map_err(value_error)
}

/// The scales after each step of the backward scheme.
#[pyfunction]
pub fn backward_scales(exponent: f64, initial_scale: f64, steps: Vec<f64>) -> PyResult<Vec<f64>> {
    rieszflow_analytic::backward_scales(exponent, initial_scale, &steps).map_err(value_error)
}

/// The scales after each step of the forward scheme.
#[pyfunction]
pub fn forward_scales(exponent: f64, initial_scale: f64, steps: Vec<f64>) -> PyResult<Vec<f64>> {
    rieszflow_analytic::forward_scales(exponent, initial_scale, &steps).map_err(value_error)
}

/// Atoms and their weights.
type Atoms = (Vec<f64>, Vec<f64>);

/// The exact flow on the line towards the target, or of E without one, of quantiles in increasing order.
#[pyfunction]
pub fn line_flow(quantiles: Vec<f64>, target: Option<Atoms>, time: f64) -> PyResult<Vec<f64>> {
    let flow = match measure(target)? {
        Some(target) => line::flow(&target, &quantiles, time),
        None => line::flow(&Repulsion, &quantiles, time),
    };
    flow.map_err(value_error)
}

/// One exact JKO step in the same way.
#[pyfunction]
pub fn line_backward_step(
    quantiles: Vec<f64>,
    target: Option<Atoms>,
    tau: f64,
) -> PyResult<Vec<f64>> {
    let step = match measure(target)? {
        Some(target) => line::backward_step(&target, &quantiles, tau),
        None => line::backward_step(&Repulsion, &quantiles, tau),
    };
    step.map_err(value_error)
}

fn measure(target: Option<Atoms>) -> PyResult<Option<DiscreteMeasure>> {
    let measure = target.map(|(atoms, weights)| DiscreteMeasure::new(&atoms, &weights));
    measure.transpose().map_err(value_error)
}
