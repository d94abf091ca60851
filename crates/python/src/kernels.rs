//! The learned kernels of a flow, and fresh particles that pass through them.

use std::sync::atomic::Ordering;

use nalgebra::{DMatrix, RowDVector};
use numpy::{Element, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use rand::RngExt;
use rieszflow_flows::latent::fill_normal;
use rieszflow_flows::rng::{Purpose, stream};
use rieszflow_flows::{GenerativeNetwork, Origin, Transport};
use rieszflow_numerics::Real;

use crate::compute::{compute, shared_pool};
use crate::matrix::{Array, array, matrix};

/// The kernels of all time steps in Python, a dictionary.
#[derive(FromPyObject, IntoPyObject)]
#[pyo3(from_item_all)]
pub struct Kernels<'py> {
    /// The parameters θ of each step, in the precision of the flow.
    parameters: Vec<Bound<'py, PyAny>>,
    /// x̄ of each step.
    centres: Vec<Vec<f64>>,
    /// ℓ of each step.
    scales: Vec<f64>,
    /// u of each step.
    units: Vec<f64>,
    latent_dim: usize,
    width: usize,
    hidden_layers: usize,
    /// The point that the flow computes from.
    origin: Vec<f64>,
}

impl Kernels<'_> {
    /// The point that the flow computes from.
    pub fn origin(&self) -> Origin {
        Origin::at(RowDVector::from_row_slice(&self.origin))
    }
}

/// What a time step has learned.
pub type Step<T> = (Vec<T>, Transport<T>);

impl<'py> Kernels<'py> {
    /// The kernels of the steps; `None` if there are none.
    pub fn of<T: Real + Element>(
        py: Python<'py>,
        steps: Vec<Step<T>>,
        origin: &Origin,
    ) -> Option<Self> {
        let network = steps.first()?.1.network().clone();
        let transports = steps.iter().map(|(_, transport)| transport);
        let row = |row: &RowDVector<T>| row.iter().map(|x| x.into_f64()).collect();
        Some(Self {
            centres: transports.clone().map(|t| row(t.centre())).collect(),
            scales: transports.clone().map(|t| t.scale().into_f64()).collect(),
            units: transports.map(|t| t.unit().into_f64()).collect(),
            latent_dim: network.latent_dim(),
            width: network.width(),
            hidden_layers: network.hidden_layers(),
            origin: origin.point().iter().copied().collect(),
            parameters: steps
                .into_iter()
                .map(|(parameters, _)| PyArray1::from_vec(py, parameters).into_any())
                .collect(),
        })
    }

    /// The kernels of the steps, on ℝ^`dim`.
    pub fn steps<T: Real + Element>(&self, dim: usize) -> PyResult<Vec<Step<T>>> {
        let network = GenerativeNetwork::new(dim, self.latent_dim, self.width, self.hidden_layers);
        let step = |(n, parameters): (usize, &Bound<'py, PyAny>)| {
            let parameters: PyReadonlyArray1<'_, T> = parameters.extract()?;
            let centre = self.centres[n].iter().copied().map(T::from_f64);
            let centre = RowDVector::from_iterator(dim, centre);
            let [scale, unit] = [self.scales[n], self.units[n]].map(T::from_f64);
            let transport = Transport::new(network.clone(), centre, scale, unit);
            Ok((parameters.as_slice()?.to_vec(), transport))
        };
        self.parameters.iter().enumerate().map(step).collect()
    }
}

/// `count` fresh particles (count×d): rows of the start (N×d) drawn at random, pushed through all kernels.
#[pyfunction]
pub fn push_forward<'py>(
    py: Python<'py>,
    start: Array<'py>,
    kernels: Kernels<'py>,
    count: usize,
    seed: u64,
) -> PyResult<Bound<'py, PyAny>> {
    match start {
        Array::F32(start) => push(py, &matrix(&start)?, &kernels, count, seed),
        Array::F64(start) => push(py, &matrix(&start)?, &kernels, count, seed),
    }
}

fn push<'py, T: Real + Element>(
    py: Python<'py>,
    start: &DMatrix<T>,
    kernels: &Kernels<'py>,
    count: usize,
    seed: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let steps = kernels.steps::<T>(start.ncols())?;
    let latent_dim = kernels.latent_dim;
    let origin = kernels.origin();
    let mut rng = stream(seed, Purpose::Sample, 0, 0);
    let row = |_| (rng.random_range(0.0..1.0) * start.nrows() as f64) as usize;
    let rows: Vec<usize> = (0..count).map(row).collect();
    let drawn = start.select_rows(&rows).map(T::into_f64);
    let pool = shared_pool(py)?;
    let pushed = compute(py, &pool, move |stop| {
        let mut particles = origin.centre(&drawn);
        let mut latents = DMatrix::zeros(count, latent_dim);
        for (step, (parameters, transport)) in (1..).zip(&steps) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let rng = &mut stream(seed, Purpose::Sample, step, 0);
            fill_normal(latents.as_mut_slice(), rng);
            particles = transport.push_forward(parameters, &particles, &latents);
        }
        origin.restore(&particles)
    });
    Ok(array(py, &pushed?.map(T::from_f64)).into_any())
}
