//! Pairs of an unknown and its observation: from a file, some of whose columns are observed, or drawn
//! from a problem with an exact posterior.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use nalgebra::DMatrix;
use rieszflow_flows::rng::{Purpose, stream};
use serde_with::{DeserializeFromStr, SerializeDisplay};

use super::ExactProblem;
use crate::files::MOST_NUMBERS;
use crate::files::input::{Input, name};
use crate::files::npy::parse_npy;
use crate::files::particles::{Columns, Label, parse_particles};
use crate::setting::{SettingError, check};
use crate::targets::TargetError;
use crate::targets::syntax::{file, unknown, utf8};

/// Where pairs (xᵢ, yᵢ) come from, written as in `csv:pairs.csv`.
#[derive(Clone, Debug, PartialEq, SerializeDisplay, DeserializeFromStr)]
pub enum PairData {
    /// A problem with an exact posterior, of which pairs are drawn.
    Problem(ExactProblem),
    /// A CSV file, a pair in each row.
    Csv(PathBuf),
    /// A numpy file, a pair in each row.
    Npy(PathBuf),
}

const FORMS: [&str; 4] = [
    "csv:PATH",
    "npy:PATH",
    "linear-gaussian",
    "linear-mixture:K",
];

/// How many pairs of a problem are drawn if not said otherwise.
const DRAWN: usize = 11_000;

/// Pairs of an unknown and its observation, a row each.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairs {
    /// The unknowns xᵢ (N×d).
    pub unknowns: DMatrix<f64>,
    /// The observations yᵢ (N×n).
    pub observations: DMatrix<f64>,
    /// What the observed coordinates are called.
    pub observed: Vec<Label>,
    /// What was read from a file, in one line for people.
    pub description: Option<String>,
    /// The bytes that were read.
    pub input: Option<Input>,
}

/// Which pairs of the data are taken, and how they are divided into unknown and observation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// The columns of a file that count; all by default.
    pub columns: Columns,
    /// Those of them that are observed, in the order of conditions.
    pub observed: Columns,
    /// How many pairs are taken from the beginning of a file, by default all, or drawn of a problem, by
    /// default 11,000.
    pub count: Option<usize>,
    /// Keys what is drawn.
    pub seed: u64,
}

impl PairData {
    /// The problem, if the data are drawn of one.
    pub fn problem(&self) -> Option<ExactProblem> {
        match self {
            Self::Problem(problem) => Some(*problem),
            _ => None,
        }
    }

    /// The file that they are read from; `-` is standard input.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Csv(path) | Self::Npy(path) => Some(path),
            Self::Problem(_) => None,
        }
    }

    /// The same data from another file.
    #[must_use]
    pub fn with_path(&self, path: PathBuf) -> Self {
        match self {
            Self::Csv(_) => Self::Csv(path),
            Self::Npy(_) => Self::Npy(path),
            Self::Problem(problem) => Self::Problem(*problem),
        }
    }

    /// What a figure calls them: their name, or that of their file without the folder.
    pub fn title(&self) -> String {
        match self
            .path()
            .map(|path| path.file_name().unwrap_or(path.as_os_str()))
        {
            Some(file) => name(Path::new(file)),
            None => self.to_string(),
        }
    }

    /// Reads data as they are written on a command line.
    ///
    /// # Errors
    /// If the text names neither a file nor a problem, or the path is not UTF-8.
    pub fn from_os_str(text: &OsStr) -> Result<Self, String> {
        utf8(text)?.parse()
    }

    /// The pairs. Equal selections give equal pairs. A file is read once.
    ///
    /// # Errors
    /// If the file cannot be read, is not what it should be, has weights or fewer pairs, or no or every
    /// column is observed.
    pub fn load(&self, selection: &Selection) -> Result<Pairs, TargetError> {
        let (path, is_table) = match self {
            Self::Problem(problem) => return Ok(drawn(*problem, selection)?),
            Self::Csv(path) => (path, true),
            Self::Npy(path) => (path, false),
        };
        let input = Input::read(path)?;
        let (points, labels, description) = if is_table {
            let table = parse_particles(input.bytes(), path, &selection.columns)?;
            let expected = "pairs of equal weight, without a column weight";
            check("data", table.particles.weights.is_none(), expected, self)?;
            (table.particles.points, table.labels, table.description)
        } else {
            let points = parse_npy(input.bytes(), path)?;
            let description = crate::targets::description_of_matrix(&points, path);
            let labels = Label::numbers(points.ncols());
            (points, labels, description)
        };
        let found = points.nrows();
        let count = selection.count.unwrap_or(found);
        let expected = format!("between 1 and {found}, the number of pairs in {self}");
        check("count", (1..=found).contains(&count), expected, &count)?;
        let (unknown, observed) = divide(&selection.observed, &labels)?;
        let points = points.rows(0, count);
        Ok(Pairs {
            unknowns: points.select_columns(&unknown),
            observations: points.select_columns(&observed),
            observed: observed.iter().map(|&k| labels[k].clone()).collect(),
            description: Some(description),
            input: Some(input),
        })
    }
}

