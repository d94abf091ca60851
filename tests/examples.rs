//! Every example, run: its own assertions are the test.

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs the programs that cargo has built of the examples, into a folder beside that of the tests.
#[test]
fn every_example_runs() {
    let this = std::env::current_exe().expect("a program");
    let built = this.parent().and_then(Path::parent).expect("two folders");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("a folder") {
        let source = entry.expect("an entry").path();
        if source.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let name = source.file_stem().expect("a name").display();
        let program = built.join(format!("examples/{name}{EXE_SUFFIX}"));
        let output = Command::new(&program).output().unwrap_or_else(|error| {
            let shown = program.display();
            panic!(
                "{shown}: {error}; `cargo test` builds the examples, `cargo test --test …` does not"
            )
        });
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {complaint}");
        count += 1;
    }
    assert!(count > 4, "{count} examples");
}
