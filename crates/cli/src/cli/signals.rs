//! Ctrl-C and SIGTERM: the first interrupts the run, the second ends the program at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::{Failure, INTERRUPTED};

/// Makes the first signal set `stop`, and the second end the program.
pub(super) fn listen(stop: &Arc<AtomicBool>) -> Result<(), Failure> {
    register(stop).map_err(|error| Failure::run(format!("cannot listen to signals: {error}")))
}

fn register(stop: &Arc<AtomicBool>) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag unset.
        flag::register_conditional_shutdown(signal, INTERRUPTED.into(), Arc::clone(stop))?;
        flag::register(signal, Arc::clone(stop))?;
    }
    Ok(())
}
