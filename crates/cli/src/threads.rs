//! The number of threads: from an option, from the environment, or all cores.

use std::env::var_os;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::ranks::with_ranks;
use crate::setting::{SettingError, check};

/// The number of threads that nothing else asks for; 0 for all cores.
static DEFAULT: AtomicUsize = AtomicUsize::new(0);

/// Sets the number of threads that is used where neither an option nor the environment says one.
pub fn set_default_threads(threads: usize) {
    DEFAULT.store(threads, Ordering::Relaxed);
}

/// The largest number of threads; more would only exhaust the machine.
const MOST_THREADS: usize = 1024;

/// Threads that cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ThreadsError {
    /// The number asked for is unusable.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The number in the environment is unusable.
    #[error("RAYON_NUM_THREADS must be between 1 and 1024, or 0 for all cores, not {0:?}")]
    Environment(String),
    /// The operating system refuses to start them.
    #[error("{0} threads could not be started: {1}")]
    Start(usize, rayon::ThreadPoolBuildError),
}

/// A pool of `threads` threads; without a number, of as many as `RAYON_NUM_THREADS` says or as there
/// are cores.
pub(crate) fn thread_pool(threads: Option<usize>) -> Result<rayon::ThreadPool, ThreadsError> {
    let threads = match threads {
        Some(threads) => {
            let valid = (1..=MOST_THREADS).contains(&threads);
            check("threads", valid, "between 1 and 1024", &threads)?;
            threads
        }
        None => threads_of_environment()?,
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| ThreadsError::Start(threads, error))
}

/// The value of `RAYON_NUM_THREADS`, or the default if it is not set.
fn threads_of_environment() -> Result<usize, ThreadsError> {
    let Some(text) = var_os("RAYON_NUM_THREADS") else {
        return Ok(DEFAULT.load(Ordering::Relaxed));
    };
    let text = text.to_string_lossy();
    let threads = text.parse().ok();
    threads
        .filter(|threads| *threads <= MOST_THREADS)
        .ok_or_else(|| ThreadsError::Environment(text.into_owned()))
}

/// Carries out `work` on `threads` threads; without a number, on as many as `RAYON_NUM_THREADS` says or as
/// there are cores. It may call the other ranks.
///
/// # Errors
/// If the number is unusable or the threads cannot be started.
pub fn with_threads<V: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> V + Send,
) -> Result<V, ThreadsError> {
    Ok(thread_pool(threads)?.install(|| with_ranks(work)))
}
