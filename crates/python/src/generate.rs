//! A chain of networks that learns to sample the law of data, and samples of it.

use std::sync::atomic::{AtomicBool, Ordering};

use nalgebra::{DMatrix, RowDVector};
use numpy::Element;
use pyo3::prelude::*;
use rieszflow_flows::scheme::{Chain, Training};
use rieszflow_flows::{
    Flow, FlowError, HeldOut, Mmd, NetworkChain, NormalStart, Observer, Origin, Outcome,
    RieszKernel, Slicing, StepSizes, Sums, hold_out, time_grid, with_awake_worker,
};
use rieszflow_numerics::Real;

use crate::compute::{compute, pool, shared_pool};
use crate::error::value_error;
use crate::kernels::Kernels;
use crate::matrix::{Array, array, matrix};

/// How to learn; the names are those of the Python function.
#[derive(Clone, Copy, FromPyObject)]
#[pyo3(from_item_all)]
pub struct Settings {
    exponent: f64,
    pub held_out: usize,
    particles: usize,
    flow_step: Option<f64>,
    momentum: f64,
    directions: usize,
    networks: u64,
    first_flow_steps: u64,
    most_flow_steps: u64,
    patience: u64,
    iterations: Option<u64>,
    batch: Option<usize>,
    width: Option<usize>,
    hidden_layers: Option<usize>,
    learning_rate: Option<f64>,
    learning_rate_decay: Option<f64>,
    pub seed: u64,
}

impl Settings {
    /// The chain for training data, as the program has it.
    fn chain(&self, training: &DMatrix<f64>, conditions: usize) -> Chain {
        let (count, dim) = training.shape();
        let spread = NormalStart::of(training).spread();
        let default = Chain::default_for(dim, conditions, count, spread, self.exponent);
        let learn = default.training;
        let iterations = self.iterations.unwrap_or(learn.iterations);
        Chain {
            training: Training {
                iterations,
                first_iterations: iterations,
                batch: self.batch.unwrap_or(learn.batch.min(self.particles)),
                width: self.width.unwrap_or(learn.width),
                hidden_layers: self.hidden_layers.unwrap_or(learn.hidden_layers),
                learning_rate: self.learning_rate.unwrap_or(learn.learning_rate),
                learning_rate_decay: self
                    .learning_rate_decay
                    .unwrap_or(learn.learning_rate_decay),
                seed: self.seed,
                ..learn
            },
            flow_step: self.flow_step.unwrap_or(default.flow_step),
            momentum: self.momentum,
            ..default
        }
    }
}

/// What was learned, a dictionary in Python.
#[derive(IntoPyObject)]
pub struct Learned<'py> {
    /// D² of fresh samples and data held out, of the starts and after each network: V- and U-statistic.
    discrepancy: Vec<f64>,
    discrepancy_u: Vec<f64>,
    /// How many networks are best.
    best: u64,
    mean: Vec<f64>,
    deviation: Vec<f64>,
    success: bool,
    message: String,
    kernels: Option<Kernels<'py>>,
}

/// The chain's particles at most, its networks, and the flow steps of the first and of the later ones at most,
/// if not given.
#[pyfunction]
pub fn chain_defaults() -> (usize, u64, u64, u64) {
    let [first, most] = Chain::FLOW_STEPS;
    (Chain::MOST_PARTICLES, Chain::NETWORKS, first, most)
}

/// Learns from samples (N×d), in their precision.
#[pyfunction]
pub fn generate<'py>(
    py: Python<'py>,
    data: Array<'py>,
    settings: Settings,
) -> PyResult<Learned<'py>> {
    match data {
        Array::F32(data) => learn_law(py, matrix(&data)?, settings),
        Array::F64(data) => learn_law(py, matrix(&data)?, settings),
    }
}

fn learn_law<T: Real + Element>(
    py: Python<'_>,
    data: DMatrix<T>,
    settings: Settings,
) -> PyResult<Learned<'_>> {
    learn::<T>(py, settings, move || {
        let seed = settings.seed;
        let (training, held_out) = hold_out(&data.map(T::into_f64), settings.held_out, seed);
        Samples {
            training,
            held_out,
            conditions: 0,
        }
    })
}

/// Learns in the precision `T` from the samples that a function makes.
pub fn learn<T: Real + Element>(
    py: Python<'_>,
    settings: Settings,
    samples: impl FnOnce() -> Samples + Send + 'static,
) -> PyResult<Learned<'_>> {
    let course = compute(py, &pool()?, move |stop| {
        Course::<T>::follow(&samples(), settings, stop)
    });
    let Course {
        start,
        origin,
        networks,
        held_out,
        outcome,
    } = course?.map_err(value_error)?;
    let (success, message) = match outcome {
        Outcome::Diverged { step, reason, .. } => (
            false,
            format!("The chain diverged at network {step}: {reason}."),
        ),
        _ => (true, format!("{} networks were learned.", networks.len())),
    };
    let found = held_out.discrepancies();
    let row = |row: &RowDVector<f64>| row.iter().copied().collect();
    Ok(Learned {
        discrepancy: found.iter().map(|found| found.v_statistic).collect(),
        discrepancy_u: found.iter().map(|found| found.u_statistic).collect(),
        best: held_out.best(),
        mean: row(start.mean()),
        deviation: row(start.deviation()),
        success,
        message,
        kernels: Kernels::of(py, networks.iter().cloned().collect(), &origin),
    })
}

