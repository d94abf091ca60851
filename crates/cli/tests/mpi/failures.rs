//! Ranks that do not fit together, signals, and a disk that is full: all ranks end, with a message.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::job::{Job, Ranks, run};
use crate::sandbox::{Results, Said, Sandbox, names, summary};

/// In so much time a job ends after a failure.
const SOON: Duration = Duration::from_secs(15);

/// Time steps of many iterations.
const LONG: &str = "interaction --particles 1100 --batch 1100 --iterations 100000 --time 0.1 --no-plots \
                    --threads 1 --out run";

#[track_caller]
fn check_refused(said: &Said, words: &[&str]) {
    assert_eq!(said.status, Some(2), "{said:#?}");
    for word in words {
        assert!(said.stderr.contains(word), "no {word:?} in {said:#?}");
    }
}

#[test]
fn another_build_is_refused() {
    let sandbox = Sandbox::new();
    let other = sandbox.path("other");
    fs::copy(env!("CARGO_BIN_EXE_rieszflow"), &other).expect("a copy");
    let mut file = OpenOptions::new()
        .append(true)
        .open(&other)
        .expect("a file");
    file.write_all(b"\0").expect("a longer file");
    drop(file);
    let ranks = [
        Ranks::new(2, LONG),
        Ranks {
            program: &other,
            ..Ranks::new(1, LONG)
        },
    ];
    let said = Job::start(&sandbox, &ranks).ended_within(SOON);
    check_refused(&said, &["error: rank 2 on ", "another build"]);
    assert!(!sandbox.path("run").exists());
}

#[test]
fn other_arguments_and_so_other_data_are_refused() {
    let sandbox = Sandbox::new();
    let other = LONG.replace("interaction", "mmd --target csv:other.csv");
    let ranks = [Ranks::new(1, LONG), Ranks::new(1, &other)];
    let said = Job::start(&sandbox, &ranks).ended_within(SOON);
    check_refused(&said, &["error: rank 1 on ", "other arguments"]);
    let threads = LONG.replace("--threads 1", "--threads 0");
    let ranks = [Ranks::new(1, LONG), Ranks::new(1, &threads)];
    let said = Job::start(&sandbox, &ranks).ended_within(SOON);
    check_refused(&said, &["--threads must be between 1 and 1024"]);
}

/// The others read nothing: a file that they would not find does not matter.
#[test]
fn bad_input_is_told_once() {
    let sandbox = Sandbox::new();
    let said = Job::start(&sandbox, &[Ranks::new(3, "mmd --target csv:nothing.csv")]);
    let said = said.ended_within(SOON);
    check_refused(&said, &["nothing.csv"]);
    assert_eq!(said.stderr.matches("error: ").count(), 1, "{said:#?}");
    let said = Job::start(&sandbox, &[Ranks::new(2, "interaction --particels 5")]);
    check_refused(&said.ended_within(SOON), &["--particels", "--particles"]);
}

/// A job that is interrupted inside a time step, by a signal to the first rank or to all.
#[test]
fn signals_to_the_first_rank_write_a_checkpoint() {
    let saved = |sandbox: &Sandbox| names(&sandbox.path("run/checkpoint"));
    for (name, all) in [("TERM", false), ("INT", false), ("TERM", true)] {
        let sandbox = Sandbox::new();
        let mut job = Job::start(&sandbox, &[Ranks::new(3, LONG)]);
        assert!(job.wait_for(&sandbox.path("run/checkpoint")));
        if all {
            job.signal_launcher(name);
        } else {
            job.signal(0, name);
        }
        let said = job.ended_within(SOON);
        assert_ne!(said.status, Some(0), "{said:#?}");
        assert!(said.stderr.contains("rieszflow resume run"), "{said:#?}");
        assert_eq!(summary(&sandbox.path("run"))["status"], "interrupted");
        let inside = |name: &String| !name.contains("iteration-0000000000");
        assert!(saved(&sandbox).iter().all(inside), "{:?}", saved(&sandbox));
        assert_eq!(saved(&sandbox).len(), 1);
    }
}

/// Others than the first rank leave signals to it.
#[test]
fn signals_to_other_ranks_change_nothing() {
    let sandbox = Sandbox::new();
    let flow = LONG
        .replace("100000", "60")
        .replace("--out run", "--quiet --out whole");
    sandbox.run(&flow).good();
    let flow = flow.replace("whole", "run");
    let mut job = Job::start(&sandbox, &[Ranks::new(3, &flow)]);
    assert!(job.wait_for(&sandbox.path("run/checkpoint")));
    job.signal(1, "TERM");
    job.signal(2, "INT");
    let said = job.ended();
    assert_eq!(said.status, Some(0), "{said:#?}");
    let [run, whole] = ["run", "whole"].map(|name| Results::read(&sandbox.path(name)));
    assert!(run == whole);
}

/// The first rank may write no file of more than some blocks; the others write nothing.
#[test]
fn a_full_disk_on_the_first_rank_ends_all_and_loses_nothing() {
    let sandbox = Sandbox::new();
    let flow = "interaction --scheme particle --particles 1500 --save-at every:1 --no-plots --quiet \
                --threads 1";
    sandbox.run(&format!("{flow} --out whole")).good();
    let program = sandbox.path("limited");
    let script = format!(
        "#!/bin/sh\ntrap '' XFSZ\n[ $OMPI_COMM_WORLD_RANK = 0 ] && ulimit -f 800\nexec {} \"$@\"\n",
        env!("CARGO_BIN_EXE_rieszflow")
    );
    fs::write(&program, script).expect("a script");
    make_executable(&program);
    let arguments = format!("{flow} --out run");
    let ranks = Ranks {
        program: &program,
        ..Ranks::new(3, &arguments)
    };
    let said = Job::start(&sandbox, &[ranks]).ended();
    assert_eq!(said.status, Some(1), "{said:#?}");
    assert!(
        said.stderr.contains("error: cannot write to run"),
        "{said:#?}"
    );
    run(&sandbox, 2, "resume run --no-plots --quiet");
    let [run, whole] = ["run", "whole"].map(|name| Results::read(&sandbox.path(name)));
    assert!(run == whole);
}

fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
}
