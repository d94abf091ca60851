//! Several processes that compute one flow: what the others do for the first.
//!
//! The first rank runs the flow, in [`with_ranks`]; sums over pairs and networks call the others where that
//! saves time. They wait in [`serve`]. The results are the same for any number of ranks, to the bit.
//!
//! Threads in the place of processes, which stand for ranks in tests and show what a [`Communicator`]
//! has to do, are in `tests/flows/ranks.rs`; with the feature `mpi` there are those of MPI, in the module
//! `mpi`.

pub use rieszflow_numerics::ranks::{
    Alone, Communicator, Message, Team, Work, dismiss, share, size, with_ranks,
};

use rieszflow_nets::Assistant;
use rieszflow_numerics::ranks;

use crate::{pair_sums, sliced};

/// Carries out a share of what the first rank calls for until it lets this one go.
///
/// `other` gets the work that is neither a sum over pairs nor a network's.
pub fn serve(communicator: &dyn Communicator, mut other: impl FnMut(Work, &mut Message)) {
    let mut networks = Assistant::default();
    ranks::serve(communicator, |work, mut message| {
        let done = pair_sums::distributed::assist(communicator, work, &mut message)
            || sliced::distributed::assist(communicator, work, &mut message)
            || networks.assist(communicator, work, &mut message);
        if !done {
            other(work, &mut message);
        }
    });
}
