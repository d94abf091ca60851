//! The experiments: their settings and starts as data, and what their particles are measured against.

mod implosion;
mod interaction;
mod mmd;

use nalgebra::DMatrix;
use rieszflow_analytic::Discrepancy;
use rieszflow_flows::{Functional, ImplosionExplosion, Interaction, RieszKernel};
use rieszflow_numerics::Real;

use crate::config::{self, Config, ConfigError, Experiment, Precision, check};
use crate::figures::{Support, name_in_title};
use crate::files::particles::Particles;
use crate::run::RunError;
use crate::targets::TargetError;

pub use mmd::Preset;

/// What a flow's particles are measured against after each time step: the exact measure where
/// there is one, else the target.
pub(crate) trait Reference: Send {
    /// What it is, as in "D² to the …".
    fn name(&self) -> &'static str;

    /// The particles after time step `step` against it.
    ///
    /// # Errors
    /// If the particles are not finite.
    fn compare(
        &self,
        step: u64,
        particles: &DMatrix<f64>,
    ) -> Result<Comparison, rieszflow_analytic::Error>;

    /// Whether it is one measure scaled, so that comparisons tell scales.
    fn is_scaled(&self) -> bool {
        false
    }

    /// The mean D² of `count` independent draws from it, after the last time step.
    fn sampling_floor(&self, count: usize) -> f64;

    /// Where the exact measure after time step `step` has its mass.
    fn support(&self, step: u64) -> Option<Support> {
        let _ = step;
        None
    }

    /// The target's particles (M×d), if it is one.
    fn target(&self) -> Option<&DMatrix<f64>> {
        None
    }
}

/// Particles against the reference of their time step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    pub(crate) discrepancy: Discrepancy,
    /// F(μ_N), where it is a part of the discrepancy.
    pub(crate) functional: Option<f64>,
    pub(crate) scale: Option<Scale>,
}

/// The scale c of a measure that is η* scaled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) exact: f64,
    /// √(mean|x|²/m₂) of the particles.
    pub(crate) measured: f64,
}

/// What a configuration names, drawn or read from files.
pub(crate) struct Problem {
    /// The particles at time 0, N×d.
    pub(crate) start: DMatrix<f64>,
    /// The target, if the flow has one.
    pub(crate) target: Option<Particles>,
}

impl Config {
    /// Draws or reads the start and the target.
    ///
    /// # Errors
    /// If a file is unusable, or start and target do not fit the configuration.
    pub(crate) fn problem(&self) -> Result<Problem, TargetError> {
        let (start, target) = match &self.experiment {
            Experiment::Interaction => (DMatrix::zeros(self.particles, self.dim), None),
            Experiment::Implosion => (implosion::start(self.particles), None),
            Experiment::Mmd(mmd) => {
                let target = mmd.target.load(&mmd.sampling(self.seed))?;
                let start = mmd.start.load(self.particles, self.dim, self.seed)?;
                self.check_fit(mmd, &start, &target)?;
                (start, Some(target))
            }
        };
        Ok(Problem { start, target })
    }

    /// Checks that start and target are in one space, and representable.
    fn check_fit(
        &self,
        mmd: &config::Mmd,
        start: &DMatrix<f64>,
        target: &Particles,
    ) -> Result<(), ConfigError> {
        let dim = target.points.ncols();
        let expected = format!("{dim}, the dimension of --target {}", mmd.target);
        check("dim", self.dim == dim, &expected, &self.dim)?;
        let count = start.nrows();
        let expected = format!("{count}, the number of particles in --start {}", mmd.start);
        check(
            "particles",
            self.particles == count,
            &expected,
            &self.particles,
        )?;
        let (largest, name) = match self.precision {
            Precision::F32 => (1e15, "f32"),
            Precision::F64 => (1e150, "f64"),
        };
        let expected = format!("made of numbers up to {largest:e} with --precision {name}");
        let fits = |points: &DMatrix<f64>| points.amax() <= largest;
        check("start", fits(start), &expected, &mmd.start)?;
        check("target", fits(&target.points), &expected, &mmd.target)
    }

    /// What the flow's particles are measured against.
    ///
    /// # Errors
    /// If a closed form has no value for these settings.
    pub(crate) fn reference(&self, problem: &Problem) -> Result<Box<dyn Reference>, RunError> {
        let grid = &self.time_grid();
        Ok(match &problem.target {
            Some(target) => Box::new(mmd::TargetReference::new(self.exponent, target)?),
            None if self.experiment == Experiment::Implosion => {
                Box::new(implosion::ExactImplosion::new(grid)?)
            }
            None => Box::new(interaction::ExactInteraction::new(self, grid)?),
        })
    }

    /// F.
    ///
    /// # Errors
    /// If the exponent or the target is unusable.
    pub(crate) fn functional<T: Real>(
        &self,
        problem: &Problem,
    ) -> Result<Box<dyn Functional<T>>, rieszflow_flows::Error> {
        let kernel = RieszKernel::new(self.exponent)?;
        Ok(match &problem.target {
            Some(target) => Box::new(mmd::functional::<T>(kernel, target)?),
            None if self.experiment == Experiment::Implosion => Box::new(ImplosionExplosion::new()),
            None => Box::new(Interaction::new(kernel)),
        })
    }

    /// The same flow trained as in the paper: longer, at a constant learning rate.
    #[must_use]
    pub fn paper(self) -> Self {
        let (first_iterations, iterations) = match self.experiment {
            Experiment::Interaction => (5000, 5000),
            Experiment::Implosion => (4000, 2000),
            // Towards a target, a preset decides about more than the training.
            Experiment::Mmd(_) => (self.first_iterations, self.iterations),
        };
        Self {
            first_iterations,
            iterations,
            learning_rate: 1e-3,
            learning_rate_decay: 1.0,
            ..self
        }
    }

    /// What a figure of the run is headed with.
    pub(crate) fn title(&self) -> String {
        let (flow, scheme) = (self.flow_title(), self.scheme.name());
        let mut sizes = self.tau.sizes();
        match (sizes.next(), sizes.last()) {
            (Some(first), Some(last)) => format!("{flow}: {scheme}, τ from {first} to {last}"),
            _ => format!("{flow}: {scheme}, τ = {}", self.tau),
        }
    }

    /// Which flow it is, whatever approximates it.
    pub fn flow_title(&self) -> String {
        let Self { dim, exponent, .. } = self;
        match &self.experiment {
            Experiment::Interaction => {
                format!("Interaction energy, r = {exponent}, d = {dim}, from a Dirac")
            }
            Experiment::Implosion => "Implosion and explosion in the plane".to_owned(),
            Experiment::Mmd(mmd) => {
                let target = name_in_title(&mmd.target.title());
                let target = target.as_deref().unwrap_or("the target");
                format!("Discrepancy to {target}, r = {exponent}")
            }
        }
    }
}
