//! The gradient flow of D² towards a target, or of the interaction energy, in steps that Python watches.

use std::collections::VecDeque;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nalgebra::DMatrix;
use numpy::{Element, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use rayon::ThreadPool;
use rieszflow_flows::scheme::{Backward, Forward, Particle, StepReport, Training};
use rieszflow_flows::{
    FinishedFlow, Flow, FlowError, Functional, Observer, ObserverError, Origin, Outcome,
    RieszKernel, Scheme, Slicing, State, StepSizes, Sums, TimeStep, step_reaching, time_grid,
    with_awake_worker,
};
use rieszflow_numerics::Real;

use crate::compute::{compute, pool};
use crate::discrepancy::Measurements;
use crate::error::value_error;
use crate::kernels::{Kernels, Step};
use crate::laws::Law;
use crate::matrix::{Array, array, matrix};
use crate::target::Target;

/// How to flow; the names are those of the Python function.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Settings {
    scheme: String,
    exponent: f64,
    tau: String,
    initial_steps: Vec<f64>,
    t_eval: Vec<f64>,
    seed: u64,
    momentum: f64,
    hidden_layers: Option<usize>,
    width: Option<usize>,
    latent_dim: Option<usize>,
    batch: Option<usize>,
    first_iterations: Option<u64>,
    iterations: Option<u64>,
    first_phase: Option<f64>,
    learning_rate: Option<f64>,
    learning_rate_decay: Option<f64>,
    control_variate: Option<bool>,
    keep_kernels: bool,
    /// P of sliced sums; `None` for sums over all pairs.
    directions: Option<usize>,
}

impl Settings {
    /// The scheme for `count` particles in ℝ^`dim` towards the target.
    fn scheme<T: Real>(
        &self,
        count: usize,
        dim: usize,
        target: &Target,
    ) -> Arc<dyn Scheme<T> + Send> {
        match self.scheme.as_str() {
            "backward" => {
                let default = Backward::training_from_dirac(dim, self.exponent);
                Arc::new(Backward::new(self.training(default, count, dim, target)))
            }
            "forward" => {
                let default = Forward::training_from_dirac(self.exponent);
                Arc::new(Forward::new(self.training(default, count, dim, target)))
            }
            _ => Arc::new(Particle {
                seed: self.seed,
                momentum: self.momentum,
            }),
        }
    }

    /// The settings of the training that are given, and defaults for the target.
    fn training(
        &self,
        from_dirac: Training,
        count: usize,
        dim: usize,
        target: &Target,
    ) -> Training {
        let default = match target {
            Target::Nothing => from_dirac,
            Target::Law(_, radial) if radial.centres.nrows() == 1 => from_dirac.towards_law(dim),
            Target::Law(..) | Target::Particles(_) => Training::towards_particles(dim),
        };
        let iterations = self.iterations;
        Training {
            hidden_layers: self.hidden_layers.unwrap_or(default.hidden_layers),
            width: self.width.unwrap_or(default.width),
            latent_dim: self.latent_dim,
            batch: self.batch.unwrap_or(default.batch.min(count)),
            first_iterations: self
                .first_iterations
                .or(iterations)
                .unwrap_or(default.first_iterations),
            iterations: iterations.unwrap_or(default.iterations),
            first_phase: self.first_phase.unwrap_or(default.first_phase),
            learning_rate: self.learning_rate.unwrap_or(default.learning_rate),
            learning_rate_decay: self
                .learning_rate_decay
                .unwrap_or(default.learning_rate_decay),
            control_variate: self.control_variate.unwrap_or(default.control_variate),
            seed: self.seed,
        }
    }

    fn slicing(&self) -> Option<Slicing> {
        self.directions.map(|directions| Slicing {
            seed: self.seed,
            ..Slicing::new(directions)
        })
    }

    /// What a flow without success is likely due to.
    fn likely_cause(&self) -> &'static str {
        if self.scheme == "particle" {
            "likely tau is too large"
        } else {
            "likely learning_rate is too large, or iterations are too few"
        }
    }

    fn grid(&self) -> PyResult<Vec<TimeStep>> {
        let tau: StepSizes = self.tau.parse().map_err(value_error)?;
        let time = self.t_eval.iter().copied().fold(0.0, f64::max);
        if time == 0.0 {
            return Ok(Vec::new());
        }
        time_grid(&self.initial_steps, tau, time).map_err(value_error)
    }
}

