//! D² of two sets of points and its gradient: over all pairs, by slicing, or on the line by sorting.

use std::sync::atomic::AtomicBool;

use nalgebra::DMatrix;
use numpy::{Element, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use rieszflow_flows::{Error, GradientRows, RieszKernel, SlicedSums, Slicing};
use rieszflow_numerics::Real;

use crate::block_sums::BlockSums;
use crate::compute::{compute, shared_pool};
use crate::error::value_error;
use crate::line;
use crate::matrix::{Array, array, matrix, vector};
use crate::weighted::Weighted;

/// D² of X (N×d) and Y (M×d), with its gradient in X (N×d) if that is asked for.
///
/// Weights are those of each row, with sum 1; without them all are equal. The U-statistic is that of
/// pairs of distinct rows. With `directions` sums are estimated by slicing.
#[pyfunction]
#[pyo3(signature = (x, y, a, b, exponent, unbiased, directions, seed, with_gradient))]
#[expect(
    clippy::too_many_arguments,
    reason = "they are those of the Python function"
)]
pub fn discrepancy<'py>(
    py: Python<'py>,
    x: Array<'py>,
    y: Array<'py>,
    a: Option<PyReadonlyArray1<'py, f64>>,
    b: Option<PyReadonlyArray1<'py, f64>>,
    exponent: f64,
    unbiased: bool,
    directions: Option<usize>,
    seed: u64,
    with_gradient: bool,
) -> PyResult<(f64, Option<Bound<'py, PyAny>>)> {
    let settings = Settings {
        kernel: RieszKernel::new(exponent).map_err(value_error)?,
        unbiased,
        slicing: directions.map(|directions| Slicing {
            seed,
            ..Slicing::new(directions)
        }),
        with_gradient,
    };
    let weights = [vector(a)?, vector(b)?];
    match (x, y) {
        (Array::F32(x), Array::F32(y)) => of(py, [matrix(&x)?, matrix(&y)?], weights, settings),
        (Array::F64(x), Array::F64(y)) => of(py, [matrix(&x)?, matrix(&y)?], weights, settings),
        _ => Err(PyTypeError::new_err("X and Y must have one dtype")),
    }
}

/// A number of directions for sums in ℝ^`dim`.
#[pyfunction]
pub fn default_directions(dim: usize) -> usize {
    Slicing::default_directions(dim)
}

/// What is computed of two measures.
#[derive(Clone, Copy)]
struct Settings {
    kernel: RieszKernel,
    unbiased: bool,
    slicing: Option<Slicing>,
    with_gradient: bool,
}

impl Settings {
    /// What the sums over pairs of each measure are divided by.
    fn divisors<T>(&self, x: &Weighted<T>, y: &Weighted<T>) -> [f64; 2] {
        if self.unbiased {
            [x.distinct, y.distinct]
        } else {
            [1.0, 1.0]
        }
    }

    /// The gradient before anything is added: 0 (N×d), or empty unless it is asked for.
    fn gradient<T: Real>(&self, x: &Weighted<T>) -> DMatrix<T> {
        let (rows, columns) = x.points.shape();
        DMatrix::zeros(if self.with_gradient { rows } else { 0 }, columns)
    }
}

fn of<T: Real + Element>(
    py: Python<'_>,
    points: [DMatrix<T>; 2],
    weights: [Option<Vec<f64>>; 2],
    settings: Settings,
) -> PyResult<(f64, Option<Bound<'_, PyAny>>)> {
    let [x, y] = points;
    let [a, b] = weights;
    let (x, y) = (Weighted::new(x, a), Weighted::new(y, b));
    let pool = shared_pool(py)?;
    let found = compute(py, &pool, move |stop| match settings.slicing {
        _ if is_on_the_line(settings.kernel, &x) => Ok(on_the_line(&x, &y, settings)),
        Some(slicing) => by_slicing(&x, &y, settings, slicing),
        None => {
            let found = by_pairs(&x, &y, settings, stop);
            // After a stop nobody reads the result.
            Ok(found.unwrap_or_else(|| (f64::NAN, DMatrix::zeros(0, 0))))
        }
    });
    let (value, gradient) = found?.map_err(value_error)?;
    let gradient = settings
        .with_gradient
        .then(|| array(py, &gradient).into_any());
    Ok((value, gradient))
}

