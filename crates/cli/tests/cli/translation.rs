//! Flows commute with translations: data far from zero gives what the same data gives at zero, and what
//! the precision cannot resolve is reported.

use std::fmt::Write;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::sandbox::{Csv, Sandbox, summary};

/// `count` points about (`centre`, `centre`), moved by (`offset`, −`offset`).
///
/// All coordinates are multiples of 2⁻²⁰, so that moving them by whole numbers is exact.
fn points(count: usize, centre: f64, offset: [f64; 2]) -> Vec<[f64; 2]> {
    let spread = |frequency: f64, i: usize| (GRID * (frequency * i as f64).sin()).round() / GRID;
    let point = |i| [1.3, 2.1].map(|frequency| centre + spread(frequency, i));
    (0..count)
        .map(|i| [point(i)[0] + offset[0], point(i)[1] + offset[1]])
        .collect()
}

fn csv(points: &[[f64; 2]]) -> String {
    let mut text = "x,y\n".to_owned();
    for [x, y] in points {
        writeln!(text, "{x},{y}").expect("in memory");
    }
    text
}

/// The points as a CSV file, moved by (`offset`, −`offset`).
pub fn cloud(count: usize, centre: f64, offset: f64) -> String {
    csv(&points(count, centre, [offset, -offset]))
}

const GRID: f64 = 1_048_576.0;

const FLOW: &str = "mmd --target csv:target.csv --start csv:start.csv --no-plots --quiet --force";

fn difference(x: &[f64], y: &[f64]) -> ([f64; 2], f64) {
    let d = [x[0] - y[0], x[1] - y[1]];
    (d, d[0].hypot(d[1]))
}

/// Explicit Euler for r = 1 by plain double loops in double precision.
fn euler_step(x: &[[f64; 2]], y: &[[f64; 2]], tau: f64) -> Vec<[f64; 2]> {
    let force = |at: &[f64; 2], from: &[[f64; 2]]| {
        let mut sum = [0.0; 2];
        for other in from {
            let (d, length) = difference(at, other);
            if length > 0.0 {
                sum = [sum[0] + d[0] / length, sum[1] + d[1] / length];
            }
        }
        sum.map(|s| s / from.len() as f64)
    };
    let moved = |at: &[f64; 2]| {
        let (repelled, attracted) = (force(at, x), force(at, y));
        [0, 1].map(|k| at[k] + tau * (repelled[k] - attracted[k]))
    };
    x.iter().map(moved).collect()
}

/// D² for r = 1 by plain double loops.
fn discrepancy(x: &[[f64; 2]], y: &[[f64; 2]]) -> f64 {
    let mean = |a: &[[f64; 2]], b: &[[f64; 2]]| {
        let sum: f64 = a
            .iter()
            .flat_map(|p| b.iter().map(move |q| difference(p, q).1))
            .sum();
        sum / (a.len() * b.len()) as f64
    };
    mean(x, y) - 0.5 * mean(x, x) - 0.5 * mean(y, y)
}

/// Coordinates of a map, and a shift by 10,000 of many particles.
#[test]
fn particles_far_from_zero_move_as_plain_sums_say() {
    let sandbox = Sandbox::new();
    for (offset, counts, tau, steps) in [
        ([512_700.0, 5_403_200.0], [300, 200], 0.5, 2),
        ([1e4, 1e4], [700, 200], 0.1, 1),
        ([-1e7, 3.0], [50, 60], 0.25, 3),
    ] {
        let (start, target) = (
            points(counts[0], 0.0, offset),
            points(counts[1], 2.0, offset),
        );
        std::fs::write(sandbox.path("start.csv"), csv(&start)).expect("a file");
        std::fs::write(sandbox.path("target.csv"), csv(&target)).expect("a file");
        let time = tau * f64::from(steps);
        let options = format!("--scheme particle --tau {tau} --time {time} --out run");
        sandbox.run(&format!("{FLOW} {options}")).good();
        let exact = (0..steps).fold(start.clone(), |x, _| euler_step(&x, &target, tau));
        let summary = summary(&sandbox.path("run"));
        let found = summary["discrepancy"].as_f64().expect("a number");
        let expected = discrepancy(&exact, &target);
        assert!(
            (found / expected - 1.0).abs() < 1e-6,
            "{found} and {expected}"
        );
        // The start that is saved is the file's, to the last digit.
        let saved = Csv::read(&sandbox.path("run/snapshots.csv")).rows;
        assert!(saved.iter().zip(&start).all(|(row, x)| row[3..] == x[..]));
        let last = Csv::read(&sandbox.path("run/final.csv")).rows;
        for (row, x) in last.iter().zip(&exact) {
            assert!(difference(row, x).1 < 1e-5, "{row:?} and {x:?}");
        }
    }
}