/// What a flow has led to, a dictionary in Python.
#[derive(IntoPyObject)]
pub struct Found<'py> {
    t: Vec<f64>,
    /// N×d at each of these times.
    particles: Vec<Bound<'py, PyAny>>,
    discrepancy: Vec<f64>,
    success: bool,
    message: String,
    kernels: Option<Kernels<'py>>,
}

/// The flow from `x0` (N×d), in its precision, towards points, a law, or without a target.
#[pyfunction]
pub fn flow<'py>(
    py: Python<'py>,
    x0: Array<'py>,
    target: Option<PyReadonlyArray2<'py, f64>>,
    weights: Option<PyReadonlyArray1<'py, f64>>,
    law: Option<PyRef<'py, Law>>,
    settings: Settings,
    callback: Option<Bound<'py, PyAny>>,
) -> PyResult<Found<'py>> {
    let target = Target::read(target, weights, law)?;
    match x0 {
        Array::F32(x0) => run(py, matrix(&x0)?, target, &settings, callback),
        Array::F64(x0) => run(py, matrix(&x0)?, target, &settings, callback),
    }
}

fn run<'py, T: Real + Element>(
    py: Python<'py>,
    x0: DMatrix<T>,
    target: Target,
    settings: &Settings,
    callback: Option<Bound<'py, PyAny>>,
) -> PyResult<Found<'py>> {
    let kernel = RieszKernel::new(settings.exponent).map_err(value_error)?;
    let start = x0.map(T::into_f64);
    let grid = settings.grid()?;
    let slicing = settings.slicing();
    let origin = target.origin(&start);
    let course = Course {
        functional: target.functional(
            kernel,
            slicing.map_or(Sums::Exact, Sums::Sliced),
            &origin,
        )?,
        scheme: settings.scheme(start.nrows(), start.ncols(), &target),
        grid: grid.clone().into(),
        pool: pool()?,
        keep_kernels: settings.keep_kernels,
    };
    let state = course
        .scheme
        .start(origin.centre(&start))
        .map_err(value_error)?;
    let steps = settings
        .t_eval
        .iter()
        .map(|&time| step_reaching(time, &grid));
    let mut kept = Kept::new(origin, steps.collect(), x0);
    let (mut success, mut message) = kept.follow(py, &course, state, callback)?;
    let kernels = Kernels::of(py, kept.kernels, &kept.origin);
    let count = start.nrows();
    let rest = kept.particles.iter().map(|x| x.map(T::into_f64));
    let all: Vec<DMatrix<f64>> = iter::once(start).chain(rest).collect();
    let measure = move |stop: &AtomicBool| target.measure(kernel, slicing, all, stop);
    let mut measured = compute(py, &course.pool, measure)?;
    let before = measured.discrepancies.remove(0);
    if success && let Some(rise) = rise(before, &measured, count) {
        success = false;
        message = format!(
            "{message} {rise}, though the flow decreases it; {}.",
            settings.likely_cause()
        );
    }
    Ok(Found {
        discrepancy: measured.discrepancies,
        particles: kept
            .particles
            .iter()
            .map(|x| array(py, x).into_any())
            .collect(),
        t: kept.times,
        success,
        message,
        kernels,
    })
}

/// Where D² is above its value at the start by more than the noise of `count` particles and of a training.
fn rise(before: f64, after: &Measurements, count: usize) -> Option<String> {
    let allowed = 1.1 * before + 10.0 * after.size / count as f64;
    let found = after.discrepancies.iter().find(|found| **found > allowed)?;
    Some(format!(
        "D² to the target has risen from {before:.3e} to {found:.3e}"
    ))
}

/// What is kept of a flow, as far as it has come.
struct Kept<T> {
    origin: Origin,
    /// The time steps whose particles are kept, in order; those done are taken away.
    steps: VecDeque<u64>,
    times: Vec<f64>,
    /// Where the data is, N×d.
    particles: Vec<DMatrix<T>>,
    kernels: Vec<Step<T>>,
}

impl<T: Real + Element> Kept<T> {
    fn new(origin: Origin, steps: VecDeque<u64>, start: DMatrix<T>) -> Self {
        let mut kept = Self {
            origin,
            steps,
            times: Vec::new(),
            particles: Vec::new(),
            kernels: Vec::new(),
        };
        kept.keep(0, 0.0, &start);
        kept
    }

    /// Keeps the particles after time step `step`, once for every time that asks for them.
    fn keep(&mut self, step: u64, time: f64, particles: &DMatrix<T>) -> bool {
        let before = self.times.len();
        while self.steps.front() == Some(&step) {
            self.steps.pop_front();
            self.times.push(time);
            self.particles.push(particles.clone());
        }
        self.times.len() > before
    }

