//! Which time steps are saved and whose kernels are kept.

use std::fmt;
use std::str::FromStr;

use rieszflow_flows::{TimeStep, step_reaching};
use serde_with::{DeserializeFromStr, SerializeDisplay};

use crate::numbers::plain;

/// Which times are saved besides the first and the last.
#[derive(Clone, Debug, PartialEq, SerializeDisplay, DeserializeFromStr)]
pub enum SaveAt {
    /// Every K-th time step.
    Every(u64),
    /// The first time step that reaches each of these flow times.
    Times(Vec<f64>),
}

impl SaveAt {
    /// T/32, T/16, …, T/2: what suits a target that is approached ever more slowly.
    pub fn halving(time: f64) -> Self {
        Self::Times((1..=5).rev().map(|k| time / f64::from(1 << k)).collect())
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

/// The time steps whose learned kernels are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SerializeDisplay, DeserializeFromStr)]
pub enum KeepKernels {
    /// All, so that fresh particles can be pushed through the whole flow.
    All,
    /// None.
    None,
    /// Every K-th.
    Every(u64),
}

impl KeepKernels {
    /// Whether the kernel of time step `step`, counted from 1, is kept.
    pub fn keeps(self, step: u64) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Every(steps) => step.is_multiple_of(steps),
        }
    }
}

impl fmt::Display for KeepKernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::None => f.write_str("none"),
            Self::Every(steps) => write!(f, "every:{steps}"),
        }
    }
}

impl FromStr for KeepKernels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let every = |text: &str| text.strip_prefix("every:")?.parse().ok();
        match text {
            "all" => Ok(Self::All),
            "none" => Ok(Self::None),
            _ => every(text)
                .filter(|&steps| steps > 0)
                .map(Self::Every)
                .ok_or_else(|| format!("expected all, none or every:K, not '{text}'")),
        }
    }
}

/// The steps to save: the start, the last, and for each chosen time the first step that reaches it.
pub(crate) fn chosen_steps(save_at: &SaveAt, grid: &[TimeStep]) -> Vec<u64> {
    let last = grid.len() as u64;
    let mut steps: Vec<u64> = match save_at {
        SaveAt::Every(every) => (0..=last).step_by(*every as usize).collect(),
        SaveAt::Times(times) => times
            .iter()
            .map(|&time| step_reaching(time, grid))
            .collect(),
    };
    steps.extend([0, last]);
    steps.sort_unstable();
    steps.dedup();
    steps
}

/// Step sizes in a file: a number where they do not change, else text.
pub(super) mod tau {
    use std::fmt;

    use rieszflow_flows::StepSizes;
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(in crate::config) fn serialize<S: Serializer>(
        tau: &StepSizes,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut sizes = tau.sizes();
        match (sizes.next(), sizes.next()) {
            (Some(size), None) => serializer.serialize_f64(size),
            _ => serializer.collect_str(tau),
        }
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<StepSizes, D::Error> {
        deserializer.deserialize_any(Sizes)
    }

    struct Sizes;

    impl Visitor<'_> for Sizes {
        type Value = StepSizes;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a flow time such as 0.05, or text such as \"0.5,5:1,25:2\"")
        }

        fn visit_f64<E: Error>(self, size: f64) -> Result<StepSizes, E> {
            Ok(size.into())
        }

        fn visit_i64<E: Error>(self, size: i64) -> Result<StepSizes, E> {
            Ok((size as f64).into())
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<StepSizes, E> {
            text.parse().map_err(E::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rieszflow_flows::time_grid;

    #[test]
    fn the_first_and_last_step_are_always_chosen() {
        let grid = time_grid(&[], 0.1, 1.0).expect("a grid");
        assert_eq!(chosen_steps(&SaveAt::Every(4), &grid), [0, 4, 8, 10]);
        let times = SaveAt::Times(vec![0.3, 0.35, 1.0]);
        assert_eq!(chosen_steps(&times, &grid), [0, 3, 4, 10]);
    }
}
