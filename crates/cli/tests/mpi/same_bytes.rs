//! Runs on 1 to 4 ranks with different numbers of threads leave the same bytes as one without MPI.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::job::{Job, Ranks, run};
use crate::sandbox::{Results, Sandbox, names, read, summary};

/// Enough particles and large enough batches to be shared among ranks.
const NEURAL: &str =
    "--particles 1100 --batch 1100 --iterations 4 --first-iterations 6 --no-plots --quiet";
const PARTICLE: &str = "--particles 1500 --scheme particle --no-plots --quiet";
const TARGET: &str = "mmd --target image:picture.png --target-particles 1300 --tau 0.5 --time 1";

/// Everything that a run has left, but for its seconds, threads and ranks.
fn content(folder: &Path) -> (Results, Value, Vec<(String, Vec<u8>)>) {
    let mut rest = summary(folder);
    for key in ["wall_seconds", "threads", "ranks"] {
        let removed = rest.as_object_mut().expect("an object").remove(key);
        assert!(removed.is_some(), "no {key}");
    }
    let others = names(folder).into_iter().filter_map(|name| {
        let is_compared = name == "metrics.csv" || name == "summary.json";
        let path = folder.join(&name);
        (!is_compared && path.is_file()).then(|| (name, fs::read(path).expect("a file")))
    });
    (Results::read(folder), rest, others.collect())
}

/// Compares runs on 1 to 4 ranks, the last ones with threads of their own number, with one alone.
fn check(flow: &str) {
    let sandbox = Sandbox::new();
    picture(&sandbox);
    sandbox
        .run(&format!("{flow} --threads 2 --out alone"))
        .good();
    let alone = content(&sandbox.path("alone"));
    assert_eq!(summary(&sandbox.path("alone"))["ranks"], 1);
    for count in 1..=4 {
        let out = format!("ranks{count}");
        let with = |threads| format!("{flow} --out {out} --threads {threads}");
        let (first, others) = (with(1), with(2));
        let mut ranks = vec![Ranks::new(1, &first)];
        if count > 1 {
            ranks.push(Ranks::new(count - 1, &others));
        }
        let said = Job::start(&sandbox, &ranks).ended();
        assert_eq!(said.status, Some(0), "{said:#?}");
        assert!(
            content(&sandbox.path(&out)) == alone,
            "{flow}: {count} ranks"
        );
        assert_eq!(summary(&sandbox.path(&out))["ranks"], count);
        assert_eq!(summary(&sandbox.path(&out))["threads"], 1);
    }
}

/// A grey ramp, as a picture that the first rank alone reads.
fn picture(sandbox: &Sandbox) {
    let ramp = image::GrayImage::from_fn(40, 30, |x, y| image::Luma([(6 * x + y) as u8]));
    ramp.save(sandbox.path("picture.png")).expect("a picture");
}

#[test]
fn interaction_by_each_scheme() {
    check(&format!("interaction {PARTICLE} --time 0.2"));
    check(&format!(
        "interaction --scheme backward {NEURAL} --time 0.15"
    ));
    check(&format!("interaction --scheme forward {NEURAL} --time 0.1"));
}

#[test]
fn discrepancy_flow_by_each_scheme() {
    check(&format!("{TARGET} {PARTICLE}"));
    check(&format!("{TARGET} --scheme backward {NEURAL}"));
    check(&format!(
        "{TARGET} --scheme forward {NEURAL} --precision f64"
    ));
}

#[test]
fn discrepancy_flow_with_sliced_sums() {
    let sliced = "--sums sliced --directions 64";
    check(&format!("{TARGET} {PARTICLE} {sliced}"));
    check(&format!("{TARGET} --scheme backward {NEURAL} {sliced}"));
    check(&format!("{TARGET} --scheme forward {NEURAL} {sliced}"));
}

#[test]
fn a_chain_of_networks() {
    check(
        "generate --data rings --count 1300 --held-out 100 --width 32 --batch 1100 --iterations 4 \
         --networks 2 --first-flow-steps 3 --directions 64 --no-plots --quiet",
    );
}

#[test]
fn discrepancy_and_samples() {
    let sandbox = Sandbox::new();
    let flow = format!("interaction {NEURAL} --time 0.1 --out run");
    sandbox.run(&flow).good();
    let compare = |count: usize, other: &str| {
        let arguments = format!("discrepancy csv:draws{count}.csv {other} --json");
        let said = run(&sandbox, count, &arguments);
        let mut found: Value = serde_json::from_str(&said.stdout).expect("one object");
        found.as_object_mut().expect("an object").remove("seconds");
        found
    };
    let found: Vec<_> = (1..=4)
        .map(|count| {
            let file = format!("draws{count}.csv");
            run(
                &sandbox,
                count,
                &format!("sample run --count 9000 --out {file}"),
            );
            let between = compare(count, "csv:run/final.csv");
            (
                read(&sandbox.path(&file)),
                between,
                compare(count, "ball:1"),
            )
        })
        .collect();
    assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
}

/// Only the first rank prints, whatever is asked for.
#[test]
fn the_first_rank_alone_prints() {
    let sandbox = Sandbox::new();
    let said = run(&sandbox, 3, "closed-form --dim 2 --exponent 1 --json");
    assert_eq!(said.stdout.matches("radius").count(), 1, "{said:#?}");
    let said = run(&sandbox, 2, "--version");
    assert_eq!(said.stdout.matches("rieszflow").count(), 1, "{said:#?}");
}
