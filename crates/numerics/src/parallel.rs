//! Work shared by two threads, and a worker that stays awake for pieces too short to wake one.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// Whether this thread has a worker that stays awake.
    static HAS_AWAKE_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// From this many multiplications on two threads share a piece of work; it takes microseconds to wake
/// one.
const LEAST_WORK: usize = 1 << 22;
/// The same where the other thread is awake.
const LEAST_WORK_AWAKE: usize = 1 << 18;

/// Runs both, on two threads if `work`, a number of multiplications, is worth it.
pub fn join(work: usize, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    let awake = HAS_AWAKE_WORKER.get();
    if work < if awake { LEAST_WORK_AWAKE } else { LEAST_WORK } {
        a();
        b();
    } else {
        rayon::join(a, b);
    }
}

/// Runs `flow`, of which this thread's pool does nothing else meanwhile, with another worker of the
/// pool kept awake, which then takes its share of short pieces of work too. Costs a whole core; changes
/// no result.
pub fn with_awake_worker<R>(flow: impl FnOnce() -> R) -> R {
    let Some(own) = rayon::current_thread_index() else {
        return flow();
    };
    let done = AtomicBool::new(false);
    rayon::in_place_scope(|scope| {
        scope.spawn(|_| {
            // This thread itself must not wait for its own end.
            while rayon::current_thread_index() != Some(own) && !done.load(Ordering::Relaxed) {
                if rayon::yield_now() != Some(rayon::Yield::Executed) {
                    std::thread::yield_now();
                }
            }
        });
        let _end = End(&done);
        HAS_AWAKE_WORKER.set(true);
        flow()
    })
}

/// Lets the worker sleep again, even after a panic.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        HAS_AWAKE_WORKER.set(false);
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn pool(threads: usize) -> rayon::ThreadPool {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
        builder.build().expect("threads")
    }

    /// Each half waits for the other: one thread alone would not end.
    #[test]
    fn the_awake_worker_takes_its_share() {
        let both = Barrier::new(2);
        let half = || {
            both.wait();
        };
        pool(2).install(|| with_awake_worker(|| join(LEAST_WORK_AWAKE, half, half)));
    }

    #[test]
    fn short_work_stays_on_its_thread_without_an_awake_worker() {
        let (mut first, mut second) = (None, None);
        pool(2).install(|| {
            let thread = || Some(std::thread::current().id());
            join(LEAST_WORK - 1, || first = thread(), || second = thread());
        });
        assert!(first.is_some() && first == second);
    }

    /// A worker that waits for another pool takes up what lies in its own queue.
    #[test]
    fn the_only_worker_does_not_wait_for_itself() {
        let other = pool(1);
        let found = pool(1).install(|| with_awake_worker(|| other.install(|| 7)));
        assert_eq!(found, 7);
    }

    #[test]
    fn a_panic_ends_the_worker() {
        let flow = || with_awake_worker(|| panic!("as it should"));
        assert!(std::panic::catch_unwind(|| pool(2).install(flow)).is_err());
    }
}
