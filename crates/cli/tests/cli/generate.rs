//! `generate`: what a chain learns, its files, resumed runs, samples, and refusals.

use std::fs;

use rieszflow_cli::{Experiment, SchemeKind};
use serde_json::Value;

use crate::kill::a_run_goes_on_without;
use crate::sandbox::{Csv, Results, Sandbox, config, names, read, summary};

/// A second or so.
const SMALL: &str = "--count 500 --width 32 --hidden-layers 2 --iterations 150 --batch 100 --directions 16 \
                     --networks 4 --patience 0";
const QUIET: &str = "--no-plots --quiet";

/// D² of two files, or of a file and a law.
fn discrepancy(sandbox: &Sandbox, x: &str, y: &str) -> f64 {
    let said = sandbox.run(&format!("discrepancy {x} {y} --json")).good();
    let found: Value = serde_json::from_str(&said.stdout).expect("JSON");
    found["discrepancy"].as_f64().expect("a number")
}

#[test]
fn fresh_samples_follow_the_law_of_the_data() {
    let sandbox = Sandbox::new();
    let data = "--data gaussian-mixture:3 --dim 3";
    let said = sandbox
        .run(&format!("generate {data} {SMALL} --out run"))
        .good();
    assert!(
        said.stdout.contains("fresh samples are nearest"),
        "{said:#?}"
    );
    let folder = sandbox.path("run");
    assert_eq!(
        names(&folder),
        [
            "config.toml",
            "final.csv",
            "flow.gif",
            "kernels.safetensors",
            "metrics.csv",
            "metrics.png",
            "snapshots.csv",
            "snapshots.npz",
            "snapshots.png",
            "summary.json",
            "target.npy",
        ]
    );
    let settings = config(&folder);
    assert_eq!((settings.scheme, settings.dim), (SchemeKind::Chain, 3));
    assert!(matches!(settings.experiment, Experiment::Generate(found) if found.held_out == 50));
    assert_eq!(settings.particles, 450);

    let metrics = Csv::read(&folder.join("metrics.csv"));
    let found = metrics.column("discrepancy");
    assert_eq!(found.len(), 4);
    let ended = summary(&folder);
    let best = found.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(ended["sample_discrepancy"].as_f64(), Some(best));
    let place = found.iter().position(|d| *d == best).expect("a row");
    assert_eq!(
        ended["sample_time"].as_f64(),
        Some(metrics.column("time")[place])
    );
    assert_eq!(ended["reference"], "data held out");
    let u = metrics.column("discrepancy_u");
    assert!(u.iter().zip(&found).all(|(u, v)| u < v));

    // Samples are drawn where the held-out data says, or at any time.
    sandbox
        .run("sample run --count 2000 --out fresh.csv")
        .good();
    let time = ended["sample_time"].as_f64().expect("a time");
    sandbox
        .run(&format!(
            "sample run --count 2000 --time {time} --out same.csv"
        ))
        .good();
    assert_eq!(
        read(&sandbox.path("fresh.csv")),
        read(&sandbox.path("same.csv"))
    );
    sandbox
        .run("sample run --count 2000 --time 0 --out start.csv")
        .good();
    let law = "gaussian-mixture:3";
    let [fresh, start] = ["csv:fresh.csv", "csv:start.csv"].map(|x| discrepancy(&sandbox, x, law));
    assert!(fresh < 0.25 * start, "{fresh} {start}");
    // The start has the mean and the deviations of the data alone.
    let training = discrepancy(&sandbox, "npy:run/target.npy", law);
    assert!(training < 5e-3, "{training}");
}

#[test]
fn equal_seeds_give_equal_bytes_for_any_number_of_threads_and_from_the_configuration() {
    let sandbox = Sandbox::new();
    let flow = format!("generate --data rings {SMALL} {QUIET}");
    for threads in [1, 3] {
        sandbox
            .run(&format!("{flow} --threads {threads} --out run{threads}"))
            .good();
    }
    sandbox
        .run("run run1/config.toml --out again --no-plots --quiet")
        .good();
    sandbox.run(&format!("{flow} --seed 1 --out other")).good();
    let [one, three, again, other] =
        ["run1", "run3", "again", "other"].map(|run| Results::read(&sandbox.path(run)));
    assert!(one == three && one == again && one != other);
    let draw = |run: &str, seed| {
        let said = sandbox.run(&format!("sample {run} --count 20 --seed {seed}"));
        said.good().stdout
    };
    assert_eq!(draw("run1", 5), draw("run3", 5));
    assert_ne!(draw("run1", 5), draw("run1", 6));
}

