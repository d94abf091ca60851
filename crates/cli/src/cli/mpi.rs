//! The program on several ranks of MPI: the first one runs it, the others lend it their processors.

use std::env;
use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use rieszflow_cli::{assist, offer_ranks, rounding, set_default_threads, with_threads};
use rieszflow_flows::mpi::{Ranks, Session, start};
use rieszflow_flows::ranks::{Communicator, Message, dismiss};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use sysinfo::System;
use xxhash_rust::xxh3::xxh3_64;

use super::{Failure, command};

/// Status of the ranks that end because one of them panics, as of a panic itself.
const PANIC: i32 = 101;

/// Runs `program` on the first of the ranks that MPI has started, with the help of the others.
pub(super) fn on_ranks(program: fn() -> ExitCode) -> ExitCode {
    let (session, ranks) = match start() {
        Ok(started) => started,
        Err(reason) => {
            eprintln!("error: {reason}");
            return ExitCode::FAILURE;
        }
    };
    if ranks.size() == 1 {
        return program();
    }
    let _end = EndAll(ranks);
    set_default_threads(threads_of_a_rank(&session));
    let is_first = ranks.rank() == 0;
    if let Err(refusal) = agree(ranks) {
        return refusal.map_or(ExitCode::SUCCESS, |failure| failure.report());
    }
    if is_first {
        offer_ranks(Arc::new(ranks));
        let status = program();
        dismiss(&ranks);
        return status;
    }
    match lend_processors(ranks) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            ranks.abort(failure.status.into())
        }
    }
}

/// Ends all ranks if this one panics: the others would wait for it.
struct EndAll(Ranks);

impl Drop for EndAll {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.abort(PANIC);
        }
    }
}

/// Serves the first rank, which alone decides what signals mean.
fn lend_processors(ranks: Ranks) -> Result<(), Failure> {
    let ignored = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let registered = flag::register(signal, Arc::clone(&ignored));
        registered.map_err(|error| Failure::run(format!("cannot ignore signals: {error}")))?;
    }
    with_threads(threads(), || assist(&ranks)).map_err(|error| Failure::input(&error))
}

/// The number of threads that this rank is given on its command line.
fn threads() -> Option<usize> {
    // What is wrong with the command line the first rank says.
    let matches = command().try_get_matches().ok()?;
    let (_, matches) = matches.subcommand()?;
    matches.try_get_one("threads").ok()?.copied()
}

/// The number of threads of a rank without that: the processors that it may use, or its part of them if
/// they are all of this machine's.
fn threads_of_a_rank(session: &Session) -> usize {
    let own = thread::available_parallelism().map_or(1, usize::from);
    let mut system = System::new();
    system.refresh_cpu_list(sysinfo::CpuRefreshKind::nothing());
    if own < system.cpus().len() {
        own
    } else {
        (own / session.ranks_here()).max(1)
    }
}

/// What has to be equal on all ranks.
struct Identity {
    /// The program's file.
    build: u64,
    /// How the processor rounds.
    rounding: u64,
    /// The arguments but for the number of threads.
    arguments: u64,
}

impl Identity {
    fn own() -> Self {
        let program = env::current_exe().and_then(fs::read);
        Self {
            build: program.map_or(0, |bytes| xxh3_64(&bytes)),
            // A thread is enough, and more would stay for good.
            rounding: with_threads(Some(1), rounding).unwrap_or(0),
            arguments: arguments(),
        }
    }

    /// What differs on the other rank, if anything does.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        if other.build != self.build {
            return Some("runs another build of rieszflow than rank 0");
        }
        if other.arguments != self.arguments {
            return Some("has other arguments than rank 0; only --threads may differ");
        }
        (other.rounding != self.rounding).then_some(
            "has a processor that rounds otherwise than that of rank 0, so that results would depend on \
             the number of ranks",
        )
    }
}

/// The checksum of the arguments but for the number of threads.
fn arguments() -> u64 {
    let mut all = Vec::new();
    let mut is_number = false;
    for argument in env::args_os().skip(1) {
        let is_threads = argument == *"--threads";
        let is_both = argument.as_encoded_bytes().starts_with(b"--threads=");
        if !(is_number || is_threads || is_both) {
            all.extend_from_slice(argument.as_encoded_bytes());
            all.push(0);
        }
        is_number = is_threads;
    }
    xxh3_64(&all)
}

/// Compares all ranks with the first one. An error ends them; the first one gets the words for it.
fn agree(ranks: Ranks) -> Result<(), Option<Failure>> {
    let own = Identity::own();
    let mut message = Message::default();
    for number in [own.build, own.rounding, own.arguments] {
        message.put_count(number as usize);
    }
    let host = System::host_name().unwrap_or_default();
    let mut bytes = message.bytes().to_vec();
    bytes.extend_from_slice(host.as_bytes());
    let refusals: Vec<String> = (1..)
        .zip(ranks.gather(&bytes))
        .filter_map(|(rank, bytes)| {
            let host = String::from_utf8_lossy(&bytes[24..]).into_owned();
            let mut message = Message::new(bytes);
            let [build, rounding, arguments] = [(); 3].map(|()| message.count() as u64);
            let other = Identity {
                build,
                rounding,
                arguments,
            };
            let difference = own.difference(&other)?;
            Some(format!("rank {rank} on {host} {difference}"))
        })
        .collect();
    let mut verdict = [u8::from(!refusals.is_empty())];
    ranks.broadcast(&mut verdict);
    if verdict == [0] {
        return Ok(());
    }
    Err(refusals.first().map(|first| Failure {
        status: 2,
        message: first.clone(),
    }))
}
