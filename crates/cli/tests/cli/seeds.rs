//! `--seeds`: a run for each seed, and mean and spread over them.

use crate::sandbox::{Csv, Results, Sandbox, names};

const FLOW: &str = "interaction --scheme particle --particles 40 --time 0.2 --no-plots";

#[test]
fn mean_and_spread_are_those_of_the_runs() {
    let sandbox = Sandbox::new();
    let said = sandbox
        .run(&format!("{FLOW} --seeds 3..5 --out all"))
        .good();
    assert!(said.stdout.contains("all/ensemble.csv"), "{}", said.stdout);
    assert_eq!(
        names(&sandbox.path("all")),
        ["ensemble.csv", "seed-3", "seed-4", "seed-5"]
    );
    // Each run is the one that --seed gives.
    sandbox
        .run(&format!("{FLOW} --seed 4 --quiet --out alone"))
        .good();
    assert!(Results::read(&sandbox.path("alone")) == Results::read(&sandbox.path("all/seed-4")));

    let table = Csv::read(&sandbox.path("all/ensemble.csv"));
    let runs =
        [3, 4, 5].map(|seed| Csv::read(&sandbox.path(&format!("all/seed-{seed}/metrics.csv"))));
    assert_eq!(table.column("time"), runs[0].column("time"));
    for name in ["discrepancy", "discrepancy_u", "functional"] {
        let columns = runs.each_ref().map(|run| run.column(name));
        let mean = table.column(&format!("{name}_mean"));
        let deviation = table.column(&format!("{name}_std"));
        for step in 0..mean.len() {
            let values = columns.each_ref().map(|column| column[step]);
            let exact = values.iter().sum::<f64>() / 3.0;
            let square = values
                .iter()
                .map(|x| (x - exact) * (x - exact))
                .sum::<f64>()
                / 2.0;
            assert!((mean[step] - exact).abs() < 1e-15);
            assert!((deviation[step] - square.sqrt()).abs() < 1e-15);
        }
    }
}

/// What a target draws depends on the seed, what a file holds does not.
#[test]
fn a_target_from_standard_input_is_read_once_for_all_seeds() {
    let sandbox = Sandbox::new();
    let flow = "mmd --target csv:- --scheme particle --particles 10 --tau 0.1 --time 0.2 --quiet";
    let target = b"x,y\n0,1\n1,0\n";
    sandbox
        .run_with_input(
            target,
            &format!("{flow} --seeds 0,7 --start gaussian --out all"),
        )
        .good();
    let metrics = |seed: u64| Csv::read(&sandbox.path(&format!("all/seed-{seed}/metrics.csv")));
    assert_ne!(
        metrics(0).column("discrepancy"),
        metrics(7).column("discrepancy")
    );
    assert!(names(&sandbox.path("all")).contains(&"ensemble.png".to_owned()));
    sandbox.run("resume all/seed-0").refused(&["is complete"]);
}

#[test]
fn seeds_that_are_none_are_refused() {
    let sandbox = Sandbox::new();
    for seeds in ["3..1", "a", "1..", "0..99999"] {
        sandbox
            .run(&format!("{FLOW} --seeds {seeds}"))
            .refused(&["--seeds", "0..9 or 1,4,7"]);
    }
    sandbox
        .run(&format!("{FLOW} --seeds 0..2 --seed 1"))
        .refused(&["--seeds", "--seed"]);
    assert!(sandbox.is_empty());
}
