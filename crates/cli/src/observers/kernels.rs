//! Keeps the learned kernels of the chosen time steps, through which `sample` pushes fresh particles.

use rieszflow_flows::scheme::StepReport;
use rieszflow_flows::{Observer, ObserverError, State};
use rieszflow_numerics::Real;

use super::SharedLog;
use crate::config::KeepKernels;
use crate::files::kernels::KernelFormat;

/// Appends the kernel of each chosen time step to a file.
pub(crate) struct Kernels {
    pub(crate) keep: KeepKernels,
    pub(crate) format: KernelFormat,
    pub(crate) log: SharedLog,
}

impl<T: Real> Observer<T> for Kernels {
    fn step(&mut self, state: &State<T>, _: &StepReport) -> Result<(), ObserverError> {
        if let Some(kernel) = state.kernel()
            && self.keep.keeps(state.step)
        {
            let bytes = self.format.encode(kernel);
            self.log.borrow_mut().append(&bytes)?;
        }
        Ok(())
    }
}
