//! Work shared by several processes: what passes between them, and how the first one calls the others.
//!
//! The processes are numbered; their numbers are *ranks*. The first rank runs the program. Work that is
//! long enough it shares with a [`Team`]: it sends the others the name of the work and a [`Message`] with
//! all that it needs, every rank carries out its share, and the first one gets the results in the order
//! of the ranks. In between the others wait ([`serve`]). So everything is decided once, in one process,
//! and sums are written once: a process on its own is a rank whose share is the whole ([`Alone`]).

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use crate::Real;

/// Processes that compute together, as one of them sees them.
///
/// All ranks call the same methods in the same order.
pub trait Communicator: Send + Sync {
    /// The number of this process, from 0.
    fn rank(&self) -> usize;

    /// How many processes there are.
    fn size(&self) -> usize;

    /// Overwrites the bytes with those of the first rank, which are as many.
    fn broadcast(&self, bytes: &mut [u8]);

    /// On the first rank the bytes of each of the others, in the order of the ranks; nothing elsewhere.
    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>>;

    /// On the first rank the sums of the numbers of all ranks, wrapping where they overflow. Elsewhere the
    /// numbers have no meaning afterwards.
    fn sum(&self, numbers: &mut [i64]);
}

/// A process on its own.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Communicator for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn broadcast(&self, _: &mut [u8]) {}

    fn gather(&self, _: &[u8]) -> Vec<Vec<u8>> {
        Vec::new()
    }

    fn sum(&self, _: &mut [i64]) {}
}

/// The share of a rank out of `size` ranks in `all`: equal parts in the order of the ranks.
///
/// ```
/// use rieszflow_numerics::ranks::share;
///
/// assert_eq!([0, 1, 2].map(|rank| share(&(0..16), rank, 3)), [0..5, 5..10, 10..16]);
/// ```
pub fn share(all: &Range<usize>, rank: usize, size: usize) -> Range<usize> {
    let bound = |rank: usize| all.start + all.len() * rank / size;
    bound(rank)..bound(rank + 1)
}

/// The name of a kind of work, eight letters.
pub type Work = [u8; 8];

/// The name with which the first rank lets the others go.
const END: Work = *b"the end.";

thread_local! {
    /// The ranks that this thread may call.
    static CURRENT: RefCell<Option<Arc<dyn Communicator>>> = const { RefCell::new(None) };
}

/// Runs `program`, which may call `ranks` from this thread.
pub fn with_ranks<R>(ranks: Arc<dyn Communicator>, program: impl FnOnce() -> R) -> R {
    let _before = Before(CURRENT.replace(Some(ranks)));
    program()
}

/// Gives the ranks back that were there before, even after a panic.
struct Before(Option<Arc<dyn Communicator>>);

impl Drop for Before {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// The ranks that carry out a piece of work: all that this thread may call, or this process alone.
///
/// While a team is at work no other can be formed of its ranks: whatever is computed meanwhile is computed
/// here.
pub struct Team(Option<Arc<dyn Communicator>>);

impl Team {
    /// All ranks that this thread may call if the work `is_long` enough, else this process alone.
    pub fn new(is_long: bool) -> Self {
        Self(if is_long { CURRENT.take() } else { None })
    }

    /// Calls the others to `work`; `put` writes what it needs.
    pub fn call(&self, work: Work, put: impl FnOnce(&mut Message)) {
        if let Some(ranks) = &self.0 {
            let mut message = Message::default();
            put(&mut message);
            send(&**ranks, work, &mut message);
        }
    }

    /// The ranks of the team.
    pub fn ranks(&self) -> &dyn Communicator {
        match &self.0 {
            Some(ranks) => &**ranks,
            None => &Alone,
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        if self.0.is_some() {
            CURRENT.set(self.0.take());
        }
    }
}

/// How many ranks this thread may call, itself among them.
pub fn size() -> usize {
    CURRENT.with_borrow(|ranks| ranks.as_ref().map_or(1, |ranks| ranks.size()))
}

/// Lets the other ranks go.
pub fn dismiss(ranks: &dyn Communicator) {
    send(ranks, END, &mut Message::default());
}

/// Carries out a share of whatever the first rank calls for, until it lets this one go.
pub fn serve(ranks: &dyn Communicator, mut assist: impl FnMut(Work, Message)) {
    loop {
        let mut head = [0; 16];
        ranks.broadcast(&mut head);
        let (mut work, mut len) = ([0; 8], [0; 8]);
        work.copy_from_slice(&head[..8]);
        len.copy_from_slice(&head[8..]);
        if work == END {
            return;
        }
        let mut message = Message::default();
        message.bytes.resize(u64::from_le_bytes(len) as usize, 0);
        ranks.broadcast(&mut message.bytes);
        assist(work, message);
    }
}

fn send(ranks: &dyn Communicator, work: Work, message: &mut Message) {
    let len = (message.bytes.len() as u64).to_le_bytes();
    let mut head = [0; 16];
    head[..8].copy_from_slice(&work);
    head[8..].copy_from_slice(&len);
    ranks.broadcast(&mut head);
    if work != END {
        ranks.broadcast(&mut message.bytes);
    }
}

/// Numbers on their way from one rank to another; they are taken out in the order in which they were put
/// in.
#[derive(Clone, Debug, Default)]
pub struct Message {
    bytes: Vec<u8>,
    taken: usize,
}

impl Message {
    /// What one rank has gathered from another.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, taken: 0 }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends a count.
    pub fn put_count(&mut self, count: usize) {
        self.bytes.extend_from_slice(&(count as u64).to_le_bytes());
    }

    /// Appends numbers.
    pub fn put<T: Real>(&mut self, numbers: &[T]) {
        self.bytes.reserve(size_of_val(numbers));
        for number in numbers {
            number.put_le_bytes(&mut self.bytes);
        }
    }

    /// Takes out a count.
    ///
    /// # Panics
    /// If nothing is left.
    pub fn count(&mut self) -> usize {
        let bytes = self.take(8).try_into().expect("8 bytes");
        u64::from_le_bytes(bytes) as usize
    }

    /// Takes out as many numbers as `numbers` has room for.
    ///
    /// # Panics
    /// If fewer are left.
    pub fn fill<T: Real>(&mut self, numbers: &mut [T]) {
        let bytes = self.take(size_of_val(numbers));
        for (number, bytes) in numbers.iter_mut().zip(bytes.chunks_exact(size_of::<T>())) {
            *number = T::from_le_slice(bytes);
        }
    }

    /// Takes out `count` numbers.
    ///
    /// # Panics
    /// If fewer are left.
    pub fn numbers<T: Real>(&mut self, count: usize) -> Vec<T> {
        let mut numbers = vec![T::zero(); count];
        self.fill(&mut numbers);
        numbers
    }

    fn take(&mut self, len: usize) -> &[u8] {
        let bytes = &self.bytes[self.taken..][..len];
        self.taken += len;
        bytes
    }
}
