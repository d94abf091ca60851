//! The implosion-explosion example in the plane, from δ₋₁ ⊗ U[−1,1], against its exact flow.

use nalgebra::DMatrix;
use rieszflow_analytic::{Error, Implosion};
use rieszflow_flows::TimeStep;

use super::{Measurement, ReferenceMeasure};
use crate::config::{Config, Experiment, KeepKernels, Precision, SaveAt, SchemeKind, SumsKind};
use crate::figures::Support;

impl Config {
    /// The flow that collapses into a point at time 1 and spreads again until time 2 (2000
    /// particles, τ = 0.05, 600 iterations per time step, later 400, on minibatches of 500, three
    /// hidden layers of width 128).
    pub fn implosion(scheme: SchemeKind) -> Self {
        Self {
            experiment: Experiment::Implosion,
            scheme,
            dim: 2,
            exponent: 1.0,
            tau: 0.05.into(),
            initial_steps: Vec::new(),
            time: 2.0,
            particles: 2000,
            batch: 500,
            first_iterations: 600,
            first_phase: 1.0,
            iterations: 400,
            width: 128,
            hidden_layers: 3,
            latent_dim: 2,
            learning_rate: 2e-3,
            learning_rate_decay: 1e-2,
            control_variate: false,
            momentum: 0.0,
            flow_step: None,
            sums: SumsKind::Exact,
            directions: None,
            seed: 0,
            precision: Precision::F32,
            save_at: SaveAt::Every(5),
            keep_kernels: KeepKernels::All,
            csv: None,
        }
    }
}

/// Particles at a = −1 with b at the middles of N equal intervals of [−1, 1].
pub(super) fn start(count: usize) -> DMatrix<f64> {
    let middle = |i: usize| (2 * i + 1) as f64 / count as f64 - 1.0;
    DMatrix::from_fn(count, 2, |i, k| if k == 0 { -1.0 } else { middle(i) })
}

/// The exact flow at the times of the grid.
pub(super) struct ExactImplosion {
    states: Vec<Implosion>,
}

impl ExactImplosion {
    pub(super) fn new(grid: &[TimeStep]) -> Result<Self, Error> {
        let times = std::iter::once(0.0).chain(grid.iter().map(|step| step.end));
        let states = times.map(Implosion::at).collect::<Result<_, _>>()?;
        Ok(Self { states })
    }

    fn state(&self, step: u64) -> &Implosion {
        &self.states[step as usize]
    }
}

impl ReferenceMeasure for ExactImplosion {
    fn name(&self) -> &'static str {
        "exact measure"
    }

    fn compare(&self, step: u64, particles: &DMatrix<f64>) -> Result<Measurement, Error> {
        Ok(Measurement {
            discrepancy: Some(self.state(step).discrepancy(particles)?),
            functional: None,
            interaction: None,
            scale: None,
            discrepancy_target: None,
        })
    }

    fn sampling_floor(&self, count: usize) -> Option<f64> {
        let last = &self.states[self.states.len() - 1];
        Some(0.5 * last.mean_distance() / count as f64)
    }

    fn size(&self) -> f64 {
        let distances = self.states.iter().map(Implosion::mean_distance);
        0.5 * distances.fold(0.0, f64::max)
    }

    fn support(&self, step: u64) -> Option<Support> {
        let state = self.state(step);
        let (a, b) = (state.first_coordinate(), state.half_width());
        Some(Support::Segment([a, -b], [a, b]))
    }
}
