//! Reading a configuration from a TOML file, and pointing at what is wrong in it.

use std::fs;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Config;
use crate::RunError;

/// Lines are shown up to so many characters.
const LONGEST_LINE: usize = 120;

impl Config {
    /// Reads a configuration file, such as a run's `config.toml`.
    ///
    /// # Errors
    /// If it cannot be read or is not a valid configuration; the message tells line and column.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let text = fs::read_to_string(path).map_err(|error| error.to_string());
        text.and_then(|text| Self::parse(&text))
            .map_err(|reason| RunError::ConfigFile {
                path: path.to_owned(),
                reason,
            })
    }

    /// Reads a configuration from the text of a file, and validates it.
    ///
    /// # Errors
    /// Tells line and column of what is wrong, what would be accepted, and the nearest valid name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let message = in_words(&with_hint(error.message()));
            pointed_at(text, error.span(), &message)
        })?;
        config.validate().map_err(|error| {
            let message = error.to_string().replace("--", "");
            pointed_at(text, value_of(text, error.option), &message)
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

/// The message with the place and the line, marked below.
fn pointed_at(text: &str, span: Option<Range<usize>>, message: &str) -> String {
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

/// The message with what is expected in words instead of types.
fn in_words(message: &str) -> String {
    let whole = "expected a whole number that is not negative";
    [
        ("expected usize", whole),
        ("expected u64", whole),
        ("expected f64", "expected a number"),
        ("expected a sequence", "expected a list"),
        ("expected struct Mmd", "expected a table"),
        (" as i128", ""),
    ]
    .iter()
    .fold(message.to_owned(), |message, (name, words)| {
        message.replace(name, words)
    })
}

/// Of a message such as "unknown field `x`, expected one of `a`, `b`": the nearest of them besides.
fn with_hint(message: &str) -> String {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (Some((given, valid)), true) = (names.split_first(), message.starts_with("unknown")) else {
        return message.to_owned();
    };
    let similarity = |name: &&&str| strsim::normalized_damerau_levenshtein(given, name);
    let nearest = valid
        .iter()
        .max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    match nearest.filter(|name| similarity(name) >= 0.5) {
        Some(nearest) => {
            let unknown = message.split(',').next().unwrap_or(message);
            format!("{unknown}; did you mean `{nearest}`?")
        }
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mmd, SchemeKind};

    /// The file of a valid configuration with one line, or part of it, written otherwise.
    fn message(right: &str, wrong: &str) -> String {
        let mut config = Config::interaction(SchemeKind::Backward, 2, 1.0);
        config.experiment = crate::Experiment::Mmd(Mmd::towards("circle".parse().expect("valid")));
        let text = toml::to_string(&config).expect("a configuration");
        assert_eq!(Config::parse(&text), Ok(config));
        assert!(text.contains(right), "no {right} in {text}");
        Config::parse(&text.replacen(right, wrong, 1)).expect_err(wrong)
    }

    #[test]
    fn misspelt_names_are_pointed_at_and_corrected() {
        let text = message("learning-rate =", "learning-rat =");
        assert!(text.contains("unknown field `learning-rat`; did you mean `learning-rate`?"));
        assert!(text.ends_with("\n   | ^^^^^^^^^^^^"), "{text}");
        let text = message("target-particles", "target-partikles");
        assert!(text.contains("did you mean `target-particles`?"), "{text}");
        assert!(text.ends_with("| ^^^^^^^^^^^^^^^^"), "{text}");
        let text = message("\"backward\"", "\"bakward\"");
        assert!(
            text.starts_with("line 1, column 10: unknown variant `bakward`"),
            "{text}"
        );
        assert!(text.contains("did you mean `backward`?"), "{text}");
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
                "expected a whole number that is not negative",
                "|       ^^",
            ),
            (
                "iterations = ",
                "iterations = 0.5 #",
                "expected a whole number that is not negative",
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
        assert!(message("dim = 2\n", "").contains("missing field `dim`"));
    }

    #[test]
    fn long_lines_are_cut() {
        let long = format!("x = \"{}\"", "é".repeat(100_000));
        assert!(Config::parse(&long).unwrap_err().len() < 2000);
        let far = format!("scheme = [{} 1", "1,".repeat(10_000));
        assert!(Config::parse(&far).unwrap_err().len() < 2000);
    }
}
