//! A run read from Python: `examples/read_run.py` with its own checks.

use std::process::Command;

use crate::sandbox::Sandbox;
use crate::translation::cloud;

const TRAINING: &str = "--iterations 200 --no-plots --quiet";

/// Small neural runs of either scheme, about 0 and far from it, read by the script with its own checks.
#[test]
fn a_run_read_from_python() {
    let numpy = Command::new("python3")
        .args(["-c", "import numpy"])
        .output();
    if !numpy.is_ok_and(|output| output.status.success()) {
        println!("left out: there is no python3 with numpy");
        return;
    }
    let sandbox = Sandbox::new();
    let write = |name: &str, text: String| {
        std::fs::write(sandbox.path(name), text).expect("a file");
    };
    write("start.csv", cloud(300, 0.0, 1e6));
    write("target.csv", cloud(300, 3.0, 1e6));
    for scheme in ["backward", "forward"] {
        for flow in [
            "interaction --particles 300 --time 0.2",
            "mmd --target csv:target.csv --start csv:start.csv --tau 0.5 --time 1 --width 32",
        ] {
            let run = format!("{flow} --scheme {scheme} {TRAINING} --force --out run");
            sandbox.run(&run).good();
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/read_run.py");
            let output = Command::new("python3")
                .arg(script)
                .arg(sandbox.path("run"))
                .output()
                .expect("python3");
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{run}: {complaint}");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains("2000 fresh particles"), "{said}");
        }
    }
}
