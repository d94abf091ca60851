//! Work on threads while Python's lock is free, such that Ctrl-C ends it and a fork does not hang.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// How often signals are looked for.
const INTERVAL: Duration = Duration::from_millis(50);

/// The pool that short computations share, and the process whose it is.
static SHARED: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// A pool for one flow, with as many threads as there are cores or as `RAYON_NUM_THREADS` says.
///
/// # Errors
/// If the threads cannot be started.
pub fn pool() -> PyResult<ThreadPool> {
    let pool = ThreadPoolBuilder::new().build();
    pool.map_err(|error| PyRuntimeError::new_err(format!("no threads could be started: {error}")))
}

/// The pool that short computations share.
///
/// After a fork the child has none of the threads, so that it gets a pool of its own; the other one is
/// left alone, since its end would wait for them. The mutex is free at a fork: it is held under Python's
/// lock alone, which the fork holds too.
///
/// # Errors
/// If the threads cannot be started.
pub fn shared_pool(_: Python<'_>) -> PyResult<Arc<ThreadPool>> {
    let mut shared = SHARED.lock().expect("nothing panics while it is held");
    match &*shared {
        Some((process, pool)) if *process == process::id() => Ok(Arc::clone(pool)),
        _ => {
            let new = Arc::new(pool()?);
            mem::forget(shared.replace((process::id(), Arc::clone(&new))));
            Ok(new)
        }
    }
}

/// Carries out `work` on the pool with Python's lock free, and returns what it returns.
///
/// Where a signal handler raises, as that of Ctrl-C does, the exception is returned at once, and the flag
/// that `work` gets is set: it should look at it now and then.
///
/// # Errors
/// The exception of the signal handler.
pub fn compute<R: Send + 'static>(
    py: Python<'_>,
    pool: &ThreadPool,
    work: impl FnOnce(&AtomicBool) -> R + Send + 'static,
) -> PyResult<R> {
    let stop = Arc::new(AtomicBool::new(false));
    let (sender, mut receiver) = mpsc::channel();
    let seen = Arc::clone(&stop);
    pool.spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(|| work(&seen)));
        // Nobody waits for it after Ctrl-C.
        let _ = sender.send(result);
    });
    loop {
        let received;
        (receiver, received) = py.detach(move || {
            let received = receiver.recv_timeout(INTERVAL);
            (receiver, received)
        });
        match received {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(RecvTimeoutError::Disconnected) => unreachable!("the work sends its result"),
            Err(RecvTimeoutError::Timeout) => py
                .check_signals()
                .inspect_err(|_| stop.store(true, Ordering::Relaxed))?,
        }
    }
}
