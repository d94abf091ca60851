//! The documents lead to what exists: every file, and every item in the file that is named with it.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A document with the code blocks left out.
fn prose(document: &str) -> String {
    let text = fs::read_to_string(root().join(document)).expect("a document");
    text.split("```").step_by(2).collect()
}

/// The parts of `text` between `open` and `close`.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    let starts = text.split(open).skip(1);
    starts
        .filter_map(|rest| rest.split_once(close))
        .map(|found| found.0)
        .collect()
}

/// The code spans of a text.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// What the headings of a document are linked by.
fn headings(text: &str) -> impl Iterator<Item = String> {
    let titles = text.lines().filter(|line| line.starts_with('#'));
    titles.map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

/// The text of a file, or of all files in a folder.
fn text_of(path: &Path) -> String {
    if path.is_file() {
        return fs::read_to_string(path).expect("text");
    }
    let entries = fs::read_dir(path).unwrap_or_else(|_| panic!("there is no {}", path.display()));
    entries
        .map(|entry| text_of(&entry.expect("an entry").path()))
        .collect()
}

/// Whether the text defines an item or a public field of that name.
fn defines(text: &str, name: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let item = ["fn", "struct", "enum", "trait", "const", "type"]
        .iter()
        .any(|kind| {
            let opening = format!("{kind} {name}");
            text.match_indices(&opening)
                .any(|(at, _)| ends(&text[at + opening.len()..]))
        });
    item || text.contains(&format!("pub {name}: "))
}

#[test]
fn every_item_of_the_notation_is_in_the_file_beside_it() {
    let text = prose("docs/notation.md").replace("\\|", "¦");
    let rows = text
        .lines()
        .filter(|line| line.starts_with('|') && line.contains("](../"));
    let mut items = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        assert_eq!(cells.len(), 4, "{row}");
        let files = between(cells[3], "](", ")");
        let code: String = files
            .iter()
            .map(|file| text_of(&root().join("docs").join(file)))
            .collect();
        for span in spans(cells[2]) {
            let (scope, name) = span.rsplit_once("::").unwrap_or(("", span));
            assert!(defines(&code, name), "{span} is not in {files:?}");
            assert!(code.contains(scope), "{scope} is not in {files:?}");
            items += 1;
        }
    }
    assert!(items > 50, "{items} items");
}

#[test]
fn every_link_and_path_in_the_documents_leads_somewhere() {
    let documents = [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "docs/notation.md",
        "docs/deviations.md",
        "docs/exact-targets.md",
    ];
    for document in documents {
        let text = prose(document);
        let folder = root()
            .join(document)
            .parent()
            .map(PathBuf::from)
            .expect("a folder");
        for link in between(&text, "](", ")") {
            let found = match link.strip_prefix('#') {
                Some(place) => headings(&text).any(|heading| heading == place),
                None => link.starts_with("http") || folder.join(link).exists(),
            };
            assert!(found, "{document}: {link}");
        }
        for span in spans(&text) {
            let path = ["crates/", "src/", "docs/", "examples/", "tests/", ".cargo/"]
                .iter()
                .any(|start| span.starts_with(start));
            if path && !span.contains(' ') {
                assert!(root().join(span).exists(), "{document}: {span}");
            }
        }
    }
}
