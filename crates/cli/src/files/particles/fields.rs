//! Single fields of a CSV file: what they are, and what can be done about those that are wrong.

use std::borrow::Cow;

/// What a field of the first line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A finite number.
    Number,
    /// A column's name.
    Name,
    /// Nothing.
    Empty,
    /// Neither a number nor clearly a name: `NA`, `nan`, `1_000`, `0x1f`, `2020-01-01`.
    Unclear,
}

/// How programs write missing numbers.
const MISSING: [&str; 9] = [
    "na", "n/a", "#n/a", "null", "none", "nil", "missing", "-", "?",
];

impl Kind {
    pub(super) fn of(field: &str) -> Self {
        let number = field.parse::<f64>();
        let begins_with_a_digit = || {
            let word = field.trim_start_matches(|c: char| !c.is_alphanumeric());
            word.starts_with(char::is_numeric)
        };
        match number {
            Ok(number) if number.is_finite() => Self::Number,
            Ok(_) => Self::Unclear,
            Err(_) if field.is_empty() => Self::Empty,
            Err(_) if MISSING.contains(&&*field.to_lowercase()) => Self::Unclear,
            Err(_) if begins_with_a_digit() => Self::Unclear,
            Err(_) => Self::Name,
        }
    }
}

/// The field without blanks around it.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// The field as messages show it.
pub(super) fn quoted(field: &str) -> String {
    if field.is_empty() {
        return "an empty field".to_owned();
    }
    let shown: String = field
        .chars()
        .take(60)
        .flat_map(char::escape_debug)
        .collect();
    let more = if field.chars().count() > 60 {
        "…"
    } else {
        ""
    };
    format!("'{}{more}'", shown.replace("\\'", "'"))
}

/// Whether a number is written with a point or an exponent.
pub(super) fn is_decimal(field: &[u8]) -> bool {
    field.iter().any(|byte| b".eE".contains(byte))
}

/// What can be done about a field that is not a number.
pub(super) fn remedy(field: &str) -> Option<&'static str> {
    let numbers = |separator: fn(char) -> bool| {
        let mut parts = field.split(separator).filter(|part| !part.is_empty());
        parts.all(|part| part.parse::<f64>().is_ok())
    };
    if field.is_empty() {
        Some("leave out rows with missing numbers")
    } else if field.starts_with('#') {
        Some("remove lines of comments")
    } else if numbers(char::is_whitespace) && field.contains(char::is_whitespace) {
        Some("separate columns by commas, semicolons or tabs")
    } else if numbers(|c| ",_'’".contains(c)) && field.contains(|c| ",_'’".contains(c)) {
        Some("write numbers with a decimal point and without grouping their digits")
    } else {
        None
    }
}
