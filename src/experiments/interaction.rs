//! The flow of the interaction energy from a Dirac at 0, and the closed form it is measured against.

use nalgebra::DMatrix;
use rieszflow_analytic::{
    Discrepancy, Equilibrium, Error, backward_scale, discrepancy_to_equilibrium, flow_scale,
    forward_scale, sampling_floor,
};
use rieszflow_flows::TimeStep;

use crate::config::{Config, Experiment, Precision, SaveAt, SchemeKind};

impl Config {
    /// The flow of the interaction energy from δ₀ in ℝ^`dim`, with the paper's sizes (N = 2000,
    /// τ = 0.05, t = 1.2, 5000 iterations per time step on minibatches of 100, two hidden layers of
    /// width 64) and a learning rate that falls within each time step.
    ///
    /// For r < 1 the first steps are 10⁻⁸, 10⁻⁷, … until τ is reached.
    pub fn interaction(scheme: SchemeKind, dim: usize, exponent: f64) -> Self {
        Self {
            experiment: Experiment::Interaction,
            scheme,
            dim,
            exponent,
            tau: 0.05,
            initial_steps: Vec::new(),
            time: 1.2,
            particles: 2000,
            batch: 100,
            first_iterations: 5000,
            iterations: 5000,
            width: 64,
            hidden_layers: 2,
            latent_dim: dim,
            learning_rate: 1e-3,
            learning_rate_decay: 1e-2,
            seed: 0,
            precision: Precision::F32,
            save_at: SaveAt::Every(3),
        }
        .with_initial_steps()
    }

    /// Sets the initial steps that r < 1 needs: powers of ten from 10⁻⁸ on, below τ in sum.
    #[must_use]
    pub fn with_initial_steps(mut self) -> Self {
        self.initial_steps.clear();
        if self.exponent < 1.0 {
            let mut sum = 0.0;
            for size in [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2] {
                sum += size;
                if sum < self.tau {
                    self.initial_steps.push(size);
                }
            }
        }
        self
    }
}

/// The exact measure after each time step: η* scaled by c_n of the scheme, or by c(t_n) of the flow
/// for the particle flow.
pub(crate) struct Exact {
    equilibrium: Equilibrium,
    scales: Vec<f64>,
}

/// Particles against the exact measure of their time step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    pub(crate) discrepancy: Discrepancy,
    pub(crate) scale_exact: f64,
    pub(crate) scale_measured: f64,
}

impl Exact {
    pub(crate) fn new(config: &Config, grid: &[TimeStep]) -> Result<Self, Error> {
        let mut scale = 0.0;
        let mut scales = vec![scale];
        for step in grid {
            scale = match config.scheme {
                SchemeKind::Backward => backward_scale(config.exponent, scale, step.tau)?,
                SchemeKind::Forward => forward_scale(config.exponent, scale, step.tau)?,
                SchemeKind::Particle => flow_scale(config.exponent, step.end)?,
            };
            scales.push(scale);
        }
        Ok(Self {
            equilibrium: Equilibrium::new(config.dim, config.exponent)?,
            scales,
        })
    }

    /// η*.
    pub(crate) fn equilibrium(&self) -> &Equilibrium {
        &self.equilibrium
    }

    /// The radius of the exact support after time step `step`.
    pub(crate) fn radius(&self, step: u64) -> f64 {
        self.scales[step as usize] * self.equilibrium.radius()
    }

    /// The mean D² of `count` independent draws from the exact measure after the last time step.
    pub(crate) fn sampling_floor(&self, count: usize) -> f64 {
        let last = self.scales[self.scales.len() - 1];
        sampling_floor(&self.equilibrium, last, count)
    }

    pub(crate) fn compare(&self, step: u64, particles: &DMatrix<f64>) -> Comparison {
        let scale = self.scales[step as usize];
        let mean_square = particles.norm_squared() / particles.nrows() as f64;
        Comparison {
            discrepancy: discrepancy_to_equilibrium(particles, &self.equilibrium, scale),
            scale_exact: scale,
            scale_measured: (mean_square / self.equilibrium.second_moment()).sqrt(),
        }
    }
}
