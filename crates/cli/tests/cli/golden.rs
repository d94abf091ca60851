//! The golden values: the file that the environment variable `RIESZFLOW_GOLDEN` names, by default
//! `tests/data/golden.json`, and a second one of other shapes.

use std::path::{Path, PathBuf};

use rieszflow_cli::verify::check_golden;

/// The project's own file, or the one that the environment names.
#[test]
fn golden() {
    check(&std::env::var_os("RIESZFLOW_GOLDEN").map_or_else(|| data("golden.json"), PathBuf::from));
}

/// Dimensions 1 to 5, other exponents and depths, coincident particles, starts at a Dirac.
#[test]
fn golden_of_other_shapes() {
    check(&data("shapes.json"));
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// Checks every case of a file.
fn check(path: &Path) {
    let shown = path.display();
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{shown}: {e}"));
    let report = check_golden(&text).unwrap_or_else(|e| panic!("{shown}: {e}"));
    let [backward, forward, particle] = report.cases;
    println!(
        "{shown}: {backward} backward, {forward} forward, {particle} particle cases, {} values",
        report.compared
    );
    assert!(backward + forward + particle > 0, "{shown} holds no case");
    assert!(
        report.failures.is_empty(),
        "{} of {} values differ:\n{}",
        report.failures.len(),
        report.compared,
        report.failures.join("\n")
    );
}
