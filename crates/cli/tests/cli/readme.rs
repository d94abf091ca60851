//! The commands of the README are ones that the program knows, with all their options and values.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

/// The arguments of every call of the program in the shell blocks of a document.
fn calls(document: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(document);
    let text = fs::read_to_string(path).expect("a document");
    let blocks = text
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"));
    let lines = blocks.flat_map(|(block, _)| block.lines());
    lines
        .filter_map(|line| {
            line.strip_prefix("cargo run --release -- ")
                .or_else(|| line.strip_prefix("rieszflow "))
        })
        .map(|call| call.split_whitespace().map(str::to_owned).collect())
        .collect()
}

#[test]
fn the_program_accepts_every_command_of_the_readme() {
    let calls = calls("README.md");
    assert!(calls.len() > 3, "{calls:?}");
    for call in calls {
        // With --help after them arguments are read but not carried out.
        let said = Command::new(env!("CARGO_BIN_EXE_rieszflow"))
            .args(&call)
            .arg("--help")
            .output()
            .expect("the program starts");
        let complaint = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "{call:?}: {complaint}");
    }
}
