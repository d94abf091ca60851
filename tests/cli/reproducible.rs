//! Equal settings give equal bytes, whatever the number of threads.

use rieszflow::SchemeKind;

use crate::sandbox::{Results, Sandbox, if_it_learns};

/// Enough particles and large enough batches to be shared among threads.
const SIZES: &str = "--particles 600 --time 0.15 --no-plots --quiet";
const TRAINING: &str = "--batch 400 --iterations 4";

#[test]
fn the_number_of_threads_changes_no_byte() {
    for scheme in SchemeKind::ALL {
        let runs = [1, 2, 4].map(|threads| results(scheme, &format!("--threads {threads}")));
        assert!(runs[0] == runs[1], "{scheme}");
        assert!(runs[0] == runs[2], "{scheme}");
    }
}

#[test]
fn the_seed_decides() {
    for scheme in SchemeKind::ALL {
        let [first, again, other] = ["--seed 3", "--seed 3", "--seed 4"];
        let [first, again, other] = [first, again, other].map(|seed| results(scheme, seed));
        assert!(first == again, "{scheme}");
        assert!(first != other, "{scheme}");
    }
}

#[test]
fn zero_is_the_seed_that_is_not_given() {
    assert!(results(SchemeKind::Particle, "") == results(SchemeKind::Particle, "--seed 0"));
}

fn results(scheme: SchemeKind, options: &str) -> Results {
    let training = if_it_learns(scheme, TRAINING);
    let sandbox = Sandbox::new();
    let command = format!("interaction --scheme {scheme} {SIZES} {training} {options} --out run");
    sandbox.run(&command).good();
    Results::read(&sandbox.path("run"))
}
