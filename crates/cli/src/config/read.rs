//! Reading a configuration from a TOML file, and pointing at what is wrong in it.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Config;
use crate::setting::{nearest_name, unknown_name};

/// The number of characters of a line that are shown.
const LONGEST_LINE: usize = 120;

/// A configuration file that cannot be read or is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct ConfigFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong, and where.
    pub reason: String,
}

impl Config {
    /// Reads a configuration file, such as a run's `config.toml`.
    ///
    /// # Errors
    /// If it cannot be read or is not a valid configuration; the message names line and column.
    pub fn read(path: &Path) -> Result<Self, ConfigFileError> {
        let text = fs::read_to_string(path).map_err(|error| error.to_string());
        text.and_then(|text| Self::parse(&text))
            .map_err(|reason| ConfigFileError {
                path: path.to_owned(),
                reason,
            })
    }

    /// Reads a configuration from the text of a file, and validates it.
    ///
    /// # Errors
    /// Names line and column of what is wrong, what would be accepted, and the nearest valid name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text)
            .map_err(|error| point_at(text, error.span(), &in_words(error.message())))?;
        config.validate().map_err(|error| {
            let place = value_of(text, error.setting);
            point_at(text, place, &error.to_string())
        })?;
        Ok(config)
    }
}

/// Where the value of the setting stands, at the top or in a table below.
fn value_of(text: &str, setting: &str) -> Option<Range<usize>> {
    fn find(table: &DeTable<'_>, setting: &str) -> Option<Range<usize>> {
        let named = table.iter().find(|(key, _)| key.get_ref() == setting);
        let below = |value: &Spanned<DeValue<'_>>| find(value.get_ref().as_table()?, setting);
        named
            .map(|(_, value)| value.span())
            .or_else(|| table.values().find_map(below))
    }
    find(DeTable::parse(text).ok()?.get_ref(), setting)
}

/// The message with line and column, and the line with carets below what is wrong.
fn point_at(text: &str, span: Option<Range<usize>>, message: &str) -> String {
    let Some(span) = span else {
        return message.to_owned();
    };
    let before = text.get(..span.start).unwrap_or(text);
    let number = before.matches('\n').count() + 1;
    let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[begin..].lines().next().unwrap_or("");
    let column = before[begin..].chars().count();
    let marked = text.get(span).unwrap_or("");
    let marked = marked.lines().next().unwrap_or("").chars().count().max(1);
    let marked = marked.min(LONGEST_LINE.saturating_sub(column).max(1));
    let gutter = " ".repeat(number.to_string().len());
    let place = format!("line {number}, column {}: {message}", column + 1);
    if column >= LONGEST_LINE {
        return place;
    }
    let (indent, carets) = (" ".repeat(column), "^".repeat(marked));
    format!(
        "{place}\n{gutter} |\n{number} | {line:.LONGEST_LINE$}\n{gutter} | {indent}{carets}",
        line = line.replace('\t', " "),
    )
}

