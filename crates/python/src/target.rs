//! What a flow is attracted by: particles, an exact law, or nothing.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nalgebra::DMatrix;
use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rieszflow_flows::{
    Functional, Interaction, Measure, Mmd, Origin, Points, RadialPotential, RadialTable,
    RieszKernel, SlicedSums, Slicing, Sum, Sums,
};
use rieszflow_numerics::Real;

use crate::discrepancy::{Measurements, discrepancies};
use crate::error::value_error;
use crate::laws::{Law, Radial, potential};
use crate::matrix::{matrix, vector};
use crate::weighted::Weighted;

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
        sums: Sums,
        origin: &Origin,
    ) -> PyResult<Arc<dyn Functional<T> + Send>> {
        let interaction = || Interaction::with_sums(kernel, sums).map_err(value_error);
        Ok(match self {
            Self::Nothing => Arc::new(interaction()?),
            Self::Particles(target) => {
                let points = origin.centre(&target.points);
                let weights = target.weights.as_ref();
                let weights = weights.map(|w| w.iter().copied().map(T::from_f64).collect());
                let functional = Mmd::with_sums(kernel, points, weights, sums);
                Arc::new(functional.map_err(value_error)?)
            }
            Self::Law(_, radial) => {
                let potential = radial.component.potential(kernel.exponent());
                let potential = potential.map_err(value_error)?;
                let exact = potential.radial().expect("one rotation invariant law");
                let profile = |rho| (exact.value(rho), exact.slope(rho));
                let table =
                    RadialTable::new(kernel, radial.radius, profile).map_err(value_error)?;
                let attraction = RadialPotential::new(table, radial.centres.clone());
                Arc::new(Sum(interaction()?, attraction))
            }
        })
    }

    /// D² of each set of particles to it, as far as they are known before `stop` is set; NaN without a
    /// target.
    pub fn measure(
        &self,
        kernel: RieszKernel,
        slicing: Option<Slicing>,
        all: Vec<DMatrix<f64>>,
        stop: &AtomicBool,
    ) -> Measurements {
        match self {
            Self::Nothing => Measurements {
                discrepancies: vec![f64::NAN; all.len()],
                size: f64::NAN,
            },
            Self::Particles(target) => discrepancies(kernel, all, target, slicing, stop),
            Self::Law(law, _) => {
                let value = |particles| to_law(law, kernel, slicing, particles);
                let energy = law.energy(kernel.exponent());
                Measurements {
                    discrepancies: all.iter().map(|x| value(x).unwrap_or(f64::NAN)).collect(),
                    size: energy.map_or(f64::NAN, |energy| -energy),
                }
            }
        }
    }
}

/// D² of particles (N×d) to a law, without an error where the law has a potential.
fn to_law(
    law: &rieszflow_analytic::Law,
    kernel: RieszKernel,
    slicing: Option<Slicing>,
    particles: &DMatrix<f64>,
) -> Option<f64> {
    let exponent = kernel.exponent();
    let Some(slicing) = slicing else {
        let found = rieszflow_analytic::discrepancy(particles, None, law, exponent).ok()?;
        return Some(found.v_statistic);
    };
    let sums = SlicedSums::new(kernel, slicing).ok()?;
    let within = sums.self_energy(Measure::uniform(Points::from(particles)));
    let attraction = mean_potential(law, exponent, particles).ok()?;
    Some(attraction - 0.5 * within + law.energy(exponent).ok()?)
}

/// The mean of the law's potential over particles (N×d), summed in their order.
fn mean_potential(
    law: &rieszflow_analytic::Law,
    exponent: f64,
    particles: &DMatrix<f64>,
) -> Result<f64, rieszflow_analytic::Error> {
    let values = potential(law, exponent, particles)?;
    Ok(values.iter().sum::<f64>() / values.len() as f64)
}
