//! The configuration of a run: every setting resolved, as written to and read from `config.toml`.

use std::fmt;
use std::str::FromStr;

use rieszflow_flows::scheme::Training;
use rieszflow_flows::{RieszKernel, TimeStep, time_grid};
use serde::{Deserialize, Serialize};

use crate::numbers::plain;

/// What flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Experiment {
    /// The interaction energy from a Dirac at 0.
    Interaction,
    /// The implosion-explosion example in the plane.
    Implosion,
}

/// Which scheme approximates the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SchemeKind {
    /// The neural backward (JKO) scheme.
    Backward,
    /// The neural forward scheme (Wasserstein steepest descent).
    Forward,
    /// The particle flow.
    Particle,
}

/// In which precision particles and networks are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

/// Which times are saved besides the first and the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SaveAt {
    /// Every K-th time step.
    Every(u64),
    /// The first time step that reaches each of these flow times.
    Times(Vec<f64>),
}

/// Every setting of a run. Equal configurations give equal results, to the bit on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// What flows.
    pub experiment: Experiment,
    /// Which scheme approximates it.
    pub scheme: SchemeKind,
    /// d, the dimension of the space.
    pub dim: usize,
    /// r, the exponent of the Riesz kernel, 0 < r < 2.
    pub exponent: f64,
    /// τ, the size of a time step, in flow time.
    pub tau: f64,
    /// Sizes of the first time steps, if they are not τ; then the grid returns to multiples of τ.
    pub initial_steps: Vec<f64>,
    /// The final flow time.
    pub time: f64,
    /// N, the number of particles.
    pub particles: usize,
    /// B, the size of a minibatch.
    pub batch: usize,
    /// Iterations per time step while t < 1.
    pub first_iterations: u64,
    /// Iterations per time step from t = 1 on.
    pub iterations: u64,
    /// Width of the hidden layers.
    pub width: usize,
    /// Number of hidden layers.
    pub hidden_layers: usize,
    /// m, the dimension of the latent variable.
    pub latent_dim: usize,
    /// Adam's learning rate.
    pub learning_rate: f64,
    /// The fraction of it that is left at the end of each time step.
    pub learning_rate_decay: f64,
    /// Keys all random numbers.
    pub seed: u64,
    /// In which precision particles and networks are computed.
    pub precision: Precision,
    /// Which times are saved.
    pub save_at: SaveAt,
}

/// A setting that cannot be used, by the name of its option.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("--{option} must be {expected}, not {given}")]
pub struct ConfigError {
    /// The option's name without dashes.
    pub option: &'static str,
    /// What would be accepted.
    pub expected: String,
    /// What was given.
    pub given: String,
}

