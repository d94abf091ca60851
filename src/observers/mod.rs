//! What watches a run: measurements, snapshots, progress, figures.

mod metrics;
mod plots;
mod progress;
mod snapshots;

pub(crate) use metrics::{Metrics, Row, Table};
pub(crate) use plots::Plots;
pub(crate) use progress::Progress;
pub(crate) use snapshots::{Saved, Snapshots, chosen_steps};

use nalgebra::DMatrix;
use rieszflow_autodiff::Real;

/// Particles in double precision, exactly.
pub(crate) fn widen<T: Real>(particles: &DMatrix<T>) -> DMatrix<f64> {
    particles.map(Real::into_f64)
}
