//! Sliced sums in the program: flows, their files for very many particles, and `discrepancy`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rieszflow_cli::SumsKind;
use serde_json::Value;

use crate::sandbox::{Csv, Results, Sandbox, config, names, read};

const TRAINING: &str = "--batch 30 --iterations 30 --width 16 --hidden-layers 1";

/// Every scheme towards particles and from a Dirac, with the same bytes for any number of threads.
#[test]
fn flows_have_the_same_bytes_for_any_number_of_threads() {
    let flows = [
        "mmd --target smiley --target-particles 500 --scheme particle --momentum 0.5 --tau 0.5 --time 2",
        "mmd --target two-diracs --scheme backward --tau 0.5 --time 1",
        "mmd --target gaussian:1 --scheme particle --tau 0.1 --time 0.3",
        "interaction --scheme forward --tau 0.25 --time 0.5",
        "interaction --scheme particle --dim 3 --tau 0.25 --time 0.5 --exponent 1.5",
    ];
    for flow in flows {
        let training = if flow.contains("particle") {
            ""
        } else {
            TRAINING
        };
        let sandbox = Sandbox::new();
        for threads in [1, 2, 4] {
            let sums = "--sums sliced --directions 8 --particles 300 --no-plots --quiet";
            let out = format!("--threads {threads} --out run{threads}");
            sandbox
                .run(&format!("{flow} {training} {sums} {out}"))
                .good();
        }
        let runs = [1, 2, 4].map(|threads| Results::read(&sandbox.path(&format!("run{threads}"))));
        assert!(runs[0] == runs[1] && runs[0] == runs[2], "{flow}");
        let config = config(&sandbox.path("run1"));
        assert_eq!(
            (config.sums, config.directions),
            (SumsKind::Sliced, Some(8))
        );
    }
}

/// The particle flow gets near the target by sliced sums as by all pairs, and D² is about the exact one.
#[test]
fn the_flow_ends_where_that_of_all_pairs_does() {
    let sandbox = Sandbox::new();
    let flow = "mmd --target smiley --target-particles 400 --scheme particle --particles 400 --tau 1 \
                --time 40 --no-plots --quiet";
    sandbox.run(&format!("{flow} --out exact")).good();
    sandbox
        .run(&format!("{flow} --sums sliced --out sliced"))
        .good();
    let last = |name: &str| {
        let metrics = Csv::read(&sandbox.path(&format!("{name}/metrics.csv")));
        metrics.column("discrepancy").pop().expect("a row")
    };
    let compare = |name: &str, options: &str| {
        let files = format!("csv:{name}/final.csv npy:{name}/target.npy");
        let said = sandbox.run(&format!("discrepancy {files} {options} --json"));
        serde_json::from_str::<Value>(&said.good().stdout).expect("JSON")
    };
    let number = |found: &Value, key: &str| found[key].as_f64().expect("a number");
    let exact = number(&compare("exact", ""), "discrepancy");
    let found = number(&compare("sliced", ""), "discrepancy");
    // The sampling floor of 400 particles of this target is about 6e-4 times its size.
    assert!(found < 1.2 * exact + 1e-4, "{found} {exact}");
    assert!(
        (last("sliced") / found - 1.0).abs() < 0.1,
        "{} {found}",
        last("sliced")
    );

    let sliced = compare("sliced", "--sums sliced --directions 800 --seed 3");
    let (value, error) = (
        number(&sliced, "discrepancy"),
        number(&sliced, "standard_error"),
    );
    assert!(
        (value - found).abs() < 6.0 * error + 1e-12,
        "{value} {found} {error:e}"
    );
    assert!(error < 0.1 * found, "{error:e}");
    let exact_u = number(&compare("sliced", ""), "discrepancy_u");
    let found_u = number(&sliced, "discrepancy_u");
    // The energies of either side have errors of their own: a few of the 1/N of the whole.
    assert!(
        (found_u - exact_u).abs() < 0.2 * (found - exact_u).abs(),
        "{found_u} {exact_u}"
    );
}

