//! Flows towards an exact law: nothing of the target is drawn, and from a Dirac some are known exactly.

use nalgebra::DMatrix;
use rayon::prelude::*;
use rieszflow_analytic::{Discrepancy, Equilibrium, EquilibriumKind, Error, Law};
use rieszflow_flows::rng::{Purpose, stream};
use rieszflow_flows::{
    Functional, Interaction, Points, RadialPotential, RadialTable, RieszKernel, Sum, Sums, TimeStep,
};
use rieszflow_numerics::Real;

use super::mmd::discrepancy;
use super::{ExperimentError, Measurement, ReferenceMeasure, ScaleComparison};
use crate::config::{Config, SchemeKind};
use crate::figures::Support;
use crate::targets::ExactLaw;

/// Particles of the law that figures show.
const DRAWN: usize = 2000;

/// Most numbers that are drawn for figures.
const MOST_DRAWN: usize = 4_000_000;

/// F_ν towards the law, with a table of its potential.
pub(crate) fn functional<T: Real>(
    kernel: RieszKernel,
    law: ExactLaw,
    dim: usize,
    sums: Sums,
) -> Result<Sum<Interaction<T>, RadialPotential>, ExperimentError> {
    let exponent = kernel.exponent();
    let component = law.component(dim, exponent)?;
    let potential = component.potential(exponent)?;
    let exact = potential.radial().expect("one rotation invariant law");
    let profile = |rho| (exact.value(rho), exact.slope(rho));
    let table = RadialTable::new(kernel, law.radius(dim, exponent)?, profile)?;
    let attraction = RadialPotential::new(table, law.centres(dim));
    Ok(Sum(Interaction::with_sums(kernel, sums)?, attraction))
}

/// The law itself, which the flow approaches, and the exact flow where it is known.
pub(super) struct ExactTarget {
    law: Law,
    exponent: f64,
    /// E(ν).
    energy: f64,
    interaction: Interaction<f64>,
    flow: Option<ExactFlow>,
    /// Draws for figures.
    points: DMatrix<f64>,
}

/// η* scaled by c_n of the scheme after each time step, or by c(t_n) of the flow for the particle
/// flow.
struct ExactFlow {
    equilibrium: Equilibrium,
    scales: Vec<f64>,
}

impl ExactTarget {
    /// The flow of `config` towards `law`, from the start of N×d particles.
    pub(super) fn new(
        config: &Config,
        law: ExactLaw,
        start: &DMatrix<f64>,
        grid: &[TimeStep],
    ) -> Result<Self, ExperimentError> {
        let Config { dim, exponent, .. } = *config;
        let flow = if start.iter().all(|&x| x == 0.0) {
            ExactFlow::from_dirac(config, law, grid)
        } else {
            None
        };
        let law = law.law(dim, exponent)?;
        let mut rng = stream(config.seed, Purpose::Target, 0, 0);
        Ok(Self {
            energy: law.energy(exponent)?,
            points: law.sample(DRAWN.min(MOST_DRAWN / dim).max(1), &mut rng),
            law,
            exponent,
            interaction: Interaction::with_sums(RieszKernel::new(exponent)?, config.sums())?,
            flow,
        })
    }

    /// D² of `count` particles with the interaction energy E(μ_N) to a law.
    fn to_law(
        &self,
        law: &Law,
        particles: &DMatrix<f64>,
        interaction: f64,
    ) -> Result<Discrepancy, Error> {
        let functional = interaction + mean_potential(law, self.exponent, particles, None)?;
        let energy = law.energy(self.exponent)?;
        Ok(discrepancy(
            functional,
            interaction,
            energy,
            particles.nrows(),
        ))
    }
}

