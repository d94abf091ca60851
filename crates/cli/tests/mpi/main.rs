//! Tests of the program on several ranks, by mpirun on this machine: the same bytes, and what happens when
//! something goes wrong.

mod failures;
mod job;
mod kill;
mod same_bytes;
#[expect(dead_code, reason = "the tests of a single process use all of it")]
#[path = "../cli/sandbox.rs"]
mod sandbox;
