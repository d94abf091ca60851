//! Disks that are full, limits on files, folders that vanish or may not be written to: a clear error,
//! and nothing is lost.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::sandbox::{Results, Said, Sandbox, names, wait_for};

/// Its snapshots take about 300 kB.
const FLOW: &str = "interaction --scheme particle --particles 200 --save-at every:1 --time 1.2 \
                    --no-plots --quiet --threads 1";

/// Runs a script in the sandbox, with the program as `$0`.
fn script(sandbox: &Sandbox, interpreter: &[&str], script: &str) -> Said {
    let mut command = Command::new(interpreter[0]);
    command.args(&interpreter[1..]).args(["-c", script]);
    command.arg(env!("CARGO_BIN_EXE_rieszflow"));
    let output = command.current_dir(sandbox.path("")).output();
    output.expect("a shell").into()
}

#[track_caller]
fn check_failed(said: &Said, words: &[&str]) {
    assert_eq!(said.status, Some(1), "{said:#?}");
    assert!(
        said.stderr.starts_with("error: cannot write to "),
        "{said:#?}"
    );
    for word in words {
        assert!(said.stderr.contains(word), "no {word:?} in {said:#?}");
    }
}

#[test]
fn a_file_that_may_not_grow_stops_the_run_and_loses_nothing() {
    let sandbox = Sandbox::new();
    sandbox.run(&format!("{FLOW} --out whole")).good();
    let whole = Results::read(&sandbox.path("whole"));
    // In blocks of 512 bytes: snapshots.csv fails at first, later final.csv or the archive.
    for (blocks, kept) in [(20, 0), (160, 2), (320, 2)] {
        let out = format!("run{blocks}");
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec $0 {FLOW} --out {out}");
        check_failed(
            &script(&sandbox, &["sh"], &limited),
            &["too large", "snapshots.csv"],
        );
        let folder = sandbox.path(&out);
        let saved = folder.join("checkpoint");
        assert_eq!(
            if saved.exists() {
                names(&saved).len()
            } else {
                0
            },
            kept
        );
        sandbox
            .run(&format!("resume {out} --no-plots --quiet"))
            .good();
        assert!(Results::read(&folder) == whole, "{blocks} blocks");
        assert_eq!(names(&folder), names(&sandbox.path("whole")));
    }
}

#[test]
fn a_full_disk_stops_the_run_and_loses_nothing() {
    let namespace = ["unshare", "-rm", "sh"];
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("disk")).expect("a folder");
    let mount = "mount -t tmpfs -o size=SIZE tmpfs disk".replace("SIZE", "100k");
    let possible = Command::new(namespace[0])
        .args([namespace[1], namespace[2], "-c", &mount])
        .current_dir(sandbox.path(""))
        .stderr(Stdio::null())
        .status();
    if !possible.is_ok_and(|status| status.success()) {
        println!("skipped: this machine does not let one mount a small disk");
        return;
    }
    sandbox.run(&format!("{FLOW} --out whole")).good();
    let run = format!("{mount}; $0 {FLOW} --out disk/run");
    check_failed(&script(&sandbox, &namespace, &run), &["No space left"]);
    // In one namespace, whose disk is gone with it: full, then larger, then resumed.
    let resume = "mount -o remount,size=50m disk && $0 resume disk/run --no-plots --quiet";
    let all = format!("{run} 2>/dev/null; {resume} && cp -r disk/run kept");
    script(&sandbox, &namespace, &all).good();
    let [kept, whole] = ["kept", "whole"].map(|run| sandbox.path(run));
    assert!(Results::read(&kept) == Results::read(&whole));
    assert_eq!(names(&kept), names(&whole));
}

/// Removes the folder, or what it has for checkpoints, from under a run.
#[test]
fn folders_that_vanish() {
    for gone in ["run", "run/checkpoint"] {
        let sandbox = Sandbox::new();
        let flow =
            "interaction --particles 60 --batch 40 --iterations 1000000 --width 32 --no-plots";
        let mut child = Command::new(env!("CARGO_BIN_EXE_rieszflow"))
            .args(format!("{flow} --checkpoint-every 0.01 --out run").split_whitespace())
            .current_dir(sandbox.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        wait_for(&sandbox.path("run/checkpoint"), &mut child);
        // A folder that is written to cannot be removed in one go; under another name it is gone.
        fs::rename(sandbox.path(gone), sandbox.path("elsewhere")).expect("moved");
        let said: Said = child.wait_with_output().expect("a process").into();
        check_failed(&said, &["run/checkpoint", "No such file"]);
        assert!(!sandbox.path(gone).exists(), "made again");
    }
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("own folder");
}

/// A shell of somebody to whom permissions apply.
fn unprivileged(sandbox: &Sandbox) -> &'static [&'static str] {
    const SHELL: [&str; 5] = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "sh",
    ];
    let owner = fs::metadata(sandbox.path("")).expect("a folder").uid();
    if owner == 0 { &SHELL } else { &SHELL[4..] }
}

#[test]
fn a_folder_that_may_not_be_written_to_is_refused() {
    let sandbox = Sandbox::new();
    permit(&sandbox.path(""), 0o755);
    let shell = unprivileged(&sandbox);
    let possible = Command::new(shell[0])
        .args(&shell[1..])
        .args(["-c", "$0 --version", env!("CARGO_BIN_EXE_rieszflow")])
        .current_dir(sandbox.path(""))
        .output();
    if !possible.is_ok_and(|output| output.status.success()) {
        println!("skipped: this machine does not let one lay down the superuser's permissions");
        return;
    }
    let locked = sandbox.path("locked");
    fs::create_dir(&locked).expect("a folder");
    permit(&locked, 0o555);
    let said = script(&sandbox, shell, &format!("exec $0 {FLOW} --out locked/run"));
    permit(&locked, 0o755);
    said.refused(&[
        "--out must be a folder to write to",
        "locked/run",
        "Permission denied",
    ]);
    assert!(names(&locked).is_empty());
}
