//! Pushes fresh samples through each network of a chain as it is learned, and ends the chain in time.

use std::fs;
use std::path::PathBuf;

use rieszflow_flows::scheme::StepReport;
use rieszflow_flows::{HeldOut, Observer, ObserverError, State};
use rieszflow_numerics::Real;

use crate::experiments::HeldOutFound;
use crate::files::kernels::KernelFormat;

/// The stopping rule of a chain. It comes before the observer of the metrics, which records what it finds.
pub(crate) struct FreshSamples<T: Real> {
    pub(crate) held_out: HeldOut<T>,
    pub(crate) found: HeldOutFound,
    /// Where the networks so far are.
    pub(crate) kernels: (KernelFormat, PathBuf),
}

impl<T: Real> FreshSamples<T> {
    fn publish(&self) {
        self.found.set(self.held_out.discrepancies());
    }
}

impl<T: Real> Observer<T> for FreshSamples<T> {
    /// Passes the networks that a resumed run has learned before.
    fn start(&mut self, state: &State<T>) -> Result<(), ObserverError> {
        if state.step > 0 {
            let (format, path) = &self.kernels;
            let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let networks = format.read_appended(&bytes).take(state.step as usize);
            for (parameters, transport) in networks {
                self.held_out.add(&parameters, &transport);
            }
        }
        self.publish();
        Ok(())
    }

    fn step(&mut self, state: &State<T>, report: &StepReport) -> Result<(), ObserverError> {
        self.held_out.step(state, report)?;
        self.publish();
        Ok(())
    }

    fn is_done(&self) -> bool {
        Observer::<T>::is_done(&self.held_out)
    }
}
