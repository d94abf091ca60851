//! Flows commute with translations: data far from zero gives what the same data gives at zero.

use std::fmt::Write;

use crate::sandbox::{Csv, Sandbox, summary};

/// 60 points about (`centre`, `centre`) as a CSV file, moved by (`offset`, −`offset`).
///
/// All coordinates are multiples of 1/64, so that moving them by whole numbers is exact.
fn cloud(count: usize, centre: f64, offset: f64) -> String {
    let mut text = "x,y\n".to_owned();
    for i in 0..count {
        let spread = |frequency: f64| (64.0 * (frequency * i as f64).sin()).round() / 64.0;
        let (x, y) = (centre + spread(1.3), centre + spread(2.1));
        writeln!(text, "{},{}", x + offset, y - offset).expect("in memory");
    }
    text
}

#[test]
fn data_far_from_zero_flows_as_at_zero() {
    let sandbox = Sandbox::new();
    for scheme in ["particle", "backward", "forward"] {
        let training = match scheme {
            "particle" => "",
            _ => "--iterations 50 --batch 40 --width 16 --hidden-layers 1",
        };
        let mut found = Vec::new();
        for offset in [0.0, 1e4, 1e7] {
            let (start, target) = (cloud(60, 0.0, offset), cloud(80, 3.0, offset));
            std::fs::write(sandbox.path("start.csv"), start).expect("a file");
            std::fs::write(sandbox.path("target.csv"), target).expect("a file");
            let run = format!("{scheme}-{offset}");
            sandbox
                .run(&format!(
                    "mmd --target csv:target.csv --start csv:start.csv --scheme {scheme} {training} \
                     --tau 0.5 --time 1 --no-plots --quiet --out {run}"
                ))
                .good();
            let discrepancy = summary(&sandbox.path(&run))["discrepancy"].as_f64();
            let last = Csv::read(&sandbox.path(&format!("{run}/final.csv")));
            let mean = last.column("x0").iter().sum::<f64>() / 60.0 - offset;
            found.push((discrepancy.expect("a number"), mean));
        }
        let (discrepancy, mean) = found[0];
        assert!(discrepancy > 0.1, "{scheme}: {discrepancy}");
        for (other, moved) in &found[1..] {
            // At 0 the flow computes where the data is, elsewhere about its mean: rounding differs,
            // and the training of a network amplifies it.
            let allowed = if training.is_empty() { 1e-6 } else { 1e-3 };
            assert!(
                (other / discrepancy - 1.0).abs() < allowed,
                "{scheme}: {found:?}"
            );
            assert!((moved - mean).abs() < 10.0 * allowed, "{scheme}: {found:?}");
        }
    }
}
