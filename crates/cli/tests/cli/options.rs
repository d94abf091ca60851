//! What the options do to a run's configuration and files.

use std::fs;

use rieszflow_cli::{Config, Precision, SaveAt, SchemeKind};

use crate::folder;
use crate::sandbox::{Csv, Sandbox, config, names, read, small, summary};

#[test]
fn every_every_saves_multiples_of_it_with_the_first_and_the_last() {
    assert_eq!(
        saved_steps("--save-at every:3 --time 0.4"),
        [0.0, 3.0, 6.0, 8.0]
    );
}

#[test]
fn chosen_times_are_saved_by_the_first_step_that_reaches_them() {
    assert_eq!(
        saved_steps("--save-at 0.1,0.12,0,0.35 --time 0.4"),
        [0.0, 2.0, 3.0, 7.0, 8.0]
    );
}

fn saved_steps(options: &str) -> Vec<f64> {
    let sandbox = Sandbox::new();
    let fixed = "--scheme particle --particles 5 --no-plots --out run";
    sandbox
        .run(&format!("interaction {fixed} {options}"))
        .good();
    let mut steps = Csv::read(&sandbox.path("run/snapshots.csv")).column("step");
    steps.dedup();
    steps
}

#[test]
fn double_precision_is_double() {
    for scheme in [SchemeKind::Backward, SchemeKind::Particle] {
        let sandbox = Sandbox::new();
        let (config, options) = small(scheme);
        sandbox
            .run(&format!("interaction {options} --precision f64 --out run"))
            .good();
        let config = Config {
            precision: Precision::F64,
            ..config
        };
        folder::check(&sandbox.path("run"), &config, true);
    }
}

#[test]
fn dimensions_and_exponents_reach_the_run() {
    let cases = [(1, 1.0), (3, 1.0), (10, 1.0), (2, 0.5), (2, 1.5), (10, 1.9)];
    for (dim, exponent) in cases {
        for scheme in [SchemeKind::Backward, SchemeKind::Particle] {
            let sandbox = Sandbox::new();
            let (settings, options) = small(scheme);
            let flow = format!("--dim {dim} --exponent {exponent} --save-at every:1000");
            sandbox
                .run(&format!("interaction {options} {flow} --out run"))
                .good();
            let expected = Config {
                dim,
                exponent,
                latent_dim: dim,
                first_phase: Config::interaction(scheme, dim, exponent).first_phase,
                save_at: SaveAt::Every(1000),
                ..settings
            }
            .with_initial_steps();
            folder::check(&sandbox.path("run"), &expected, true);
        }
    }
}

#[test]
fn the_paper_preset_is_the_papers_settings() {
    let sandbox = Sandbox::new();
    let options = "--scheme particle --preset paper --no-plots --out run";
    sandbox.run(&format!("interaction {options}")).good();
    let config = config(&sandbox.path("run"));
    assert_eq!((config.dim, config.exponent), (2, 1.0));
    assert_eq!((config.particles, config.batch), (2000, 100));
    assert_eq!((config.tau, config.time), (0.05.into(), 1.2));
    assert_eq!((config.width, config.hidden_layers), (64, 2));
    assert_eq!((config.first_iterations, config.iterations), (5000, 5000));
    assert_eq!(config.latent_dim, config.dim);
    assert_eq!(
        (config.learning_rate, config.learning_rate_decay),
        (1e-3, 1.0)
    );
    assert_eq!(config.seed, 0);
    assert_eq!(config.precision, Precision::F32);
}

#[test]
fn options_count_besides_the_preset() {
    let sandbox = Sandbox::new();
    let options = "--preset paper --particles 30 --learning-rate-decay 0.5 --tau 0.1 --time 0.1 \
                   --first-iterations 7 --iterations 9 --latent-dim 5 --learning-rate 0.02 --seed 11";
    sandbox
        .run(&format!("interaction {options} --out run"))
        .good();
    let config = config(&sandbox.path("run"));
    assert_eq!((config.particles, config.batch), (30, 30));
    assert_eq!((config.first_iterations, config.iterations), (7, 9));
    assert_eq!(
        (config.learning_rate, config.learning_rate_decay),
        (0.02, 0.5)
    );
    assert_eq!(
        (config.tau, config.latent_dim, config.seed),
        (0.1.into(), 5, 11)
    );
}

#[test]
fn the_largest_seed_is_read_back() {
    let sandbox = Sandbox::new();
    let options = format!("--scheme particle --particles 5 --seed {}", u64::MAX);
    sandbox
        .run(&format!("interaction {options} --out run"))
        .good();
    assert_eq!(config(&sandbox.path("run")).seed, u64::MAX);
    assert_eq!(summary(&sandbox.path("run"))["seed"], u64::MAX);
}

#[test]
fn for_small_exponents_the_first_steps_are_tiny() {
    let sandbox = Sandbox::new();
    let options = "--scheme particle --particles 5 --exponent 0.5 --time 0.1 --out run";
    sandbox.run(&format!("interaction {options}")).good();
    let time = Csv::read(&sandbox.path("run/metrics.csv")).column("time");
    let ends = [1e-8, 1.1e-7, 1.11e-6, 1.111e-5, 1.1111e-4, 1.11111e-3];
    let ends = [&ends[..], &[0.011_111_11, 0.05, 0.1]].concat();
    assert_eq!(time.len(), ends.len());
    assert!(
        time.iter()
            .zip(&ends)
            .all(|(a, b)| (a / b - 1.0).abs() < 1e-9)
    );
}

