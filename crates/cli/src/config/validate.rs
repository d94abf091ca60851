//! Which settings can be used, and what is said of one that cannot.

use rieszflow_flows::{RieszKernel, StepSizes};

use super::{
    Config, Experiment, GenerateSettings, KeepKernels, MmdSettings, PosteriorSettings, SaveAt,
    SchemeKind, SumsKind,
};
use crate::numbers::plain;
use crate::setting::{Phrase, SettingError, check};
use crate::targets::{ExactLaw, Target};

impl Config {
    /// Checks every setting.
    ///
    /// # Errors
    /// Names the first setting that is unusable, and what it would accept.
    pub fn validate(&self) -> Result<(), SettingError> {
        at_least("dim", self.dim as u64, 1)?;
        let valid = RieszKernel::new(self.exponent).is_ok();
        let expected = "strictly between 0 and 2 (the exponent r of the kernel −|x−y|ʳ)";
        check("exponent", valid, expected, &plain(self.exponent))?;
        self.validate_times()?;
        at_least("particles", self.particles as u64, 2)?;
        let valid = (0.0..1.0).contains(&self.momentum);
        let expected = "at least 0 and below 1";
        check("momentum", valid, expected, &plain(self.momentum))?;
        self.validate_sums()?;
        self.validate_scheme()?;
        if self.scheme != SchemeKind::Particle {
            self.validate_training()?;
            self.validate_keep_kernels()?;
        }
        self.validate_save_at()?;
        self.validate_experiment()
    }

    /// A chain belongs to data, and needs the size of its flow steps.
    fn validate_scheme(&self) -> Result<(), SettingError> {
        let generates = matches!(
            self.experiment,
            Experiment::Generate(_) | Experiment::Posterior(_)
        );
        let is_chain = self.scheme == SchemeKind::Chain;
        let expected = if generates {
            "chain to learn from data"
        } else {
            "backward, forward or particle"
        };
        check("scheme", generates == is_chain, expected, &self.scheme)?;
        if !is_chain {
            let unused = self.flow_step.map_or(String::new(), plain);
            let expected = "left out unless the scheme is chain";
            return check("flow-step", self.flow_step.is_none(), expected, &unused);
        }
        let step = self.flow_step.unwrap_or(0.0);
        let usable = is_positive(step) && self.tau.sizes().all(|tau| tau / step <= MOST_FLOW_STEPS);
        let expected = format!("positive, and at least a {MOST_FLOW_STEPS:e}th of a time step");
        check("flow-step", usable, expected, &plain(step))?;
        let keeps_all = self.keep_kernels == KeepKernels::All;
        let expected = "all (fresh samples pass through every network)";
        check("keep-kernels", keeps_all, expected, &self.keep_kernels)
    }

    fn validate_sums(&self) -> Result<(), SettingError> {
        if let Some(directions) = self.directions {
            at_least("directions", directions as u64, 1)?;
        }
        if self.sums == SumsKind::Exact {
            return Ok(());
        }
        let expected = Phrase::from("above 1/2 with ")
            .setting("sums")
            .text(" sliced (below, the gradient of a single direction has no finite variance)");
        let given = plain(self.exponent);
        check("exponent", self.exponent > 0.5, expected, &given)?;
        let expected = Phrase::from("exact for the implosion (its sums are on the line)");
        let implosion = self.experiment == Experiment::Implosion;
        check("sums", !implosion, expected, &self.sums)
    }

    fn validate_times(&self) -> Result<(), SettingError> {
        check_times(self.time, &self.tau)?;
        let unusable = self.initial_steps.iter().find(|&&size| !is_positive(size));
        let given = unusable.map_or(String::new(), |&size| plain(size));
        let expected = "positive and finite (flow times)";
        check("initial-steps", unusable.is_none(), expected, &given)
    }

    fn validate_training(&self) -> Result<(), SettingError> {
        let fits = (1..=self.particles).contains(&self.batch);
        let expected = Phrase::from("between 1 and ")
            .setting("particles")
            .text(format!(" {}", self.particles));
        check("batch", fits, expected, &self.batch)?;
        at_least("iterations", self.iterations, 1)?;
        at_least("first-iterations", self.first_iterations, 1)?;
        let phase = self.first_phase;
        let expected = "0 or more (a flow time)";
        check("first-phase", phase >= 0.0, expected, &plain(phase))?;
        at_least("width", self.width as u64, 1)?;
        at_least("hidden-layers", self.hidden_layers as u64, 1)?;
        if self.scheme == SchemeKind::Chain {
            let expected = "0 for a chain, whose networks are maps";
            check(
                "latent-dim",
                self.latent_dim == 0,
                expected,
                &self.latent_dim,
            )?;
        } else {
            at_least("latent-dim", self.latent_dim as u64, 1)?;
        }
        let rate = self.learning_rate;
        let expected = "positive and finite";
        check("learning-rate", is_positive(rate), expected, &plain(rate))?;
        let decay = self.learning_rate_decay;
        let valid = decay > 0.0 && decay <= 1.0;
        let expected = "greater than 0 and at most 1";
        check("learning-rate-decay", valid, expected, &plain(decay))
    }

