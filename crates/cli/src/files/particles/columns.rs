//! Which columns of a CSV file are coordinates, and where each of them stands.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use serde_with::{DeserializeFromStr, SerializeDisplay};

/// The columns that are coordinates, in this order: by name, or of a file without a header by number
/// from 1. By default all columns but `weight` are.
///
/// ```
/// use rieszflow_cli::files::particles::Columns;
///
/// let columns: Columns = "x, y".parse()?;
/// assert_eq!(columns.to_string(), "x,y");
/// assert_eq!("".parse(), Ok(Columns::default()));
/// assert!("x,x".parse::<Columns>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, SerializeDisplay, DeserializeFromStr)]
pub struct Columns(Vec<String>);

impl Columns {
    /// Their names; empty by default.
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

/// Where a coordinate stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The name of its column; `None` in files without a header.
    pub name: Option<String>,
    /// The number of its column, from 1.
    pub number: usize,
}

impl Label {
    /// The labels of `count` columns without names.
    pub fn numbers(count: usize) -> Vec<Self> {
        let label = |number| Self { name: None, number };
        (1..=count).map(label).collect()
    }

    /// Whether `text` is its name or, in a file without a header, its number.
    pub fn is(&self, text: &str) -> bool {
        match &self.name {
            Some(name) => name == text,
            None => self.number.to_string() == text,
        }
    }
}

impl Display for Label {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.number),
        }
    }
}

impl FromStr for Columns {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut names: Vec<String> = Vec::new();
        for name in text.split(',').map(str::trim) {
            if name.is_empty() || names.iter().any(|other| other == name) {
                return Err(format!(
                    "expected names of columns NAME,…, each of them once, not '{text:.100}'"
                ));
            }
            names.push(name.to_owned());
        }
        Ok(Self(names))
    }
}

impl Display for Columns {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}
