//! Data that a chain of networks learns to sample: training and held-out data, and the settings.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use nalgebra::DMatrix;
use rieszflow_analytic::{Discrepancy, Error};
use rieszflow_flows::scheme::Chain;
use rieszflow_flows::{HeldOutDiscrepancy, NormalStart, StepSizes, hold_out};

use super::inputs::data_in;
use super::sliced_target::SlicedTarget;
use super::{Inputs, Measurement, ReferenceMeasure};
use crate::config::{
    Config, Experiment, GenerateSettings, KeepKernels, Precision, SaveAt, SchemeKind, SumsKind,
};
use crate::files::particles::Particles;
use crate::setting::{Phrase, SettingError, check};
use crate::targets::{Loaded, TargetError};

/// Most samples that are held out if not said otherwise: D² of more is not worth its time.
const MOST_HELD_OUT: usize = 2000;

/// From more numbers than this on, particles are saved at the first and the last network only, not as CSV.
const MANY_NUMBERS: usize = 2_000_000;

impl GenerateSettings {
    /// The least number of samples that can be held out.
    pub const LEAST_HELD_OUT: usize = 2;

    /// The default for [`patience`](Self::patience).
    pub const PATIENCE: u64 = 3;

    /// The same with a tenth of the samples held out, 2000 at most.
    #[must_use]
    pub fn holding_out_of(self, inputs: &Inputs) -> Self {
        let data = inputs.data.as_ref();
        let count = data.map_or(0, |data| data.particles.points.nrows());
        Self {
            held_out: default_held_out(count),
            ..self
        }
    }

    pub(super) fn load(&self, dim: usize, seed: u64, folder: &Path) -> Result<Loaded, TargetError> {
        data_in(folder, &self.data).load(self.count, dim, &self.columns, seed)
    }

    /// The training data and the samples held out, which are chosen at random.
    pub(super) fn split(
        &self,
        data: &DMatrix<f64>,
        seed: u64,
    ) -> Result<(DMatrix<f64>, DMatrix<f64>), SettingError> {
        split(data, self.held_out, &self.data, seed)
    }
}

/// A tenth of the samples, 2000 at most.
pub(super) fn default_held_out(count: usize) -> usize {
    (count / 10).clamp(GenerateSettings::LEAST_HELD_OUT, MOST_HELD_OUT)
}

/// The training data and the samples held out, which are chosen at random; `source` is for messages.
pub(super) fn split(
    data: &DMatrix<f64>,
    held_out: usize,
    source: &dyn ToString,
    seed: u64,
) -> Result<(DMatrix<f64>, DMatrix<f64>), SettingError> {
    let count = data.nrows();
    let enough = count >= 4;
    check("data", enough, "at least 4 samples", source)?;
    let most = count - 2;
    let expected =
        Phrase::from(format!("between 2 and {most}, with {count} samples in ")).setting("data");
    let fits = (2..=most).contains(&held_out);
    check("held-out", fits, expected, &held_out)?;
    Ok(hold_out(data, held_out, seed))
}

impl Config {
    /// A chain that learns the law of data, with the defaults that suit it.
    ///
    /// # Errors
    /// If the data is too little.
    pub fn generate(
        generate: &GenerateSettings,
        inputs: &Inputs,
        exponent: f64,
        seed: u64,
    ) -> Result<Self, SettingError> {
        let empty = DMatrix::zeros(0, 0);
        let data = inputs
            .data
            .as_ref()
            .map_or(&empty, |data| &data.particles.points);
        let (training, _) = generate.split(data, seed)?;
        let experiment = Experiment::Generate(generate.clone());
        Self::learning(experiment, (&training, &generate.data), exponent, seed)
    }

