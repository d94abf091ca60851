//! Which settings can be used, and what is said of one that cannot.

use rieszflow_flows::{RieszKernel, StepSizes};

use super::{Config, Experiment, KeepKernels, Mmd, SaveAt, SchemeKind};
use crate::numbers::plain;
use crate::setting::SettingError;
use crate::targets::Start;

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

impl From<ConfigError> for SettingError {
    fn from(error: ConfigError) -> Self {
        Self {
            setting: error.option,
            expected: error.expected.into(),
            given: error.given,
        }
    }
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
            self.validate_keep_kernels()?;
        }
        self.validate_save_at()?;
        self.validate_experiment()
    }

    fn validate_times(&self) -> Result<(), ConfigError> {
        check_times(self.time, &self.tau)?;
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

    fn validate_keep_kernels(&self) -> Result<(), ConfigError> {
        let KeepKernels::Every(every) = self.keep_kernels else {
            return Ok(());
        };
        let steps = self.time_grid().len() as u64;
        let expected =
            format!("all, none or every:K with K at most {steps}, the number of time steps");
        let valid = (1..=steps).contains(&every);
        check("keep-kernels", valid, &expected, &self.keep_kernels)
    }

    /// The examples are what they are, and the forward scheme cannot start at atoms for r < 1.
    fn validate_experiment(&self) -> Result<(), ConfigError> {
        match &self.experiment {
            Experiment::Implosion => {
                check("dim", self.dim == 2, "2, the plane", &self.dim)?;
                let given = plain(self.exponent);
                return check("exponent", self.exponent == 1.0, "1", &given);
            }
            Experiment::Interaction => {}
            Experiment::Mmd(mmd) => mmd.validate()?,
        }
        let from_atoms = match &self.experiment {
            Experiment::Mmd(mmd) => matches!(mmd.start, Start::Dirac(_) | Start::Diracs(_)),
            _ => true,
        };
        let refused = self.scheme == SchemeKind::Forward && self.exponent < 1.0 && from_atoms;
        let expected = "at least 1 with --scheme forward from a Dirac (for smaller r the energy \
                        has no finite one-sided derivative where particles coincide, so there is \
                        no direction of steepest descent; --scheme backward has no such limit)";
        check("exponent", !refused, expected, &plain(self.exponent))
    }
}

impl Mmd {
    fn validate(&self) -> Result<(), ConfigError> {
        let expected = "positive and at most 1000 (pixels of an image of 100×100)";
        let usable = self.sigma > 0.0 && self.sigma <= 1000.0;
        check("sigma", usable, expected, &plain(self.sigma))?;
        let some = self.target_particles >= 1;
        check(
            "target-particles",
            some,
            "at least 1",
            &self.target_particles,
        )?;
        check("count", self.count >= 1, "at least 1", &self.count)
    }
}

/// Checks a final flow time and a step size: both positive, and no more than 10⁷ steps.
///
/// # Errors
/// Names the one that is unusable, and what it would accept.
pub fn check_times(time: f64, tau: &StepSizes) -> Result<(), ConfigError> {
    let given_time = plain(time);
    let expected = "positive and finite (a flow time)";
    check("time", is_positive(time), expected, &given_time)?;
    for tau in tau.sizes() {
        let given = plain(tau);
        check("tau", is_positive(tau), expected, &given)?;
        // Flow times are kept to twelve decimals.
        let kept = (1e-9..=1e9).contains(&tau);
        check("tau", kept, "between 1e-9 and 1e9 (a flow time)", &given)?;
        let expected = format!("between a 10⁷th of --time {given_time} and 10⁷ times it");
        check(
            "tau",
            (1e-7..=1e7).contains(&(time / tau)),
            &expected,
            &given,
        )?;
    }
    Ok(())
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
