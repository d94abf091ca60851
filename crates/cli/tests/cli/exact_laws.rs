//! Flows towards exact laws from the command line: their files, their exact answers, refusals.

use std::fs;

use crate::sandbox::{Csv, Results, Sandbox, config, names, read, summary};

const SMALL: &str = "--particles 40 --batch 16 --iterations 20 --width 16 --hidden-layers 1 \
                     --time 0.5 --tau 0.125 --quiet";

const LAWS: [&str; 5] = [
    "equilibrium:1.5",
    "sphere:2",
    "ball:0.7",
    "gaussian:0.5",
    "gaussian-mixture:3",
];

fn header(folder: &std::path::Path) -> String {
    let metrics = read(&folder.join("metrics.csv"));
    metrics.lines().next().expect("a head").to_owned()
}

#[test]
fn flows_to_every_law_come_nearer_and_draw_nothing() {
    let sandbox = Sandbox::new();
    for (index, law) in LAWS.into_iter().enumerate() {
        for (scheme, start) in [("particle", "gaussian"), ("backward", "dirac:1.5,-0.5")] {
            let out = format!("{scheme}{index}");
            let flow = format!("mmd --scheme {scheme} --target {law} --start {start} {SMALL}");
            sandbox.run(&format!("{flow} --out {out}")).good();
            let folder = sandbox.path(&out);
            let discrepancies = Csv::read(&folder.join("metrics.csv")).column("discrepancy");
            assert!(
                discrepancies[3] < discrepancies[0],
                "{law}: {discrepancies:?}"
            );
            let written = summary(&folder);
            assert_eq!(written["reference"], "target");
            let told = written["discrepancy"].as_f64().expect("a number");
            assert!((told / discrepancies[3] - 1.0).abs() < 1e-15);
            let files = names(&folder);
            assert!(!files.contains(&"target.npy".to_owned()), "{files:?}");
            for figure in ["snapshots.png", "metrics.png", "flow.gif"] {
                assert!(files.contains(&figure.to_owned()), "{files:?}");
            }
            assert!(header(&folder).ends_with("seconds,iterations,interaction"));
        }
    }
}

/// D² in the metrics is that of the command `discrepancy`, by other sums.
#[test]
fn the_discrepancy_is_that_of_the_last_particles() {
    let sandbox = Sandbox::new();
    for law in LAWS {
        for exponent in [0.5, 1.0, 1.5] {
            let flow = "--scheme particle --start gaussian --precision f64 --no-plots --force";
            let command = format!("mmd --target {law} --exponent {exponent} {flow} {SMALL}");
            sandbox.run(&format!("{command} --out run")).good();
            let compare =
                format!("discrepancy csv:run/final.csv {law} --exponent {exponent} --json");
            let said = sandbox.run(&compare).good().stdout;
            let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
            let written = summary(&sandbox.path("run"));
            for key in ["discrepancy", "discrepancy_u"] {
                let [one, other] = [&said, &written].map(|object| object[key].as_f64());
                let (one, other) = one.zip(other).expect("numbers");
                assert!(
                    (one - other).abs() < 1e-13,
                    "{law}, r = {exponent}: {one} and {other}"
                );
            }
        }
    }
}

