//! Equal settings give equal bytes, whatever the number of threads.

use crate::sandbox::{Sandbox, read};

/// Enough particles and large enough batches to be shared among threads.
const SIZES: &str = "--particles 600 --batch 400 --iterations 4 --time 0.15 --no-plots --quiet";

#[test]
fn the_number_of_threads_changes_no_byte() {
    for scheme in ["backward", "forward", "particle"] {
        let runs = [1, 2, 4].map(|threads| results(scheme, &format!("--threads {threads}")));
        assert_eq!(runs[0], runs[1], "{scheme}");
        assert_eq!(runs[0], runs[2], "{scheme}");
    }
}

#[test]
fn the_seed_decides() {
    for scheme in ["backward", "forward", "particle"] {
        let [first, again, other] = ["--seed 3", "--seed 3", "--seed 4"];
        let [first, again, other] = [first, again, other].map(|seed| results(scheme, seed));
        assert_eq!(first, again, "{scheme}");
        assert_ne!(first, other, "{scheme}");
    }
}

#[test]
fn zero_is_the_seed_that_is_not_given() {
    assert_eq!(results("particle", ""), results("particle", "--seed 0"));
}

/// The particles and the metrics but for the wall time.
fn results(scheme: &str, options: &str) -> [String; 2] {
    let sandbox = Sandbox::new();
    let command = format!("interaction --scheme {scheme} {SIZES} {options} --out run");
    sandbox.run(&command).good();
    let metrics = read(&sandbox.path("run/metrics.csv"));
    let untimed: Vec<String> = metrics.lines().map(without_seconds).collect();
    [read(&sandbox.path("run/final.csv")), untimed.join("\n")]
}

fn without_seconds(row: &str) -> String {
    let mut cells: Vec<&str> = row.split(',').collect();
    cells.remove(6);
    cells.join(",")
}