/// The parser's message in the words of this program: settings instead of fields, and of an unknown
/// one the nearest that there is.
fn in_words(message: &str) -> String {
    if let Some(name) = message.strip_prefix("missing field ") {
        return format!("missing setting {name}");
    }
    let unknown = message
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.rsplit_once("`, expected "));
    let Some((given, names)) = unknown else {
        return message.replace("expected a string", "expected text in quotes");
    };
    let names: Vec<&str> = names.split('`').skip(1).step_by(2).collect();
    match nearest_name(given, &names) {
        Some(name) => format!("unknown setting '{given:.100}'; did you mean '{name}'?"),
        None => format!("unknown setting: {}", unknown_name(given, &names)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Experiment, MmdSettings, SchemeKind};

    /// The file of a valid configuration with one line, or part of it, written otherwise.
    fn message(right: &str, wrong: &str) -> String {
        let mut config = Config::interaction(SchemeKind::Backward, 2, 1.0);
        let circle = "circle".parse().expect("valid");
        config.experiment = Experiment::Mmd(MmdSettings::towards(circle));
        let text = toml::to_string(&config).expect("a configuration");
        assert_eq!(Config::parse(&text), Ok(config));
        assert!(text.contains(right), "no {right} in {text}");
        Config::parse(&text.replacen(right, wrong, 1)).expect_err(wrong)
    }

    #[test]
    fn misspelt_names_are_pointed_at_and_corrected() {
        let text = message("learning-rate =", "learning-rat =");
        assert!(text.contains("unknown setting 'learning-rat'; did you mean 'learning-rate'?"));
        assert!(text.ends_with("\n   | ^^^^^^^^^^^^"), "{text}");
        let text = message("target-particles", "target-partikles");
        assert!(text.contains("did you mean 'target-particles'?"), "{text}");
        assert!(text.ends_with("| ^^^^^^^^^^^^^^^^"), "{text}");
        let text = message("\"backward\"", "\"bakward\"");
        assert!(
            text.starts_with("line 1, column 10: expected backward, forward, particle or chain"),
            "{text}"
        );
        assert!(text.contains("did you mean 'backward'?"), "{text}");
        let text = message("\"circle\"", "\"circel\"");
        assert!(text.contains("did you mean 'circle'?"), "{text}");
        assert!(text.ends_with("|          ^^^^^^^^"), "{text}");
    }

    #[test]
    fn wrong_types_and_values_are_pointed_at() {
        for (right, wrong, said, mark) in [
            ("dim = 2", "dim = \"two\"", "invalid type", "|       ^^^^^"),
            (
                "dim = 2",
                "dim = 0",
                "dim must be at least 1, not 0",
                "|       ^",
            ),
            (
                "dim = 2",
                "dim = -2",
                "expected a whole number",
                "|       ^^",
            ),
            (
                "iterations = ",
                "iterations = 0.5 #",
                "expected a whole number",
                "^^^",
            ),
            ("time = ", "time = true #", "expected a number", "^^^^"),
            ("steps = [", "steps = 3 #[", "expected a list", "^"),
            ("dim = 2", "dim = ", "line 2, column", "^"),
            (
                "exponent = 1.0",
                "exponent = 2.5",
                "between 0 and 2",
                "|            ^^^",
            ),
            (
                "sigma = ",
                "sigma = -",
                "sigma must be positive",
                "|         ^^^^",
            ),
            ("save-at = \"", "save-at = \"x", "every:K, not 'x", "^"),
            (
                "batch = ",
                "batch = 10",
                "between 1 and particles 2000",
                "^",
            ),
            ("seed = 0", "seed = 0\nseed = 0", "duplicate key", "^"),
        ] {
            let text = message(right, wrong);
            assert!(text.contains(said) && text.contains(mark), "{text}");
            assert!(text.starts_with("line "), "{text}");
        }
        assert!(message("dim = 2\n", "").contains("missing setting `dim`"));
    }

    /// No message mentions a type of the implementation's language.
    #[test]
    fn messages_are_in_words() {
        for (right, wrong, said) in [
            (
                "seed = 0",
                "seed = 18446744073709551616",
                "expected a whole number",
            ),
            ("seed = 0", "seed = []", "expected a whole number"),
            ("dim = 2", "dim = { a = 1 }", "expected a whole number"),
            ("time = ", "time = [1.0] #", "expected a number"),
            ("steps = []", "steps = [\"a\"]", "expected a number"),
            ("scheme = \"backward\"", "scheme = 3", "expected"),
            ("precision = \"f32\"", "precision = \"f16\"", "f32 or f64"),
            ("save-at = ", "save-at = 0.5 #", "expected"),
            (
                "tau = ",
                "tau = true #",
                "expected a flow time such as 0.05",
            ),
            ("[experiment.mmd]", "[experiment.other]", "[experiment.mmd]"),
            ("[experiment.mmd]", "[experiment]", "[experiment.mmd]"),
            (
                "[experiment.mmd]",
                "experiment.mmd = 3\n[rest]",
                "a table with target, start",
            ),
        ] {
            let text = message(right, wrong);
            assert!(text.contains(said), "{text}");
            for word in [
                "usize", "u64", "i128", "struct", "enum", "field", "variant", "Mmd", "Config",
            ] {
                assert!(!text.contains(word), "{word}: {text}");
            }
        }
        let text = toml::to_string(&Config::interaction(SchemeKind::Backward, 2, 1.0));
        let text = text.expect("a configuration");
        for (given, said) in [
            ("\"mmd\"", "expected a table [experiment.mmd]"),
            ("\"interacton\"", "did you mean 'interaction'?"),
            ("7", "expected \"interaction\", \"implosion\" or a table"),
        ] {
            let text = text.replacen("\"interaction\"", given, 1);
            let message = Config::parse(&text).expect_err(given);
            assert!(message.contains(said), "{message}");
        }
    }

    /// Dashes in what was given, such as a file's name, are left as they are.
    #[test]
    fn names_of_files_are_kept() {
        let text = message("target = \"circle\"", "target = \"csv--x:my--file\"");
        assert!(text.contains("not 'csv--x:my--file'"), "{text}");
    }

    #[test]
    fn long_lines_are_cut() {
        let long = format!("x = \"{}\"", "é".repeat(100_000));
        assert!(Config::parse(&long).unwrap_err().len() < 2000);
        let far = format!("scheme = [{} 1", "1,".repeat(10_000));
        assert!(Config::parse(&far).unwrap_err().len() < 2000);
    }
}