/// From a Dirac at 0 the exact steps of each scheme are the reference, with r = 1 and s = π/4:
/// c₊ = (c+τ)/(1+τ/a) backward, c + τ(1 − c/a) forward, a(1 − e^{−t/a}) for the flow.
#[test]
fn exact_flows_are_the_reference() {
    let sandbox = Sandbox::new();
    let a: f64 = 1.5;
    for scheme in ["backward", "forward", "particle"] {
        let flow = format!("mmd --scheme {scheme} --target equilibrium:{a} {SMALL} --no-plots");
        sandbox.run(&format!("{flow} --out {scheme}")).good();
        let folder = sandbox.path(scheme);
        assert_eq!(config(&folder).dim, 2);
        assert!(header(&folder).ends_with(
            "seconds,iterations,scale_exact,scale_measured,interaction,discrepancy_target"
        ));
        let metrics = Csv::read(&folder.join("metrics.csv"));
        let mut exact = 0.0;
        for (found, time) in metrics
            .column("scale_exact")
            .into_iter()
            .zip(metrics.column("time"))
        {
            exact = match scheme {
                "backward" => (exact + 0.125) / (1.0 + 0.125 / a),
                "forward" => exact + 0.125 * (1.0 - exact / a),
                _ => a * (1.0 - (-time / a).exp()),
            };
            assert!(
                (found - exact).abs() < 1e-14,
                "{scheme}: {found} and {exact}"
            );
        }
        let last = Csv::read(&folder.join("final.csv")).rows;
        let square: f64 = last.iter().flatten().map(|x| x * x).sum::<f64>() / 40.0;
        let second = (std::f64::consts::FRAC_PI_4).powi(2) * 2.0 / 3.0;
        let written = summary(&folder);
        let measured = written["scale_measured"].as_f64().expect("a scale");
        assert!(
            (measured - (square / second).sqrt()).abs() < 1e-9,
            "{measured}"
        );
        assert_eq!(written["reference"], "exact measure");
        // D² to both laws by the other command.
        for (key, law) in [
            ("discrepancy", format!("equilibrium:{exact}")),
            ("discrepancy_target", format!("equilibrium:{a}")),
        ] {
            let compare = format!("discrepancy csv:{scheme}/final.csv {law} --json");
            let said = sandbox.run(&compare).good().stdout;
            let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
            let (one, other) = (said["discrepancy"].as_f64(), written[key].as_f64());
            let (one, other) = one.zip(other).expect("numbers");
            assert!((one - other).abs() < 1e-13, "{key}: {one} and {other}");
        }
    }
}

#[test]
fn a_sphere_in_many_dimensions_has_an_exact_flow_and_one_in_the_plane_has_none() {
    let sandbox = Sandbox::new();
    let flow = format!("mmd --target sphere:1 {SMALL} --no-plots");
    sandbox.run(&format!("{flow} --dim 20 --out many")).good();
    assert!(header(&sandbox.path("many")).contains("scale_exact"));
    assert_eq!(config(&sandbox.path("many")).latent_dim, 20);
    sandbox.run(&format!("{flow} --out plane")).good();
    assert!(!header(&sandbox.path("plane")).contains("scale_exact"));
    // On the line it is two atoms, which are particles.
    sandbox.run(&format!("{flow} --dim 1 --out line")).good();
    assert!(sandbox.path("line/target.npy").exists());
    assert_eq!(summary(&sandbox.path("line"))["reference"], "target");
}

#[test]
fn a_run_towards_a_law_is_repeated_resumed_sampled_and_drawn_again() {
    let sandbox = Sandbox::new();
    let flow = format!("mmd --target sphere:1 --dim 4 {SMALL}");
    sandbox.run(&format!("{flow} --out run")).good();
    sandbox
        .run("run run/config.toml --quiet --out again")
        .good();
    let results = |run: &str| Results::read(&sandbox.path(run));
    assert!(results("run") == results("again"));
    let drawn = fs::read(sandbox.path("run/snapshots.png")).expect("a figure");
    fs::remove_file(sandbox.path("run/snapshots.png")).expect("a figure");
    sandbox.run("plot run").good();
    assert_eq!(
        fs::read(sandbox.path("run/snapshots.png")).ok(),
        Some(drawn)
    );
    let said = sandbox.run("sample run --count 50").good().stdout;
    assert_eq!(said.lines().count(), 51);
    assert_eq!(said.lines().next(), Some("x0,x1,x2,x3"));

    // As if it had been stopped before its first checkpoint.
    fs::create_dir(sandbox.path("stopped")).expect("a folder");
    let text = read(&sandbox.path("run/config.toml"));
    fs::write(sandbox.path("stopped/config.toml"), text).expect("a file");
    sandbox.run("resume stopped --quiet").good();
    assert!(results("run") == results("stopped"));
}

