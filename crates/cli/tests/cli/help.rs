//! The help of every command: what it computes, and the defaults that really hold.

use rieszflow_cli::{Config, SchemeKind};

use crate::sandbox::Sandbox;

fn help(command: &str) -> String {
    Sandbox::new()
        .run(&format!("{command} --help"))
        .good()
        .stdout
}

#[test]
fn the_commands_are_listed() {
    let text = help("");
    for command in [
        "interaction",
        "implosion",
        "closed-form",
        "verify",
        "completions",
        "man",
    ] {
        let listed = |line: &str| line.trim_start().starts_with(&format!("{command} "));
        assert!(text.lines().any(listed), "{command}: {text}");
    }
}

#[test]
fn every_command_says_what_it_computes_within_a_hundred_columns() {
    let cases = [
        ("interaction", "E(μ) = −½∬|x−y|ʳ dμdμ"),
        ("implosion", "F(μ) = ∫(1_{a<0}|b| − a)dμ"),
        ("closed-form", "argmin ½∫|x|²dη + E(η)"),
        ("closed-form line", "−½∬|x−y|dμdμ + ∬|x−y|dμdν"),
        ("closed-form line", "dirac:X, or two-diracs-1d"),
        (
            "closed-form target",
            "uniform law on the sphere of radius A",
        ),
        ("discrepancy", "D²(X,Y) = ∬|x−y|ʳ − ½∬|x−x'|ʳ − ½∬|y−y'|ʳ"),
        ("verify", "exact"),
        ("completions", "shell"),
    ];
    for (command, formula) in cases {
        let text = help(command);
        assert!(text.contains(formula), "{command}: {text}");
        assert!(!text.contains("Possible values:"), "{text}");
        let longest = text.lines().map(|line| line.chars().count()).max();
        // Usage lines are not wrapped.
        assert!(longest <= Some(105), "{command}: {longest:?}");
        assert_eq!(text, short_help(command), "one help, short and long");
    }
}

fn short_help(command: &str) -> String {
    Sandbox::new().run(&format!("{command} -h")).good().stdout
}

#[test]
fn flow_options_tell_the_defaults_of_their_experiment() {
    let scheme = SchemeKind::Backward;
    let cases = [
        ("interaction", Config::interaction(scheme, 2, 1.0)),
        ("implosion", Config::implosion(scheme)),
    ];
    for (command, config) in cases {
        let text = help(command);
        for (option, default) in [
            ("--scheme", "backward".to_owned()),
            ("--dim", config.dim.to_string()),
            ("--exponent", format!("{:?}", config.exponent)),
            ("--tau", config.tau.to_string()),
            ("--time", format!("{:?}", config.time)),
            ("--particles", config.particles.to_string()),
            ("--batch", config.batch.to_string()),
            ("--iterations", config.iterations.to_string()),
            ("--first-iterations", config.first_iterations.to_string()),
            ("--width", config.width.to_string()),
            ("--hidden-layers", config.hidden_layers.to_string()),
            ("--latent-dim", "d".to_owned()),
            ("--learning-rate", config.learning_rate.to_string()),
            (
                "--learning-rate-decay",
                config.learning_rate_decay.to_string(),
            ),
            ("--seed", "0".to_owned()),
            ("--precision", "f32".to_owned()),
            ("--threads", "all cores".to_owned()),
            ("--save-at", "about eight".to_owned()),
            ("--out", "runs/<experiment>-<scheme>".to_owned()),
        ] {
            let told = told_of(&text, option);
            let expected = format!("[default: {default}]");
            assert!(told.contains(&expected), "{command} {option}: {told}");
        }
    }
}

/// What the help says of an option, on one line.
fn told_of(text: &str, option: &str) -> String {
    let mut lines = text.lines().map(str::trim);
    let first = lines
        .by_ref()
        .find(|line| line.starts_with(&format!("{option} <")))
        .unwrap_or_else(|| panic!("{option} is not told of"));
    let more = lines.take_while(|line| !line.is_empty() && !line.starts_with('-'));
    let all: Vec<&str> = std::iter::once(first).chain(more).collect();
    all.join(" ")
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let sandbox = Sandbox::new();
    let page = sandbox.run("man").good().stdout;
    assert!(page.contains(".TH rieszflow 1"), "{page}");
    sandbox.run("man --out pages").good();
    for name in ["rieszflow", "rieszflow-interaction", "rieszflow-mmd"] {
        let path = sandbox.path("pages").join(format!("{name}.1"));
        let text = std::fs::read_to_string(path).expect("a page");
        assert!(text.contains(&format!(".TH {name} 1")), "{text}");
    }
}
