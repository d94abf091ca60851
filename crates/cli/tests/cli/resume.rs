//! Runs that are interrupted by signals, and what can and cannot be resumed.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::sandbox::{Csv, Results, Said, Sandbox, names, read, summary, wait_for};

/// Two time steps of a few seconds each.
const FLOW: &str = "interaction --particles 60 --batch 40 --iterations 20000 --width 32 --time 0.1 \
                    --no-plots";

/// The same with an inner loop that no test waits for.
const LONG: &str = "interaction --particles 60 --batch 40 --iterations 1000000 --width 32 \
                    --time 0.1 --no-plots";

/// The same in a moment.
const SHORT: &str = "interaction --particles 60 --batch 40 --iterations 20 --width 32 --time 0.1 \
                     --no-plots";

fn spawn(sandbox: &Sandbox, arguments: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_rieszflow"))
        .current_dir(sandbox.path(""))
        .args(arguments.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(sent.expect("kill").success());
}

fn ended(child: Child) -> Said {
    child.wait_with_output().expect("a process").into()
}

/// A run interrupted inside its first time step.
fn interrupted(sandbox: &Sandbox, flow: &str, name: &str) -> Said {
    let mut child = spawn(sandbox, &format!("{flow} --out run"));
    wait_for(&sandbox.path("run/checkpoint"), &mut child);
    signal(&child, name);
    ended(child)
}

#[test]
fn signals_write_a_checkpoint_inside_a_time_step_and_exit_with_130() {
    let whole = Sandbox::new();
    whole.run(&format!("{FLOW} --out run")).good();
    for name in ["INT", "TERM"] {
        let sandbox = Sandbox::new();
        let said = interrupted(&sandbox, FLOW, name);
        assert_eq!(said.status, Some(130), "{said:#?}");
        assert!(said.stderr.contains("rieszflow resume run"), "{said:#?}");
        let folder = sandbox.path("run");
        assert_eq!(summary(&folder)["status"], "interrupted");
        let saved = names(&folder.join("checkpoint"));
        let inside = |name: &String| !name.contains("iteration-0000000000");
        assert!(saved.len() == 1 && saved.iter().all(inside), "{saved:?}");
        let seconds = summary(&folder)["wall_seconds"].as_f64().expect("seconds");

        sandbox.run("resume run --no-plots --threads 1").good();
        assert!(Results::read(&folder) == Results::read(&whole.path("run")));
        assert_eq!(names(&folder), names(&whole.path("run")));
        let total = summary(&folder)["wall_seconds"].as_f64().expect("seconds");
        let steps = Csv::read(&folder.join("metrics.csv")).column("seconds");
        assert!(
            total > seconds && steps[0] > 0.8 * seconds,
            "{steps:?} {seconds}"
        );
        assert!(steps.iter().sum::<f64>() <= total);
    }
}

#[test]
fn a_second_signal_ends_the_program_at_once() {
    let sandbox = Sandbox::new();
    // One explicit Euler step that takes many seconds; between two steps there is no stop.
    let flow = "interaction --scheme particle --particles 60000 --no-plots --threads 1";
    let mut child = spawn(&sandbox, &format!("{flow} --out run"));
    let checkpoints = sandbox.path("run/checkpoint");
    wait_for(&checkpoints, &mut child);
    signal(&child, "INT");
    // Signals that come before the first one is dealt with count as one.
    while child.try_wait().expect("a process").is_none() {
        sleep(Duration::from_millis(20));
        signal(&child, "INT");
    }
    let said = ended(child);
    assert_eq!(said.status, Some(130), "{said:#?}");
    assert!(names(&checkpoints).is_empty(), "the step was finished");
}

#[test]
fn an_interrupted_reproduction_tells_what_is_left() {
    let sandbox = Sandbox::new();
    let mut child = spawn(&sandbox, "reproduce implosion interaction --out made");
    let checkpoints = sandbox.path("made/implosion/backward/checkpoint");
    wait_for(&checkpoints, &mut child);
    signal(&child, "INT");
    let said = ended(child);
    assert_eq!(said.status, Some(130), "{said:#?}");
    assert!(
        said.stderr
            .starts_with("interrupted in made/implosion/backward at t = "),
        "{said:#?}"
    );
    assert!(
        said.stderr.ends_with(
            "; no figure is finished; make the others with: rieszflow reproduce implosion \
             interaction --out made\n"
        ),
        "{said:#?}"
    );
}

#[test]
fn a_new_run_is_refused_where_one_can_be_resumed() {
    let sandbox = Sandbox::new();
    interrupted(&sandbox, LONG, "INT");
    let again = format!("{SHORT} --quiet --out run");
    sandbox
        .run(&again)
        .refused(&["has not ended", "rieszflow resume run", "--force"]);
    sandbox.run(&format!("{again} --force")).good();
    assert!(!sandbox.path("run/checkpoint").exists());
    assert_eq!(summary(&sandbox.path("run"))["status"], "completed");
}

#[test]
fn what_has_ended_or_never_began_is_not_resumed() {
    let sandbox = Sandbox::new();
    let flow = "interaction --scheme particle --particles 5 --no-plots --quiet";
    sandbox.run(&format!("{flow} --out run")).good();
    sandbox
        .run("resume run")
        .refused(&["run in run is complete"]);
    sandbox
        .run("resume nowhere")
        .refused(&["nowhere holds no run"]);
    let diverging = "--exponent 1.99 --tau 1 --time 100 --out wild";
    sandbox.run(&format!("{flow} {diverging}"));
    sandbox.run("resume wild").refused(&["has diverged"]);
    sandbox
        .run("resume run --checkpoint-every -1")
        .refused(&["--checkpoint-every", "between 0 and 1e9"]);
}

#[test]
fn one_process_at_a_time() {
    let sandbox = Sandbox::new();
    let mut child = spawn(&sandbox, &format!("{LONG} --out run"));
    wait_for(&sandbox.path("run/checkpoint"), &mut child);
    let words = ["another process writes to run"];
    sandbox.run("resume run").refused(&words);
    sandbox
        .run(&format!("{SHORT} --out run --force"))
        .refused(&words);
    signal(&child, "TERM");
    assert_eq!(ended(child).status, Some(130));
}

#[test]
fn a_run_that_was_stopped_before_its_first_checkpoint_starts_over() {
    let sandbox = Sandbox::new();
    let flow = "interaction --scheme particle --particles 20 --no-plots --quiet";
    sandbox.run(&format!("{flow} --out whole")).good();
    fs::create_dir(sandbox.path("run")).expect("a folder");
    let config = read(&sandbox.path("whole/config.toml"));
    fs::write(sandbox.path("run/config.toml"), config).expect("a file");
    fs::write(sandbox.path("run/metrics.csv"), "step,ti").expect("a file");
    sandbox.run("resume run --no-plots --quiet").good();
    assert!(Results::read(&sandbox.path("run")) == Results::read(&sandbox.path("whole")));
}

/// Figures that are being made when a signal comes are named, with the command that makes the rest.
#[test]
fn an_interrupted_reproduction_says_so() {
    let sandbox = Sandbox::new();
    let mut child = spawn(&sandbox, "reproduce implosion interaction --out figures");
    let metrics = sandbox.path("figures/implosion/backward/metrics.csv");
    wait_for(&metrics, &mut child);
    signal(&child, "INT");
    let said = ended(child);
    assert_eq!(said.status, Some(130), "{said:#?}");
    for words in [
        "interrupted in figures/implosion/backward at t = ",
        "no figure is finished",
        "rieszflow reproduce implosion interaction --out figures",
    ] {
        assert!(said.stderr.contains(words), "no {words:?} in {said:#?}");
    }
}
