//! What watches a run: measurements, snapshots, kernels, checkpoints, progress.

mod checkpoints;
mod clock;
mod kernels;
mod metrics;
mod progress;
mod snapshots;

pub(crate) use checkpoints::{Checkpoints, Journals, Schedule};
pub(crate) use clock::Clock;
pub(crate) use kernels::Kernels;
pub(crate) use metrics::{Metrics, Row, Table};
pub(crate) use progress::Progress;
pub(crate) use snapshots::{
    Snapshot, Snapshots, chosen_steps, coordinate_names, read_snapshots, step_reaching,
};

use std::cell::RefCell;
use std::rc::Rc;

use nalgebra::DMatrix;
use rieszflow_numerics::Real;

use crate::files::journal::Journal;

/// A journal that an observer writes and a checkpoint takes note of.
pub(crate) type SharedJournal = Rc<RefCell<Journal>>;

/// Particles in double precision, exactly.
pub(crate) fn widen<T: Real>(particles: &DMatrix<T>) -> DMatrix<f64> {
    particles.map(Real::into_f64)
}
