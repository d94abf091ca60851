//! Measures that are given as they are: particles from a file, or an exact law.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use super::syntax::{unknown, utf8};
use super::{ExactLaw, Target};

/// A measure that is not drawn from anything: particles from a CSV, numpy or IDX file, or an exact law.
///
/// ```
/// use rieszflow_cli::targets::GivenMeasure;
///
/// assert!("csv:points.csv".parse::<GivenMeasure>().is_ok());
/// assert!("gaussian:2".parse::<GivenMeasure>().is_ok());
/// assert!("smiley".parse::<GivenMeasure>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GivenMeasure(Target);

const FORMS: [&str; 8] = [
    "csv:PATH",
    "npy:PATH",
    "idx:PATH",
    "equilibrium:A",
    "sphere:A",
    "ball:A",
    "gaussian:S",
    "gaussian-mixture:K",
];

impl GivenMeasure {
    /// The measure as a target.
    pub fn target(&self) -> &Target {
        &self.0
    }

    /// The law, if it is one.
    pub fn law(&self) -> Option<ExactLaw> {
        match self.0 {
            Target::Law(law) => Some(law),
            _ => None,
        }
    }

    /// Reads a measure as it is written on a command line.
    ///
    /// # Errors
    /// If it is no measure, or its path is not UTF-8.
    pub fn from_os_str(text: &OsStr) -> Result<Self, String> {
        utf8(text)?.parse()
    }
}

impl FromStr for GivenMeasure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.split_once(':').map(|(name, _)| name);
        let known = |form: &&str| form.split_once(':').map(|(name, _)| name) == name;
        if name.is_none() || !FORMS.iter().any(known) {
            return Err(unknown(text, &FORMS));
        }
        let target: Target = text.parse()?;
        let most = ExactLaw::MOST_COMPONENTS;
        match target {
            Target::Law(ExactLaw::GaussianMixture(components)) if components > most => Err(
                format!("expected gaussian-mixture:K with K at most {most}, not '{text:.100}'"),
            ),
            _ => Ok(Self(target)),
        }
    }
}

impl fmt::Display for GivenMeasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
