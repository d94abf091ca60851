//! `posterior`: what a conditional chain learns against exact posteriors, its files, resumed runs, samples at
//! conditions, and refusals.

use std::fs;

use rieszflow_cli::files::npy::read_npy;
use rieszflow_cli::{Experiment, SchemeKind};

use crate::kill::a_run_goes_on_without;
use crate::sandbox::{Csv, Results, Sandbox, config, names, read, summary};

/// A second or so.
const SMALL: &str = "--count 400 --width 32 --hidden-layers 2 --iterations 150 --batch 100 --directions 16 \
                     --networks 3 --patience 0";
const QUIET: &str = "--no-plots --quiet";

/// Mean and variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    (mean, variance)
}

#[test]
fn a_small_chain_comes_near_the_posterior_of_a_linear_gaussian_observation() {
    let sandbox = Sandbox::new();
    let options = "--count 1500 --width 64 --hidden-layers 2 --iterations 500 --networks 5";
    let said = sandbox
        .run(&format!(
            "posterior --data linear-gaussian {options} --out run"
        ))
        .good();
    assert!(said.stdout.contains("mean posterior D²"), "{said:#?}");
    let folder = sandbox.path("run");
    let settings = config(&folder);
    assert_eq!((settings.scheme, settings.dim), (SchemeKind::Chain, 2));
    assert_eq!(settings.particles, 1350);
    assert!(matches!(settings.experiment, Experiment::Posterior(found) if found.held_out == 150));
    for picture in ["snapshots.png", "flow.gif", "metrics.png", "posteriors.png"] {
        assert!(folder.join(picture).exists(), "{picture}");
    }
    let ended = summary(&folder);
    let number = |key: &str| ended[key].as_f64().expect("a number");
    // ½E|X−X'|/1000 of N(0, 0.2).
    let floor = (0.2 / std::f64::consts::PI).sqrt() / 1000.0;
    assert!((number("posterior_floor") / floor - 1.0).abs() < 1e-12);
    let found = number("posterior_discrepancy");
    assert!(found > 0.5 * floor && found < 0.01, "{found}");

    // The posterior at y is N(0.8y, 0.2), and the prior N(0, 1).
    fs::write(sandbox.path("y.csv"), "-1.5\n0\n1\n").expect("a file");
    sandbox
        .run("sample run --condition csv:y.csv --count 2000 --out drawn.csv")
        .good();
    let drawn = Csv::read(&sandbox.path("drawn.csv"));
    assert_eq!(drawn.columns, ["condition", "x0"]);
    for (condition, y) in [-1.5, 0.0, 1.0].into_iter().enumerate() {
        let here = drawn.rows.iter().filter(|row| row[0] == condition as f64);
        let here: Vec<f64> = here.map(|row| row[1]).collect();
        assert_eq!(here.len(), 2000);
        let (mean, variance) = moments(&here);
        assert!((mean - 0.8 * y).abs() < 0.15, "{y}: {mean}");
        assert!((0.12..0.3).contains(&variance), "{y}: {variance}");
    }
}

