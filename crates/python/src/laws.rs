//! Laws with exact potential, energy and sampler, as targets and to measure points against.

use nalgebra::DMatrix;
use numpy::{PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use rayon::prelude::*;
use rieszflow_analytic::{Discrepancy, Equilibrium, Error, discrepancy};
use rieszflow_flows::rng::{Purpose, stream};

use crate::compute::{compute, shared_pool};
use crate::error::value_error;
use crate::matrix::{array, matrix, vector};

/// A probability law on ℝᵈ.
#[pyclass(frozen, module = "rieszflow._core")]
pub struct Law {
    measure: rieszflow_analytic::Law,
    shape: Option<Shape>,
    centres: Vec<Vec<f64>>,
}

/// A law around 0 whose potential depends on the distance from 0 alone.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Equilibrium { exponent: f64, scale: f64 },
    Sphere(f64),
    Ball(f64),
    Gaussian(f64),
}

impl Shape {
    fn law(self, dim: usize) -> Result<rieszflow_analytic::Law, Error> {
        let origin = vec![0.0; dim];
        match self {
            Self::Equilibrium { exponent, scale } => {
                rieszflow_analytic::Law::equilibrium(&Equilibrium::new(dim, exponent)?, scale)
            }
            Self::Sphere(radius) => rieszflow_analytic::Law::sphere(&origin, radius),
            Self::Ball(radius) => rieszflow_analytic::Law::ball(&origin, radius),
            Self::Gaussian(deviation) => rieszflow_analytic::Law::gaussian(&origin, deviation),
        }
    }

    /// About how far it reaches: the radius, or σ√d.
    fn radius(self, dim: usize) -> Result<f64, Error> {
        Ok(match self {
            Self::Equilibrium { exponent, scale } => {
                scale * Equilibrium::new(dim, exponent)?.radius()
            }
            Self::Sphere(radius) | Self::Ball(radius) => radius,
            Self::Gaussian(deviation) => deviation * (dim as f64).sqrt(),
        })
    }
}

/// Equal laws around centres of equal weight, whose potential a table holds.
pub struct Radial {
    /// The law around 0.
    pub component: rieszflow_analytic::Law,
    /// About how far it reaches.
    pub radius: f64,
    /// The centres, K×d.
    pub centres: DMatrix<f64>,
    /// The points of equal weight that it consists of, if it does: a sphere on the line is two.
    pub atoms: Option<DMatrix<f64>>,
}

impl Law {
    fn around(shape: Shape, centre: Vec<f64>) -> PyResult<Self> {
        let law = shape.law(centre.len()).map_err(value_error)?;
        Ok(Self {
            measure: law.translated(&centre).map_err(value_error)?,
            shape: Some(shape),
            centres: vec![centre],
        })
    }

    /// The law itself.
    pub fn law(&self) -> &rieszflow_analytic::Law {
        &self.measure
    }

    /// What a flow towards it needs; `None` for a mixture of different laws or weights.
    ///
    /// # Errors
    /// If the law has no component in this dimension.
    pub fn radial(&self) -> PyResult<Option<Radial>> {
        let Some(shape) = self.shape else {
            return Ok(None);
        };
        let dim = self.measure.dim();
        let rows = self.centres.concat();
        let centres = DMatrix::from_row_slice(self.centres.len(), dim, &rows);
        let atoms = match shape {
            Shape::Sphere(radius) if dim == 1 => {
                let ends = rows
                    .iter()
                    .flat_map(|centre| [centre - radius, centre + radius]);
                Some(DMatrix::from_iterator(2 * rows.len(), 1, ends))
            }
            _ => None,
        };
        Ok(Some(Radial {
            component: shape.law(dim).map_err(value_error)?,
            radius: shape.radius(dim).map_err(value_error)?,
            centres,
            atoms,
        }))
    }
}

