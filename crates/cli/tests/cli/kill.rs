//! Runs that are killed at random moments, resumed until they are done, and compared byte by byte.
//!
//! `RIESZFLOW_KILLS` is the number of kills for each flow; docs/reliability.md tells the full count.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::sandbox::{Results, Sandbox, names};

/// Kills for each flow unless the environment says otherwise.
const KILLS: usize = 8;

/// At which moments the kills came.
#[derive(Debug, Default)]
struct Moments {
    /// Before the first checkpoint.
    early: usize,
    /// With a checkpoint between two time steps as the latest.
    time_loop: usize,
    /// With a checkpoint inside a time step as the latest.
    inner_loop: usize,
    /// With an unfinished file left in the folder.
    writing: usize,
    /// Runs that came to their end.
    runs: usize,
}

impl Moments {
    fn kills(&self) -> usize {
        self.early + self.time_loop + self.inner_loop + self.writing
    }

    /// Looks at what a kill has left.
    fn count(&mut self, folder: &Path) {
        let checkpoints = folder.join("checkpoint");
        let inside = |folder: &Path| match fs::exists(folder) {
            Ok(true) => names(folder),
            _ => Vec::new(),
        };
        let [files, saved] = [folder, &checkpoints].map(inside);
        let latest = saved.iter().rfind(|name| name.starts_with("step-"));
        if files.iter().chain(&saved).any(|name| name.starts_with('.')) {
            self.writing += 1;
        } else if let Some(latest) = latest {
            if latest.contains("iteration-0000000000") {
                self.time_loop += 1;
            } else {
                self.inner_loop += 1;
            }
        } else {
            self.early += 1;
        }
    }
}

#[test]
fn backward_killed_in_the_inner_loop() {
    let flow = "--particles 60 --batch 40 --iterations 250 --width 32 --time 0.3 --save-at every:3";
    check("backward", flow, "--checkpoint-every 0.01", 1);
}

#[test]
fn forward_in_double_precision_killed_in_the_inner_loop() {
    let flow = "--particles 60 --batch 40 --iterations 250 --width 32 --time 0.3 --precision f64";
    check("forward", flow, "--checkpoint-every 0.01", 2);
}

#[test]
fn particle_flow_killed_in_the_time_loop() {
    let flow = "--particles 300 --tau 0.005 --time 1.2 --save-at every:40";
    check("particle", flow, "--checkpoint-every 0.01", 3);
}

/// With momentum, and with snapshots collected in another file than a table.
#[test]
fn sliced_flow_killed_in_the_time_loop() {
    let flow = "--particles 300 --tau 0.005 --time 1.2 --save-at every:40 --sums sliced --directions 4 \
                --momentum 0.5 --csv false";
    check("particle", flow, "--checkpoint-every 0.01", 14);
}

/// A checkpoint after every iteration, so that hardly anything but writing goes on.
#[test]
fn killed_in_the_middle_of_writing() {
    let flow = "--particles 200 --batch 20 --iterations 25 --width 64 --time 0.3 --save-at every:1";
    let mut rounds = (4..14).map(|seed| check("backward", flow, "--checkpoint-every 0", seed));
    let written = rounds.find(|moments| moments.writing > 0);
    assert!(written.is_some(), "no kill came while a file was written");
}

/// Kills and resumes until there were enough kills and the last run is done; compares all results.
fn check(scheme: &str, flow: &str, interval: &str, seed: u64) -> Moments {
    let wanted = std::env::var("RIESZFLOW_KILLS").map_or(KILLS, |n| n.parse().expect("a number"));
    let sandbox = Sandbox::new();
    let start = format!("interaction --scheme {scheme} {flow} --no-plots --quiet");
    let since = Instant::now();
    sandbox
        .run(&format!("{start} --threads 1 --out whole"))
        .good();
    let duration = since.elapsed();
    let whole = Results::read(&sandbox.path("whole"));

    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut moments = Moments::default();
    while moments.kills() < wanted {
        let out = format!("run{}", moments.runs);
        let folder = sandbox.path(&out);
        run_with_kills(
            &sandbox,
            (&start, interval, &out),
            duration,
            &mut rng,
            || {
                moments.count(&folder);
            },
        );
        moments.runs += 1;
        assert_eq!(names(&folder), names(&sandbox.path("whole")));
        assert!(
            Results::read(&folder) == whole,
            "{scheme}: other bytes, {moments:?}"
        );
    }
    println!(
        "{scheme} {interval}: {} kills, {moments:?}",
        moments.kills()
    );
    moments
}

/// Starts a run into the folder `out`, kills it at random moments before half of `duration`, and resumes it until
/// it ends. `killed` is called after each kill.
fn run_with_kills(
    sandbox: &Sandbox,
    (start, interval, out): (&str, &str, &str),
    duration: Duration,
    rng: &mut impl Rng,
    mut killed: impl FnMut(),
) {
    let mut command = format!("{start} {interval} --out {out}");
    loop {
        let threads = [1, 2, 4][rng.random_range(0..3)];
        let child = spawn(sandbox, &format!("{command} --threads {threads}"));
        if survives(child, duration.mul_f64(rng.random_range(0.0..0.5))) {
            return;
        }
        killed();
        if sandbox.path(out).join("config.toml").exists() {
            command = format!("resume {out} --no-plots --quiet {interval}");
        }
    }
}

/// A run with kills, into the folder `run`, has the results of a whole one, in the folder `whole`, and does not need
/// the file `source` once it has read it.
pub fn a_run_goes_on_without(sandbox: &Sandbox, source: &str, start: &str) {
    let since = Instant::now();
    sandbox.run(&format!("{start} --out whole")).good();
    let duration = since.elapsed();
    let (run, whole) = (sandbox.path("run"), sandbox.path("whole"));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut kills = 0;
    let flow = (start, "--checkpoint-every 0.02", "run");
    // Half of the duration, so that a machine that has become faster is still killed twice.
    run_with_kills(sandbox, flow, duration / 2, &mut rng, || {
        kills += 1;
        if run.join("config.toml").exists() {
            let _ = fs::remove_file(sandbox.path(source));
        }
    });
    assert!(kills > 1, "{kills}");
    assert_eq!(names(&run), names(&whole));
    assert!(Results::read(&run) == Results::read(&whole), "other bytes");
}

fn spawn(sandbox: &Sandbox, arguments: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_rieszflow"))
        .current_dir(sandbox.path(""))
        .args(arguments.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// Kills the process after a while; whether it was done before that.
fn survives(mut child: Child, after: Duration) -> bool {
    let deadline = Instant::now() + after;
    while Instant::now() < deadline {
        if child.try_wait().expect("a process").is_some() {
            break;
        }
        sleep(Duration::from_millis(1));
    }
    child.kill().expect("a process to kill");
    let output = child.wait_with_output().expect("a process");
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        None => false,
        Some(0) => true,
        // The process before was killed after the summary, with which a run ends.
        Some(2) if said.contains("is complete") => true,
        Some(_) => panic!("{said}"),
    }
}