/// Pairs of a problem, whose observation has one coordinate without a name.
fn drawn(problem: ExactProblem, selection: &Selection) -> Result<Pairs, SettingError> {
    let given = &selection.observed;
    let expected = format!("left out with {problem}, whose observation is known");
    check("observed", given.names().is_empty(), expected, given)?;
    let count = selection.count.unwrap_or(DRAWN);
    let most = MOST_NUMBERS / 4;
    let expected = format!("between 1 and {most}");
    check("count", (1..=most).contains(&count), expected, &count)?;
    let problem = problem.problem().expect("a valid problem");
    let mut rng = stream(selection.seed, Purpose::Target, 0, 0);
    let (unknowns, observations) = problem.sample(count, &mut rng);
    Ok(Pairs {
        unknowns,
        observations,
        observed: Label::numbers(problem.observed_dim()),
        description: None,
        input: None,
    })
}

/// Where the unknown columns and the observed ones stand among the labels.
fn divide(observed: &Columns, labels: &[Label]) -> Result<(Vec<usize>, Vec<usize>), SettingError> {
    let columns = labels.iter().map(ToString::to_string).collect::<Vec<_>>();
    let kind = if labels.iter().all(|label| label.name.is_some()) {
        "NAME,…"
    } else {
        "numbers K,…"
    };
    let expected = || format!("{kind} out of the columns {}", shortened(&columns));
    let names = observed.names();
    check("observed", !names.is_empty(), expected(), &"left out")?;
    let mut positions = Vec::new();
    for name in names {
        let position = labels.iter().position(|label| label.is(name));
        check("observed", position.is_some(), expected(), name)?;
        positions.extend(position);
    }
    let all = 0..labels.len();
    let unknown: Vec<usize> = all.filter(|k| !positions.contains(k)).collect();
    let expected = format!(
        "some of the columns {}, not all of them",
        shortened(&columns)
    );
    check("observed", !unknown.is_empty(), expected, observed)?;
    Ok((unknown, positions))
}

/// A list of names that fits into a message.
fn shortened(names: &[String]) -> String {
    const MOST: usize = 12;
    if names.len() <= MOST {
        return names.join(", ");
    }
    let last = &names[names.len() - 1];
    format!("{}, …, {last}", names[..MOST].join(", "))
}

impl FromStr for PairData {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        match (name, argument) {
            ("csv", Some(path)) => file("csv", path).map(Self::Csv),
            ("npy", Some(path)) => file("npy", path).map(Self::Npy),
            _ => match ExactProblem::parse(name, argument) {
                Some(Ok(problem)) => Ok(Self::Problem(problem)),
                Some(Err(expected)) => Err(format!("{expected}, not '{text:.100}'")),
                None => Err(unknown(text, &FORMS)),
            },
        }
    }
}

impl fmt::Display for PairData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problem(problem) => problem.fmt(f),
            Self::Csv(path) => write!(f, "csv:{}", path.display()),
            Self::Npy(path) => write!(f, "npy:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests;
