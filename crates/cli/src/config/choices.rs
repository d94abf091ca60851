//! Settings that are one of a few names: the experiment, the scheme, the precision.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_with::{DeserializeFromStr, SerializeDisplay};

use super::Experiment;
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
    /// The generative chain, which belongs to the experiment of that kind.
    Chain,
}

impl SchemeKind {
    /// The schemes that a flow can choose from.
    pub const ALL: [Self; 3] = [Self::Backward, Self::Forward, Self::Particle];

    /// The scheme as settings name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backward => "backward",
            Self::Forward => "forward",
            Self::Particle => "particle",
            Self::Chain => "chain",
        }
    }

    /// The scheme in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Backward => "neural backward scheme",
            Self::Forward => "neural forward scheme",
            Self::Particle => "particle flow",
            Self::Chain => "chain of networks",
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
        let all = [Self::ALL.as_slice(), &[Self::Chain]].concat();
        let all = <[Self; 4]>::try_from(all).expect("four schemes");
        of_name(text, all.map(|scheme| (scheme.as_str(), scheme)))
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

const EXPERIMENTS: [&str; 5] = ["interaction", "implosion", "mmd", "generate", "posterior"];

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interaction => EXPERIMENTS[0],
            Self::Implosion => EXPERIMENTS[1],
            Self::Mmd(_) => EXPERIMENTS[2],
            Self::Generate(_) => EXPERIMENTS[3],
            Self::Posterior(_) => EXPERIMENTS[4],
        })
    }
}

impl<'de> Deserialize<'de> for Experiment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExperimentVisitor)
    }
}

/// Reads `experiment = "interaction"`, or a table such as `[experiment.mmd]`.
struct ExperimentVisitor;

impl<'de> Visitor<'de> for ExperimentVisitor {
    type Value = Experiment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"interaction\", \"implosion\" or a table [experiment.mmd], [experiment.generate] or [experiment.posterior]")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Experiment, E> {
        match name {
            "interaction" => Ok(Experiment::Interaction),
            "implosion" => Ok(Experiment::Implosion),
            "mmd" => Err(E::custom(
                "expected a table [experiment.mmd] with the target and the start, not 'mmd' alone",
            )),
            "generate" => Err(E::custom(
                "expected a table [experiment.generate] with the data, not 'generate' alone",
            )),
            "posterior" => Err(E::custom(
                "expected a table [experiment.posterior] with the data, not 'posterior' alone",
            )),
            _ => Err(E::custom(unknown_name(name, &EXPERIMENTS))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Experiment, A::Error> {
        let expected = || {
            A::Error::custom(
                "expected one table, [experiment.mmd], [experiment.generate] or [experiment.posterior]",
            )
        };
        let name: String = map.next_key()?.ok_or_else(expected)?;
        let experiment = match name.as_str() {
            "mmd" => Experiment::Mmd(map.next_value()?),
            "generate" => Experiment::Generate(map.next_value()?),
            "posterior" => Experiment::Posterior(map.next_value()?),
            _ => return Err(expected()),
        };
        if map.next_key::<String>()?.is_some() {
            return Err(expected());
        }
        Ok(experiment)
    }
}
