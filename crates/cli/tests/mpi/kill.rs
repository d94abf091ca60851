//! Jobs of which a random rank is killed at a random moment, resumed on a random number of ranks.
//!
//! `RIESZFLOW_KILLS` is the number of kills for each flow. They come after the run has begun: mpirun of Open MPI
//! 4.1 may wait forever for a rank that is killed while it connects.

use std::thread::sleep;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::job::{Job, Ranks};
use crate::sandbox::{Results, Sandbox, names};

/// Kills for each flow unless the environment says otherwise.
const KILLS: usize = 3;

/// The time in which all ranks end after one of them is killed.
const SOON: Duration = Duration::from_secs(15);

#[test]
fn backward_killed_and_resumed() {
    let flow = "--scheme backward --particles 1100 --batch 1100 --iterations 12 --time 0.25";
    check(flow, "--checkpoint-every 0.01", 1);
}

#[test]
fn particle_flow_killed_and_resumed() {
    let flow = "--scheme particle --particles 1500 --tau 0.01 --time 1 --save-at every:20";
    check(flow, "--checkpoint-every 0.01", 2);
}

/// Kills and resumes until there were enough kills and the last run is done; compares all results.
fn check(flow: &str, interval: &str, seed: u64) {
    let wanted = std::env::var("RIESZFLOW_KILLS").map_or(KILLS, |n| n.parse().expect("a number"));
    let sandbox = Sandbox::new();
    let start = format!("interaction {flow} --no-plots --quiet --threads 1");
    let since = Instant::now();
    sandbox.run(&format!("{start} --out whole")).good();
    let duration = since.elapsed();
    let whole = Results::read(&sandbox.path("whole"));

    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut kills, mut runs) = (0, 0);
    while kills < wanted {
        let out = format!("run{runs}");
        let folder = sandbox.path(&out);
        let mut command = format!("{start} {interval} --out {out}");
        loop {
            let size = rng.random_range(2..=4);
            let victim = rng.random_range(0..size);
            let after = duration.mul_f64(rng.random_range(0.0..1.5));
            let mut job = Job::start(&sandbox, &[Ranks::new(size, &command)]);
            job.wait_for_run(&folder);
            sleep(after);
            let was_over = job.is_over();
            job.signal(victim, "KILL");
            let said = job.ended_within(SOON);
            let complete = said.stderr.contains("is complete");
            if said.status == Some(0) || (was_over && complete) {
                break;
            }
            assert!(!was_over, "{said:#?}");
            assert!(complete || said.stderr.contains("signal 9"), "{said:#?}");
            kills += 1;
            if folder.join("config.toml").exists() {
                command = format!("resume {out} --no-plots --quiet {interval} --threads 1");
            }
        }
        runs += 1;
        assert_eq!(names(&folder), names(&sandbox.path("whole")));
        assert!(Results::read(&folder) == whole, "other bytes");
    }
    println!("{flow}: {kills} kills, {runs} runs came to their end");
}