/// What a chain learns from.
pub struct Samples {
    /// N×(d+n).
    pub training: DMatrix<f64>,
    /// L×(d+n).
    pub held_out: DMatrix<f64>,
    /// n, the number of last coordinates that stay; particle i has those of training sample i.
    pub conditions: usize,
}

/// A chain that has come to its end.
struct Course<T: Real> {
    start: NormalStart,
    origin: Origin,
    networks: NetworkChain<T>,
    held_out: HeldOut<T>,
    outcome: Outcome,
}

impl<T: Real> Course<T> {
    fn follow(samples: &Samples, settings: Settings, stop: &AtomicBool) -> Result<Self, FlowError> {
        let Samples {
            training,
            held_out,
            conditions,
        } = samples;
        let seed = settings.seed;
        let dim = training.ncols() - conditions;
        let start = NormalStart::of(&training.columns(0, dim).into_owned());
        let chain = settings.chain(training, *conditions);
        let particles = with_conditions(&start.particles(settings.particles, seed), training);
        let origin = Origin::of(&particles, training);
        let kernel = RieszKernel::new(settings.exponent)?;
        let slicing = Slicing {
            seed,
            ..Slicing::new(settings.directions)
        };
        let target = origin.centre(training);
        let functional = Mmd::<T>::with_sums(kernel, target, None, Sums::Sliced(slicing))?;
        let fresh = with_conditions(&start.compared(held_out.nrows(), seed), held_out);
        let compared = (origin.centre(&fresh), &origin.centre(held_out));
        let mut held_out = HeldOut::new(kernel, compared, *conditions, settings.patience)?;
        let [first, most] = [settings.first_flow_steps, settings.most_flow_steps]
            .map(|steps| steps as f64 * chain.flow_step);
        let (tau, time) = StepSizes::doubling(first, most, settings.networks);
        let grid = time_grid(&[], tau, time)?;
        let mut networks = NetworkChain::default();
        let mut watch = Watch(stop);
        let flow = Flow::new(&functional, &chain).start(origin.centre(&particles))?;
        let flow = flow
            .observe(&mut held_out)
            .observe(&mut networks)
            .observe(&mut watch);
        let outcome = with_awake_worker(|| flow.run(&grid))?.outcome;
        Ok(Self {
            start,
            origin,
            networks,
            held_out,
            outcome,
        })
    }
}

/// Starts (K×d) with the conditions of the first K samples (N×(d+n)).
fn with_conditions(starts: &DMatrix<f64>, samples: &DMatrix<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(starts.nrows(), samples.ncols(), |i, k| {
        if k < starts.ncols() {
            starts[(i, k)]
        } else {
            samples[(i, k)]
        }
    })
}

/// Stops a chain after Ctrl-C.
struct Watch<'a>(&'a AtomicBool);

impl<T> Observer<T> for Watch<'_> {
    fn wants_to_stop(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// As many samples as `draws` says, keyed by its seed: normal starts that pass through the first `networks`
/// networks, in single or double precision.
#[pyfunction]
pub fn sample_chain<'py>(
    py: Python<'py>,
    start: (Vec<f64>, Vec<f64>),
    kernels: Kernels<'py>,
    networks: usize,
    draws: (usize, u64),
    is_single: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let (mean, deviation) = start;
    let start = NormalStart::new(RowDVector::from_vec(mean), RowDVector::from_vec(deviation));
    if is_single {
        push::<f32>(py, &start, &kernels, networks, draws)
    } else {
        push::<f64>(py, &start, &kernels, networks, draws)
    }
}

fn push<'py, T: Real + Element>(
    py: Python<'py>,
    start: &NormalStart,
    kernels: &Kernels<'py>,
    networks: usize,
    (count, seed): (usize, u64),
) -> PyResult<Bound<'py, PyAny>> {
    let steps = kernels.steps::<T>(start.mean().len())?;
    let origin = kernels.origin();
    let starts = start.samples(count, seed);
    let pool = shared_pool(py)?;
    let pushed = compute(py, &pool, move |stop| {
        let mut samples: DMatrix<T> = origin.centre(&starts);
        let none = DMatrix::zeros(count, 0);
        for (parameters, transport) in steps.iter().take(networks) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            samples = transport.push_forward(parameters, &samples, &none);
        }
        origin.restore(&samples)
    });
    Ok(array(py, &pushed?.map(T::from_f64)).into_any())
}