    fn validate_save_at(&self) -> Result<(), SettingError> {
        let time = plain(self.time);
        let expected = Phrase::from("times between 0 and ")
            .setting("time")
            .text(format!(" {time}, or every:K with K at least 1"));
        let valid = match &self.save_at {
            SaveAt::Every(steps) => *steps >= 1,
            SaveAt::Times(times) => times.iter().all(|t| (0.0..=self.time).contains(t)),
        };
        check("save-at", valid, expected, &self.save_at)
    }

    fn validate_keep_kernels(&self) -> Result<(), SettingError> {
        let KeepKernels::Every(every) = self.keep_kernels else {
            return Ok(());
        };
        let steps = self.time_grid().len() as u64;
        let expected =
            format!("all, none or every:K with K at most {steps}, the number of time steps");
        let valid = (1..=steps).contains(&every);
        check("keep-kernels", valid, expected, &self.keep_kernels)
    }

    /// The implosion has one dimension and exponent, and the forward scheme cannot start at atoms for
    /// r < 1.
    fn validate_experiment(&self) -> Result<(), SettingError> {
        match &self.experiment {
            Experiment::Implosion => {
                check("dim", self.dim == 2, "2, the plane", &self.dim)?;
                let given = plain(self.exponent);
                return check("exponent", self.exponent == 1.0, "1", &given);
            }
            Experiment::Interaction => {}
            Experiment::Mmd(mmd) => mmd.validate()?,
            Experiment::Generate(generate) => return generate.validate(),
            Experiment::Posterior(posterior) => return posterior.validate(),
        }
        let forward = self.scheme == SchemeKind::Forward;
        let refused = forward && self.exponent < 1.0 && self.starts_at_atoms();
        let expected = Phrase::from("at least 1 with ")
            .setting("scheme")
            .text(
                " forward from a Dirac (for smaller r the energy has no finite one-sided \
                 derivative where particles coincide, so there is no direction of steepest \
                 descent; ",
            )
            .setting("scheme")
            .text(" backward has no such limit)");
        check("exponent", !refused, expected, &plain(self.exponent))
    }
}

impl MmdSettings {
    /// Checks the settings of target and start.
    ///
    /// # Errors
    /// Names the first that is unusable, and what it would accept.
    pub fn validate(&self) -> Result<(), SettingError> {
        let expected = "positive and at most 1000 (pixels of an image of 100×100)";
        let usable = self.sigma > 0.0 && self.sigma <= 1000.0;
        check("sigma", usable, expected, &plain(self.sigma))?;
        if let Some(count) = self.target_particles {
            at_least("target-particles", count as u64, 1)?;
        }
        if let Target::Law(ExactLaw::GaussianMixture(components)) = self.target {
            let expected = Phrase::from("gaussian-mixture:K with K at most ");
            let most = self.target_particles.unwrap_or(ExactLaw::MOST_COMPONENTS);
            let expected = match self.target_particles {
                Some(_) => expected
                    .setting("target-particles")
                    .text(format!(" {most}")),
                None => expected
                    .text(format!("{most}, or more with particles drawn by "))
                    .setting("target-particles"),
            };
            check("target", components <= most, expected, &self.target)?;
        }
        at_least("count", self.count as u64, 1)
    }
}

impl GenerateSettings {
    /// Checks the settings that can be judged without the data.
    ///
    /// # Errors
    /// Names the first that is unusable, and what it would accept.
    pub fn validate(&self) -> Result<(), SettingError> {
        if let Some(count) = self.count {
            at_least("count", count as u64, 1)?;
        }
        at_least("held-out", self.held_out as u64, 2)
    }
}

impl PosteriorSettings {
    /// Checks the settings that can be judged without the pairs.
    ///
    /// # Errors
    /// Names the first that is unusable, and what it would accept.
    pub fn validate(&self) -> Result<(), SettingError> {
        if let Some(count) = self.count {
            at_least("count", count as u64, 1)?;
        }
        let scale = self.observation_scale;
        let valid = (1e-3..=1e3).contains(&scale);
        let expected = "between 1e-3 and 1e3 (standard deviations of the unknowns)";
        check("observation-scale", valid, expected, &plain(scale))?;
        at_least("held-out", self.held_out as u64, 2)
    }
}

/// Most steps of the particle flow in a time step of a chain.
const MOST_FLOW_STEPS: f64 = 1e6;

/// Checks a final flow time and a step size: both positive, and no more than 10⁷ steps.
///
/// # Errors
/// Names the one that is unusable, and what it would accept.
pub fn check_times(time: f64, tau: &StepSizes) -> Result<(), SettingError> {
    let given_time = plain(time);
    let expected = "positive and finite (a flow time)";
    check("time", is_positive(time), expected, &given_time)?;
    for tau in tau.sizes() {
        let given = plain(tau);
        check("tau", is_positive(tau), expected, &given)?;
        // Flow times are kept to twelve decimals.
        let kept = (1e-9..=1e9).contains(&tau);
        check("tau", kept, "between 1e-9 and 1e9 (a flow time)", &given)?;
        let expected = Phrase::from("between a 10⁷th of ")
            .setting("time")
            .text(format!(" {given_time} and 10⁷ times it"));
        let usable = (1e-7..=1e7).contains(&(time / tau));
        check("tau", usable, expected, &given)?;
    }
    Ok(())
}

fn at_least(setting: &'static str, value: u64, least: u64) -> Result<(), SettingError> {
    check(setting, value >= least, format!("at least {least}"), &value)
}

fn is_positive(size: f64) -> bool {
    size > 0.0 && size.is_finite()
}