    /// A chain that learns from training data (N×d), with the defaults that suit it; its source is for
    /// messages.
    ///
    /// # Errors
    /// If the data is too large or too small for steps of its size.
    pub(super) fn learning(
        experiment: Experiment,
        (training, source): (&DMatrix<f64>, &dyn ToString),
        exponent: f64,
        seed: u64,
    ) -> Result<Self, SettingError> {
        let (count, dim) = training.shape();
        let spread = NormalStart::of(training).spread();
        let conditions = match &experiment {
            Experiment::Posterior(posterior) => posterior.conditions(),
            _ => 0,
        };
        let chain = Chain::default_for(dim, conditions, count, spread, exponent);
        let flow_step = chain.flow_step;
        let expected = "of another size: multiply it by a number, such that its root mean square \
                        distance to its mean lies between 1e-6 and 1e6";
        let usable = (1e-8..=1e6).contains(&flow_step);
        check("data", usable, expected, source)?;
        let [first, most] = Chain::FLOW_STEPS.map(|steps| steps as f64 * flow_step);
        let (tau, time) = StepSizes::doubling(first, most, Chain::NETWORKS);
        let training = chain.training;
        let particles = count.min(Chain::MOST_PARTICLES);
        let is_large = particles * dim > MANY_NUMBERS;
        Ok(Self {
            experiment,
            scheme: SchemeKind::Chain,
            dim,
            exponent,
            tau,
            initial_steps: Vec::new(),
            time,
            particles,
            batch: training.batch.min(particles),
            first_iterations: training.first_iterations,
            iterations: training.iterations,
            first_phase: training.first_phase,
            width: training.width,
            hidden_layers: training.hidden_layers,
            latent_dim: 0,
            learning_rate: training.learning_rate,
            learning_rate_decay: training.learning_rate_decay,
            control_variate: false,
            momentum: chain.momentum,
            flow_step: Some(flow_step),
            sums: SumsKind::Sliced,
            directions: None,
            seed,
            precision: Precision::F32,
            save_at: if is_large {
                SaveAt::Times(vec![time])
            } else {
                SaveAt::Every(1)
            },
            keep_kernels: KeepKernels::All,
            csv: is_large.then_some(false),
        })
    }
}

/// D² of fresh samples after each network, as it is found.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeldOutFound(Arc<Mutex<Vec<HeldOutDiscrepancy>>>);

impl HeldOutFound {
    /// Replaces all that was found.
    pub(crate) fn set(&self, found: &[HeldOutDiscrepancy]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.clear();
        all.extend_from_slice(found);
    }

    /// D² after each number of networks.
    pub(crate) fn after(&self, networks: u64) -> Option<HeldOutDiscrepancy> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(networks as usize).copied()
    }
}

/// The data held out, against which fresh samples are measured; the flow's own particles are measured
/// against the training data.
pub(super) struct HeldOutReference {
    training: SlicedTarget,
    held_out: usize,
    found: HeldOutFound,
}

impl HeldOutReference {
    /// For `held_out` samples and as many fresh ones.
    pub(super) fn new(
        config: &Config,
        training: &Particles,
        held_out: usize,
    ) -> Result<Self, rieszflow_flows::Error> {
        Ok(Self {
            training: SlicedTarget::new(config, training)?,
            held_out,
            found: HeldOutFound::default(),
        })
    }
}

impl ReferenceMeasure for HeldOutReference {
    fn name(&self) -> &'static str {
        "data held out"
    }

    fn compare(&self, step: u64, particles: &DMatrix<f64>) -> Result<Measurement, Error> {
        let training = self.training.compare(step, particles)?;
        let found = self.found.after(step).map(|found| Discrepancy {
            v_statistic: found.v_statistic,
            u_statistic: found.u_statistic,
        });
        Ok(Measurement {
            discrepancy: found,
            discrepancy_target: training.discrepancy.map(|found| found.v_statistic),
            interaction: None,
            ..training
        })
    }

    /// The mean D² of as many independent draws as are held out, to these.
    fn sampling_floor(&self, _: usize) -> Option<f64> {
        Some(2.0 * self.training.size() / self.held_out as f64)
    }

    fn floor_label(&self, _: usize) -> String {
        format!("mean of {} draws from the law of the data", self.held_out)
    }

    fn size(&self) -> f64 {
        self.training.size()
    }

    fn has_target(&self) -> bool {
        true
    }

    fn held_out(&self) -> Option<&HeldOutFound> {
        Some(&self.found)
    }

    fn target(&self) -> Option<&DMatrix<f64>> {
        self.training.target()
    }
}
