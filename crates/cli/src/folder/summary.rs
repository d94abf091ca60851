//! `summary.json`: how a run ended.

use serde::{Deserialize, Serialize};

use super::Row;
use crate::setting::Phrase;

/// The source of the method.
pub(crate) const CITATION: &str = "Altekrüger, Hertrich, Steidl: Neural Wasserstein Gradient Flows for Discrepancies with Riesz \
     Kernels. ICML 2023 (arXiv:2301.11624)";

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The final time was reached.
    Completed,
    /// A particle, the functional or the loss was no longer a finite number.
    Diverged,
    /// The run was interrupted and can be resumed.
    Interrupted,
}

/// The part of a `summary.json` that is read back.
#[derive(Deserialize)]
pub(crate) struct SavedSummary {
    pub(crate) status: Status,
    pub(crate) reason: Option<String>,
    pub(crate) valid_until: Option<f64>,
    /// The flow time reached.
    pub(crate) time: Option<f64>,
    pub(crate) sample_time: Option<f64>,
}

/// The content of `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// How the run ended.
    pub status: Status,
    /// Where and why it diverged, if it did.
    pub reason: Option<Phrase>,
    /// Where a completed flow has a result that cannot be right, and the likely cause.
    pub warning: Option<Phrase>,
    /// Where the precision does not suffice for the data or the time steps, and what to change.
    pub rounding: Option<Phrase>,
    /// Whether the flow is stationary: no direction decreases the functional at first order.
    pub stationary: bool,
    /// Number of time steps done.
    pub steps: u64,
    /// The flow time reached.
    pub time: f64,
    /// The flow time until which the results stand, if the flow diverged.
    pub valid_until: Option<f64>,
    /// What the discrepancies are measured to: the exact measure or the target.
    pub reference: &'static str,
    /// D² to the reference at the end, V-statistic.
    pub discrepancy: Option<f64>,
    /// The same with the U-statistic for the particles.
    pub discrepancy_u: Option<f64>,
    /// D² to the target at the end, where the reference is the exact flow towards it, or data held out.
    pub discrepancy_target: Option<f64>,
    /// Of a chain, the flow time after the networks whose fresh samples are nearest to the data held out, which
    /// is where samples are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_time: Option<f64>,
    /// D² of fresh samples to the data held out at that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_discrepancy: Option<f64>,
    /// Of a problem with an exact posterior, D² of 1000 draws to it, in the mean over 50 observations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub posterior_discrepancy: Option<f64>,
    /// The same of as many independent draws from the exact posterior, in expectation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub posterior_floor: Option<f64>,
    /// The mean D² of as many independent draws from the reference.
    pub sampling_floor: Option<f64>,
    /// The functional at the end.
    pub functional: Option<f64>,
    /// The scale of the closed form at the end.
    pub scale_exact: Option<f64>,
    /// √(mean|x|²/m₂) at the end.
    pub scale_measured: Option<f64>,
    /// Wall time of the whole run in seconds, added up over interruptions.
    pub wall_seconds: f64,
    /// Version of this program.
    pub version: &'static str,
    /// The seed.
    pub seed: u64,
    /// Number of threads that were used.
    pub threads: usize,
    /// Number of processes that shared the work.
    pub ranks: usize,
    /// What to cite.
    pub citation: &'static str,
}

impl Summary {
    /// The summary with the measurements of the last time step.
    pub(crate) fn measured(self, last: Option<&Row>) -> Self {
        let scale = last.and_then(|row| row.scale);
        Self {
            discrepancy: last.and_then(|row| row.discrepancy),
            discrepancy_u: last.and_then(|row| row.discrepancy_u),
            discrepancy_target: last.and_then(|row| row.discrepancy_target),
            functional: last.map(|row| row.functional),
            scale_exact: scale.map(|scale| scale.exact),
            scale_measured: scale.map(|scale| scale.measured),
            ..self
        }
    }
}