/// The same draws in every form, and different ones at another condition, seed or time.
#[test]
fn samples_at_conditions_are_written_as_tables_and_arrays() {
    let sandbox = Sandbox::new();
    sandbox
        .run(&format!(
            "posterior --data linear-mixture:3 {SMALL} {QUIET} --out run"
        ))
        .good();
    let draw = |options: &str| {
        let said = sandbox
            .run(&format!("sample run --count 5 {options}"))
            .good();
        said.stdout
    };
    let single = draw("--condition -0.5");
    assert_eq!(single.lines().next(), Some("x0,x1"));
    assert_eq!(single.lines().count(), 6);
    fs::write(sandbox.path("y.csv"), "-0.5\n0.25\n").expect("a file");
    let both = draw("--condition csv:y.csv");
    let lines: Vec<&str> = both.lines().collect();
    assert_eq!(lines[0], "condition,x0,x1");
    let first: Vec<String> = single
        .lines()
        .skip(1)
        .map(|row| format!("0,{row}"))
        .collect();
    assert_eq!(lines[1..6], first);
    assert!(lines[6..].iter().all(|row| row.starts_with("1,")));
    fs::write(sandbox.path("far.csv"), "-0.5\n50\n").expect("a file");
    let far = sandbox.run("sample run --count 5 --condition csv:far.csv");
    assert_eq!(far.status, Some(0));
    let note = "note: the condition 50 lies beyond the observations of the pairs";
    assert!(far.stderr.starts_with(note), "{}", far.stderr);
    let piped = sandbox
        .run_with_input(b"-0.5\n0.25\n", "sample run --count 5 --condition csv:-")
        .good();
    assert_eq!(piped.stdout, both);
    draw("--condition -0.5 --out one.npy");
    let array = read_npy(&sandbox.path("one.npy")).expect("a matrix");
    assert_eq!(array.shape(), (5, 2));
    let number = |line: &str, k: usize| -> f64 {
        line.split(',')
            .nth(k)
            .and_then(|cell| cell.parse().ok())
            .expect("a number")
    };
    assert_eq!(array[(3, 1)], number(lines[4], 2));
    draw("--condition csv:y.csv --out both.npy");
    let bytes = fs::read(sandbox.path("both.npy")).expect("a file");
    let text = String::from_utf8_lossy(&bytes[..128]);
    assert!(text.contains("'shape': (2, 5, 2)"), "{text}");
    let last = f64::from_le_bytes(bytes[bytes.len() - 8..].try_into().expect("eight bytes"));
    assert_eq!(last, number(lines[10], 2));
    for other in [
        "--condition 0.5",
        "--condition -0.5 --seed 1",
        "--condition -0.5 --time 0",
    ] {
        assert_ne!(draw(other), single, "{other}");
    }
    let refused = |options: &str, words: &[&str]| {
        sandbox.run(&format!("sample run {options}")).refused(words);
    };
    refused(
        "--count 5",
        &["--condition", "1 observed coordinate", "left out"],
    );
    refused(
        "--count 5 --condition 1,2",
        &["--condition", "1 finite number", "1,2"],
    );
    refused(
        "--count 5 --condition NaN",
        &["--condition", "finite numbers"],
    );
    refused("--count 5 --condition csv:none.csv", &["none.csv"]);
    refused("--count 0 --condition 1", &["--count", "between 1 and"]);
    refused(
        "--count 5 --condition 1 --time 1e9",
        &["--time", "the end of the run"],
    );
    sandbox
        .run(&format!(
            "generate --data rings {SMALL} {QUIET} --out other"
        ))
        .good();
    sandbox
        .run("sample other --count 3 --condition 1")
        .refused(&["--condition", "left out"]);
}

#[test]
fn equal_seeds_give_equal_bytes_for_any_number_of_threads_and_from_the_configuration() {
    let sandbox = Sandbox::new();
    let flow = format!("posterior --data linear-mixture:5 {SMALL} {QUIET}");
    for threads in [1, 2, 4] {
        sandbox
            .run(&format!("{flow} --threads {threads} --out run{threads}"))
            .good();
    }
    sandbox
        .run("run run1/config.toml --out again --no-plots --quiet")
        .good();
    sandbox.run(&format!("{flow} --seed 1 --out other")).good();
    let [one, two, four, again, other] =
        ["run1", "run2", "run4", "again", "other"].map(|run| Results::read(&sandbox.path(run)));
    assert!(one == two && one == four && one == again && one != other);
    let draw = |run: &str| {
        let said = sandbox.run(&format!("sample {run} --count 20 --condition 0.3"));
        said.good().stdout
    };
    assert_eq!(draw("run1"), draw("run4"));
    let found = |run: &str| summary(&sandbox.path(run))["posterior_discrepancy"].clone();
    assert_eq!(found("run1"), found("run4"));
}

/// Killed among the flow steps or in a training, again and again, the run ends with the same bytes, and does
/// not need the file that it has read. Its particles keep the observations of the training pairs.
#[test]
fn a_run_from_a_file_that_is_killed_again_and_again_ends_with_the_same_bytes() {
    let sandbox = Sandbox::new();
    let mut rows = vec!["temperature,place,pressure".to_owned()];
    rows.extend((0..300).map(|i| {
        let [x, e] = [0.37, 0.77].map(|step| (f64::from(i) * step).fract());
        format!("{},{},{}", 20.0 + 5.0 * x, 1e-3 * e, 1e5 * (x + 0.1 * e))
    }));
    fs::write(sandbox.path("pairs.csv"), rows.join("\n")).expect("a file");
    let flow = format!(
        "posterior --data csv:pairs.csv --observed pressure --held-out 40 --width 32 --batch 50 \
         --iterations 300 --directions 16 --networks 4 --patience 2 {QUIET}"
    );
    a_run_goes_on_without(&sandbox, "pairs.csv", &flow);
    let run = sandbox.path("run");
    assert_eq!(names(&run.join("input")).len(), 1);
    let pairs = read_npy(&run.join("target.npy")).expect("a matrix");
    let last = Csv::read(&run.join("final.csv"));
    let observed = last.column("x2");
    assert_eq!(observed.len(), 260);
    let near = |(found, exact): (&f64, &f64)| (found - exact).abs() < 1e-6;
    assert!(observed.iter().zip(pairs.column(2).iter()).all(near));

    // Conditions and samples are in the units of the data.
    fs::write(sandbox.path("y.csv"), "pressure\n50000\n").expect("a file");
    let drawn = sandbox
        .run("sample run --count 200 --condition csv:y.csv --out drawn.csv")
        .good();
    assert_eq!(drawn.stdout, "");
    let drawn = Csv::read(&sandbox.path("drawn.csv"));
    let (mean, _) = moments(&drawn.column("x0"));
    // x + 0.1e = 0.5 with e about ½.
    assert!((mean - 22.25).abs() < 0.8, "{mean}");
    let (mean, _) = moments(&drawn.column("x1"));
    assert!((2e-4..8e-4).contains(&mean), "{mean}");
    fs::write(sandbox.path("wrong.csv"), "temperature\n50000\n").expect("a file");
    sandbox
        .run("sample run --count 2 --condition csv:wrong.csv")
        .refused(&["wrong.csv", "the columns pressure, not temperature"]);
}

