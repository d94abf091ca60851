//! The flow of the interaction energy from a Dirac at 0, and the closed form it is measured against.

use nalgebra::DMatrix;
use rieszflow_analytic::{
    Discrepancy, Equilibrium, EquilibriumKind, Error, Law, backward_scale, flow_scale,
    forward_scale,
};
use rieszflow_flows::scheme::{Backward, Forward, Training};
use rieszflow_flows::{Functional, Interaction, Points, RieszKernel, TimeStep};

use super::exact_target::mean_potential;
use super::mmd::discrepancy as from_energies;
use super::{ExperimentError, Measurement, ReferenceMeasure, ScaleComparison};
use crate::config::{Config, Experiment, KeepKernels, Precision, SaveAt, SchemeKind, SumsKind};
use crate::figures::Support;
use crate::ranks::discrepancy_to_law;

impl Config {
    /// The flow of the interaction energy from δ₀ in ℝ^`dim`, with the paper's sizes (N = 2000,
    /// τ = 0.05, t = 1.2, minibatches of 100, two hidden layers of width 64), but fewer iterations
    /// per time step with a learning rate that falls within each.
    ///
    /// For r < 1 the first steps are 10⁻⁸, 10⁻⁷, … until τ is reached.
    pub fn interaction(scheme: SchemeKind, dim: usize, exponent: f64) -> Self {
        let training = match scheme {
            SchemeKind::Backward => Backward::training_from_dirac(dim, exponent),
            SchemeKind::Forward => Forward::training_from_dirac(exponent),
            SchemeKind::Particle | SchemeKind::Chain => Training::default(),
        };
        Self {
            experiment: Experiment::Interaction,
            scheme,
            dim,
            exponent,
            tau: 0.05.into(),
            initial_steps: Vec::new(),
            time: 1.2,
            particles: 2000,
            batch: training.batch,
            first_iterations: training.first_iterations,
            first_phase: training.first_phase,
            iterations: training.iterations,
            width: training.width,
            hidden_layers: training.hidden_layers,
            latent_dim: dim,
            learning_rate: training.learning_rate,
            learning_rate_decay: training.learning_rate_decay,
            control_variate: training.control_variate,
            momentum: 0.0,
            flow_step: None,
            sums: SumsKind::Exact,
            directions: None,
            seed: 0,
            precision: Precision::F32,
            save_at: SaveAt::Every(3),
            keep_kernels: KeepKernels::All,
            csv: None,
        }
        .with_initial_steps()
    }

    /// Sets the initial steps that r < 1 needs from a Dirac: powers of ten from 10⁻⁸ on, below τ in
    /// sum.
    #[must_use]
    pub fn with_initial_steps(mut self) -> Self {
        self.initial_steps.clear();
        if self.exponent < 1.0 && self.starts_at_atoms() {
            let mut sum = 0.0;
            for size in [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2] {
                sum += size;
                if sum < self.tau.at(0.0) {
                    self.initial_steps.push(size);
                }
            }
        }
        self
    }
}

/// η* scaled by c_n of the scheme after each time step, or by c(t_n) of the flow for the particle
/// flow.
pub(super) struct ExactInteraction {
    equilibrium: Equilibrium,
    scales: Vec<f64>,
    /// With sliced sums, what estimates the energy of the particles; else it is exact.
    interaction: Option<Interaction<f64>>,
}

impl ExactInteraction {
    pub(super) fn new(config: &Config, grid: &[TimeStep]) -> Result<Self, ExperimentError> {
        let mut scale = 0.0;
        let mut scales = vec![scale];
        for step in grid {
            scale = match config.scheme {
                SchemeKind::Backward => backward_scale(config.exponent, scale, step.tau)?,
                SchemeKind::Forward => forward_scale(config.exponent, scale, step.tau)?,
                SchemeKind::Particle | SchemeKind::Chain => flow_scale(config.exponent, step.end)?,
            };
            scales.push(scale);
        }
        let sliced = || Interaction::with_sums(RieszKernel::new(config.exponent)?, config.sums());
        let is_sliced = config.sums == SumsKind::Sliced;
        Ok(Self {
            equilibrium: Equilibrium::new(config.dim, config.exponent)?,
            scales,
            interaction: is_sliced.then(sliced).transpose()?,
        })
    }

    fn discrepancy(&self, law: &Law, particles: &DMatrix<f64>) -> Result<Discrepancy, Error> {
        let exponent = self.equilibrium.exponent();
        let Some(interaction) = &self.interaction else {
            return discrepancy_to_law(particles, None, law, exponent);
        };
        let interaction = interaction.energy(Points::from(particles));
        let functional = interaction + mean_potential(law, exponent, particles, None)?;
        let energy = law.energy(exponent)?;
        Ok(from_energies(
            functional,
            interaction,
            energy,
            particles.nrows(),
        ))
    }
}

impl ReferenceMeasure for ExactInteraction {
    fn name(&self) -> &'static str {
        "exact measure"
    }

    fn compare(&self, step: u64, particles: &DMatrix<f64>) -> Result<Measurement, Error> {
        let exact = self.scales[step as usize];
        let mean_square = particles.norm_squared() / particles.nrows() as f64;
        let measured = (mean_square / self.equilibrium.second_moment()).sqrt();
        let law = Law::equilibrium(&self.equilibrium, exact)?;
        Ok(Measurement {
            discrepancy: Some(self.discrepancy(&law, particles)?),
            functional: None,
            interaction: None,
            scale: Some(ScaleComparison { exact, measured }),
            discrepancy_target: None,
        })
    }

    fn is_scaled(&self) -> bool {
        true
    }

    fn sampling_floor(&self, count: usize) -> Option<f64> {
        Some(self.size() / count as f64)
    }

    fn size(&self) -> f64 {
        let last = self.scales[self.scales.len() - 1];
        -last.powf(self.equilibrium.exponent()) * self.equilibrium.energy()
    }

    fn support(&self, step: u64) -> Option<Support> {
        let radius = self.scales[step as usize] * self.equilibrium.radius();
        Some(match self.equilibrium.kind() {
            EquilibriumKind::Ball => Support::Ball(radius),
            EquilibriumKind::Sphere => Support::Sphere(radius),
        })
    }
}