/// The steps asked for are the steps taken.
#[test]
fn with_a_step_size_there_are_no_tiny_first_steps() {
    let sandbox = Sandbox::new();
    let options = "--exponent 0.5 --tau 0.05 --time 0.2 --scheme particle --particles 5";
    sandbox
        .run(&format!("interaction {options} --out run"))
        .good();
    let time = Csv::read(&sandbox.path("run/metrics.csv")).column("time");
    assert_eq!(time, [0.05, 0.1, 0.15, 0.2]);
    // They take the particles far from the exact measure, and this is reported.
    let summary = summary(&sandbox.path("run"));
    let warning = summary["warning"].as_str().expect("a warning");
    for words in [
        "time step 1 from t = 0",
        "D² to the exact measure",
        "tau 0.05",
    ] {
        assert!(warning.contains(words), "no {words:?} in {warning}");
    }
    // From particles that are apart no flow needs them.
    let flow = "mmd --target circle --exponent 0.5 --time 0.2 --scheme particle --particles 5";
    let run = |start: &str, out: &str| {
        let command = format!("{flow} --start {start} --quiet --out {out}");
        sandbox.run(&command).good();
        Csv::read(&sandbox.path(&format!("{out}/metrics.csv")))
            .rows
            .len()
    };
    assert_eq!(run("gaussian", "apart"), 2);
    assert_eq!(run("dirac:0", "dirac"), 9);
}

#[test]
fn options_without_effect_are_named() {
    let sandbox = Sandbox::new();
    let flow = "interaction --scheme particle --particles 5 --time 0.1 --no-plots";
    let said = sandbox.run(&format!("{flow} --batch 2 --learning-rate 1 --out run"));
    assert_eq!(said.status, Some(0), "{said:#?}");
    assert_eq!(
        said.stderr,
        "note: --batch, --learning-rate have no effect with --scheme particle\n"
    );
    let said = sandbox.run(
        "mmd --target circle --scheme particle --particles 5 --time 0.1 --count 5 --sigma 1 --out mmd",
    );
    assert_eq!(
        said.stderr,
        "note: --sigma, --count have no effect with --target circle\n"
    );
}

/// Symbols of the paper and usual names lead to the options.
#[test]
fn usual_names_of_options_are_explained() {
    let sandbox = Sandbox::new();
    for (given, option) in [("--r", "--exponent"), ("--lr", "--learning-rate")] {
        sandbox
            .run(&format!("interaction {given} 0.5"))
            .refused(&[given, option]);
    }
}

/// The last step is shortened, be it the first: who asks for a time gets the flow at that time.
#[test]
fn a_time_that_is_no_multiple_of_the_step_is_reached() {
    for (time, steps) in [("0.01", 1), ("0.12", 3)] {
        let sandbox = Sandbox::new();
        let options = format!("--scheme particle --particles 5 --time {time} --out run");
        sandbox.run(&format!("interaction {options}")).good();
        let reached = Csv::read(&sandbox.path("run/metrics.csv")).column("time");
        assert_eq!(reached.len(), steps);
        assert_eq!(reached[steps - 1].to_string(), time);
    }
}

#[test]
fn as_many_threads_are_used_as_were_asked_for() {
    let sandbox = Sandbox::new();
    let (_, options) = small(SchemeKind::Particle);
    sandbox
        .run(&format!("interaction {options} --threads 3 --out run"))
        .good();
    assert_eq!(summary(&sandbox.path("run"))["threads"], 3);
}

#[test]
fn a_run_is_replaced_only_by_force() {
    let sandbox = Sandbox::new();
    let (config, options) = small(SchemeKind::Particle);
    let command = format!("interaction {options} --out run");
    sandbox.run(&command).good();
    let folder = sandbox.path("run");
    fs::write(folder.join("notes.txt"), "mine").expect("a file");
    let before = read(&folder.join("summary.json"));

    let again = sandbox.run(&command);
    again.refused(&["--out run", "--force"]);
    assert_eq!(read(&folder.join("summary.json")), before);
    // Bad input is found before the old run is touched.
    let bad = sandbox.run(&format!("{command} --force --dim 3 --exponent 2"));
    bad.refused(&["--exponent"]);
    assert_eq!(read(&folder.join("summary.json")), before);

    sandbox
        .run(&format!("{command} --force --no-plots --seed 1"))
        .good();
    assert!(names(&folder).contains(&"notes.txt".to_owned()));
    fs::remove_file(folder.join("notes.txt")).expect("still there");
    let config = Config { seed: 1, ..config };
    // No figure of the old run is left beside the new one.
    folder::check(&folder, &config, false);
}

#[test]
fn a_run_may_fill_a_folder_that_is_there() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("run")).expect("a folder");
    let (config, options) = small(SchemeKind::Particle);
    sandbox
        .run(&format!("interaction {options} --out run"))
        .good();
    folder::check(&sandbox.path("run"), &config, true);
}

#[test]
fn completions_know_the_options() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = sandbox.run(&format!("completions {shell}")).good().stdout;
        for word in ["interaction", "closed-form", "learning-rate", "backward"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
}

/// The control variate is the default where it is cheap, but not the paper's.
#[test]
fn few_dimensions_have_a_control_variate() {
    let cases = [
        ("--dim 2", true),
        ("--dim 11", false),
        ("--dim 11 --control-variate true", true),
        ("--dim 2 --control-variate false", false),
        ("--dim 2 --preset paper", false),
    ];
    for (options, expected) in cases {
        let sandbox = Sandbox::new();
        let flow = "mmd --target sphere:1 --scheme forward --particles 3 --iterations 1 --width 4 \
                    --time 0.02 --no-plots";
        sandbox.run(&format!("{flow} {options} --out run")).good();
        let found = config(&sandbox.path("run"));
        assert_eq!(found.control_variate, expected, "{options}");
        assert_eq!(found.latent_dim, found.dim);
    }
}