#[test]
fn what_has_no_posterior_is_refused() {
    let sandbox = Sandbox::new();
    let refused = |options: &str, words: &[&str]| {
        sandbox
            .run(&format!("posterior {options} --out run"))
            .refused(words);
        assert!(!sandbox.path("run").exists(), "{options}");
    };
    let file = |name: &str, content: &str| fs::write(sandbox.path(name), content).expect("a file");
    file("pairs.csv", "a,b\n0.5,1\n1.5,0\n0,2\n3,5\n4,4\n5,1\n");
    file("constant.csv", "a,b\n0.5,1\n1.5,1\n0,1\n3,1\n4,1\n5,1\n");
    file("missing.csv", "a,b\n0,1\n1,NaN\n");
    file(
        "weighted.csv",
        "a,b,weight\n0.5,1,1\n1,0,2\n2,2,1\n3,5,1\n4,4,1\n",
    );
    refused("", &["--data"]);
    refused("--data rings", &["expected csv:PATH", "linear-gaussian"]);
    refused("--data linear-mixture:0", &["--data", "between 1 and 100"]);
    refused("--data csv:none.csv --observed b", &["none.csv"]);
    refused("--data csv:pairs.csv", &["--observed", "a, b", "left out"]);
    refused(
        "--data csv:pairs.csv --observed c",
        &["--observed", "a, b", "not c"],
    );
    refused(
        "--data csv:pairs.csv --observed 7",
        &["--observed", "not 7"],
    );
    refused(
        "--data csv:pairs.csv --observed a,b",
        &["--observed", "not all of them"],
    );
    refused(
        "--data csv:pairs.csv --observed b,b",
        &["--observed", "each of them once"],
    );
    refused(
        "--data csv:missing.csv --observed b",
        &["line 3, column 'b'"],
    );
    refused(
        "--data csv:weighted.csv --observed b",
        &["--data", "equal weight"],
    );
    refused(
        "--data csv:constant.csv --observed b",
        &["--data", "every column varies"],
    );
    refused(
        "--data csv:pairs.csv --observed b --count 7",
        &["--count", "between 1 and 6"],
    );
    refused(
        "--data csv:pairs.csv --observed b --held-out 5",
        &["--held-out", "between 2 and 4"],
    );
    refused(
        "--data linear-gaussian --observed y",
        &["--observed", "left out with linear-gaussian"],
    );
    refused(
        "--data linear-gaussian --count 3",
        &["--data", "at least 4 samples"],
    );
    refused("--data linear-gaussian --particles 9", &["--particles"]);
    for scale in ["0", "-1", "nan", "1e9"] {
        let options = format!("--data linear-gaussian --observation-scale {scale}");
        refused(&options, &["--observation-scale", "between 1e-3 and 1e3"]);
    }
    // Every particle has the observation of its pair: there cannot be fewer or more.
    sandbox
        .run(&format!(
            "posterior --data linear-gaussian {SMALL} {QUIET} --out run"
        ))
        .good();
    let text = read(&sandbox.path("run/config.toml"));
    for (from, to, words) in [
        (
            "particles = 360",
            "particles = 300",
            ["particles must be 360", "one for each training pair"],
        ),
        ("dim = 2", "dim = 3", ["dim must be 2", "number of columns"]),
        (
            "observation-scale",
            "observation-scal",
            ["did you mean", "observation-scale"],
        ),
    ] {
        assert!(text.contains(from), "{from}: {text}");
        fs::write(sandbox.path("wrong.toml"), text.replace(from, to)).expect("a file");
        sandbox.run("run wrong.toml --out other").refused(&words);
    }
}
