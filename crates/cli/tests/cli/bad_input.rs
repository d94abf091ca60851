//! Everything that cannot be run is refused: exit 2, the option's name, what would be accepted, and no folder.

use std::fs;

use crate::sandbox::Sandbox;

/// Demands a refusal that names the last option given and says `accepted`, and leaves no trace.
#[track_caller]
fn refused(arguments: &str, accepted: &str) {
    refused_with(&arguments.split(' ').collect::<Vec<_>>(), accepted);
}

#[track_caller]
fn refused_with(arguments: &[&str], accepted: &str) {
    let sandbox = Sandbox::new();
    let mut options = arguments.iter().filter(|word| word.starts_with("--"));
    let option = options.next_back().expect("an option");
    let option = option.split('=').next().expect("a name");
    let said = sandbox.run_with(arguments.iter().copied());
    said.refused(&[option, accepted]);
    assert!(sandbox.is_empty(), "{arguments:?} left something behind");
}

#[test]
fn exponents_outside_0_2() {
    for scheme in ["backward", "forward", "particle"] {
        for exponent in ["0", "2", "-1", "NaN", "inf", "2.000001", "1e300"] {
            let command = format!("interaction --scheme {scheme} --exponent {exponent}");
            refused(&command, "strictly between 0 and 2");
        }
    }
    refused("interaction --exponent abc", "expected a number");
    refused_with(&["interaction", "--exponent", ""], "expected a number");
    // The equilibrium's radius has no finite value.
    refused("interaction --exponent 1.9999999", "r ≤ 1.998");
    refused("implosion --exponent 1.5", "must be 1");
}

#[test]
fn times_that_are_no_times() {
    for option in ["tau", "time"] {
        for value in ["0", "-0", "-1", "NaN", "inf"] {
            let command = format!("interaction --scheme particle --{option} {value}");
            refused(&command, "positive and finite");
        }
        refused(&format!("interaction --{option} 1s"), "expected a number");
    }
}

#[test]
fn steps_that_are_absurdly_many_or_large() {
    for tau in ["1e-300", "1e-10", "1e10", "1e300"] {
        refused(&format!("interaction --tau {tau}"), "between 1e-9 and 1e9");
    }
    refused("interaction --tau 1e-8", "a 10⁷th of --time 1.2");
    refused("interaction --tau 2e7", "10⁷ times it");
    // The time is at fault only in comparison.
    let sandbox = Sandbox::new();
    for time in ["1e300", "1e-300"] {
        let said = sandbox.run(&format!("interaction --time {time}"));
        said.refused(&["--tau", &format!("--time {time}")]);
    }
    assert!(sandbox.is_empty());
}

#[test]
fn counts_that_are_too_small() {
    refused("interaction --particles 0", "at least 2");
    refused("interaction --particles 1", "at least 2");
    refused("interaction --dim 0", "at least 1");
    refused("implosion --dim 3", "2, the plane");
    for option in [
        "iterations",
        "first-iterations",
        "width",
        "hidden-layers",
        "latent-dim",
    ] {
        refused(&format!("interaction --{option} 0"), "at least 1");
    }
}

#[test]
fn counts_that_are_no_counts() {
    for option in [
        "particles",
        "dim",
        "batch",
        "iterations",
        "first-iterations",
        "width",
        "hidden-layers",
        "latent-dim",
        "threads",
        "seed",
    ] {
        for value in ["-1", "1.5", "NaN", "many", "18446744073709551616"] {
            let command = format!("interaction --{option} {value}");
            refused(&command, "expected a whole number");
        }
    }
}

#[test]
fn batches_that_do_not_fit() {
    let expected = "between 1 and --particles 50";
    for batch in ["0", "51", "1000000000000000"] {
        refused(
            &format!("interaction --particles 50 --batch {batch}"),
            expected,
        );
    }
}

#[test]
fn learning_rates_that_teach_nothing() {
    for rate in ["0", "-1", "NaN", "inf"] {
        refused(
            &format!("interaction --learning-rate {rate}"),
            "positive and finite",
        );
        refused(
            &format!("interaction --learning-rate-decay {rate}"),
            "greater than 0 and at most 1",
        );
    }
    refused("interaction --learning-rate-decay 1.5", "at most 1");
}

#[test]
fn times_to_save_that_never_come() {
    for times in ["NaN", "inf", "1.3", "-1", "-0.5,0.5", "0.1,99", "every:0"] {
        refused(
            &format!("interaction --save-at {times}"),
            "times between 0 and --time 1.2, or every:K",
        );
    }
    for text in [
        "garbage",
        "every:",
        "every:-1",
        "every:1.5",
        "every",
        "0.1,,0.2",
        "0.1,",
    ] {
        refused(&format!("interaction --save-at {text}"), "every:K");
    }
    refused_with(&["interaction", "--save-at", ""], "every:K");
}

