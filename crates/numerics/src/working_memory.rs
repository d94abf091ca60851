//! Working memory of sums and functionals, kept from call to call, without a lock while they compute.

use std::sync::{Mutex, MutexGuard};
use std::thread::{self, ThreadId};

/// Pieces of memory for as many calls as run at the same time.
///
/// A call takes a piece, preferably the one that its thread used last, and gives it back at the end.
/// The lock is held for that alone: a thread that waits inside a call may start another one.
#[derive(Debug)]
pub struct WorkingMemory<M>(Mutex<Vec<(ThreadId, M)>>);

impl<M> Default for WorkingMemory<M> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<M: Default> WorkingMemory<M> {
    /// Calls `work` with a piece of memory in the state in which some earlier call left it.
    pub fn with<R>(&self, work: impl FnOnce(&mut M) -> R) -> R {
        let thread = thread::current().id();
        let mut memory = self.take(thread);
        let result = work(&mut memory);
        self.lock().push((thread, memory));
        result
    }

    fn take(&self, thread: ThreadId) -> M {
        let mut pieces = self.lock();
        let own = pieces.iter().position(|(last, _)| *last == thread);
        match own.or(pieces.len().checked_sub(1)) {
            Some(index) => pieces.swap_remove(index).1,
            None => M::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(ThreadId, M)>> {
        self.0.lock().expect("nothing panics while it is held")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_kept_and_calls_may_be_nested() {
        let memory = WorkingMemory::<Vec<u8>>::default();
        memory.with(|outer| {
            outer.push(1);
            memory.with(|inner| {
                assert!(inner.is_empty());
                inner.push(2);
            });
        });
        let mut found = [0; 2];
        memory.with(|first| {
            found[0] = first[0];
            memory.with(|second| found[1] = second[0]);
        });
        found.sort_unstable();
        assert_eq!(found, [1, 2]);
    }
}