    /// Follows the flow until all is kept, it diverges or the callback stops it; whether it has come to its
    /// end, in words.
    fn follow(
        &mut self,
        py: Python<'_>,
        course: &Course<T>,
        mut state: State<T>,
        callback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<(bool, String)> {
        let mut is_stationary = false;
        while let Some(&next) = self.steps.front() {
            let until = if callback.is_some() {
                state.step + 1
            } else {
                next
            };
            let leg = course.advance(py, state, until)?;
            state = leg.state;
            is_stationary = leg.is_stationary;
            self.kernels.extend(leg.kernels);
            if let Outcome::Diverged { step, time, reason } = leg.outcome {
                let place = format!("in time step {step} from t = {time}");
                return Ok((false, format!("The flow diverged {place}: {reason}.")));
            }
            let particles = self.origin.restore(&state.particles).map(T::from_f64);
            let is_kept = self.keep(state.step, state.time, &particles);
            if let Some(callback) = &callback
                && is_stopped(callback, state.time, &particles)?
            {
                if !is_kept {
                    self.steps.push_front(state.step);
                    self.keep(state.step, state.time, &particles);
                }
                return Ok((
                    false,
                    format!("The callback stopped the flow at t = {}.", state.time),
                ));
            }
        }
        let State { time, step, .. } = state;
        let s = if step == 1 { "" } else { "s" };
        let reached = format!("The flow reached t = {time} in {step} time step{s}.");
        let stationary = " It is stationary: no direction decreases the functional at first order.";
        Ok((true, reached + if is_stationary { stationary } else { "" }))
    }
}

/// Calls the callback; whether it has raised `StopIteration`.
fn is_stopped<T: Real + Element>(
    callback: &Bound<'_, PyAny>,
    time: f64,
    particles: &DMatrix<T>,
) -> PyResult<bool> {
    let py = callback.py();
    match callback.call1((time, array(py, particles))) {
        Ok(_) => Ok(false),
        Err(error) if error.is_instance_of::<PyStopIteration>(py) => Ok(true),
        Err(error) => Err(error),
    }
}

/// What flows, how, and on which threads.
struct Course<T: Real> {
    functional: Arc<dyn Functional<T> + Send>,
    scheme: Arc<dyn Scheme<T> + Send>,
    grid: Arc<[TimeStep]>,
    pool: ThreadPool,
    keep_kernels: bool,
}

/// Some time steps of a flow.
struct Leg<T> {
    state: State<T>,
    outcome: Outcome,
    kernels: Vec<Step<T>>,
    is_stationary: bool,
}

impl<T: Real> Course<T> {
    /// The flow from `state` until time step `until`.
    fn advance(&self, py: Python<'_>, state: State<T>, until: u64) -> PyResult<Leg<T>> {
        let (functional, scheme) = (Arc::clone(&self.functional), Arc::clone(&self.scheme));
        let (grid, keep_kernels) = (Arc::clone(&self.grid), self.keep_kernels);
        let leg = compute(py, &self.pool, move |stop| {
            let mut watch = Watch {
                stop,
                keep_kernels,
                kernels: Vec::new(),
                is_stationary: false,
            };
            let is_neural = state.kernel().is_some();
            let flow = Flow::new(&*functional, &*scheme).resume(state);
            let flow = flow.observe(&mut watch);
            let run = || flow.run(&grid[..until as usize]);
            let finished = if is_neural {
                with_awake_worker(run)
            } else {
                run()
            };
            let FinishedFlow { state, outcome } = finished?;
            Ok(Leg {
                state,
                outcome,
                kernels: watch.kernels,
                is_stationary: watch.is_stationary,
            })
        });
        leg?.map_err(|error: FlowError| value_error(error))
    }
}

/// Stops a flow, and keeps what its steps have learned.
struct Watch<'a, T> {
    stop: &'a AtomicBool,
    keep_kernels: bool,
    kernels: Vec<Step<T>>,
    is_stationary: bool,
}

impl<T: Real> Observer<T> for Watch<'_, T> {
    fn step(&mut self, state: &State<T>, report: &StepReport) -> Result<(), ObserverError> {
        self.is_stationary = report.is_stationary;
        let kernel = state.kernel().filter(|_| self.keep_kernels);
        if let Some((kernel, transport)) = kernel.and_then(|k| Some((k, k.transport.clone()?))) {
            self.kernels.push((kernel.parameters.clone(), transport));
        }
        Ok(())
    }

    fn wants_to_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