#[test]
fn mixtures_are_drawn_when_asked_for() {
    let sandbox = Sandbox::new();
    let flow = format!("mmd --scheme particle --target gaussian-mixture:3 {SMALL} --no-plots");
    let flow = flow.replace(
        " --batch 16 --iterations 20 --width 16 --hidden-layers 1",
        "",
    );
    sandbox.run(&format!("{flow} --out law")).good();
    assert!(!sandbox.path("law/target.npy").exists());
    assert_eq!(
        read(&sandbox.path("law/config.toml"))
            .matches("target-particles")
            .count(),
        0
    );
    sandbox
        .run(&format!("{flow} --target-particles 30 --out drawn"))
        .good();
    assert!(sandbox.path("drawn/target.npy").exists());
    assert!(read(&sandbox.path("drawn/config.toml")).contains("target-particles = 30"));
    // Draws differ from their law by noise.
    let [law, drawn] = ["law", "drawn"].map(|run| {
        summary(&sandbox.path(run))["functional"]
            .as_f64()
            .expect("a number")
    });
    assert!(
        law != drawn && (law - drawn).abs() < 0.1,
        "{law} and {drawn}"
    );
}

#[test]
fn a_start_tells_the_dimension_of_a_law() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("s.csv"), "x,y,z\n0,0,1\n1,0,0\n0,1,0\n").expect("a file");
    let flow = "mmd --scheme particle --target ball:1 --time 0.2 --no-plots --quiet";
    sandbox
        .run(&format!("{flow} --start csv:s.csv --out file"))
        .good();
    assert_eq!(config(&sandbox.path("file")).dim, 3);
    assert!(sandbox.path("file/input/s.csv").exists());
    sandbox
        .run(&format!("{flow} --start dirac:1,2,3,4 --out dirac"))
        .good();
    assert_eq!(config(&sandbox.path("dirac")).dim, 4);
    sandbox
        .run(&format!("{flow} --start csv:s.csv --dim 2 --out no"))
        .refused(&["--dim must be 3", "--start csv:s.csv"]);
    sandbox
        .run(&format!("{flow} --start dirac:1,2 --dim 3 --out no"))
        .refused(&["dimension 3", "dirac:1,2 has dimension 2"]);
}

#[test]
fn laws_that_are_none_are_refused() {
    let sandbox = Sandbox::new();
    let cases: [(&str, &[&str]); 10] = [
        (
            "equilibrium",
            &["--target", "did you mean 'equilibrium:A'?"],
        ),
        ("sphere:", &["--target", "sphere:A with a number A"]),
        ("ball:-1", &["--target", "between 1e-30 and 1e30"]),
        ("gaussian:inf", &["--target", "gaussian:S with a number S"]),
        ("gaussian:1e-300", &["--target", "between 1e-30 and 1e30"]),
        (
            "ball:1e20",
            &[
                "--target must be made of numbers up to 1e15",
                "--precision f32",
            ],
        ),
        (
            "gaussian-mixture:3 --dim 3",
            &["--dim must be 2", "--target gaussian-mixture:3"],
        ),
        (
            "gaussian-mixture:3000",
            &[
                "--target must be gaussian-mixture:K with K at most 1000",
                "--target-particles",
            ],
        ),
        (
            "gaussian-mixture:50 --target-particles 40",
            &["K at most --target-particles 40"],
        ),
        (
            "equilibrium:1 --exponent 1.9999",
            &["--exponent", "r ≤ 1.998"],
        ),
    ];
    for (target, words) in cases {
        sandbox
            .run(&format!("mmd --target {target} --quiet --out run"))
            .refused(words);
        assert!(!sandbox.path("run").exists(), "{target}");
    }
    let said = sandbox.run("mmd --scheme particle --target ball:1 --time 0.2 --target-particles 9 --no-plots --out run");
    assert_eq!(
        said.stderr,
        "note: --target-particles has no effect with --target ball:1\n"
    );
}
