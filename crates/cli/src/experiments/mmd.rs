//! Flows of the squared discrepancy towards a target, with the paper's settings and faster ones.

use std::path::Path;

use nalgebra::DMatrix;
use rieszflow_analytic::{Discrepancy, Error};
use rieszflow_flows::scheme::Training;
use rieszflow_flows::{Functional, Interaction, Mmd, Origin, Points, Potential, RieszKernel, Sums};
use rieszflow_numerics::Real;

use super::{Inputs, Measurement, ReferenceMeasure, TargetEnergy};
use crate::config::{
    Config, Experiment, KeepKernels, MmdSettings, Precision, SaveAt, SchemeKind, SumsKind,
};
use crate::files::particles::{Columns, Particles};
use crate::targets::{Proportions, Start, Target, TargetError};

/// Whose settings an experiment starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Ours: fewer and larger steps on smaller minibatches, in minutes.
    Fast,
    /// The paper's, in hours.
    Paper,
}

impl MmdSettings {
    /// The flow towards `target` from where the paper starts it; towards targets that are not in
    /// the paper, from a Dirac at 0.
    pub fn towards(target: Target) -> Self {
        let start = match &target {
            Target::TwoDiracs => Start::Diracs(vec![vec![-1.0, 1.0], vec![1.0, -1.0]]),
            Target::Smiley => Start::Diracs(vec![vec![-1.0, 0.0], vec![1.0, 0.0]]),
            Target::Image(_) => Start::Diracs(vec![vec![-0.5, 0.0], vec![0.5, 0.0]]),
            Target::Idx(_) => Start::Dirac(vec![0.5]),
            _ => Start::Dirac(vec![0.0]),
        };
        Self {
            sigma: target.default_sigma().unwrap_or(0.1),
            target_particles: match target {
                Target::Image(_) => Some(6000),
                Target::Smiley | Target::Circle | Target::Line => Some(2000),
                _ => None,
            },
            count: 100,
            proportions: Proportions::default(),
            columns: Columns::default(),
            target,
            start,
        }
    }

    /// The settings with the pictures of the preset: the paper stretches them to squares.
    #[must_use]
    pub fn with_preset(self, preset: Preset) -> Self {
        let proportions = match preset {
            Preset::Fast => self.proportions,
            Preset::Paper => Proportions::Stretch,
        };
        Self {
            proportions,
            ..self
        }
    }
}

impl Config {
    /// The flow of the discrepancy from a start to a target, in the space of the target.
    ///
    /// # Errors
    /// If the target or the start cannot be read.
    pub fn mmd(
        scheme: SchemeKind,
        mmd: &MmdSettings,
        seed: u64,
        preset: Preset,
    ) -> Result<Self, TargetError> {
        let mmd = mmd.clone().with_preset(preset);
        let experiment = Experiment::Mmd(mmd.clone());
        let inputs = Inputs::read(&experiment, 2, seed, Path::new(""))?;
        Ok(Self::mmd_with(scheme, &mmd, &inputs, seed, preset))
    }

    /// The same flow with the target and the start that have been read.
    pub fn mmd_with(
        scheme: SchemeKind,
        mmd: &MmdSettings,
        inputs: &Inputs,
        seed: u64,
        preset: Preset,
    ) -> Self {
        let mut config = Self::paper_mmd(scheme, mmd, inputs.dim().unwrap_or(2));
        if preset == Preset::Fast {
            config = config.faster(&mmd.target);
        }
        if let Some(count) = inputs.start_count() {
            config.particles = count;
            config.batch = config.batch.min(count);
        }
        Self { seed, ..config }
    }