impl ExactFlow {
    /// The flow from a Dirac at 0; `None` where it is not known: towards other laws, and where a step
    /// leads beyond the target.
    fn from_dirac(config: &Config, law: ExactLaw, grid: &[TimeStep]) -> Option<Self> {
        let target = law.exact_flow(config.dim, config.exponent)?.ok()?;
        let steps: Vec<f64> = grid.iter().map(|step| step.tau).collect();
        let scales = match config.scheme {
            SchemeKind::Backward => target.backward_scales(0.0, &steps),
            SchemeKind::Forward => target.forward_scales(0.0, &steps),
            SchemeKind::Particle | SchemeKind::Chain => {
                let scales = grid.iter().map(|step| target.flow_scale(0.0, step.end));
                scales.collect()
            }
        };
        Some(Self {
            equilibrium: target.equilibrium().clone(),
            scales: std::iter::once(0.0).chain(scales.ok()?).collect(),
        })
    }

    fn law(&self, step: u64) -> Result<Law, Error> {
        Law::equilibrium(&self.equilibrium, self.scales[step as usize])
    }

    fn compare_scale(&self, step: u64, particles: &DMatrix<f64>) -> ScaleComparison {
        let mean_square = particles.norm_squared() / particles.nrows() as f64;
        ScaleComparison {
            exact: self.scales[step as usize],
            measured: (mean_square / self.equilibrium.second_moment()).sqrt(),
        }
    }
}

/// The mean over the particles (N×d), with weights that sum to 1 or equal ones, of the law's potential,
/// exactly.
pub(crate) fn mean_potential(
    law: &Law,
    exponent: f64,
    particles: &DMatrix<f64>,
    weights: Option<&[f64]>,
) -> Result<f64, Error> {
    let potential = law.potential(exponent)?;
    let rows = (0..particles.nrows()).into_par_iter().with_min_len(16);
    let at = |i: usize| {
        let point: Vec<f64> = particles.row(i).iter().copied().collect();
        potential.value(&point)
    };
    // Collected in the order of the rows: the sum does not depend on the threads.
    let values: Vec<f64> = rows.map(at).collect::<Result<_, _>>()?;
    Ok(match weights {
        Some(weights) => values.iter().zip(weights).map(|(u, w)| u * w).sum(),
        None => values.iter().sum::<f64>() / values.len() as f64,
    })
}

impl ReferenceMeasure for ExactTarget {
    fn name(&self) -> &'static str {
        if self.flow.is_some() {
            "exact measure"
        } else {
            "target"
        }
    }

    fn compare(&self, step: u64, particles: &DMatrix<f64>) -> Result<Measurement, Error> {
        let interaction = self.interaction.energy(Points::from(particles));
        let to_target = self.to_law(&self.law, particles, interaction)?;
        let known = match &self.flow {
            Some(flow) => Some((flow, self.to_law(&flow.law(step)?, particles, interaction)?)),
            None => None,
        };
        Ok(Measurement {
            discrepancy: Some(known.map_or(to_target, |(_, to_flow)| to_flow)),
            functional: Some(to_target.v_statistic - self.energy),
            interaction: Some(interaction),
            scale: known.map(|(flow, _)| flow.compare_scale(step, particles)),
            discrepancy_target: known.map(|_| to_target.v_statistic),
        })
    }

    fn is_scaled(&self) -> bool {
        self.flow.is_some()
    }

    fn has_target(&self) -> bool {
        true
    }

    fn sampling_floor(&self, count: usize) -> Option<f64> {
        let energy = match &self.flow {
            Some(flow) => {
                let last = flow.scales[flow.scales.len() - 1];
                last.powf(self.exponent) * flow.equilibrium.energy()
            }
            None => self.energy,
        };
        Some(-energy / count as f64)
    }

    fn size(&self) -> f64 {
        -self.energy
    }

    fn support(&self, step: u64) -> Option<Support> {
        let flow = self.flow.as_ref()?;
        let radius = flow.scales[step as usize] * flow.equilibrium.radius();
        Some(match flow.equilibrium.kind() {
            EquilibriumKind::Ball => Support::Ball(radius),
            EquilibriumKind::Sphere => Support::Sphere(radius),
        })
    }

    fn target(&self) -> Option<&DMatrix<f64>> {
        Some(&self.points)
    }
}