#[test]
fn particles_are_compared_with_a_law_by_sliced_sums() {
    let sandbox = Sandbox::new();
    let mut rows = String::new();
    for i in (0..200).map(f64::from) {
        writeln!(rows, "{},{}", (1.7 * i).sin(), (2.3 * i).cos()).expect("a string grows");
    }
    fs::write(sandbox.path("x.csv"), format!("x0,x1\n{rows}")).expect("a file");
    let compare = |options: &str| {
        let said = sandbox.run(&format!(
            "discrepancy csv:x.csv gaussian:1 {options} --json"
        ));
        let found: Value = serde_json::from_str(&said.good().stdout).expect("JSON");
        ["discrepancy", "discrepancy_u", "standard_error"].map(|key| found[key].as_f64())
    };
    let [exact, exact_u, _] = compare("");
    let [found, found_u, error] = compare("--sums sliced --directions 4000");
    let error = error.expect("a standard error");
    for (found, exact) in [(found, exact), (found_u, exact_u)] {
        let difference = found.expect("a number") - exact.expect("a number");
        assert!(difference.abs() < 6.0 * error, "{difference:e} {error:e}");
    }
    assert!(0.0 < error && error < 1e-5, "{error:e}");
}

#[test]
fn unusable_options_are_named() {
    let sandbox = Sandbox::new();
    let flow = "interaction --sums sliced --quiet --out run";
    let cases: [(&str, &[&str]); 5] = [
        ("--exponent 0.5", &["--exponent", "above 1/2", "--sums"]),
        ("--directions 0", &["--directions", "at least 1"]),
        ("--momentum 1", &["--momentum", "at least 0 and below 1"]),
        ("--directions x", &["--directions"]),
        ("--sums all", &["--sums", "exact"]),
    ];
    for (options, words) in cases {
        let flow = if options.starts_with("--sums") {
            "interaction --quiet --out run"
        } else {
            flow
        };
        sandbox.run(&format!("{flow} {options}")).refused(words);
        assert!(!sandbox.path("run").exists());
    }
    sandbox
        .run("implosion --sums sliced --quiet --out run")
        .refused(&["--sums", "exact for the implosion"]);
    fs::write(sandbox.path("x.csv"), "x0\n1\n").expect("a file");
    sandbox
        .run("discrepancy csv:x.csv csv:x.csv --sums sliced --directions 0")
        .refused(&["--directions", "at least 1"]);
}

/// Without CSV the archive holds the same particles, and figures can be drawn again.
#[test]
fn the_archive_alone_holds_the_particles() {
    let sandbox = Sandbox::new();
    let flow = "mmd --target smiley --target-particles 100 --scheme particle --particles 50 --tau 1 \
                --time 4 --save-at 1,3 --quiet";
    sandbox.run(&format!("{flow} --out with")).good();
    sandbox
        .run(&format!("{flow} --csv false --out without"))
        .good();
    let (with, without) = (sandbox.path("with"), sandbox.path("without"));
    let missing: Vec<String> = names(&with)
        .into_iter()
        .filter(|name| !names(&without).contains(name))
        .collect();
    assert_eq!(missing, ["final.csv", "snapshots.csv"]);
    assert_eq!(names(&without).len() + 2, names(&with).len());
    // Single precision takes half the bytes.
    let size = |folder: &Path| {
        fs::metadata(folder.join("snapshots.npz"))
            .expect("a file")
            .len()
    };
    assert!(size(&without) < size(&with) - 1000);
    let figure = || fs::read(without.join("snapshots.png")).expect("a figure");
    let drawn = figure();
    sandbox.run("plot without").good();
    assert_eq!(figure(), drawn);
    assert!(read(&without.join("config.toml")).contains("csv = false"));
}
