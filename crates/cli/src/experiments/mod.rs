//! The experiments: their settings and starts as data, and what their particles are measured against.

mod error;
mod exact_target;
mod generate;
mod implosion;
mod inputs;
mod interaction;
mod mmd;
mod posterior;
mod rounding;
mod sliced_target;
mod target_energy;

use nalgebra::DMatrix;
use rieszflow_analytic::Discrepancy;
use rieszflow_flows::{
    Functional, ImplosionExplosion, Interaction, Origin, RieszKernel, SlicedEnergies,
};
use rieszflow_numerics::Real;

use crate::config::{Config, Experiment, SumsKind};
use crate::figures::{Support, name_in_title};

pub use error::ExperimentError;
pub(crate) use exact_target::{functional as exact_functional, mean_potential};
pub(crate) use generate::HeldOutFound;
pub use inputs::Inputs;
pub(crate) use inputs::{COPIES, InputCopy, Problem};
pub use mmd::Preset;
pub(crate) use mmd::discrepancy;
pub(crate) use posterior::{PosteriorAccuracy, Prepared};
pub(crate) use target_energy::{TargetEnergy, interaction_energy};

/// What a flow's particles are measured against after each time step: the exact measure where
/// there is one, else the target.
pub(crate) trait ReferenceMeasure: Send {
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
    ) -> Result<Measurement, rieszflow_analytic::Error>;

    /// The same from what sliced sums over `count` particles and the target have found, if that is the
    /// reference.
    fn compare_energies(&self, energies: &SlicedEnergies, count: usize) -> Option<Measurement> {
        let _ = (energies, count);
        None
    }

    /// Whether it is one measure scaled, so that measurements have a scale.
    fn is_scaled(&self) -> bool {
        false
    }

    /// The mean D² of `count` independent draws from it, after the last time step; `None` as long as
    /// it is not known.
    fn sampling_floor(&self, count: usize) -> Option<f64>;

    /// About the mean D² of a single draw from it: a size that the discrepancies can be compared with.
    fn size(&self) -> f64;

    /// Whether the flow goes to a target, so that measurements have E(μ_N) and F ≥ −E(ν).
    fn has_target(&self) -> bool {
        false
    }

    /// What measures fresh samples against data held out, if that is the reference.
    fn held_out(&self) -> Option<&HeldOutFound> {
        None
    }

    /// What the sampling floor of `count` particles is.
    fn floor_label(&self, count: usize) -> String {
        format!("mean of {count} independent draws at the end")
    }

    /// The energy of the target, if it has to be waited for: D² = F + E(ν).
    fn target_energy(&self) -> Option<&TargetEnergy> {
        None
    }

    /// Where the exact measure after time step `step` has its mass.
    fn support(&self, step: u64) -> Option<Support> {
        let _ = step;
        None
    }

    /// The target's particles (M×d), or draws from it, if there is one.
    fn target(&self) -> Option<&DMatrix<f64>> {
        None
    }
}

/// Particles against the reference of their time step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measurement {
    /// D²; `None` as long as the energy of the target is not known.
    pub(crate) discrepancy: Option<Discrepancy>,
    /// F(μ_N), where it is a part of the discrepancy.
    pub(crate) functional: Option<f64>,
    /// E(μ_N), where there is a target.
    pub(crate) interaction: Option<f64>,
    pub(crate) scale: Option<ScaleComparison>,
    /// D² to the target, where the reference is the exact flow towards it.
    pub(crate) discrepancy_target: Option<f64>,
}

/// The scale c of a measure that is η* scaled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ScaleComparison {
    pub(crate) exact: f64,
    /// √(mean|x|²/m₂) of the particles.
    pub(crate) measured: f64,
}

impl Config {
    /// What the flow's particles are measured against.
    ///
    /// # Errors
    /// If a closed form has no value for these settings.
    pub(crate) fn reference(
        &self,
        problem: &Problem,
    ) -> Result<Box<dyn ReferenceMeasure>, ExperimentError> {
        let grid = &self.time_grid();
        if let Some(law) = problem.law {
            let reference = exact_target::ExactTarget::new(self, law, &problem.start, grid)?;
            return Ok(Box::new(reference));
        }
        if let (Some(target), Some(held_out)) = (&problem.target, &problem.held_out) {
            let reference = generate::HeldOutReference::new(self, target, held_out.nrows())?;
            return Ok(Box::new(reference));
        }
        Ok(match &problem.target {
            Some(target) if self.sums == SumsKind::Sliced => {
                Box::new(sliced_target::SlicedTarget::new(self, target)?)
            }
            Some(target) => Box::new(mmd::TargetReference::new(self.exponent, target)?),
            None if self.experiment == Experiment::Implosion => {
                Box::new(implosion::ExactImplosion::new(grid)?)
            }
            None => Box::new(interaction::ExactInteraction::new(self, grid)?),
        })
    }

    /// F, where the data is.
    ///
    /// # Errors
    /// If the exponent or the target is unusable.
    pub(crate) fn functional(
        &self,
        problem: &Problem,
    ) -> Result<Box<dyn Functional<f64>>, ExperimentError> {
        self.functional_from(&Origin::zero(self.dim), problem)
    }

    /// F in the coordinates that the flow computes in.
    ///
    /// # Errors
    /// If the exponent or the target is unusable.
    pub(crate) fn functional_from<T: Real>(
        &self,
        origin: &Origin,
        problem: &Problem,
    ) -> Result<Box<dyn Functional<T>>, ExperimentError> {
        let kernel = RieszKernel::new(self.exponent)?;
        if let Some(law) = problem.law {
            let sums = self.sums();
            return Ok(Box::new(exact_target::functional::<T>(
                kernel, law, self.dim, sums,
            )?));
        }
        Ok(match &problem.target {
            Some(target) => Box::new(mmd::functional::<T>(kernel, origin, target, self.sums())?),
            None if self.experiment == Experiment::Implosion => Box::new(ImplosionExplosion::new()),
            None => Box::new(Interaction::with_sums(kernel, self.sums())?),
        })
    }

    /// The same flow trained as in the paper: longer, at a constant learning rate.
    #[must_use]
    pub fn paper(self) -> Self {
        let (first_iterations, iterations) = match self.experiment {
            Experiment::Interaction => (5000, 5000),
            Experiment::Implosion => (4000, 2000),
            // Towards a target, a preset decides about more than the training.
            Experiment::Mmd(_) | Experiment::Generate(_) | Experiment::Posterior(_) => {
                (self.first_iterations, self.iterations)
            }
        };
        let (width, hidden_layers) = match self.experiment {
            Experiment::Interaction => (64, 2),
            _ => (self.width, self.hidden_layers),
        };
        Self {
            width,
            hidden_layers,
            first_phase: 1.0,
            first_iterations,
            iterations,
            learning_rate: 1e-3,
            learning_rate_decay: 1.0,
            control_variate: false,
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
            Experiment::Generate(generate) => {
                let data = name_in_title(&generate.data.title());
                let data = data.as_deref().unwrap_or("the data");
                format!("Samples like {data}, r = {exponent}, d = {dim}")
            }
            Experiment::Posterior(posterior) => {
                let data = name_in_title(&posterior.data.title());
                let data = data.as_deref().unwrap_or("the data");
                let conditions = posterior.conditions();
                let dim = dim - conditions;
                format!("Posteriors of {data}, r = {exponent}, d = {dim}, n = {conditions}")
            }
        }
    }
}