    /// The paper's settings; targets that are not in the paper have those of the two Diracs.
    fn paper_mmd(scheme: SchemeKind, mmd: &MmdSettings, dim: usize) -> Self {
        let config = Self {
            scheme,
            dim,
            exponent: 1.0,
            tau: 0.1.into(),
            initial_steps: Vec::new(),
            time: 40.0,
            particles: 2000,
            batch: 2000,
            first_iterations: 4000,
            iterations: 2000,
            first_phase: 1.0,
            width: 128,
            hidden_layers: 5,
            latent_dim: dim,
            learning_rate: 1e-3,
            learning_rate_decay: 1.0,
            control_variate: false,
            momentum: 0.0,
            flow_step: None,
            sums: SumsKind::Exact,
            directions: None,
            seed: 0,
            precision: Precision::F32,
            save_at: SaveAt::Every(1),
            keep_kernels: KeepKernels::All,
            csv: None,
            experiment: Experiment::Mmd(mmd.clone()),
        };
        match mmd.target {
            Target::Smiley => Self {
                time: 50.0,
                ..config
            },
            Target::Image(_) => {
                let (first_iterations, iterations) = match scheme {
                    SchemeKind::Forward => (5000, 1000),
                    _ => (20_000, 10_000),
                };
                Self {
                    tau: 0.5.into(),
                    time: 100.0,
                    particles: 6000,
                    batch: 6000,
                    first_iterations,
                    iterations,
                    ..config
                }
            }
            Target::Idx(_) => Self {
                tau: "0.5,5:1,25:2,50:3,6000:6".parse().expect("valid sizes"),
                time: 48_000.0,
                particles: 25,
                batch: 25,
                first_iterations: 5000,
                width: 2048,
                hidden_layers: 3,
                ..config
            },
            _ => config,
        }
    }

    /// The same flow in minutes: larger steps where the flow is slow, fewer iterations with a
    /// learning rate that falls, minibatches, a smaller network.
    fn faster(self, target: &Target) -> Self {
        let towards_particles = Training::towards_particles(self.dim);
        let config = Self {
            learning_rate_decay: Training::default().learning_rate_decay,
            control_variate: towards_particles.control_variate,
            ..self
        };
        let (sizes, hidden_layers) = match (target, config.scheme) {
            // Explicit steps pass atoms of the target by up to τ.
            (Target::TwoDiracs, SchemeKind::Forward) => ("0.1,5:0.25", 3),
            (Target::Image(_), SchemeKind::Forward) => ("0.1,1:0.25,5:0.5", 5),
            (Target::Image(_), _) => ("0.5,5:1,20:2,40:4", 5),
            _ => ("0.1,1:0.25,5:0.5,20:1,50:2", 3),
        };
        match target {
            // What is far from the particles moves them slowly for a long time. Where they are tells the
            // network all once they are apart, so that few latents are enough to take them apart.
            Target::Idx(_) if config.scheme != SchemeKind::Particle => Self {
                tau: "0.5,5:1,20:3,50:8,100:15,200:30,400:60,800:100"
                    .parse()
                    .expect("valid sizes"),
                // Explicit steps of 15 and more pass the digits.
                time: if config.scheme == SchemeKind::Forward {
                    200.0
                } else {
                    8000.0
                },
                particles: 100,
                batch: 50,
                first_iterations: 400,
                iterations: 200,
                width: 512,
                hidden_layers: 2,
                latent_dim: 32,
                learning_rate: 3e-4,
                control_variate: true,
                ..config
            },
            // As smooth a flow as that of the interaction energy, and about over by then.
            Target::Law(law) if law.dim().is_none() => {
                let like = Self::interaction(config.scheme, config.dim, config.exponent);
                let training = like.training().towards_law(config.dim);
                let is_particle = config.scheme == SchemeKind::Particle;
                Self {
                    tau: if is_particle { 0.02 } else { 0.1 }.into(),
                    time: 4.0,
                    batch: training.batch,
                    first_iterations: training.first_iterations,
                    iterations: training.iterations,
                    width: training.width,
                    hidden_layers: training.hidden_layers,
                    learning_rate: training.learning_rate,
                    ..config
                }
            }
            // Its steps cost nothing to speak of.
            _ if config.scheme == SchemeKind::Particle => config,
            _ => Self {
                // Mass at rest on an atom is kept there by small steps of the network.
                learning_rate: match target {
                    Target::TwoDiracs => 3e-4,
                    _ => towards_particles.learning_rate,
                },
                learning_rate_decay: towards_particles.learning_rate_decay,
                tau: sizes.parse().expect("valid sizes"),
                batch: towards_particles.batch,
                first_iterations: towards_particles.first_iterations,
                iterations: towards_particles.iterations,
                hidden_layers,
                ..config
            },
        }
    }
}

