//! Equal settings give equal bytes, whatever the number of threads.

use crate::sandbox::{Results, Sandbox};

/// Enough particles and large enough batches to be shared among threads.
const SIZES: &str = "--particles 600 --batch 400 --iterations 4 --time 0.15 --no-plots --quiet";

#[test]
fn the_number_of_threads_changes_no_byte() {
    for scheme in ["backward", "forward", "particle"] {
        let runs = [1, 2, 4].map(|threads| results(scheme, &format!("--threads {threads}")));
        assert!(runs[0] == runs[1], "{scheme}");
        assert!(runs[0] == runs[2], "{scheme}");
    }
}

#[test]
fn the_seed_decides() {
    for scheme in ["backward", "forward", "particle"] {
        let [first, again, other] = ["--seed 3", "--seed 3", "--seed 4"];
        let [first, again, other] = [first, again, other].map(|seed| results(scheme, seed));
        assert!(first == again, "{scheme}");
        assert!(first != other, "{scheme}");
    }
}

#[test]
fn zero_is_the_seed_that_is_not_given() {
    assert!(results("particle", "") == results("particle", "--seed 0"));
}

fn results(scheme: &str, options: &str) -> Results {
    let sandbox = Sandbox::new();
    let command = format!("interaction --scheme {scheme} {SIZES} {options} --out run");
    sandbox.run(&command).good();
    Results::read(&sandbox.path("run"))
}
