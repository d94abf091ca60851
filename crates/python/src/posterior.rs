//! A chain of networks that learns to draw from posteriors, and draws from them.

use std::sync::atomic::Ordering;

use nalgebra::{DMatrix, RowDVector};
use numpy::{Element, PyReadonlyArray2};
use pyo3::prelude::*;
use rieszflow_flows::{NetworkChain, Standardization, hold_out};
use rieszflow_numerics::Real;

use crate::compute::{compute, shared_pool};
use crate::error::value_error;
use crate::generate::{Learned, Samples, Settings, learn};
use crate::kernels::Kernels;
use crate::matrix::{Array, array, matrix};

/// The means and the units of columns, standardised, and the regression of the unknowns (n×d, column by column),
/// in Python.
type Columns = (Vec<f64>, Vec<f64>, Vec<f64>);

/// Learns from pairs (N×(d+n)), of which the last `conditions` columns are observed, in their precision.
#[pyfunction]
pub fn posterior<'py>(
    py: Python<'py>,
    pairs: Array<'py>,
    conditions: usize,
    observation_scale: f64,
    settings: Settings,
) -> PyResult<(Columns, Learned<'py>)> {
    match pairs {
        Array::F32(pairs) => {
            let pairs = matrix(&pairs)?.map(f64::from);
            learn_posteriors::<f32>(py, &pairs, conditions, observation_scale, settings)
        }
        Array::F64(pairs) => {
            let pairs = matrix(&pairs)?;
            learn_posteriors::<f64>(py, &pairs, conditions, observation_scale, settings)
        }
    }
}

fn learn_posteriors<'py, T: Real + Element>(
    py: Python<'py>,
    pairs: &DMatrix<f64>,
    conditions: usize,
    observation_scale: f64,
    settings: Settings,
) -> PyResult<(Columns, Learned<'py>)> {
    let (training, held_out) = hold_out(pairs, settings.held_out, settings.seed);
    let standardization = Standardization::of(&training, conditions, observation_scale);
    let constant = standardization.unit().iter().position(|unit| *unit <= 0.0);
    if let Some(column) = constant {
        let dim = standardization.dim();
        let (name, column) = match column.checked_sub(dim) {
            None => ("unknowns", column),
            Some(column) => ("observations", column),
        };
        return Err(value_error(format!(
            "every column of {name} must vary, but column {column} does not among the training pairs"
        )));
    }
    let row = |row: &RowDVector<f64>| row.iter().copied().collect();
    let slope = standardization.slope().as_slice().to_vec();
    let columns = (
        row(standardization.mean()),
        row(standardization.unit()),
        slope,
    );
    let learned = learn::<T>(py, settings, move || Samples {
        training: standardization.standardize(&training),
        held_out: standardization.standardize(&held_out),
        conditions,
    });
    Ok((columns, learned?))
}

/// `count` draws (count×d) from the posterior at each of the observations (C×n), through the first `networks`
/// networks, keyed by a seed, in single or double precision.
#[pyfunction]
pub fn draw_posteriors<'py>(
    py: Python<'py>,
    columns: Columns,
    kernels: Kernels<'py>,
    networks: usize,
    observations: PyReadonlyArray2<'py, f64>,
    draws: (usize, u64),
    is_single: bool,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let observations = matrix(&observations)?;
    let (mean, unit, slope) = columns;
    let (mean, unit) = (RowDVector::from_vec(mean), RowDVector::from_vec(unit));
    let conditions = observations.ncols();
    let slope = DMatrix::from_vec(conditions, mean.len() - conditions, slope);
    let standardization = Standardization::new(mean, unit, slope);
    let chain = (&kernels, networks);
    if is_single {
        draw::<f32>(py, standardization, chain, observations, draws)
    } else {
        draw::<f64>(py, standardization, chain, observations, draws)
    }
}

fn draw<'py, T: Real + Element>(
    py: Python<'py>,
    standardization: Standardization,
    (kernels, networks): (&Kernels<'py>, usize),
    observations: DMatrix<f64>,
    (count, seed): (usize, u64),
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let mut chain = NetworkChain::<T>::default();
    let steps = kernels.steps(standardization.dim())?;
    for (parameters, transport) in steps.into_iter().take(networks) {
        chain.push(parameters, transport);
    }
    let pool = shared_pool(py)?;
    let drawn: Vec<DMatrix<f64>> = compute(py, &pool, move |stop| {
        let drawn = chain.draw_posteriors(&standardization, &observations, count, seed);
        drawn
            .take_while(|_| !stop.load(Ordering::Relaxed))
            .collect()
    })?;
    let arrays = drawn
        .iter()
        .map(|drawn| array(py, &drawn.map(T::from_f64)).into_any());
    Ok(arrays.collect())
}
