//! Settings in messages: which one is unusable, what would be accepted, and what was given.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use serde::{Serialize, Serializer};

/// A text that mentions settings by name.
///
/// Written with `{}`, a setting has the name of its key in a configuration file; with `{:#}`, that of
/// its option on the command line.
///
/// ```
/// use rieszflow_cli::Phrase;
///
/// let expected = Phrase::from("at most ").setting("particles").text(" 50");
/// assert_eq!(format!("{expected}"), "at most particles 50");
/// assert_eq!(format!("{expected:#}"), "at most --particles 50");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phrase(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Cow<'static, str>),
    Setting(&'static str),
}

impl Phrase {
    /// The phrase followed by a text, which is never read as the name of a setting.
    #[must_use]
    pub fn text(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.0.push(Part::Text(text.into()));
        self
    }

    /// The phrase followed by the name of a setting, given as its key in a configuration file.
    #[must_use]
    pub fn setting(mut self, key: &'static str) -> Self {
        self.0.push(Part::Setting(key));
        self
    }
}

impl<T: Into<Cow<'static, str>>> From<T> for Phrase {
    fn from(text: T) -> Self {
        Self::default().text(text)
    }
}

impl Display for Phrase {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Setting(key) => {
                let dashes = if f.alternate() { "--" } else { "" };
                write!(f, "{dashes}{key}")
            }
        })
    }
}

impl Serialize for Phrase {
    /// As text, with the keys of settings.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A setting that cannot be used.
///
/// Written with `{}`, settings have the names of their keys in a configuration file; with `{:#}`, those
/// of their options on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    /// The setting's key.
    pub setting: &'static str,
    /// What would be accepted.
    pub expected: Phrase,
    /// What was given.
    pub given: String,
}

impl Display for SettingError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let phrase = Phrase::default().setting(self.setting).text(" must be ");
        let given = &self.given;
        Display::fmt(&phrase, f)?;
        Display::fmt(&self.expected, f)?;
        write!(f, ", not {given}")
    }
}

impl std::error::Error for SettingError {}

/// An error that names the setting unless it is `valid`.
pub(crate) fn check(
    setting: &'static str,
    valid: bool,
    expected: impl Into<Phrase>,
    given: &dyn ToString,
) -> Result<(), SettingError> {
    if valid {
        return Ok(());
    }
    Err(SettingError {
        setting,
        expected: expected.into(),
        given: given.to_string(),
    })
}

/// The name that is nearest to the given one, if one is near.
pub(crate) fn nearest_name<'a>(given: &str, names: &[&'a str]) -> Option<&'a str> {
    let similarity = |name: &str| strsim::normalized_damerau_levenshtein(given, name);
    let nearest = names
        .iter()
        .max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    nearest.copied().filter(|name| similarity(name) >= 0.5)
}

/// The message for a name that is not among the accepted ones.
pub(crate) fn unknown_name(given: &str, names: &[&str]) -> String {
    let expected = match names {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => names.concat(),
    };
    let nearest = nearest_name(given, names);
    let hint = nearest.map_or(String::new(), |name| format!("; did you mean '{name}'?"));
    format!("expected {expected}, not '{given:.100}'{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_settings_are_written_as_options() {
        let expected = Phrase::from("2, the dimension of ")
            .setting("target")
            .text(" csv:my--file.csv");
        let error = check("dim", false, expected, &"3--4").expect_err("invalid");
        let as_key = "dim must be 2, the dimension of target csv:my--file.csv, not 3--4";
        let as_option = "--dim must be 2, the dimension of --target csv:my--file.csv, not 3--4";
        assert_eq!(format!("{error}"), as_key);
        assert_eq!(format!("{error:#}"), as_option);
        assert_eq!(check("dim", true, "2", &2), Ok(()));
    }

    #[test]
    fn names_that_nearly_fit_are_suggested() {
        assert_eq!(
            unknown_name("tou", &["dim", "tau", "time"]),
            "expected dim, tau or time, not 'tou'; did you mean 'tau'?"
        );
        assert_eq!(unknown_name("x", &["f32"]), "expected f32, not 'x'");
    }
}
