//! Ctrl-C and SIGTERM: the first interrupts the run, the second ends the program at once.

use std::io;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::{Failure, INTERRUPTED};

/// The time that a run has to stop by itself after a signal.
const PATIENCE: Duration = Duration::from_millis(800);

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

/// Ends the program with `message` if it has not ended by itself soon after `stop` is set, as in the
/// middle of a long time step. A checkpoint that is being written is finished before.
///
/// The files of a run are whole at any moment, so that it can be resumed.
pub(super) fn end_late_runs(
    stop: &Arc<AtomicBool>,
    saving: &Arc<AtomicBool>,
    message: impl Fn() -> String + Send + 'static,
) {
    let (stop, saving) = (Arc::clone(stop), Arc::clone(saving));
    thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(20));
        }
        let since = Instant::now();
        while since.elapsed() < PATIENCE || saving.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(20));
        }
        eprintln!("{}", message());
        exit(INTERRUPTED.into());
    });
}
