//! Pairs from which a chain of networks learns posteriors: their coordinates, starts, and the exact D².
//!
//! A chain flows in the space of standardised pairs and moves the unknowns alone: particle i keeps the
//! observation of training pair i, so that particles and pairs have the same observations. With other
//! observations the flow would move unknowns to make up for the difference.

use std::path::Path;

use nalgebra::DMatrix;
use rieszflow_analytic::discrepancy;
use rieszflow_flows::rng::{Purpose, stream};
use rieszflow_flows::{ConditionalPairs, NetworkChain, NormalStart, Standardization};
use rieszflow_numerics::Real;

use super::generate::{default_held_out, split};
use super::inputs::{COPIES, InputCopy, copy_name, in_folder};
use super::{ExperimentError, Inputs, Problem};
use crate::config::{Config, Experiment, PosteriorSettings};
use crate::files::particles::{Label, Particles};
use crate::numbers::rounded;
use crate::posterior::{ExactProblem, Pairs, Selection};
use crate::setting::{Phrase, SettingError, check};
use crate::targets::TargetError;

/// How many observations the mean posterior D² is over.
const JUDGED: usize = 50;

/// Pairs as a chain learns from them.
pub(crate) struct Prepared {
    /// The standardised pairs that it is trained on (N×(d+n)), the observed columns last.
    pub(crate) training: DMatrix<f64>,
    /// The standardised pairs that are held out (L×(d+n)).
    pub(crate) held_out: DMatrix<f64>,
    /// What the observed columns are called.
    pub(crate) observed: Vec<Label>,
    standardization: Standardization,
}

impl Prepared {
    /// `count` of the observations held out (`count`×n), evenly spread over the ranks of the first coordinate.
    pub(crate) fn spread_observations(&self, count: usize) -> DMatrix<f64> {
        let observations = self.observations(&self.held_out);
        let mut rows: Vec<usize> = (0..observations.nrows()).collect();
        rows.sort_by(|&a, &b| observations[(a, 0)].total_cmp(&observations[(b, 0)]));
        let at = |k: usize| rows[(2 * k + 1) * rows.len() / (2 * count)];
        observations.select_rows(&(0..count).map(at).collect::<Vec<_>>())
    }

    /// What to say of the first observation (C×n) with a coordinate beyond those of all training pairs.
    pub(crate) fn beyond(&self, observations: &DMatrix<f64>) -> Option<String> {
        let given = self.standardization.standardize_observations(observations);
        let dim = self.standardization.dim();
        let learned = self.observations(&self.training);
        (0..given.nrows()).find_map(|row| {
            let is_beyond = |k: &usize| {
                let column = self.training.column(dim + k);
                given[(row, *k)] < column.min() || given[(row, *k)] > column.max()
            };
            let k = (0..given.ncols()).find(is_beyond)?;
            let (column, value) = (learned.column(k), observations[(row, k)]);
            let [value, low, high] = [value, column.min(), column.max()].map(|x| rounded(x, 4));
            Some(format!(
                "the condition {value} lies beyond the observations of the pairs (column {}), {low} to {high}, \
                 so that nothing was learned there",
                self.observed[k]
            ))
        })
    }

    /// The observations (N×n) of standardised pairs.
    fn observations(&self, standard: &DMatrix<f64>) -> DMatrix<f64> {
        let columns = standard.columns_range(self.standardization.dim()..);
        self.standardization
            .restore_observations(&columns.into_owned())
    }

    /// Draws `count` unknowns (`count`×d) given each of the observations (C×n) by the networks of a chain.
    pub(crate) fn sample<T: Real>(
        &self,
        networks: &NetworkChain<T>,
        observations: &DMatrix<f64>,
        count: usize,
        seed: u64,
    ) -> Vec<DMatrix<f64>> {
        let drawn = networks.draw_posteriors(&self.standardization, observations, count, seed);
        drawn.collect()
    }
}

impl PosteriorSettings {
    /// The default for [`observation_scale`](Self::observation_scale).
    pub const OBSERVATION_SCALE: f64 = 3.0;

    /// The same with a tenth of the pairs held out, 2000 at most.
    #[must_use]
    pub fn holding_out_of(self, inputs: &Inputs) -> Self {
        let count = inputs
            .pairs
            .as_ref()
            .map_or(0, |pairs| pairs.unknowns.nrows());
        Self {
            held_out: default_held_out(count),
            ..self
        }
    }

    /// n, the number of observed coordinates.
    pub fn conditions(&self) -> usize {
        match self.data.problem() {
            Some(ExactProblem::LinearGaussian | ExactProblem::LinearMixture(_)) => 1,
            None => self.observed.names().len(),
        }
    }

    pub(super) fn load(&self, seed: u64, folder: &Path) -> Result<Pairs, TargetError> {
        let selection = Selection {
            columns: self.columns.clone(),
            observed: self.observed.clone(),
            count: self.count,
            seed,
        };
        let path = self.data.path().and_then(|path| in_folder(folder, path));
        let data = path.map_or_else(|| self.data.clone(), |path| self.data.with_path(path));
        data.load(&selection)
    }

