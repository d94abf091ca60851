//! Posterior sampling: pairs of an unknown and its observation, and the observations to sample at.

mod conditions;
mod data;
mod problem;

pub use conditions::Conditions;
pub use data::{PairData, Pairs, Selection};
pub use problem::ExactProblem;
