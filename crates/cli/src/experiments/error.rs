//! Why an experiment cannot be set up.

use std::fmt::{Display, Formatter, Result as Written};

use crate::setting::{Phrase, SettingError};
use crate::targets::TargetError;

/// A configuration whose start, target, functional or reference measure cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// A setting does not fit the start or the target.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The target or the start is unusable.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The closed form has no value for these settings.
    #[error(fmt = no_closed_form)]
    Analytic(#[from] rieszflow_analytic::Error),
    /// The functional is not defined for these settings.
    #[error(transparent)]
    Flow(#[from] rieszflow_flows::Error),
}

fn no_closed_form(error: &rieszflow_analytic::Error, f: &mut Formatter<'_>) -> Written {
    let settings = Phrase::default()
        .setting("exponent")
        .text(", ")
        .setting("dim")
        .text(" or ")
        .setting("time")
        .text(" is out of reach: ");
    settings.fmt(f)?;
    error.fmt(f)
}
