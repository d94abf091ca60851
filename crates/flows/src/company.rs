//! A second thread that stays awake, for pieces of work too short to wake one.

use std::sync::atomic::{AtomicBool, Ordering};

/// Runs `work` on this thread while another one of the pool stands by and takes its share of what
/// `work` gives to [`rayon::join`]; alone on a thread that belongs to no pool.
///
/// The layers of a small network take microseconds, less than it takes to wake a thread.
pub(crate) fn in_company<R>(work: impl FnOnce() -> R) -> R {
    if !is_of_a_pool() {
        return work();
    }
    let (own, done) = (rayon::current_thread_index(), AtomicBool::new(false));
    rayon::in_place_scope(|scope| {
        scope.spawn(|_| {
            // On this thread it would wait for itself.
            let is_another = rayon::current_thread_index() != own;
            while is_another && !done.load(Ordering::Relaxed) {
                if rayon::yield_now() != Some(rayon::Yield::Executed) {
                    std::thread::yield_now();
                }
            }
        });
        let _done = SetInTheEnd(&done);
        work()
    })
}

/// [`rayon::join`], or one after the other on a thread that would have to hand both to a pool.
pub(crate) fn join<A: Send, B: Send>(
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    if is_of_a_pool() {
        rayon::join(a, b)
    } else {
        (a(), b())
    }
}

fn is_of_a_pool() -> bool {
    rayon::current_thread_index().is_some()
}

/// Sets the flag even if the work panics.
struct SetInTheEnd<'a>(&'a AtomicBool);

impl Drop for SetInTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::time::Duration;

    use rayon::{ThreadPool, ThreadPoolBuilder};

    use super::*;

    fn pool(threads: usize) -> ThreadPool {
        let builder = ThreadPoolBuilder::new().num_threads(threads);
        builder.build().expect("threads")
    }

    #[test]
    fn work_is_done_alone_and_in_company() {
        let work = || in_company(|| join(|| 1, || 2));
        assert_eq!(work(), (1, 2));
        for threads in [1, 2, 3] {
            assert_eq!(pool(threads).install(work), (1, 2));
        }
    }

    /// Each half waits for the other, so one thread alone, or one that only waits, would not end.
    #[test]
    fn the_thread_that_stands_by_takes_its_share() {
        let both = Barrier::new(2);
        let meet = || {
            both.wait();
        };
        pool(2).install(|| in_company(|| join(meet, meet)));
    }

    /// Who waits for another pool takes up what lies in its own queue.
    #[test]
    fn the_only_thread_does_not_stand_by_for_itself() {
        let other = pool(1);
        let slowly = || {
            std::thread::sleep(Duration::from_millis(20));
            7
        };
        let found = pool(1).install(|| in_company(|| other.install(slowly)));
        assert_eq!(found, 7);
    }

    #[test]
    fn a_panic_ends_the_company() {
        let work = || in_company(|| panic!("as it should"));
        let caught = std::panic::catch_unwind(|| pool(2).install(work));
        assert!(caught.is_err());
    }
}
