//! The house rules: which part may know of which, and what every file must have.

mod modules;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use modules::Modules;

/// The crates of the project and the siblings that each may use; all others are refused.
const MAY_USE: [(&str, &[&str]); 8] = [
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
    ("crates/python", &["numerics", "flows", "analytic"]),
];

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

/// The manifest of the package in a folder.
fn manifest(folder: &str) -> toml::Table {
    let text = read(&root().join(folder).join("Cargo.toml"));
    text.parse()
        .unwrap_or_else(|error| panic!("{folder}: {error}"))
}

/// The targets of one kind that a manifest names.
fn targets(manifest: &toml::Table, kind: &str) -> Vec<toml::Value> {
    match manifest.get(kind) {
        Some(toml::Value::Array(targets)) => targets.clone(),
        Some(target) => vec![target.clone()],
        None => Vec::new(),
    }
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
fn every_crate_is_listed() {
    let crates = fs::read_dir(root().join("crates")).expect("a folder");
    let mut found: Vec<String> = crates
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| format!("crates/{}", name.display()))
        .chain([".".to_owned()])
        .collect();
    let mut listed = MAY_USE.map(|(folder, _)| folder);
    found.sort();
    listed.sort_unstable();
    assert_eq!(found, listed);
}

#[test]
fn dependencies_run_one_way() {
    for (folder, allowed) in MAY_USE {
        let manifest = manifest(folder);
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
fn every_file_says_what_it_is() {
    for path in all_rust_files() {
        let name = path.display();
        assert!(
            read(&path).starts_with("//! "),
            "{name} opens with what it is"
        );
    }
}

#[test]
fn modules_do_not_use_each_other_in_circles() {
    let mut circles = Vec::new();
    for (folder, _) in MAY_USE {
        for start in ["src/lib.rs", "src/main.rs"] {
            let start = Path::new(folder).join(start);
            if root().join(&start).exists() {
                let source = |path: &Path| fs::read_to_string(root().join(path)).ok();
                let modules = Modules::read(&start, &source);
                circles.extend(modules.circles());
            }
        }
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn the_library_brings_nothing_of_the_program() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "rieszflow"])
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    let complaint = String::from_utf8_lossy(&tree.stderr);
    assert!(tree.status.success(), "{complaint}");
    let text = String::from_utf8(tree.stdout).expect("UTF-8");
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(names.contains(&"rieszflow-flows"), "{text}");
    for program in [
        "clap",
        "gif",
        "image",
        "indicatif",
        "sysinfo",
        "tiny-skia",
        "toml",
    ] {
        assert!(!names.contains(&program), "{program}");
    }
}

#[test]
fn differentiation_is_short_and_plain() {
    know_nothing_of("crates/autodiff/src", &["fearless_simd", "rayon", "unsafe"]);
    let manifest = read(&root().join("crates/autodiff/Cargo.toml"));
    for name in ["fearless_simd", "rayon"] {
        assert!(!mentions(&manifest, name), "{name}");
    }
    let files = rust_files("crates/autodiff/src");
    let lines: usize = files.iter().map(|file| read(file).lines().count()).sum();
    assert!(lines < 1200, "{lines} lines");
}

/// Unit tests in a library that says `test = false` would never run.
#[test]
fn every_unit_test_runs() {
    for (folder, _) in MAY_USE {
        let library = manifest(folder)["lib"].clone();
        if library.get("test").and_then(toml::Value::as_bool) != Some(false) {
            continue;
        }
        for path in rust_files(&format!("{folder}/src")) {
            let name = path.display();
            assert!(
                !read(&path).contains("#[cfg(test)]"),
                "{name} has unit tests"
            );
        }
    }
}

/// Any other harness than Criterion's would refuse the options of `cargo bench -- …`.
#[test]
fn benchmarks_run_without_the_harness_of_unit_tests() {
    for (folder, _) in MAY_USE {
        let manifest = manifest(folder);
        let [library, programs, benchmarks] =
            ["lib", "bin", "bench"].map(|kind| targets(&manifest, kind));
        for target in library.iter().chain(&programs) {
            let bench = target.get("bench").and_then(toml::Value::as_bool);
            assert_eq!(bench, Some(false), "{folder}: {target}");
        }
        for target in &benchmarks {
            let harness = target.get("harness").and_then(toml::Value::as_bool);
            assert_eq!(harness, Some(false), "{folder}: {target}");
        }
        let folder = root().join(folder);
        assert_eq!(library.len(), 1, "{}", folder.display());
        assert!(!programs.is_empty() || !folder.join("src/main.rs").exists());
        let files = fs::read_dir(folder.join("benches")).map_or(0, Iterator::count);
        assert_eq!(files, benchmarks.len(), "{}", folder.display());
    }
}

#[test]
fn every_published_package_carries_what_it_needs() {
    for (folder, _) in MAY_USE {
        let manifest = manifest(folder);
        if manifest["package"].get("publish") == Some(&toml::Value::Boolean(false)) {
            continue;
        }
        let folder = root().join(folder);
        for shared in ["LICENSE-MIT", "LICENSE-APACHE", "docs/katex.html"] {
            let copy = read(&folder.join(shared));
            assert_eq!(copy, read(&root().join(shared)), "{}", folder.display());
        }
        assert!(read(&folder.join("README.md")).starts_with("# rieszflow"));
        let package = &manifest["package"];
        for key in [
            "description",
            "license",
            "keywords",
            "categories",
            "readme",
            "rust-version",
        ] {
            assert!(package.get(key).is_some(), "{}: {key}", folder.display());
        }
    }
}
