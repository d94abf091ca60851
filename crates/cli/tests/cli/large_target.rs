//! Targets so large that D² to them takes much longer than a time step.

use std::fmt::Write;
use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::sandbox::{Csv, Sandbox, summary};

/// Points (x, y) that fill the unit square evenly.
fn points(count: usize) -> Vec<[f64; 2]> {
    let part = |i: usize, step: f64| (i as f64 * step).fract();
    (0..count)
        .map(|i| [part(i, 0.754_877_666), part(i, 0.569_840_291)])
        .collect()
}

fn csv(points: &[[f64; 2]]) -> String {
    let mut text = "x,y\n".to_owned();
    for [x, y] in points {
        writeln!(text, "{x},{y}").expect("a string");
    }
    text
}

const FLOW: &str = "mmd --target csv:t.csv --scheme particle --start uniform:0,1 --tau 0.05 \
                    --no-plots";

/// The energy of the target is computed beside the flow, and the table is completed at the end.
#[test]
fn the_discrepancy_is_that_of_plain_sums() {
    let sandbox = Sandbox::new();
    let target = points(21_000);
    fs::write(sandbox.path("t.csv"), csv(&target)).expect("a file");
    let command = format!("{FLOW} --particles 20 --time 0.1 --quiet --out run");
    sandbox.run(&command).good();
    let distance = |a: &[f64], b: &[f64]| ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt();
    let count = target.len() as f64;
    let mut own = 0.0;
    for (i, a) in target.iter().enumerate() {
        let earlier = target[..i].iter();
        own += 2.0 * earlier.map(|b| distance(a, b)).sum::<f64>();
    }
    let x = Csv::read(&sandbox.path("run/final.csv")).rows;
    let mut exact = -0.5 * own / (count * count);
    for a in &x {
        exact += target.iter().map(|b| distance(a, b)).sum::<f64>() / count / 20.0;
        exact -= 0.5 * x.iter().map(|b| distance(a, b)).sum::<f64>() / 400.0;
    }
    let metrics = Csv::read(&sandbox.path("run/metrics.csv"));
    let discrepancy = metrics.column("discrepancy");
    assert!(discrepancy.iter().all(|d| d.is_finite()), "{discrepancy:?}");
    assert!(
        (discrepancy[1] - exact).abs() < 1e-9,
        "{discrepancy:?} and {exact}"
    );
    let summary = summary(&sandbox.path("run"));
    let floor = summary["sampling_floor"].as_f64().expect("a number");
    assert!((floor - 0.5 * own / (count * count) / 20.0).abs() < 1e-9);
}

/// The first time step does not wait for D², and a signal ends the program within a second.
#[test]
fn the_flow_starts_at_once_and_can_be_interrupted() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("t.csv"), csv(&points(300_000))).expect("a file");
    let command = format!("{FLOW} --particles 200 --time 0.1 --out run");
    let child = Command::new(env!("CARGO_BIN_EXE_rieszflow"))
        .current_dir(sandbox.path(""))
        .args(command.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let deadline = Instant::now() + Duration::from_secs(60);
    let metrics = sandbox.path("run/metrics.csv");
    // Both time steps are done long before 4.5·10¹⁰ pairs are summed.
    while fs::read_to_string(&metrics).map_or(0, |text| text.lines().count()) < 3 {
        assert!(Instant::now() < deadline, "no time step is done");
        sleep(Duration::from_millis(20));
    }
    let since = Instant::now();
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status();
    assert!(sent.expect("kill").success());
    let output = child.wait_with_output().expect("a process");
    assert!(
        since.elapsed() < Duration::from_secs(3),
        "{:?}",
        since.elapsed()
    );
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{complaint}");
    assert!(complaint.contains("rieszflow resume run"), "{complaint}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("step 1/2") && said.contains("F "), "{said}");
    assert!(said.contains("D² is known once"), "{said}");
    assert!(summary(&sandbox.path("run"))["discrepancy"].is_null());
    // The figures do not wait for it either.
    let since = Instant::now();
    sandbox.run("plot run").good();
    assert!(since.elapsed() < Duration::from_secs(20));
}
