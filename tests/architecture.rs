//! The house rules: which part may know of which, and what every file must have.

use std::fs;
use std::path::{Path, PathBuf};

/// The crates of the project and the siblings that each may use; all others are refused.
const MAY_USE: [(&str, &[&str]); 7] = [
    ("crates/numerics", &[]),
    ("crates/autodiff", &["numerics"]),
    ("crates/nets", &["numerics", "autodiff"]),
    ("crates/flows", &["numerics", "autodiff", "nets"]),
    ("crates/analytic", &[]),
    (".", &["autodiff", "nets", "flows", "analytic"]),
    (
        "crates/cli",
        &["numerics", "autodiff", "nets", "flows", "analytic"],
    ),
];

/// No file is longer than this.
const MOST_LINES: usize = 450;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All Rust files below a folder of the project.
fn rust_files(folder: &str) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    assert!(!files.is_empty(), "no Rust files in {folder}");
    files.sort();
    files
}

/// Every Rust file of the project.
fn all_rust_files() -> Vec<PathBuf> {
    ["benches", "crates", "examples", "src", "tests"]
        .into_iter()
        .flat_map(rust_files)
        .collect()
}

/// The code of a file without comments and without the unit tests at its end.
fn code(path: &Path) -> String {
    let text = read(path);
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether `text` has `word` with no letter, digit or underscore before or after it.
fn mentions(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(inside) && !after.is_some_and(inside)
    })
}

/// Demands that no file in the folder mentions any of the words in its code.
#[track_caller]
fn know_nothing_of(folder: &str, words: &[&str]) {
    for path in rust_files(folder) {
        let code = code(&path);
        for word in words {
            assert!(!mentions(&code, word), "{}: {word}", path.display());
        }
    }
}

#[test]
fn dependencies_run_one_way() {
    for (folder, allowed) in MAY_USE {
        let manifest: toml::Table = read(&root().join(folder).join("Cargo.toml"))
            .parse()
            .expect("TOML");
        let dependencies = manifest["dependencies"].as_table().expect("a table");
        for name in dependencies.keys() {
            if let Some(sibling) = name.strip_prefix("rieszflow-") {
                assert!(allowed.contains(&sibling), "{folder} uses {sibling}");
            }
        }
    }
}

#[test]
fn libraries_know_nothing_of_command_lines_and_terminals() {
    for (folder, _) in &MAY_USE[..6] {
        let words = ["clap", "indicatif", "println", "eprintln", "is_terminal"];
        know_nothing_of(&format!("{folder}/src"), &words);
        let manifest = read(&root().join(folder).join("Cargo.toml"));
        for crate_name in ["clap", "indicatif"] {
            assert!(!mentions(&manifest, crate_name), "{folder}: {crate_name}");
        }
    }
}

#[test]
fn pair_sums_know_nothing_of_the_tape() {
    know_nothing_of(
        "crates/flows/src/pair_sums",
        &["Tape", "Graph", "Var", "CustomOp"],
    );
}

#[test]
fn schemes_know_nothing_of_threads_files_and_terminals() {
    let words = [
        "rayon",
        "std::fs",
        "std::io",
        "std::thread",
        "println",
        "eprintln",
    ];
    know_nothing_of("crates/flows/src/scheme", &words);
}

#[test]
fn every_file_says_what_it_is_and_is_short() {
    for path in all_rust_files() {
        let text = read(&path);
        let name = path.display();
        assert!(text.starts_with("//! "), "{name} opens with what it is");
        let lines = text.lines().count();
        assert!(lines <= MOST_LINES, "{name} has {lines} lines");
    }
}

#[test]
fn every_package_carries_what_a_published_one_needs() {
    for (folder, _) in MAY_USE {
        let folder = root().join(folder);
        for shared in ["LICENSE-MIT", "LICENSE-APACHE", "docs/katex.html"] {
            let copy = read(&folder.join(shared));
            assert_eq!(copy, read(&root().join(shared)), "{}", folder.display());
        }
        assert!(read(&folder.join("README.md")).starts_with("# rieszflow"));
        let manifest: toml::Table = read(&folder.join("Cargo.toml")).parse().expect("TOML");
        let package = manifest["package"].as_table().expect("a table");
        for key in [
            "description",
            "license",
            "keywords",
            "categories",
            "readme",
            "rust-version",
        ] {
            assert!(package.contains_key(key), "{}: {key}", folder.display());
        }
    }
}
