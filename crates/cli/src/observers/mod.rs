//! What watches a run: measurements, snapshots, kernels, checkpoints, progress.

mod checkpoints;
mod clock;
mod fresh_samples;
mod kernels;
mod metrics;
mod plausibility;
mod progress;
mod snapshots;

pub(crate) use checkpoints::{Checkpoints, Logs, Schedule};
pub(crate) use clock::Clock;
pub(crate) use fresh_samples::FreshSamples;
pub(crate) use kernels::Kernels;
pub(crate) use metrics::{Metrics, Table};
pub(crate) use plausibility::{Bounds, Implausible, Plausibility, Verdict};
pub(crate) use progress::Progress;
pub(crate) use snapshots::Snapshots;

use std::cell::RefCell;
use std::rc::Rc;

use crate::files::append_log::AppendLog;

/// A file that an observer appends to and whose length a checkpoint records.
pub(crate) type SharedLog = Rc<RefCell<AppendLog>>;
