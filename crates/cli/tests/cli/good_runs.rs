//! Runs of every scheme: their files, and what they print.

use rieszflow_cli::numbers::rounded;
use rieszflow_cli::{Config, SchemeKind};

use crate::folder;
use crate::sandbox::{Sandbox, names, small, summary};

const SCHEMES: [SchemeKind; 3] = [
    SchemeKind::Backward,
    SchemeKind::Forward,
    SchemeKind::Particle,
];

#[test]
fn every_scheme_fills_its_folder() {
    for scheme in SCHEMES {
        let sandbox = Sandbox::new();
        let (config, options) = small(scheme);
        sandbox.run(&format!("interaction {options}")).good();
        let folder = sandbox.path(&format!("runs/interaction-{scheme}"));
        folder::check(&folder, &config, true);
    }
}

/// What the schemes compute, not only that they compute: particles and networks find the scale.
#[test]
fn small_runs_come_close_to_the_closed_form() {
    let sandbox = Sandbox::new();
    for (scheme, tolerance) in SCHEMES.into_iter().zip([0.05, 0.1, 0.02]) {
        let training = match scheme {
            SchemeKind::Particle => "",
            _ => "--batch 60 --iterations 300 --width 32",
        };
        let options = format!("--particles 300 {training} --time 0.2 --no-plots");
        sandbox
            .run(&format!(
                "interaction --scheme {scheme} {options} --out {scheme}"
            ))
            .good();
        let summary = summary(&sandbox.path(&scheme.to_string()));
        let scale = |name: &str| summary[name].as_f64().expect("a scale");
        let ratio = scale("scale_measured") / scale("scale_exact");
        assert!((ratio - 1.0).abs() < tolerance, "{scheme}: {ratio}");
        let floor = scale("sampling_floor");
        assert!(scale("discrepancy") < 1.5 * floor, "{scheme}: {summary}");
    }
}

#[test]
fn without_a_terminal_a_line_is_printed_per_time_step() {
    for scheme in SCHEMES {
        let sandbox = Sandbox::new();
        let (config, options) = small(scheme);
        let said = sandbox
            .run(&format!("interaction {options} --out some/folder"))
            .good();
        let lines: Vec<&str> = said.stdout.lines().collect();
        let steps = config.time_grid().len();
        for (line, step) in lines[..steps].iter().zip(1..) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let place = format!("step {step}/{steps}");
            assert!(words.join(" ").contains(&place), "{line}");
            assert!(words.contains(&"D²"), "{line}");
            assert_eq!(words.contains(&"loss"), scheme != SchemeKind::Particle);
            assert!(!line.contains(['\r', '\x1b']), "{line:?} is not plain");
        }
        let last = lines[lines.len() - 1];
        assert!(last.ends_with("files in some/folder"), "{last}");
        check_headline(&lines[steps..].join("\n"), &sandbox);
    }
}

/// The figures that are printed at the end are those of the summary.
fn check_headline(text: &str, sandbox: &Sandbox) {
    let summary = summary(&sandbox.path("some/folder"));
    let number = |name: &str| summary[name].as_f64().expect("a number");
    assert!(text.contains("t = 0.25"), "{text}");
    for name in ["discrepancy", "sampling_floor"] {
        assert!(text.contains(&format!("{:.3e}", number(name))), "{text}");
    }
    let measured = rounded(number("scale_measured"), 5);
    assert!(text.contains(&format!("scale {measured}")), "{text}");
    assert!(text.contains("exact 0.25"), "{text}");
}

#[test]
fn a_quiet_run_prints_nothing_at_all() {
    let sandbox = Sandbox::new();
    let (config, options) = small(SchemeKind::Backward);
    let said = sandbox
        .run(&format!("interaction {options} --quiet --out run"))
        .good();
    assert_eq!(said.stdout, "");
    folder::check(&sandbox.path("run"), &config, true);
}

#[test]
fn no_plots_draws_no_figures() {
    let sandbox = Sandbox::new();
    let (config, options) = small(SchemeKind::Particle);
    sandbox
        .run(&format!("interaction {options} --no-plots --out run"))
        .good();
    folder::check(&sandbox.path("run"), &config, false);
}

#[test]
fn the_implosion_is_measured_without_a_scale() {
    let sandbox = Sandbox::new();
    let options = "--scheme particle --particles 60 --time 0.5 --out run";
    sandbox.run(&format!("implosion {options}")).good();
    let metrics = crate::sandbox::Csv::read(&sandbox.path("run/metrics.csv"));
    let columns = "step,time,functional,discrepancy,discrepancy_u,loss,seconds,iterations";
    assert_eq!(metrics.columns.join(","), columns);
    assert_eq!(metrics.rows.len(), 10);
    let expected = Config {
        particles: 60,
        batch: 60,
        time: 0.5,
        save_at: rieszflow_cli::SaveAt::Every(2),
        ..Config::implosion(SchemeKind::Particle)
    };
    assert_eq!(crate::sandbox::config(&sandbox.path("run")), expected);
    assert_eq!(names(&sandbox.path("run")).len(), 9);
}

#[test]
fn a_reader_who_leaves_does_not_stop_the_run() {
    let sandbox = Sandbox::new();
    let (_, options) = small(SchemeKind::Particle);
    let arguments = format!("interaction {options} --out run");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_rieszflow"))
        .current_dir(sandbox.path(""))
        .args(arguments.split_whitespace())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(summary(&sandbox.path("run"))["status"], "completed");
}
