//! Data that a chain learns from: what is held out, and where fresh samples start.

use nalgebra::{DMatrix, RowDVector};
use rand::Rng;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, StandardNormal};

use crate::rng::{Purpose, stream};

/// `held_out` of the samples (rows), chosen at random by the seed, and the others: training data first.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::hold_out;
///
/// let samples = DMatrix::from_fn(10, 1, |i, _| i as f64);
/// let (training, held_out) = hold_out(&samples, 3, 0);
/// assert_eq!((training.nrows(), held_out.nrows()), (7, 3));
/// assert_eq!(training.sum() + held_out.sum(), 45.0);
/// ```
///
/// # Panics
/// If there are fewer samples.
pub fn hold_out(
    samples: &DMatrix<f64>,
    held_out: usize,
    seed: u64,
) -> (DMatrix<f64>, DMatrix<f64>) {
    let mut rows: Vec<usize> = (0..samples.nrows()).collect();
    rows.shuffle(&mut stream(seed, Purpose::HeldOut, 0, 0));
    let (held_out, training) = rows.split_at(held_out);
    (samples.select_rows(training), samples.select_rows(held_out))
}

/// The law of starts that suits data: independent normal coordinates with its means and deviations.
///
/// Coordinates in which all data agree are there from the start, as pixels at the edge of images.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::NormalStart;
///
/// let data = DMatrix::from_row_slice(2, 2, &[1.0, 5.0, 3.0, 5.0]);
/// let start = NormalStart::of(&data);
/// assert_eq!(start.spread(), 1.0);
/// let drawn = start.particles(1000, 0);
/// assert!((drawn.column(0).mean() - 2.0).abs() < 0.1 && drawn[(7, 1)] == 5.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NormalStart {
    mean: RowDVector<f64>,
    deviation: RowDVector<f64>,
}

impl NormalStart {
    /// With these means and deviations of the d coordinates.
    ///
    /// # Panics
    /// If they are not as many.
    pub fn new(mean: RowDVector<f64>, deviation: RowDVector<f64>) -> Self {
        assert_eq!(mean.len(), deviation.len(), "a deviation a coordinate");
        Self { mean, deviation }
    }

    /// The means of the coordinates.
    pub fn mean(&self) -> &RowDVector<f64> {
        &self.mean
    }

    /// Their standard deviations.
    pub fn deviation(&self) -> &RowDVector<f64> {
        &self.deviation
    }

    /// For data (N×d).
    pub fn of(data: &DMatrix<f64>) -> Self {
        let mean = data.column_iter().map(|column| column.mean());
        let deviation = data.column_iter().map(|column| column.variance().sqrt());
        Self {
            mean: RowDVector::from_iterator(data.ncols(), mean),
            deviation: RowDVector::from_iterator(data.ncols(), deviation),
        }
    }

    /// The root mean square distance of the data to its mean.
    pub fn spread(&self) -> f64 {
        self.deviation.norm()
    }

    /// The particles of a flow (`count`×d).
    pub fn particles(&self, count: usize, seed: u64) -> DMatrix<f64> {
        self.draw(count, &mut stream(seed, Purpose::Start, 0, 1))
    }

    /// Other starts, of the fresh samples that are compared with data held out (`count`×d).
    pub fn compared(&self, count: usize, seed: u64) -> DMatrix<f64> {
        self.draw(count, &mut stream(seed, Purpose::HeldOut, 0, 1))
    }

    /// Other starts again, of samples that a user asks for (`count`×d).
    pub fn samples(&self, count: usize, seed: u64) -> DMatrix<f64> {
        self.draw(count, &mut stream(seed, Purpose::Sample, 0, 0))
    }

    fn draw(&self, count: usize, rng: &mut impl Rng) -> DMatrix<f64> {
        DMatrix::from_fn(count, self.mean.len(), |_, k| {
            let normal: f64 = StandardNormal.sample(rng);
            self.mean[k] + self.deviation[k] * normal
        })
    }
}
