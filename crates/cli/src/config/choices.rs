//! Settings that are one of a few names: the experiment, the scheme, the precision.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_with::{DeserializeFromStr, SerializeDisplay};

use super::{Experiment, MmdSettings};
use crate::setting::unknown_name;

/// Which scheme approximates the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SerializeDisplay, DeserializeFromStr)]
pub enum SchemeKind {
    /// The neural backward (JKO) scheme.
    Backward,
    /// The neural forward scheme (Wasserstein steepest descent).
    Forward,
    /// The particle flow.
    Particle,
}

impl SchemeKind {
    /// All schemes.
    pub const ALL: [Self; 3] = [Self::Backward, Self::Forward, Self::Particle];

    /// The scheme as settings name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backward => "backward",
            Self::Forward => "forward",
            Self::Particle => "particle",
        }
    }

    /// The scheme in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Backward => "neural backward scheme",
            Self::Forward => "neural forward scheme",
            Self::Particle => "particle flow",
        }
    }

    /// Whether a network is trained in every time step.
    pub fn is_neural(self) -> bool {
        self != Self::Particle
    }
}

impl fmt::Display for SchemeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SchemeKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        of_name(text, Self::ALL.map(|scheme| (scheme.as_str(), scheme)))
    }
}

/// In which precision particles and networks are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SerializeDisplay, DeserializeFromStr)]
pub enum Precision {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl Precision {
    /// Both precisions.
    pub const ALL: [Self; 2] = [Self::F32, Self::F64];

    /// The precision as settings name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

impl Precision {
    /// The largest coordinate whose distances, squared, are still finite numbers.
    pub(crate) fn largest_coordinate(self) -> f64 {
        match self {
            Self::F32 => 1e15,
            Self::F64 => 1e150,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        of_name(
            text,
            Self::ALL.map(|precision| (precision.as_str(), precision)),
        )
    }
}

/// How sums over pairs of particles are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, SerializeDisplay, DeserializeFromStr)]
pub enum SumsKind {
    /// Over all pairs.
    #[default]
    Exact,
    /// Estimated by slicing.
    Sliced,
}

impl SumsKind {
    /// Both ways.
    pub const ALL: [Self; 2] = [Self::Exact, Self::Sliced];

    /// The way as settings name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Sliced => "sliced",
        }
    }
}

impl fmt::Display for SumsKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SumsKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        of_name(text, Self::ALL.map(|sums| (sums.as_str(), sums)))
    }
}

/// The value of this name.
fn of_name<V: Copy, const K: usize>(name: &str, values: [(&str, V); K]) -> Result<V, String> {
    let found = values.iter().find(|(key, _)| *key == name);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| unknown_name(name, &values.map(|(key, _)| key)))
}

const EXPERIMENTS: [&str; 3] = ["interaction", "implosion", "mmd"];

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interaction => EXPERIMENTS[0],
            Self::Implosion => EXPERIMENTS[1],
            Self::Mmd(_) => EXPERIMENTS[2],
        })
    }
}

impl<'de> Deserialize<'de> for Experiment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExperimentVisitor)
    }
}

/// Reads `experiment = "interaction"`, or the table `[experiment.mmd]`.
struct ExperimentVisitor;

impl<'de> Visitor<'de> for ExperimentVisitor {
    type Value = Experiment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"interaction\", \"implosion\" or a table [experiment.mmd]")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Experiment, E> {
        match name {
            "interaction" => Ok(Experiment::Interaction),
            "implosion" => Ok(Experiment::Implosion),
            "mmd" => Err(E::custom(
                "expected a table [experiment.mmd] with the target and the start, not 'mmd' alone",
            )),
            _ => Err(E::custom(unknown_name(name, &EXPERIMENTS))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Experiment, A::Error> {
        let expected = || A::Error::custom("expected one table, [experiment.mmd]");
        let name: String = map.next_key()?.ok_or_else(expected)?;
        if name != "mmd" {
            return Err(expected());
        }
        let settings: MmdSettings = map.next_value()?;
        if map.next_key::<String>()?.is_some() {
            return Err(expected());
        }
        Ok(Experiment::Mmd(settings))
    }
}
