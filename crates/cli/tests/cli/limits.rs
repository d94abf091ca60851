//! Memory: pair sums never hold N² numbers.

use std::process::Command;

use crate::sandbox::{Said, Sandbox};

/// 30,000² numbers of four bytes are 3.6 GB; the address space is limited to 1 GB.
#[test]
fn pair_sums_take_no_memory_for_pairs() {
    let sandbox = Sandbox::new();
    let flow = "interaction --scheme particle --particles 30000 --tau 1.2 --no-plots --quiet";
    let limited = format!("ulimit -v 1000000; exec $0 {flow} --threads 2 --out run");
    let said = Command::new("sh")
        .args(["-c", &limited, env!("CARGO_BIN_EXE_rieszflow")])
        .current_dir(sandbox.path(""))
        .output();
    Said::from(said.expect("a shell")).good();
}
