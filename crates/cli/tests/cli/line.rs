//! `closed-form line` against speeds worked out by hand, and `verify --quick` with its tables.

use std::fs;

use serde_json::Value;

use crate::sandbox::{Sandbox, read};

fn quantiles(sandbox: &Sandbox, arguments: &str) -> Vec<f64> {
    let said = sandbox.run(&format!("closed-form line {arguments} --json"));
    let answer: Value = serde_json::from_str(&said.good().stdout).expect("a JSON object");
    let list = answer["quantiles"].as_array().expect("a list").iter();
    list.map(|x| x.as_f64().expect("a number")).collect()
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() < 1e-12, "{found:?} and {expected:?}");
    }
}

/// Between the atoms −1 and 1 the quantile of level s moves with speed 2(s − ½), and it rests there.
#[test]
fn two_diracs() {
    let sandbox = Sandbox::new();
    let arguments = "--target two-diracs-1d --start dirac:0.2 --quantiles 4";
    let after_one = [-0.55, -0.05, 0.45, 0.95];
    assert_close(
        &quantiles(&sandbox, &format!("{arguments} --time 1")),
        &after_one,
    );
    // No step reaches an atom, so the JKO iterates are on the flow.
    let stepped = quantiles(&sandbox, &format!("{arguments} --time 1 --tau 0.3"));
    assert_close(&stepped, &after_one);
    let after_ten = [-1.0, -1.0, 1.0, 1.0];
    assert_close(
        &quantiles(&sandbox, &format!("{arguments} --time 10")),
        &after_ten,
    );
}

/// One atom at 0 with weight 3/4, one at 1 with weight 1/4; levels ¼ and ¾ start at ½.
#[test]
fn weighted_files() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("target.csv"), "x0,weight\n1,1\n0,3\n").expect("a file");
    fs::write(sandbox.path("start.csv"), "x0\n0.5\n0.5\n").expect("a file");
    let arguments = "--target csv:target.csv --start csv:start.csv --quantiles 2 --time 0.25";
    assert_close(&quantiles(&sandbox, arguments), &[0.25, 0.5]);
}

#[test]
fn refusals() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("bad.csv"), "x0\n1\nnan\n").expect("a file");
    fs::write(sandbox.path("plane.csv"), "x0,x1\n1,2\n").expect("a file");
    let with = |start: &str, rest: &str| {
        format!("closed-form line --target two-diracs-1d --start {start} {rest}")
    };
    for (arguments, word) in [
        (
            with("csv:bad.csv", "--time 1 --quantiles 2"),
            "line 3, column 'x0'",
        ),
        (
            with("csv:plane.csv", "--time 1 --quantiles 2"),
            "one coordinate",
        ),
        (with("csv:none.csv", "--time 1 --quantiles 2"), "none.csv"),
        (with("dirac:x", "--time 1 --quantiles 2"), "dirac:X"),
        (with("dirac:0", "--time 1 --quantiles 0"), "--quantiles"),
        (with("dirac:0", "--time -1 --quantiles 2"), "time"),
        (with("dirac:0", "--time 1 --tau 0 --quantiles 2"), "tau"),
    ] {
        sandbox.run(&arguments).refused(&[word]);
    }
}

#[test]
fn every_quick_check_passes_and_is_in_both_tables() {
    let sandbox = Sandbox::new();
    let said = sandbox.run("verify --quick --out tables").good();
    let lines: Vec<&str> = said.stdout.lines().collect();
    let (last, rows) = lines.split_last().expect("lines");
    assert!(rows.len() > 50 && rows.iter().all(|row| row.starts_with("pass  ")));
    assert_eq!(*last, format!("{} passed, 0 failed", rows.len()));
    let table = sandbox.path("tables").join("verify.csv");
    let written = csv::Reader::from_path(&table)
        .expect("a table")
        .into_records()
        .count();
    assert_eq!(written, rows.len());
    let markdown = read(&sandbox.path("tables").join("verify.md"));
    assert_eq!(markdown.lines().count(), rows.len() + 2);
}