/// U of a law at points (N×d).
///
/// # Errors
/// If the exponent is out of range or the points are in another space.
pub fn potential(
    law: &rieszflow_analytic::Law,
    exponent: f64,
    points: &DMatrix<f64>,
) -> Result<Vec<f64>, Error> {
    let potential = law.potential(exponent)?;
    let at = |i: usize| {
        let point: Vec<f64> = points.row(i).iter().copied().collect();
        potential.value(&point)
    };
    let rows = (0..points.nrows()).into_par_iter().with_min_len(16);
    rows.map(at).collect()
}

#[pymethods]
impl Law {
    #[staticmethod]
    fn equilibrium(dim: usize, exponent: f64, scale: f64) -> PyResult<Self> {
        Self::around(Shape::Equilibrium { exponent, scale }, vec![0.0; dim])
    }

    #[staticmethod]
    fn sphere(centre: Vec<f64>, radius: f64) -> PyResult<Self> {
        Self::around(Shape::Sphere(radius), centre)
    }

    #[staticmethod]
    fn ball(centre: Vec<f64>, radius: f64) -> PyResult<Self> {
        Self::around(Shape::Ball(radius), centre)
    }

    #[staticmethod]
    fn gaussian(mean: Vec<f64>, deviation: f64) -> PyResult<Self> {
        Self::around(Shape::Gaussian(deviation), mean)
    }

    #[staticmethod]
    fn mixture(laws: Vec<PyRef<'_, Self>>, weights: Vec<f64>) -> PyResult<Self> {
        let weighted = weights.iter().zip(&laws);
        let weighted: Vec<_> = weighted.map(|(w, law)| (*w, law.measure.clone())).collect();
        let law = rieszflow_analytic::Law::mixture(&weighted).map_err(value_error)?;
        let shape = laws[0].shape;
        let alike = laws
            .iter()
            .all(|law| law.shape == shape && law.centres.len() == 1);
        let equal = weights.iter().all(|weight| *weight == weights[0]);
        Ok(Self {
            measure: law,
            shape: shape.filter(|_| alike && equal),
            centres: laws.iter().flat_map(|law| law.centres.clone()).collect(),
        })
    }

    #[getter]
    fn dim(&self) -> usize {
        self.measure.dim()
    }

    /// U at the points (N×d).
    fn potential<'py>(
        &self,
        py: Python<'py>,
        points: PyReadonlyArray2<'py, f64>,
        exponent: f64,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let (law, points) = (self.measure.clone(), matrix(&points)?);
        let pool = shared_pool(py)?;
        let found = compute(py, &pool, move |_| potential(&law, exponent, &points));
        Ok(PyArray1::from_vec(py, found?.map_err(value_error)?))
    }

    /// E of the law.
    fn energy(&self, exponent: f64) -> PyResult<f64> {
        self.measure.energy(exponent).map_err(value_error)
    }

    /// D² of the points (N×d) to the law: V-statistic and U-statistic.
    fn discrepancy<'py>(
        &self,
        py: Python<'py>,
        points: PyReadonlyArray2<'py, f64>,
        weights: Option<PyReadonlyArray1<'py, f64>>,
        exponent: f64,
    ) -> PyResult<(f64, f64)> {
        let (law, points) = (self.measure.clone(), matrix(&points)?);
        let weights = vector(weights)?;
        let pool = shared_pool(py)?;
        let found = compute(py, &pool, move |_| {
            discrepancy(&points, weights.as_deref(), &law, exponent)
        });
        let Discrepancy {
            v_statistic,
            u_statistic,
        } = found?.map_err(value_error)?;
        Ok((v_statistic, u_statistic))
    }

    /// Independent draws (count×d).
    fn sample<'py>(&self, py: Python<'py>, count: usize, seed: u64) -> Bound<'py, PyArray2<f64>> {
        let points = self
            .measure
            .sample(count, &mut stream(seed, Purpose::Target, 0, 0));
        array(py, &points)
    }
}
