//! D² of two sets of points and its gradient, summed over all pairs, block by block.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use nalgebra::DMatrix;
use numpy::{Element, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use rieszflow_flows::{GradientRows, Measure, PairSums, Points, RieszKernel};
use rieszflow_numerics::Real;

use crate::compute::{compute, shared_pool};
use crate::error::value_error;
use crate::line::{self, Atoms};
use crate::matrix::{Array, array, matrix, vector};

/// Coordinate differences in a pair of blocks, after which Ctrl-C is looked for: a fraction of a second on
/// one core, also for exponents that need powers.
const BLOCK_WORK: f64 = 3e7;

/// The least side of a block, so that summing takes far longer than packing it.
const LEAST_SIDE: usize = 256;

/// D² of X (N×d) and Y (M×d), with its gradient in X (N×d) if that is asked for.
///
/// Weights are those of each row, with sum 1; without them all are equal. The U-statistic is that of
/// pairs of distinct rows.
#[pyfunction]
#[pyo3(signature = (x, y, a, b, exponent, unbiased, with_gradient))]
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
    with_gradient: bool,
) -> PyResult<(f64, Option<Bound<'py, PyAny>>)> {
    let settings = Settings {
        kernel: RieszKernel::new(exponent).map_err(value_error)?,
        unbiased,
        with_gradient,
    };
    let weights = [vector(a)?, vector(b)?];
    match (x, y) {
        (Array::F32(x), Array::F32(y)) => of(py, [matrix(&x)?, matrix(&y)?], weights, settings),
        (Array::F64(x), Array::F64(y)) => of(py, [matrix(&x)?, matrix(&y)?], weights, settings),
        _ => Err(PyTypeError::new_err("X and Y must have one dtype")),
    }
}

/// What is computed of two measures.
#[derive(Clone, Copy)]
struct Settings {
    kernel: RieszKernel,
    unbiased: bool,
    with_gradient: bool,
}

fn of<'py, T: Real + Element>(
    py: Python<'py>,
    points: [DMatrix<T>; 2],
    weights: [Option<Vec<f64>>; 2],
    settings: Settings,
) -> PyResult<(f64, Option<Bound<'py, PyAny>>)> {
    let [x, y] = points;
    let [a, b] = weights;
    let (x, y) = (Weighted::new(x, a), Weighted::new(y, b));
    let pool = shared_pool(py)?;
    let found = compute(py, &pool, move |stop| {
        if is_on_the_line(settings.kernel, &x) {
            on_the_line(&x, &y, settings)
        } else {
            // After a stop nobody reads the result.
            in_space(&x, &y, settings, stop).unwrap_or_else(|| (f64::NAN, DMatrix::zeros(0, 0)))
        }
    });
    let (value, gradient) = found?;
    let gradient = settings
        .with_gradient
        .then(|| array(py, &gradient).into_any());
    Ok((value, gradient))
}

/// Points with weights of sum 1.
pub struct Weighted<T> {
    /// N×d.
    pub points: DMatrix<T>,
    /// `None` if all are 1/N.
    pub weights: Option<Vec<T>>,
    /// 1 − Σwᵢ², the mass of pairs of distinct rows.
    distinct: f64,
}

impl<T: Real> Weighted<T> {
    /// The points with the given weights or equal ones.
    pub fn new(points: DMatrix<T>, weights: Option<Vec<f64>>) -> Self {
        let squares = match &weights {
            Some(weights) => weights.iter().map(|w| w * w).sum(),
            None => 1.0 / points.nrows() as f64,
        };
        Self {
            points,
            weights: weights.map(|weights| weights.into_iter().map(T::from_f64).collect()),
            distinct: 1.0 - squares,
        }
    }

    /// The rows in `rows` as a measure, and the factor that gives it the mass they have.
    fn block(&self, rows: Range<usize>) -> (Measure<'_, T>, f64) {
        let points = Points::from(&self.points).rows(rows.clone());
        match &self.weights {
            Some(weights) => (Measure::weighted(points, &weights[rows]), 1.0),
            None => {
                let part = rows.len() as f64 / self.points.nrows() as f64;
                (Measure::uniform(points), part)
            }
        }
    }

    /// The rows in blocks of at most `side`.
    fn blocks(&self, side: usize) -> impl Iterator<Item = Range<usize>> + use<T> {
        let count = self.points.nrows();
        (0..count)
            .step_by(side)
            .map(move |start| start..count.min(start + side))
    }

