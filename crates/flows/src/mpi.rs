//! The processes of MPI as ranks.

use std::thread::{sleep, yield_now};
use std::time::{Duration, Instant};

use mpi::Threading;
use mpi::collective::SystemOperation;
use mpi::environment::Universe;
use mpi::request;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator as _, Destination, Root, Source};

use crate::ranks::Communicator;

/// The most bytes of one call of MPI, which counts in 32 bits.
const LONGEST: usize = 1 << 30;

/// The most numbers of one sum.
const MOST_NUMBERS: usize = 1 << 27;

/// Messages of up to this many bytes are waited for without a core being kept busy: between two calls for work a rank
/// may wait for minutes.
const SHORT: usize = 64;

/// After so much time a waiting rank sleeps for short whiles.
const IMPATIENCE: Duration = Duration::from_micros(500);

/// How long it sleeps at once: at first, and after a tenth of a second.
const NAPS: [Duration; 2] = [Duration::from_micros(50), Duration::from_millis(1)];

/// MPI, from its start to its end.
pub struct Session(Universe);

/// The processes that MPI has started.
#[derive(Clone, Copy, Debug)]
pub struct Ranks {
    rank: usize,
    size: usize,
}

/// Starts MPI, which is possible once; it ends when the session is dropped.
///
/// # Errors
/// If MPI does not work with threads or was started before.
pub fn start() -> Result<(Session, Ranks), &'static str> {
    let (universe, threading) =
        mpi::initialize_with_threading(Threading::Serialized).ok_or("MPI was started before")?;
    if threading < Threading::Serialized {
        return Err("this MPI cannot be called from several threads, one at a time");
    }
    let world = universe.world();
    let [rank, size] = [world.rank(), world.size()].map(|number| number as usize);
    Ok((Session(universe), Ranks { rank, size }))
}

impl Session {
    /// How many of the ranks are on this machine.
    pub fn ranks_here(&self) -> usize {
        self.0.world().split_shared(0).size() as usize
    }
}

impl Ranks {
    /// Ends all ranks at once.
    pub fn abort(self, status: i32) -> ! {
        world().abort(status)
    }
}

fn world() -> SimpleCommunicator {
    SimpleCommunicator::world()
}

impl Communicator for Ranks {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn broadcast(&self, bytes: &mut [u8]) {
        let world = world();
        let first = world.process_at_rank(0);
        if bytes.len() > SHORT {
            for part in bytes.chunks_mut(LONGEST) {
                first.broadcast_into(part);
            }
            return;
        }
        request::scope(|scope| {
            let mut pending = first.immediate_broadcast_into(scope, bytes);
            let since = Instant::now();
            while let Err(request) = pending.test() {
                pending = request;
                wait(since);
            }
        });
    }

    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let world = world();
        if self.rank > 0 {
            // A part that is not full is the last one.
            let parts = bytes.chunks(LONGEST);
            let end: &[u8] = &[];
            let end = bytes.len().is_multiple_of(LONGEST).then_some(end);
            for part in parts.chain(end) {
                world.process_at_rank(0).send(part);
            }
            return Vec::new();
        }
        let all_of = |rank: usize| {
            let source = world.process_at_rank(rank as i32);
            let (mut all, _) = source.receive_vec();
            let mut last = all.len();
            while last == LONGEST {
                let (part, _) = source.receive_vec::<u8>();
                last = part.len();
                all.extend(part);
            }
            all
        };
        (1..self.size).map(all_of).collect()
    }

    fn sum(&self, numbers: &mut [i64]) {
        let world = world();
        let first = world.process_at_rank(0);
        for part in numbers.chunks_mut(MOST_NUMBERS) {
            if self.rank == 0 {
                let own = part.to_vec();
                first.reduce_into_root(&own[..], part, SystemOperation::sum());
            } else {
                first.reduce_into(&*part, SystemOperation::sum());
            }
        }
    }
}

/// Lets others have the core for a moment, the longer the longer this one has waited.
fn wait(since: Instant) {
    let waited = since.elapsed();
    if waited < IMPATIENCE {
        yield_now();
    } else if waited < Duration::from_millis(100) {
        sleep(NAPS[0]);
    } else {
        sleep(NAPS[1]);
    }
}