/// Interrupted among the flow steps or in a training, again and again, the run ends with the same bytes, and
/// does not need the file that it has read.
#[test]
fn a_run_that_is_interrupted_again_and_again_ends_with_the_same_bytes() {
    let sandbox = Sandbox::new();
    sandbox
        .run(&format!(
            "generate --data checkerboard {SMALL} {QUIET} --out law"
        ))
        .good();
    sandbox.run("sample law --count 300 --out data.npy").good();
    let flow = format!(
        "generate --data npy:data.npy --held-out 40 --width 32 --batch 50 --iterations 4000 --directions 16 \
         --networks 5 --patience 2 {QUIET}"
    );
    a_run_goes_on_without(&sandbox, "data.npy", &flow);
    let rows = Csv::read(&sandbox.path("run/metrics.csv")).rows.len();
    assert!((2..=5).contains(&rows), "{rows}");
    assert!(sandbox.path("run/input/data.npy").exists());
    let draw = |run: &str| {
        sandbox
            .run(&format!("sample {run} --count 9"))
            .good()
            .stdout
    };
    assert_eq!(draw("run"), draw("whole"));
}

/// Images are learned and drawn as images.
#[test]
fn images_are_data() {
    let sandbox = Sandbox::new();
    let mut file = vec![0, 0, 8, 3, 0, 0, 0, 40, 0, 0, 0, 5, 0, 0, 0, 4];
    file.extend((0..40 * 20_u32).map(|i| (i * i / 7 % 256) as u8));
    fs::write(sandbox.path("images.idx"), file).expect("a file");
    let said = sandbox.run(
        "generate --data idx:images.idx --networks 2 --iterations 20 --width 16 --batch 9 --out run",
    );
    let said = said.good();
    assert!(
        said.stdout.contains("images.idx: 40 images of 5×4 pixels"),
        "{said:#?}"
    );
    assert_eq!(config(&sandbox.path("run")).particles, 36);
    for picture in ["snapshots.png", "flow.gif", "metrics.png"] {
        assert!(sandbox.path("run").join(picture).exists(), "{picture}");
    }
    let drawn = sandbox.run("sample run --count 3").good().stdout;
    assert_eq!(drawn.lines().count(), 4);
    assert_eq!(
        drawn.lines().next().map(|head| head.split(',').count()),
        Some(20)
    );
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let sandbox = Sandbox::new();
    let refused = |options: &str, words: &[&str]| {
        sandbox
            .run(&format!("generate {options} --out run"))
            .refused(words);
        assert!(!sandbox.path("run").exists(), "{options}");
    };
    fs::write(sandbox.path("few.csv"), "x,y\n0,1\n1,0\n2,2\n").expect("a file");
    fs::write(
        sandbox.path("weighted.csv"),
        "x,weight\n0,1\n1,2\n2,1\n3,1\n5,1\n",
    )
    .expect("a file");
    fs::write(sandbox.path("wrong.csv"), "x,y\n0,1\n1,zero\n").expect("a file");
    refused("", &["--data"]);
    refused("--data ring", &["did you mean 'rings'?"]);
    refused("--data csv:few.csv", &["--data", "at least 4 samples"]);
    refused(
        "--data csv:weighted.csv",
        &["--data", "without a column weight"],
    );
    refused("--data csv:wrong.csv", &["wrong.csv", "line 3"]);
    refused("--data csv:none.csv", &["none.csv"]);
    refused(
        "--data rings --count 20 --held-out 19",
        &["--held-out", "between 2 and 18"],
    );
    refused("--data rings --held-out 1", &["--held-out", "at least 2"]);
    refused("--data rings --exponent 0.5", &["--exponent", "above 1/2"]);
    refused("--data rings --momentum 1", &["--momentum", "below 1"]);
    refused("--data rings --flow-step 0", &["--flow-step"]);
    refused("--data rings --flow-step nan", &["--flow-step"]);
    refused("--data rings --networks 0", &["--networks", "at least 1"]);
    refused(
        "--data rings --first-flow-steps 0",
        &["--first-flow-steps", "at least 1"],
    );
    refused("--data rings --batch 0", &["--batch", "between 1 and"]);
    refused("--data rings --count 50 --batch 46", &["--batch", "45"]);
    refused(
        "--data gaussian-mixture:3 --dim 1",
        &["--dim", "at least 2"],
    );
    refused("--data rings --scheme particle", &["--scheme"]);

    // A configuration of a chain is one of data, and the other way round.
    sandbox
        .run(&format!(
            "generate --data rings --count 100 --networks 1 --iterations 5 --batch 50 {QUIET} --out run"
        ))
        .good();
    let text = read(&sandbox.path("run/config.toml"));
    let wrong = |from: &str, to: &str, words: &[&str]| {
        assert!(text.contains(from), "{from}: {text}");
        fs::write(sandbox.path("wrong.toml"), text.replace(from, to)).expect("a file");
        sandbox.run("run wrong.toml --out other").refused(words);
    };
    wrong(
        "\"chain\"",
        "\"backward\"",
        &["scheme", "chain to learn from data"],
    );
    wrong(
        "keep-kernels = \"all\"",
        "keep-kernels = \"none\"",
        &["keep-kernels", "all"],
    );
    wrong(
        "latent-dim = 0",
        "latent-dim = 2",
        &["latent-dim", "0 for a chain"],
    );
    wrong("held-out", "hold-out", &["did you mean 'held-out'?"]);
    sandbox
        .run("sample run --count 3 --time 1e6")
        .refused(&["--time", "the end of the run"]);
}
