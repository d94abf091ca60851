//! Flows that are stationary, flows that diverge.

use std::path::Path;

use crate::npz;
use crate::sandbox::{Csv, Sandbox, names, summary};

/// With the default settings, as a user would try it.
#[test]
fn steepest_descent_is_stationary_at_a_dirac_for_large_exponents() {
    let sandbox = Sandbox::new();
    let said = sandbox
        .run("interaction --scheme forward --exponent 1.5 --out run")
        .good();
    assert!(said.stdout.contains("stationary"), "{}", said.stdout);
    assert!(!said.stdout.contains("-0"), "a loss of −0 is shown as 0");
    let summary = summary(&sandbox.path("run"));
    assert_eq!(summary["stationary"], true);
    assert_eq!(summary["status"], "completed");
    assert_eq!(summary["scale_measured"], 0.0);
    let last = Csv::read(&sandbox.path("run/final.csv"));
    assert!(last.rows.iter().flatten().all(|&x| x == 0.0));
    assert!(sandbox.path("run/metrics.png").exists());
}

#[test]
fn a_flow_that_moves_is_not_stationary() {
    let sandbox = Sandbox::new();
    let (_, options) = crate::sandbox::small(rieszflow_cli::SchemeKind::Forward);
    let said = sandbox
        .run(&format!("interaction {options} --out run"))
        .good();
    assert!(!said.stdout.contains("stationary"), "{}", said.stdout);
    assert_eq!(summary(&sandbox.path("run"))["stationary"], false);
}

/// A learning rate that throws the network out of range in the first time step.
#[test]
fn divergence_in_the_first_step_keeps_the_start() {
    let sandbox = Sandbox::new();
    let (_, options) = crate::sandbox::small(rieszflow_cli::SchemeKind::Backward);
    let said = sandbox.run(&format!(
        "interaction {options} --learning-rate 1e30 --out run"
    ));
    assert_eq!(said.status, Some(1), "{said:#?}");
    check_message(
        &said.stderr,
        "time step 1 from t = 0: the training loss in iteration ",
    );
    assert!(
        said.stderr.contains("--learning-rate 1e30 is too large"),
        "{}",
        said.stderr
    );
    let folder = sandbox.path("run");
    check_diverged(&folder, 0);
    let metrics = Csv::read(&folder.join("metrics.csv"));
    assert!(metrics.columns.contains(&"discrepancy".to_owned()));
    let last = Csv::read(&folder.join("final.csv"));
    assert!(last.rows.iter().flatten().all(|&x| x == 0.0));
}

/// r near 2 spreads the particles until they leave the range of single precision.
#[test]
fn divergence_on_the_way_keeps_what_was_computed() {
    let sandbox = Sandbox::new();
    let flow = "--scheme particle --exponent 1.99 --tau 1 --time 100 --particles 50";
    let said = sandbox.run(&format!("interaction {flow} --out run --quiet"));
    assert_eq!(said.status, Some(1), "{said:#?}");
    assert_eq!(said.stdout, "");
    let folder = sandbox.path("run");
    let summary = summary(&folder);
    let steps = summary["steps"].as_u64().expect("a number of steps");
    assert!((10..100).contains(&steps), "{summary}");
    assert_eq!(summary["time"], steps as f64);
    check_message(
        &said.stderr,
        &format!("time step {} from t = {steps}", steps + 1),
    );
    assert!(
        said.stderr
            .contains("--tau 1 is too large for the particle flow")
    );
    check_diverged(&folder, steps);
    let snapshots = Csv::read(&folder.join("snapshots.csv"));
    assert_eq!(snapshots.column("step").last(), Some(&(steps as f64)));
}

fn check_message(stderr: &str, place: &str) {
    assert!(stderr.starts_with("error: the flow diverged"), "{stderr}");
    assert!(stderr.contains(place), "{stderr}");
    assert!(stderr.contains("is in run"), "{stderr}");
}

/// Every file is there and readable, and tells of `steps` time steps.
fn check_diverged(folder: &Path, steps: u64) {
    assert_eq!(summary(folder)["status"], "diverged");
    let reason = summary(folder)["reason"].to_string();
    assert!(reason.contains("no longer a finite number"), "{reason}");
    let figures = if steps == 0 { 2 } else { 3 };
    assert_eq!(names(folder).len(), 6 + figures, "{:?}", names(folder));
    let metrics = Csv::read(&folder.join("metrics.csv"));
    assert_eq!(metrics.rows.len() as u64, steps);
    let last = Csv::read(&folder.join("final.csv"));
    assert!(last.rows.iter().flatten().all(|x| x.is_finite()));
    let archive = std::fs::read(folder.join("snapshots.npz")).expect("an archive");
    let arrays = npz::parse(&archive);
    let count = last.rows.len() * last.columns.len();
    let saved = &arrays["particles"].data;
    assert!(
        saved[saved.len() - count..]
            .iter()
            .eq(last.rows.iter().flatten())
    );
}