    /// Pairs as the chain learns from them.
    ///
    /// # Errors
    /// If they are too few, or a column is constant.
    pub(crate) fn prepare(&self, pairs: &Pairs, seed: u64) -> Result<Prepared, SettingError> {
        let conditions = pairs.observations.ncols();
        let joint = ConditionalPairs::new(&pairs.unknowns, &pairs.observations);
        let joint = joint.expect("pairs that have been read");
        let (training, held_out) = split(joint.pairs(), self.held_out, &self.data, seed)?;
        let standardization = Standardization::of(&training, conditions, self.observation_scale);
        let varies = |unit: &f64| *unit > 0.0 && unit.is_finite();
        let expected = "pairs of which every column varies";
        check(
            "data",
            standardization.unit().iter().all(varies),
            expected,
            &self.data,
        )?;
        Ok(Prepared {
            training: standardization.standardize(&training),
            held_out: standardization.standardize(&held_out),
            observed: pairs.observed.clone(),
            standardization,
        })
    }
}

impl Config {
    /// A chain that learns posteriors from pairs, with the defaults that suit it.
    ///
    /// # Errors
    /// If the pairs are too few, or a column is constant.
    ///
    /// # Panics
    /// If `inputs` has no pairs.
    pub fn posterior(
        posterior: &PosteriorSettings,
        inputs: &Inputs,
        exponent: f64,
        seed: u64,
    ) -> Result<Self, ExperimentError> {
        let pairs = inputs.pairs.as_ref().expect("pairs that have been read");
        let prepared = posterior.prepare(pairs, seed)?;
        let experiment = Experiment::Posterior(posterior.clone());
        let source = (&prepared.training, &posterior.data as &dyn ToString);
        let config = Self::learning(experiment, source, exponent, seed)?;
        Ok(Self {
            // A particle for each training pair, whose observation it shares.
            particles: prepared.training.nrows(),
            ..config
        })
    }

    /// The pairs of the run's folder as the chain has learned from them.
    ///
    /// # Errors
    /// If their file cannot be read.
    pub(crate) fn prepared(
        &self,
        posterior: &PosteriorSettings,
        folder: &Path,
    ) -> Result<Prepared, TargetError> {
        let pairs = posterior.load(self.seed, folder)?;
        Ok(posterior.prepare(&pairs, self.seed)?)
    }

    /// Fills the problem with what a chain that learns posteriors starts from and flows to.
    pub(super) fn posterior_problem(
        &self,
        posterior: &mut PosteriorSettings,
        pairs: Option<Pairs>,
        problem: &mut Problem,
    ) -> Result<(), ExperimentError> {
        let pairs = match pairs {
            Some(pairs) => pairs,
            None => posterior.load(self.seed, Path::new(""))?,
        };
        let prepared = posterior.prepare(&pairs, self.seed)?;
        let Prepared {
            training, held_out, ..
        } = prepared;
        let (count, dim) = training.shape();
        let expected = Phrase::from(format!("{dim}, the number of columns of "));
        let expected = expected.setting("data");
        check("dim", self.dim == dim, expected, &self.dim)?;
        let expected = format!("{count}, one for each training pair");
        check(
            "particles",
            self.particles == count,
            expected,
            &self.particles,
        )?;
        let conditions = posterior.conditions();
        let unknowns = training.columns(0, dim - conditions).into_owned();
        let observations = training.columns(dim - conditions, conditions).into_owned();
        let starts = NormalStart::of(&unknowns).particles(count, self.seed);
        // The particles share the observations of the pairs.
        problem.start = ConditionalPairs::new(&unknowns, &observations)?.start(&starts)?;
        problem.target = Some(Particles::equal(training));
        problem.held_out = Some(held_out);
        if let Some(input) = pairs.input {
            let path = Path::new(COPIES).join(copy_name("data", &input));
            posterior.data = posterior.data.with_path(path.clone());
            problem.copies = vec![InputCopy { path, input }];
        }
        Ok(())
    }
}

/// What draws from posteriors have to do with the exact ones, in the mean over observations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PosteriorAccuracy {
    /// D² of draws to the exact posterior.
    pub(crate) discrepancy: f64,
    /// The same of independent draws from the exact posterior, in expectation.
    pub(crate) floor: f64,
}

impl ExactProblem {
    /// `count` draws (`count`×d) from the exact posterior at an observation.
    ///
    /// # Errors
    /// If the observation is not finite.
    pub(crate) fn draw_posterior(
        self,
        observation: &[f64],
        count: usize,
        seed: u64,
    ) -> Result<DMatrix<f64>, rieszflow_analytic::Error> {
        let law = self.problem()?.posterior(observation)?;
        Ok(law.sample(count, &mut stream(seed, Purpose::HeldOut, 0, 3)))
    }

    /// The observations over which posteriors are judged (50×1).
    pub(crate) fn judged_observations(
        self,
        seed: u64,
    ) -> Result<DMatrix<f64>, rieszflow_analytic::Error> {
        let rng = &mut stream(seed, Purpose::HeldOut, 0, 2);
        Ok(self.problem()?.sample(JUDGED, rng).1)
    }

    /// The accuracy of samples (N×d) at each of some observations.
    ///
    /// # Errors
    /// If samples or observations are not finite.
    pub(crate) fn judge(
        self,
        observations: &DMatrix<f64>,
        samples: &[DMatrix<f64>],
        exponent: f64,
    ) -> Result<PosteriorAccuracy, rieszflow_analytic::Error> {
        let problem = self.problem()?;
        let (mut distance, mut floor) = (0.0, 0.0);
        for (drawn, observation) in samples.iter().zip(observations.row_iter()) {
            let law = problem.posterior(observation.into_owned().as_slice())?;
            distance += discrepancy(drawn, None, &law, exponent)?.v_statistic;
            floor -= law.energy(exponent)? / drawn.nrows() as f64;
        }
        let count = samples.len() as f64;
        Ok(PosteriorAccuracy {
            discrepancy: distance / count,
            floor: floor / count,
        })
    }
}