/// D² at the end, and the mean of the first coordinate without the offset.
fn end(sandbox: &Sandbox, options: &str, offset: [f64; 2]) -> (f64, f64) {
    let write = |name: &str, points: &[[f64; 2]]| {
        std::fs::write(sandbox.path(name), csv(points)).expect("a file");
    };
    write("start.csv", &points(60, 0.0, offset));
    write("target.csv", &points(80, 3.0, offset));
    let command = format!("{FLOW} {options} --tau 0.5 --time 1 --out run");
    sandbox.run(&command).good();
    let summary = summary(&sandbox.path("run"));
    assert!(summary["rounding"].is_null(), "{summary}");
    let last = Csv::read(&sandbox.path("run/final.csv")).column("x0");
    let mean = last.iter().map(|x| x - offset[0]).sum::<f64>() / 60.0;
    (summary["discrepancy"].as_f64().expect("a number"), mean)
}

#[test]
fn flows_commute_with_translations() {
    let sandbox = Sandbox::new();
    for (scheme, cases) in [("particle", 12), ("backward", 4), ("forward", 4)] {
        let training = match scheme {
            "particle" => "",
            _ => "--iterations 50 --batch 40 --width 16 --hidden-layers 1",
        };
        let options = format!("--scheme {scheme} {training}");
        let (discrepancy, mean) = end(&sandbox, &options, [0.0, 0.0]);
        assert!(discrepancy > 0.1, "{scheme}: {discrepancy}");
        // At 0 the flow computes where the data is, elsewhere about its mean: rounding differs, and
        // the training of a network amplifies it.
        let allowed = if training.is_empty() { 1e-6 } else { 1e-3 };
        let mut runner = TestRunner::new(ProptestConfig {
            cases,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let offsets = prop::array::uniform2(-10_000_000..=10_000_000);
        let commutes = runner.run(&offsets, |offset: [i32; 2]| {
            let found = end(&sandbox, &options, offset.map(f64::from));
            prop_assert!((found.0 / discrepancy - 1.0).abs() < allowed, "{:?}", found);
            prop_assert!((found.1 - mean).abs() < 10.0 * allowed, "{:?}", found);
            Ok(())
        });
        commutes.unwrap_or_else(|error| panic!("{scheme}: {error}"));
    }
}

/// A target that is far from the start in units of its own size is rounded in single precision, and so is
/// a tiny time step.
#[test]
fn what_single_precision_loses_is_reported() {
    let sandbox = Sandbox::new();
    let write = |name: &str, points: &[[f64; 2]]| {
        std::fs::write(sandbox.path(name), csv(points)).expect("a file");
    };
    let map = [512_700.0, 5_403_200.0];
    write("far.csv", &points(80, 0.0, map));
    write("near.csv", &points(80, 2.0, [0.0, 0.0]));
    write("farther.csv", &points(80, 0.0, [1e14, 0.0]));
    let flow = "mmd --scheme particle --no-plots";
    for (options, words) in [
        (
            "--target csv:far.csv --particles 20 --tau 0.1 --time 0.1",
            ["the target spreads by", "use --precision f64"],
        ),
        (
            "--target csv:near.csv --start uniform:1,2 --particles 20 --tau 1e-8 --time 3e-8",
            ["a time step of 1e-8 moves particles", "use --precision f64"],
        ),
        (
            "--target csv:farther.csv --start csv:farther.csv --tau 1 --time 1",
            ["spreads by", "subtract a constant"],
        ),
    ] {
        let said = sandbox.run(&format!("{flow} {options} --force --out run"));
        assert_eq!(said.status, Some(0), "{said:#?}");
        assert!(said.stderr.starts_with("warning: "), "{said:#?}");
        let rounding = summary(&sandbox.path("run"))["rounding"].to_string();
        for word in words {
            assert!(said.stderr.contains(word), "no {word:?} in {said:#?}");
            assert!(rounding.contains(&word.replace("--", "")), "{rounding}");
        }
        if words[1].contains("f64") {
            let double = format!("{flow} {options} --precision f64 --force --out run");
            sandbox.run(&double).good();
        }
    }
}
