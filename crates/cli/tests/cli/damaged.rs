//! Checkpoints and files of a run that are damaged: refused with the reason, the older one used.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::sandbox::{Results, Sandbox, names, read};

const FLOW: &str = "interaction --scheme particle --particles 200 --save-at every:1 --time 1.2 \
                    --no-plots --quiet";

/// A run that was stopped by a limit on its files, with two checkpoints; and the whole run.
fn stopped() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.run(&format!("{FLOW} --out whole")).good();
    stop(&sandbox, FLOW);
    sandbox
}

/// Stops a run by a limit on its files.
fn stop(sandbox: &Sandbox, flow: &str) {
    let limited = format!("trap '' XFSZ; ulimit -f 200; exec $0 {flow} --out run");
    let status = Command::new("sh")
        .args(["-c", &limited, env!("CARGO_BIN_EXE_rieszflow")])
        .current_dir(sandbox.path(""))
        .stderr(Stdio::null())
        .status();
    assert_eq!(status.expect("a shell").code(), Some(1));
}

/// The checkpoints, the latest last.
fn checkpoints(sandbox: &Sandbox) -> Vec<PathBuf> {
    let folder = sandbox.path("run/checkpoint");
    names(&folder)
        .iter()
        .map(|name| folder.join(name))
        .collect()
}

fn edit(path: &PathBuf, edit: impl Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("a file");
    edit(&mut bytes);
    fs::write(path, bytes).expect("written");
}

/// What is done to the bytes of a file.
type Edit = fn(&mut Vec<u8>);

const RESUME: &str = "resume run --no-plots --quiet";

#[test]
fn the_older_checkpoint_is_used_if_the_later_is_damaged() {
    let sandbox = stopped();
    let edits: [(&str, Edit); 5] = [
        ("checksum", |bytes| bytes[500] ^= 16),
        ("cut off", |bytes| bytes.truncate(bytes.len() / 2)),
        ("cut short", |bytes| bytes.clear()),
        ("version 7", |bytes| bytes[8] = 7),
        ("checksum", |bytes| bytes[15] ^= 1),
    ];
    let whole = Results::read(&sandbox.path("whole"));
    let run = sandbox.path("run");
    let keep = sandbox.path("keep");
    let copy = |from: &PathBuf, to: &PathBuf| {
        let _ = fs::remove_dir_all(to);
        let status = Command::new("cp").arg("-r").args([from, to]).status();
        assert!(status.expect("cp").success());
    };
    copy(&run, &keep);
    for (reason, change) in edits {
        copy(&keep, &run);
        edit(&checkpoints(&sandbox)[1], change);
        let said = sandbox.run(RESUME);
        assert_eq!(said.status, Some(0), "{said:#?}");
        assert!(said.stderr.starts_with("warning: "), "{said:#?}");
        assert!(said.stderr.contains(reason), "{said:#?}");
        assert!(Results::read(&run) == whole, "{reason}");

        copy(&keep, &run);
        for path in checkpoints(&sandbox) {
            edit(&path, change);
        }
        let words = [reason, "no checkpoint can be used", "--force"];
        sandbox.run(RESUME).refused(&words);
    }
}

#[test]
fn a_changed_configuration_is_not_continued() {
    let sandbox = stopped();
    let path = sandbox.path("run/config.toml");
    let text = read(&path);
    fs::write(&path, text.replace("seed = 0", "seed = 1")).expect("written");
    sandbox
        .run(RESUME)
        .refused(&["belongs to a run with another configuration"]);
    // Comments and spaces change nothing.
    fs::write(
        &path,
        format!("# mine\n{}", text.replace("seed = 0", "seed    = 0")),
    )
    .expect("written");
    sandbox.run(RESUME).good();
    assert!(Results::read(&sandbox.path("run")) == Results::read(&sandbox.path("whole")));
}

#[test]
fn a_changed_target_is_not_continued() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("target.csv"), "x0,x1\n1,2\n3,4\n").expect("written");
    let flow = "mmd --target csv:target.csv --scheme particle --particles 200 --tau 0.01 --time 1 \
                --save-at every:1 --no-plots --quiet";
    stop(&sandbox, flow);
    let target = sandbox.path("run/input/target.csv");
    fs::write(&target, "x0,x1\n1,2\n3,5\n").expect("written");
    let words = ["another configuration or other input files"];
    sandbox.run(RESUME).refused(&words);
    fs::write(&target, "x0,x1\n1,2\n3,4\n").expect("written");
    sandbox.run(RESUME).good();
}

#[test]
fn a_lost_end_of_a_growing_file_is_noticed() {
    let sandbox = stopped();
    edit(&sandbox.path("run/metrics.csv"), |bytes| {
        bytes.truncate(100);
    });
    sandbox.run(RESUME).refused(&["metrics.csv, which has 100"]);
}