impl Config {
    /// Checks every setting.
    ///
    /// # Errors
    /// Names the first option that is unusable, and what it would accept.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let at_least = |option, value: usize, least: usize| {
            check(option, value >= least, &format!("at least {least}"), &value)
        };
        at_least("dim", self.dim, 1)?;
        let valid = RieszKernel::new(self.exponent).is_ok();
        let expected = "strictly between 0 and 2 (the exponent r of the kernel −|x−y|ʳ)";
        check("exponent", valid, expected, &plain(self.exponent))?;
        self.validate_times()?;
        at_least("particles", self.particles, 2)?;
        if self.scheme != SchemeKind::Particle {
            self.validate_training()?;
        }
        self.validate_save_at()?;
        self.validate_start()
    }

    fn validate_times(&self) -> Result<(), ConfigError> {
        check_times(self.time, self.tau)?;
        let unusable = self.initial_steps.iter().find(|&&size| !is_positive(size));
        check(
            "initial-steps",
            unusable.is_none(),
            "positive and finite (flow times)",
            &unusable.map_or(String::new(), |&size| plain(size)),
        )
    }

    fn validate_training(&self) -> Result<(), ConfigError> {
        let at_least_one = |option, value: u64| check(option, value >= 1, "at least 1", &value);
        let fits = (1..=self.particles).contains(&self.batch);
        let expected = format!("between 1 and --particles {}", self.particles);
        check("batch", fits, &expected, &self.batch)?;
        at_least_one("iterations", self.iterations)?;
        at_least_one("first-iterations", self.first_iterations)?;
        at_least_one("width", self.width as u64)?;
        at_least_one("hidden-layers", self.hidden_layers as u64)?;
        at_least_one("latent-dim", self.latent_dim as u64)?;
        let rate = self.learning_rate;
        check(
            "learning-rate",
            is_positive(rate),
            "positive and finite",
            &plain(rate),
        )?;
        let decay = self.learning_rate_decay;
        let valid = decay > 0.0 && decay <= 1.0;
        let expected = "greater than 0 and at most 1";
        check("learning-rate-decay", valid, expected, &plain(decay))
    }

    fn validate_save_at(&self) -> Result<(), ConfigError> {
        let time = plain(self.time);
        let expected = format!("times between 0 and --time {time}, or every:K with K at least 1");
        let valid = match &self.save_at {
            SaveAt::Every(steps) => *steps >= 1,
            SaveAt::Times(times) => times.iter().all(|t| (0.0..=self.time).contains(t)),
        };
        check("save-at", valid, &expected, &self.save_at)
    }

    /// The forward scheme cannot start at a Dirac for r < 1; the example in the plane is what it is.
    fn validate_start(&self) -> Result<(), ConfigError> {
        if self.experiment == Experiment::Implosion {
            check("dim", self.dim == 2, "2, the plane", &self.dim)?;
            let given = plain(self.exponent);
            return check("exponent", self.exponent == 1.0, "1", &given);
        }
        let refused = self.scheme == SchemeKind::Forward && self.exponent < 1.0;
        let expected = "at least 1 with --scheme forward from a Dirac (for smaller r the energy \
                        has no finite one-sided derivative where particles coincide, so there is \
                        no direction of steepest descent; --scheme backward has no such limit)";
        check("exponent", !refused, expected, &plain(self.exponent))
    }

    /// The time steps.
    ///
    /// # Panics
    /// If the configuration is not valid.
    pub fn time_grid(&self) -> Vec<TimeStep> {
        time_grid(&self.initial_steps, self.tau, self.time).expect("a valid configuration")
    }

    /// How the neural schemes learn.
    pub fn training(&self) -> Training {
        Training {
            hidden_layers: self.hidden_layers,
            width: self.width,
            latent_dim: self.latent_dim,
            batch: self.batch,
            first_iterations: self.first_iterations,
            iterations: self.iterations,
            learning_rate: self.learning_rate,
            learning_rate_decay: self.learning_rate_decay,
            seed: self.seed,
        }
    }
}

/// Checks a final flow time and a step size: both positive, and no more than 10⁷ steps.
///
/// # Errors
/// Names the one that is unusable, and what it would accept.
pub fn check_times(time: f64, tau: f64) -> Result<(), ConfigError> {
    let (given_time, given_tau) = (plain(time), plain(tau));
    let expected = "positive and finite (a flow time)";
    check("time", is_positive(time), expected, &given_time)?;
    check("tau", is_positive(tau), expected, &given_tau)?;
    // Flow times are kept to twelve decimals.
    let kept = (1e-9..=1e9).contains(&tau);
    let expected = "between 1e-9 and 1e9 (a flow time)";
    check("tau", kept, expected, &given_tau)?;
    let expected = format!("between a 10⁷th of --time {given_time} and 10⁷ times it");
    let reasonable = (1e-7..=1e7).contains(&(time / tau));
    check("tau", reasonable, &expected, &given_tau)
}

fn is_positive(size: f64) -> bool {
    size > 0.0 && size.is_finite()
}

pub(crate) fn check(
    option: &'static str,
    valid: bool,
    expected: &str,
    given: &dyn ToString,
) -> Result<(), ConfigError> {
    if valid {
        return Ok(());
    }
    Err(ConfigError {
        option,
        expected: expected.to_owned(),
        given: given.to_string(),
    })
}

impl SchemeKind {
    /// The scheme in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Backward => "neural backward scheme",
            Self::Forward => "neural forward scheme",
            Self::Particle => "particle flow",
        }
    }
}

impl fmt::Display for SchemeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backward => "backward",
            Self::Forward => "forward",
            Self::Particle => "particle",
        })
    }
}

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interaction => "interaction",
            Self::Implosion => "implosion",
        })
    }
}

impl fmt::Display for SaveAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(steps) => write!(f, "every:{steps}"),
            Self::Times(times) => {
                let times: Vec<String> = times.iter().copied().map(plain).collect();
                f.write_str(&times.join(","))
            }
        }
    }
}

impl FromStr for SaveAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected flow times t1,t2,… or every:K, not '{text}'");
        if let Some(steps) = text.strip_prefix("every:") {
            return steps.parse().map(Self::Every).map_err(|_| expected());
        }
        let times = text.split(',').map(|time| time.trim().parse::<f64>());
        let times = times.collect::<Result<Vec<f64>, _>>();
        times.map(Self::Times).map_err(|_| expected())
    }
}

impl TryFrom<String> for SaveAt {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<SaveAt> for String {
    fn from(save_at: SaveAt) -> Self {
        save_at.to_string()
    }
}