/// D² and its gradient in x (empty unless it is asked for) by sums over pairs; `None` if `stop` is set
/// before they are done.
fn by_pairs<T: Real>(
    x: &Weighted<T>,
    y: &Weighted<T>,
    settings: Settings,
    stop: &AtomicBool,
) -> Option<(f64, DMatrix<T>)> {
    let sums = BlockSums::new(settings.kernel, x.points.ncols(), stop);
    let [u, w] = settings.divisors(x, y);
    let mut gradient = settings.gradient(x);
    // Every point of x stands on both sides of the sum over pairs of x: twice ½ of the one-sided gradient.
    let between = sums.energy(x, y, 1.0, &mut gradient)?;
    let within = if settings.with_gradient {
        sums.energy(x, x, -1.0 / u, &mut gradient)?
    } else {
        sums.energy_within(x)?
    };
    let other = sums.energy_within(y)?;
    Some((between - 0.5 * within / u - 0.5 * other / w, gradient))
}

/// The same estimated by slicing, in O((N+M) log(N+M)) for each direction.
fn by_slicing<T: Real>(
    x: &Weighted<T>,
    y: &Weighted<T>,
    settings: Settings,
    slicing: Slicing,
) -> Result<(f64, DMatrix<T>), Error> {
    let sums = SlicedSums::new(settings.kernel, slicing)?;
    let [u, w] = settings.divisors(x, y);
    let mut gradient = settings.gradient(x);
    let energies = if settings.with_gradient {
        sums.check_gradient()?;
        let count = x.points.nrows();
        let rows = &mut GradientRows::in_x(gradient.as_mut_slice(), count);
        let energies = sums.discrepancy_gradient(x.measure(), y.measure(), rows);
        if settings.unbiased {
            // Half of the sum over pairs of x has been taken away already.
            sums.self_energy_gradient(x.measure(), 0.5 - 0.5 / u, rows);
        }
        energies
    } else {
        sums.energies(x.measure(), y.measure())
    };
    let less = 0.5 * energies.x * (1.0 / u - 1.0) + 0.5 * energies.y * (1.0 / w - 1.0);
    Ok((energies.discrepancy - less, gradient))
}

/// Sets of particles against a target.
pub struct Measurements {
    /// D² of each (V-statistic).
    pub discrepancies: Vec<f64>,
    /// −E(ν), the mean D² of a single draw from the target ν.
    pub size: f64,
}

/// D² of each set of points, in equal weights, to the target; as many as are done before `stop` is set.
pub fn discrepancies(
    kernel: RieszKernel,
    all: Vec<DMatrix<f64>>,
    target: &Weighted<f64>,
    slicing: Option<Slicing>,
    stop: &AtomicBool,
) -> Measurements {
    let sums = BlockSums::new(kernel, target.points.ncols(), stop);
    let settings = Settings {
        kernel,
        unbiased: false,
        slicing,
        with_gradient: false,
    };
    let sliced = slicing.and_then(|slicing| SlicedSums::new(kernel, slicing).ok());
    let is_line = is_on_the_line(kernel, target);
    let size = match &sliced {
        _ if is_line => -line::energy(&target.atoms(1.0)),
        Some(sums) => 0.5 * sums.self_energy(target.measure()),
        None => 0.5 * sums.energy_within(target).unwrap_or(f64::NAN),
    };
    let discrepancy = |points| {
        let x = Weighted::new(points, None);
        if is_line {
            return Some(on_the_line(&x, target, settings).0);
        }
        if let Some(sums) = &sliced {
            return Some(sums.energies(x.measure(), target.measure()).discrepancy);
        }
        let between = sums.energy(&x, target, 0.0, &mut DMatrix::zeros(0, 0))?;
        Some(between - 0.5 * sums.energy_within(&x)? - size)
    };
    Measurements {
        discrepancies: all.into_iter().map_while(discrepancy).collect(),
        size,
    }
}

fn is_on_the_line<T: Real>(kernel: RieszKernel, x: &Weighted<T>) -> bool {
    x.points.ncols() == 1 && kernel.exponent() == 1.0
}

/// D² and its gradient in x (empty unless it is asked for) for r = 1 on the line, by sorting.
fn on_the_line<T: Real>(x: &Weighted<T>, y: &Weighted<T>, settings: Settings) -> (f64, DMatrix<T>) {
    let [u, w] = settings.divisors(x, y);
    let (of_x, of_y) = (x.atoms(u), y.atoms(w));
    let mut gradient = settings.gradient(x);
    if settings.with_gradient {
        let slopes = line::gradient(&of_x, &of_y).into_iter();
        gradient = DMatrix::from_iterator(x.points.nrows(), 1, slopes.map(T::from_f64));
    }
    (line::squared_discrepancy(&of_x, &of_y), gradient)
}