#[test]
fn kernels_to_keep_that_are_never_learned() {
    let expected = "all, none or every:K with K at most 24, the number of time steps";
    refused("interaction --keep-kernels every:25", expected);
    for text in ["every:0", "some"] {
        let command = format!("interaction --keep-kernels {text}");
        refused(&command, "all, none or every:K");
    }
}

#[test]
fn numbers_of_threads_that_no_machine_has() {
    for threads in ["0", "1025", "100000", "18446744073709551615"] {
        refused(
            &format!("interaction --threads {threads}"),
            "between 1 and 1024",
        );
    }
}

#[test]
fn numbers_of_threads_in_the_environment() {
    let run = |threads: &str| {
        let sandbox = Sandbox::new();
        let command = "interaction --scheme particle --time 0.1 --particles 10 --no-plots --quiet";
        let said = sandbox.run_where("RAYON_NUM_THREADS", threads, command);
        (said, sandbox)
    };
    for threads in ["1025", "1000000", "-1", "abc", ""] {
        let (said, sandbox) = run(threads);
        said.refused(&["RAYON_NUM_THREADS", "between 1 and 1024", threads]);
        assert!(sandbox.is_empty());
    }
    for threads in ["0", "2"] {
        assert_eq!(run(threads).0.status, Some(0));
    }
    let sandbox = Sandbox::new();
    for command in [
        "closed-form --dim 2 --exponent 1",
        "closed-form line --target two-diracs-1d --start dirac:0 --time 1 --quantiles 2",
        "verify --quick",
    ] {
        let said = sandbox.run_where("RAYON_NUM_THREADS", "5000", command);
        said.refused(&["RAYON_NUM_THREADS", "between 1 and 1024", "5000"]);
    }
}

/// Sizes that would otherwise end in an abort, a panic or an overflow are refused with numbers.
#[test]
fn sizes_that_no_machine_holds() {
    for scheme in ["backward", "forward", "particle"] {
        for size in ["1000000000000000", "18446744073709551615"] {
            let command = format!("interaction --scheme {scheme} --particles {size}");
            refused(&command, "this machine has");
        }
        for size in ["1000000000000", "18446744073709551615"] {
            let command = format!("interaction --scheme {scheme} --dim {size}");
            refused(&command, "this machine has");
        }
    }
    for size in ["1000000000", "18446744073709551615"] {
        refused(&format!("interaction --width {size}"), "EB of memory");
    }
    for option in ["hidden-layers", "latent-dim"] {
        for size in ["1000000000000", "18446744073709551615"] {
            refused(
                &format!("interaction --{option} {size}"),
                "this machine has",
            );
        }
    }
}

/// A gigabyte-sized archive is found out before days of computing, not after them.
#[test]
fn snapshots_that_no_archive_holds() {
    let sizes = "interaction --scheme particle --particles 1000 --dim 1000 --tau 0.001";
    refused(&format!("{sizes} --save-at every:1"), "--particles");
}

#[test]
fn the_forward_scheme_from_a_dirac_for_small_exponents() {
    refused(
        "interaction --scheme forward --exponent 0.5",
        "at least 1 with --scheme forward from a Dirac (for smaller r the energy has no finite \
         one-sided derivative where particles coincide",
    );
}

#[test]
fn words_that_mean_nothing() {
    refused(
        "interaction --scheme sideways",
        "backward, forward, particle",
    );
    refused("interaction --preset article", "paper");
    refused("interaction --precision f16", "f32, f64");
    refused("interaction --nonsense", "Usage: rieszflow interaction");
    let sandbox = Sandbox::new();
    sandbox
        .run("integration")
        .refused(&["integration", "Usage"]);
    sandbox.run("interaction 5").refused(&["'5'", "Usage"]);
    sandbox
        .run("completions tcsh")
        .refused(&["tcsh", "bash", "zsh"]);
    assert!(sandbox.is_empty());
}

#[test]
fn no_command_at_all() {
    let said = Sandbox::new().run("");
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("Usage: rieszflow <COMMAND>"));
    assert_eq!(said.stdout, "");
}

#[test]
fn folders_that_are_none() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("file"), "content").expect("a file");
    for out in ["file", "file/run"] {
        let command = format!("interaction --scheme particle --particles 5 --out {out}");
        let said = sandbox.run(&command);
        said.refused(&["--out must be a folder", out]);
        sandbox
            .run(&format!("{command} --force"))
            .refused(&["--out"]);
    }
    assert_eq!(crate::sandbox::read(&sandbox.path("file")), "content");
    refused_with(&["interaction", "--out", ""], "a value is required");
    refused("interaction --out", "a value is required");
    if cfg!(target_os = "linux") {
        // Even the superuser cannot write there.
        let command = "interaction --scheme particle --particles 5 --out";
        refused(&format!("{command} /proc"), "must be a folder to write to");
        refused(
            &format!("{command} /proc/run"),
            "must be a folder to write to",
        );
    }
}

#[test]
fn a_table_of_checks_with_nowhere_to_go() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("file"), "content").expect("a file");
    sandbox
        .run("verify --quick --out file")
        .refused(&["--out file"]);
}
