//! Results that no approximation of the flow can have are reported as such.

use std::fs;

use crate::sandbox::{Csv, Sandbox, summary};

/// Both wrong runs of a target in the plane: training that destroys the network, and time steps that
/// are far too large.
#[test]
fn a_functional_that_rises_ends_the_run_with_cause_and_setting() {
    let cases = [
        (
            "--scheme backward --learning-rate 100 --iterations 2 --tau 0.5 --time 2 --width 32 \
             --hidden-layers 2 --batch 64",
            "--learning-rate 100 is too large",
        ),
        (
            "--scheme particle --tau 1000 --time 5000",
            "--tau 1000 is too large",
        ),
    ];
    for (options, cause) in cases {
        let sandbox = Sandbox::new();
        let flow = "mmd --target two-diracs --start gaussian --particles 200 --no-plots --quiet";
        let said = sandbox.run(&format!("{flow} {options} --out run"));
        assert_eq!(said.status, Some(1), "{said:#?}");
        for word in ["diverged in time step ", "the functional", cause] {
            assert!(said.stderr.contains(word), "no {word:?} in {said:#?}");
        }
        let folder = sandbox.path("run");
        let summary = summary(&folder);
        assert_eq!(summary["status"], "diverged");
        // The rise that is reported is in the table.
        let functional = Csv::read(&folder.join("metrics.csv")).column("functional");
        let last = functional.len() - 1;
        let reason = summary["reason"].as_str().expect("a reason");
        let reported = rieszflow_cli::numbers::rounded(functional[last], 4);
        assert!(reason.contains(&reported), "{reported} in {reason}");
        assert!(
            reason.starts_with(&format!("time step {} from", last + 1)),
            "{reason}"
        );
        assert_eq!(summary["steps"], last + 1);
        assert!(folder.join("final.csv").exists() && !folder.join("checkpoint").exists());
    }
}

/// Without an active hidden unit a network moves all particles alike; the functional may even fall.
#[test]
fn a_network_without_an_active_unit_ends_the_run() {
    let sandbox = Sandbox::new();
    let flow = "mmd --target two-diracs --start gaussian --particles 200 --no-plots --quiet \
                --learning-rate 100 --iterations 200 --tau 0.5 --time 2 --width 32 \
                --hidden-layers 2 --batch 64";
    let said = sandbox.run(&format!("{flow} --out run"));
    assert_eq!(said.status, Some(1), "{said:#?}");
    for word in [
        "diverged in time step ",
        "active",
        "--learning-rate 100 is too large",
    ] {
        assert!(said.stderr.contains(word), "no {word:?} in {said:#?}");
    }
    assert_eq!(summary(&sandbox.path("run"))["status"], "diverged");
}

/// The energy of particles that fly apart falls, and still the result is wrong.
#[test]
fn particles_far_from_the_exact_measure_end_the_run() {
    let sandbox = Sandbox::new();
    let flow = "interaction --learning-rate 100 --iterations 200 --particles 200 --batch 64";
    let said = sandbox.run(&format!("{flow} --no-plots --quiet --out run"));
    assert_eq!(said.status, Some(1), "{said:#?}");
    assert!(
        said.stderr.contains("--learning-rate 100 is too large"),
        "{said:#?}"
    );
    assert_eq!(summary(&sandbox.path("run"))["status"], "diverged");
}

/// Explicit steps pass a near target, which is what they do, and nothing to stop for.
#[test]
fn flows_near_their_target_are_completed() {
    let sandbox = Sandbox::new();
    for (scheme, training) in [
        ("particle", ""),
        ("backward", "--iterations 100 --width 32 --hidden-layers 2"),
        ("forward", "--iterations 100 --width 32 --hidden-layers 2"),
    ] {
        let flow = format!("--scheme {scheme} {training} --start gaussian --tau 0.2 --time 2");
        let command = format!(
            "mmd --target gaussian-mixture:3 {flow} --particles 200 --no-plots --quiet --out {scheme}"
        );
        sandbox.run(&command).good();
        assert_eq!(summary(&sandbox.path(scheme))["status"], "completed");
    }
}

#[test]
fn after_a_divergence_each_command_says_what_can_be_done() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("t.csv"), "x,y\n0,1\n1,0\n2,2\n").expect("a file");
    let training = "--iterations 20 --width 8 --hidden-layers 1 --batch 10 --particles 20";
    let flow = format!("mmd --target csv:t.csv {training} --no-plots --quiet");
    let wild = "--scheme forward --learning-rate 1e30 --tau 0.5 --time 2 --out wild";
    assert_eq!(sandbox.run(&format!("{flow} {wild}")).status, Some(1));
    let said = sandbox.run("sample wild --count 5");
    let words = [
        "wild has diverged",
        "learning-rate 1e30",
        "nothing was learned before",
    ];
    said.refused(&words);
    let said = sandbox.run("resume wild");
    said.refused(&["wild has diverged", "learning-rate 1e30", "start a new run"]);
}

/// Of a run that diverges later, what was learned before can be drawn: two explicit steps of 0.1, and
/// then one of 500.
#[test]
fn what_was_learned_before_a_divergence_can_be_drawn() {
    let sandbox = Sandbox::new();
    let training = "--iterations 40 --width 16 --hidden-layers 1 --batch 32 --particles 100";
    let flow = "mmd --target two-diracs --start gaussian --scheme forward --tau 0.1,0.2:500";
    let said = sandbox.run(&format!(
        "{flow} --time 1000 {training} --no-plots --quiet --out run"
    ));
    assert_eq!(said.status, Some(1), "{said:#?}");
    assert_eq!(summary(&sandbox.path("run"))["valid_until"], 0.2);
    sandbox
        .run("sample run --count 5")
        .refused(&["diverged", "--time at most 0.2"]);
    sandbox.run("sample run --count 5 --time 0.2").good();
}
