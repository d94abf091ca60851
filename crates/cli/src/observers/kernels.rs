//! Keeps the learned kernels of the chosen time steps, from which fresh particles can be drawn.

use rieszflow_flows::scheme::StepReport;
use rieszflow_flows::{Observer, ObserverError, State};
use rieszflow_numerics::Real;

use super::SharedJournal;
use crate::config::KeepKernels;
use crate::files::kernels::Layout;

/// Appends the kernel of each chosen time step to a journal.
pub(crate) struct Kernels {
    pub(crate) keep: KeepKernels,
    pub(crate) layout: Layout,
    pub(crate) journal: SharedJournal,
}

impl<T: Real> Observer<T> for Kernels {
    fn step(&mut self, state: &State<T>, _: &StepReport) -> Result<(), ObserverError> {
        if let Some(learned) = &state.learned
            && self.keep.keeps(state.step)
        {
            self.journal
                .borrow_mut()
                .append(&self.layout.encode(learned))?;
        }
        Ok(())
    }
}