/// F_ν towards the particles of a target.
pub(super) fn functional<T: Real>(
    kernel: RieszKernel,
    origin: &Origin,
    target: &Particles,
    sums: Sums,
) -> Result<Mmd<T>, rieszflow_flows::Error> {
    let points = origin.centre(&target.points);
    let weights = target.weights.as_ref();
    let weights = weights.map(|weights| weights.iter().copied().map(T::from_f64).collect());
    Mmd::with_sums(kernel, points, weights, sums)
}

/// The largest number of atoms from which the size of a target is estimated.
const SIZED: usize = 2000;

/// The target itself, which the flow approaches.
pub(super) struct TargetReference {
    interaction: Interaction<f64>,
    potential: Potential<f64>,
    points: DMatrix<f64>,
    energy: TargetEnergy,
    size: f64,
}

impl TargetReference {
    pub(super) fn new(exponent: f64, target: &Particles) -> Result<Self, rieszflow_flows::Error> {
        let kernel = RieszKernel::new(exponent)?;
        let points = target.points.clone();
        let interaction = Interaction::new(kernel);
        let sample = points.select_rows(&evenly_spread(points.nrows(), SIZED));
        Ok(Self {
            size: -interaction.energy(Points::from(&sample)),
            interaction,
            potential: Potential::new(kernel, points.clone(), target.weights.clone())?,
            points,
            energy: TargetEnergy::new(kernel, target),
        })
    }
}

/// At most `most` of `count` indices, evenly spread.
fn evenly_spread(count: usize, most: usize) -> Vec<usize> {
    (0..count).step_by(count.div_ceil(most).max(1)).collect()
}

impl ReferenceMeasure for TargetReference {
    fn name(&self) -> &'static str {
        "target"
    }

    fn compare(&self, _: u64, particles: &DMatrix<f64>) -> Result<Measurement, Error> {
        let points = Points::from(particles);
        let interaction = self.interaction.energy(points);
        let functional = interaction + self.potential.energy(points);
        let discrepancy = |energy| discrepancy(functional, interaction, energy, particles.nrows());
        // From the first time step on, which had all threads.
        self.energy.begin();
        Ok(Measurement {
            discrepancy: self.energy.get().map(discrepancy),
            functional: Some(functional),
            interaction: Some(interaction),
            scale: None,
            discrepancy_target: None,
        })
    }

    fn has_target(&self) -> bool {
        true
    }

    fn sampling_floor(&self, count: usize) -> Option<f64> {
        Some(-self.energy.get()? / count as f64)
    }

    fn size(&self) -> f64 {
        self.size
    }

    fn target_energy(&self) -> Option<&TargetEnergy> {
        Some(&self.energy)
    }

    fn target(&self) -> Option<&DMatrix<f64>> {
        Some(&self.points)
    }
}

/// D² of `count` particles to a target of energy E(ν): F + E(ν). The U-statistic leaves out the pairs
/// of each particle with itself.
pub(crate) fn discrepancy(
    functional: f64,
    interaction: f64,
    target_energy: f64,
    count: usize,
) -> Discrepancy {
    let v_statistic = functional + target_energy;
    let without_itself = interaction / (count as f64 - 1.0);
    Discrepancy {
        v_statistic,
        u_statistic: v_statistic + without_itself,
    }
}
