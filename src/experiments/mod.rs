//! The experiments: their settings and starts as data, and the exact answers where there are some.

mod implosion;
mod interaction;

use nalgebra::DMatrix;
use rieszflow_analytic::Discrepancy;
use rieszflow_autodiff::Real;
use rieszflow_flows::{Functional, ImplosionExplosion, Interaction, RieszKernel, TimeStep};

use crate::config::{Config, Experiment};
use crate::figures::Support;

/// The exact measures of a flow, one for each time step of its grid.
pub(crate) trait Exact: Send {
    /// The particles after time step `step` against the exact measure.
    ///
    /// # Errors
    /// If the particles are not finite.
    fn compare(
        &self,
        step: u64,
        particles: &DMatrix<f64>,
    ) -> Result<Comparison, rieszflow_analytic::Error>;

    /// Whether they are one measure scaled, so that comparisons tell scales.
    fn is_scaled(&self) -> bool;

    /// The mean D² of `count` independent draws from the exact measure after the last time step.
    fn sampling_floor(&self, count: usize) -> f64;

    /// Where the exact measure after time step `step` has its mass.
    fn support(&self, step: u64) -> Support;
}

/// Particles against the exact measure of their time step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    pub(crate) discrepancy: Discrepancy,
    pub(crate) scale: Option<Scale>,
}

/// The scale c of a measure that is η* scaled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) exact: f64,
    /// √(mean|x|²/m₂) of the particles.
    pub(crate) measured: f64,
}

impl Config {
    pub(crate) fn exact(
        &self,
        grid: &[TimeStep],
    ) -> Result<Box<dyn Exact>, rieszflow_analytic::Error> {
        Ok(match self.experiment {
            Experiment::Interaction => Box::new(interaction::ExactInteraction::new(self, grid)?),
            Experiment::Implosion => Box::new(implosion::ExactImplosion::new(grid)?),
        })
    }

    pub(crate) fn functional<T: Real>(
        &self,
    ) -> Result<Box<dyn Functional<T>>, rieszflow_flows::Error> {
        Ok(match self.experiment {
            Experiment::Interaction => Box::new(Interaction::new(RieszKernel::new(self.exponent)?)),
            Experiment::Implosion => Box::new(ImplosionExplosion::new()),
        })
    }

    /// The particles at time 0, N×d.
    pub(crate) fn start<T: Real>(&self) -> DMatrix<T> {
        match self.experiment {
            Experiment::Interaction => DMatrix::zeros(self.particles, self.dim),
            Experiment::Implosion => implosion::start(self.particles),
        }
    }

    /// What a figure of the run is headed with.
    pub(crate) fn title(&self) -> String {
        let Self { dim, exponent, .. } = self;
        let flow = match self.experiment {
            Experiment::Interaction => {
                format!("Interaction energy, r = {exponent}, d = {dim}, from a Dirac")
            }
            Experiment::Implosion => "Implosion and explosion in the plane".to_owned(),
        };
        format!("{flow}: {}, τ = {}", self.scheme.name(), self.tau)
    }
}
