//! What a flow is attracted by: particles, an exact law, or nothing.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nalgebra::DMatrix;
use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rieszflow_flows::{
    Functional, Interaction, Mmd, Origin, RadialPotential, RadialTable, RieszKernel, Sum,
};
use rieszflow_numerics::Real;

use crate::discrepancy::{Measurements, Weighted, discrepancies};
use crate::error::value_error;
use crate::laws::{Law, Radial};
use crate::matrix::{matrix, vector};

/// What the flow is attracted by.
pub enum Target {
    /// Nothing: the interaction energy alone.
    Nothing,
    Particles(Weighted<f64>),
    Law(rieszflow_analytic::Law, Radial),
}

impl Target {
    /// The target that the arguments stand for.
    ///
    /// # Errors
    /// If the law has no potential that depends on distances alone.
    pub fn read(
        points: Option<PyReadonlyArray2<'_, f64>>,
        weights: Option<PyReadonlyArray1<'_, f64>>,
        law: Option<PyRef<'_, Law>>,
    ) -> PyResult<Self> {
        if let Some(law) = law {
            let Some(radial) = law.radial()? else {
                let message =
                    "target must be a single law or a mixture of equal laws with equal weights";
                return Err(PyValueError::new_err(message));
            };
            return Ok(match radial.atoms {
                Some(atoms) => Self::Particles(Weighted::new(atoms, None)),
                None => Self::Law(law.law().clone(), radial),
            });
        }
        let Some(points) = points else {
            return Ok(Self::Nothing);
        };
        Ok(Self::Particles(Weighted::new(
            matrix(&points)?,
            vector(weights)?,
        )))
    }

    /// Where the flow computes from.
    pub fn origin(&self, start: &DMatrix<f64>) -> Origin {
        match self {
            Self::Particles(target) => Origin::of(start, &target.points),
            Self::Nothing | Self::Law(..) => Origin::zero(start.ncols()),
        }
    }

    /// F in coordinates about the origin.
    ///
    /// # Errors
    /// If the target is unusable.
    pub fn functional<T: Real>(
        &self,
        kernel: RieszKernel,
        origin: &Origin,
    ) -> PyResult<Arc<dyn Functional<T> + Send>> {
        Ok(match self {
            Self::Nothing => Arc::new(Interaction::new(kernel)),
            Self::Particles(target) => {
                let points = origin.centre(&target.points);
                let weights = target.weights.as_ref();
                let weights = weights.map(|w| w.iter().copied().map(T::from_f64).collect());
                Arc::new(Mmd::new(kernel, points, weights).map_err(value_error)?)
            }
            Self::Law(_, radial) => {
                let potential = radial.component.potential(kernel.exponent());
                let potential = potential.map_err(value_error)?;
                let exact = potential.radial().expect("one rotation invariant law");
                let profile = |rho| (exact.value(rho), exact.slope(rho));
                let table =
                    RadialTable::new(kernel, radial.radius, profile).map_err(value_error)?;
                let attraction = RadialPotential::new(table, radial.centres.clone());
                Arc::new(Sum(Interaction::new(kernel), attraction))
            }
        })
    }

    /// D² of each set of particles to it, as far as they are known before `stop` is set; NaN without a
    /// target.
    pub fn measure(
        &self,
        kernel: RieszKernel,
        all: Vec<DMatrix<f64>>,
        stop: &AtomicBool,
    ) -> Measurements {
        match self {
            Self::Nothing => Measurements {
                discrepancies: vec![f64::NAN; all.len()],
                size: f64::NAN,
            },
            Self::Particles(target) => discrepancies(kernel, all, target, stop),
            Self::Law(law, _) => {
                let to_law = |particles: &DMatrix<f64>| {
                    rieszflow_analytic::discrepancy(particles, None, law, kernel.exponent())
                };
                let value =
                    |particles| to_law(particles).map_or(f64::NAN, |found| found.v_statistic);
                Measurements {
                    discrepancies: all.iter().map(value).collect(),
                    size: law
                        .energy(kernel.exponent())
                        .map_or(f64::NAN, |energy| -energy),
                }
            }
        }
    }
}