    /// The points, which are on the line, in double precision.
    fn atoms(&self, distinct: f64) -> Atoms {
        let count = self.points.nrows();
        let equal = || vec![1.0 / count as f64; count];
        let weights = self.weights.as_ref();
        Atoms {
            points: self.points.iter().map(|x| x.into_f64()).collect(),
            weights: weights.map_or_else(equal, |w| w.iter().map(|w| w.into_f64()).collect()),
            distinct,
        }
    }
}

/// D² and its gradient in x (empty unless it is asked for) by sums over pairs; `None` if `stop` is set
/// before they are done.
fn in_space<T: Real>(
    x: &Weighted<T>,
    y: &Weighted<T>,
    settings: Settings,
    stop: &AtomicBool,
) -> Option<(f64, DMatrix<T>)> {
    let sums = BlockSums::new(settings.kernel, x.points.ncols(), stop);
    let (u, w) = if settings.unbiased {
        (x.distinct, y.distinct)
    } else {
        (1.0, 1.0)
    };
    let rows = if settings.with_gradient {
        x.points.nrows()
    } else {
        0
    };
    let mut gradient = DMatrix::zeros(rows, x.points.ncols());
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

/// Σᵢⱼ uᵢ wⱼ |xᵢ−yⱼ|ʳ in square blocks of pairs.
pub struct BlockSums<'a, T: Real> {
    sums: PairSums<T>,
    side: usize,
    stop: &'a AtomicBool,
}

impl<'a, T: Real> BlockSums<'a, T> {
    /// Sums in ℝ^`dim` that end early once `stop` is set.
    pub fn new(kernel: RieszKernel, dim: usize, stop: &'a AtomicBool) -> Self {
        Self {
            sums: PairSums::new(kernel),
            side: ((BLOCK_WORK / dim as f64).sqrt() as usize).max(LEAST_SIDE),
            stop,
        }
    }

    /// The sum; `scale` times its gradient in x is added to `gradient` unless that is empty. `None` if
    /// stopped.
    pub fn energy(
        &self,
        x: &Weighted<T>,
        y: &Weighted<T>,
        scale: f64,
        gradient: &mut DMatrix<T>,
    ) -> Option<f64> {
        let (mut sum, count) = (0.0, x.points.nrows());
        for rows in x.blocks(self.side) {
            for others in y.blocks(self.side) {
                if self.is_stopped() {
                    return None;
                }
                let ((x, part), (y, other)) = (x.block(rows.clone()), y.block(others));
                let factor = part * other;
                let energy = if gradient.is_empty() {
                    self.sums.energy(x, y)
                } else {
                    let entries = &mut gradient.as_mut_slice()[rows.start..];
                    let target = &mut GradientRows {
                        entries,
                        rows: count,
                        y_start: None,
                    };
                    self.sums.energy_gradient(x, y, factor * scale, target)
                };
                sum += factor * energy;
            }
        }
        Some(sum)
    }

    /// Σᵢⱼ uᵢ uⱼ |xᵢ−xⱼ|ʳ, in which a pair of blocks stands for its mirror image too. `None` if stopped.
    pub fn energy_within(&self, x: &Weighted<T>) -> Option<f64> {
        let mut sum = 0.0;
        for (index, rows) in x.blocks(self.side).enumerate() {
            for (apart, others) in x.blocks(self.side).skip(index).enumerate() {
                if self.is_stopped() {
                    return None;
                }
                let ((x, part), (y, other)) = (x.block(rows.clone()), x.block(others));
                let mirrored = if apart == 0 { 1.0 } else { 2.0 };
                sum += mirrored * part * other * self.sums.energy(x, y);
            }
        }
        Some(sum)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
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
    stop: &AtomicBool,
) -> Measurements {
    let sums = BlockSums::new(kernel, target.points.ncols(), stop);
    let settings = Settings {
        kernel,
        unbiased: false,
        with_gradient: false,
    };
    let is_line = is_on_the_line(kernel, target);
    let size = if is_line {
        -line::energy(&target.atoms(1.0))
    } else {
        0.5 * sums.energy_within(target).unwrap_or(f64::NAN)
    };
    let discrepancy = |points| {
        let x = Weighted::new(points, None);
        if is_line {
            return Some(on_the_line(&x, target, settings).0);
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

/// D² and its gradient in x for r = 1 on the line, by sorting.
fn on_the_line<T: Real>(x: &Weighted<T>, y: &Weighted<T>, settings: Settings) -> (f64, DMatrix<T>) {
    let atoms = |side: &Weighted<T>| {
        side.atoms(if settings.unbiased {
            side.distinct
        } else {
            1.0
        })
    };
    let (value, gradient) = line::discrepancy_gradient(&atoms(x), &atoms(y));
    let gradient = gradient.into_iter().map(T::from_f64);
    (value, DMatrix::from_iterator(x.points.nrows(), 1, gradient))
}
