//! The first line of a CSV file: whether it is a header, and which columns are what.

use super::fields::{Kind, quoted, text};
use super::records::Record;
use super::row_numbers::RowNumbers;
use super::{Columns, CsvFile, Label};
use crate::files::FileError;
use crate::setting::Phrase;

/// The column that holds weights instead of coordinates.
const WEIGHT: &str = "weight";

/// Other names that weights have.
const OTHER_WEIGHTS: [&str; 6] = ["w", "wt", "wgt", "mass", "masses", "probability"];

/// Columns that a run's snapshots have beside the coordinates.
const SNAPSHOTS: [&str; 3] = ["step", "time", "particle"];

/// Names of columns that number the rows.
const ROW_NUMBERS: [&str; 12] = [
    "index",
    "idx",
    "id",
    "row",
    "rows",
    "rowname",
    "rownames",
    "row_names",
    "row.names",
    "rownumber",
    "no",
    "nr",
];

/// Which columns are coordinates and which holds the weights.
pub(super) struct Header<'f> {
    file: CsvFile<'f>,
    line: u64,
    fields: Vec<String>,
    named: bool,
    coordinates: Vec<usize>,
    weight: Option<usize>,
}

impl<'f> Header<'f> {
    /// # Errors
    /// If the first line mixes numbers and names, a column is none that can be a coordinate, or one
    /// that `columns` names is not there.
    pub(super) fn new(
        first: &Record,
        columns: &Columns,
        file: CsvFile<'f>,
    ) -> Result<Self, FileError> {
        let mut fields: Vec<String> = first.fields.iter().map(|f| text(f).into_owned()).collect();
        uncomment(&mut fields);
        let mut header = Self {
            file,
            line: first.line,
            fields,
            named: false,
            coordinates: Vec::new(),
            weight: None,
        };
        if columns.names().is_empty() {
            header.take_all()?;
        } else {
            header.choose(columns)?;
        }
        Ok(header)
    }

    /// Whether the first line is a header.
    pub(super) fn is_named(&self) -> bool {
        self.named
    }

    /// Number of columns.
    pub(super) fn width(&self) -> usize {
        self.fields.len()
    }

    /// The columns of the coordinates, in order.
    pub(super) fn coordinates(&self) -> &[usize] {
        &self.coordinates
    }

    /// Where the coordinates stand.
    pub(super) fn labels(&self) -> Vec<Label> {
        let label = |&column: &usize| Label {
            name: self.named.then(|| self.fields[column].clone()),
            number: column + 1,
        };
        self.coordinates.iter().map(label).collect()
    }

    /// The column of the weights.
    pub(super) fn weight(&self) -> Option<usize> {
        self.weight
    }

    /// What messages call a column.
    pub(super) fn name(&self, column: usize) -> String {
        let name = &self.fields[column];
        if self.named && !name.is_empty() {
            format!("column {}", quoted(name))
        } else {
            format!("field {}", column + 1)
        }
    }

    /// All columns but the weights are coordinates.
    fn take_all(&mut self) -> Result<(), FileError> {
        self.named = self.is_header(&(0..self.width()).collect::<Vec<_>>())?;
        if self.named {
            self.weight = self.position(WEIGHT);
            self.check_names()?;
        }
        let weight = self.weight;
        self.coordinates = (0..self.width()).filter(|&k| Some(k) != weight).collect();
        if self.coordinates.is_empty() {
            let expected = "at least one column besides 'weight'";
            return Err(self.error(expected, "'weight' alone"));
        }
        Ok(())
    }

    /// The columns that are chosen are coordinates, by name or else by number.
    fn choose(&mut self, columns: &Columns) -> Result<(), FileError> {
        let names = columns.names();
        let by_name: Option<Vec<usize>> = names.iter().map(|name| self.position(name)).collect();
        let number = |name: &String| {
            let number = name.parse::<usize>().ok();
            let number = number.filter(|number| (1..=self.width()).contains(number));
            number.map(|number| number - 1)
        };
        let by_number: Option<Vec<usize>> = names.iter().map(number).collect();
        let (chosen, named) = match (by_name, by_number) {
            (Some(chosen), None) => {
                self.check_unique(&chosen)?;
                (chosen, true)
            }
            (None, Some(chosen)) => {
                let named = self.is_header(&chosen)?;
                (chosen, named)
            }
            (Some(_), Some(_)) => return Err(self.numbers_as_names()),
            (None, None) => return Err(self.not_there(columns)),
        };
        self.named = named;
        self.weight = if named { self.position(WEIGHT) } else { None };
        self.weight = self.weight.filter(|weight| !chosen.contains(weight));
        self.coordinates = chosen;
        self.check_unique(self.weight.as_slice())
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field == name)
    }

    /// Whether these fields are names; if not, they are all numbers.
    fn is_header(&self, columns: &[usize]) -> Result<bool, FileError> {
        let kind = |&&column: &&usize| Kind::of(&self.fields[column]);
        let is = |wanted: Kind| move |column: &&usize| kind(column) == wanted;
        if let Some(&column) = columns.iter().find(is(Kind::Unclear)) {
            return Err(self.unclear(column, "a number or the name of a column"));
        }
        let number = columns.iter().find(is(Kind::Number));
        let other = columns.iter().find(|column| kind(column) != Kind::Number);
        match (number, other) {
            (Some(&number), Some(&other)) => {
                let number = quoted(&self.fields[number]);
                let expected = format!("a number, as is {number}");
                Err(self.unclear(other, &expected))
            }
            (None, Some(_)) if columns.iter().any(|column| kind(&column) == Kind::Name) => Ok(true),
            (None, Some(&other)) => Err(self.unclear(other, "a number or the name of a column")),
            (_, None) => Ok(false),
        }
    }

    /// A field of the first line that is neither clearly data nor clearly a name.
    fn unclear(&self, column: usize, expected: &str) -> FileError {
        let place = format!("line {}, field {}", self.line, column + 1);
        let error = self
            .file
            .error(place, expected, quoted(&self.fields[column]));
        let remedy = "write a header such as x0,x1 into the first line and numbers below it, or choose \
                      the coordinates with ";
        error.with_remedy(Phrase::from(remedy).setting("columns").text(" NAME,…"))
    }

    /// Refuses columns that may be no coordinates.
    fn check_names(&self) -> Result<(), FileError> {
        let all: Vec<usize> = (0..self.width()).collect();
        self.check_unique(&all)?;
        for (column, name) in self.fields.iter().enumerate() {
            if is_nameless(name) {
                let place = format!("line {}, field {}", self.line, column + 1);
                let expected = "the name of a coordinate";
                let error = self.file.error(place, expected, quoted(name));
                return Err(self.with_choice(error, "if the column numbers the rows, "));
            }
            if SNAPSHOTS.contains(&&**name) {
                let expected = "columns of coordinates (x0, x1, …) and perhaps weight";
                return Err(self.with_choice(self.error(expected, quoted(name)), ""));
            }
            if may_be_weights(name) {
                let expected = "columns of coordinates and perhaps 'weight'";
                let error = self.error(expected, quoted(name));
                return Err(self.with_choice(error, "did you mean 'weight'? If not, "));
            }
        }
        Ok(())
    }

    fn check_unique(&self, columns: &[usize]) -> Result<(), FileError> {
        for &column in columns {
            let name = &self.fields[column];
            let twin = (0..self.width()).find(|&k| k != column && self.fields[k] == *name);
            if let Some(twin) = twin.filter(|_| !name.is_empty()) {
                let expected = format!("one column {}", quoted(name));
                let found = format!(
                    "fields {} and {}",
                    column.min(twin) + 1,
                    column.max(twin) + 1
                );
                let error = self.error(expected, found);
                let numbers = Phrase::from("rename one, or choose the coordinates by number with ");
                return Err(error.with_remedy(numbers.setting("columns").text(" 1,2,…")));
            }
        }
        Ok(())
    }

    /// Refuses a first line of numbers that may be a header; `decimal` tells whether all fields below
    /// it have a point or an exponent.
    pub(super) fn check_numbers(&self, columns: &Columns, decimal: bool) -> Result<(), FileError> {
        if self.named || !columns.names().is_empty() {
            return Ok(());
        }
        let numbers: Option<Vec<u64>> = self.fields.iter().map(|f| f.parse().ok()).collect();
        let Some(numbers) = numbers else {
            return Ok(());
        };
        let consecutive = numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        let certain = numbers.len() > 1 && numbers[0] == 0;
        let possible = numbers.len() > 1 || numbers[0] == 0;
        if consecutive && (certain || possible && decimal) {
            return Err(self.numbers_as_names());
        }
        Ok(())
    }

    fn numbers_as_names(&self) -> FileError {
        let numbers = list(self.fields.iter().map(String::as_str));
        let error = self.error(
            "names or coordinates",
            format!("{numbers}, which may be either"),
        );
        let remedy = Phrase::from(
            "if the line is a header, replace its numbers by names such as x0,x1 \
                                   (pandas writes numbers for columns without names)",
        );
        error.with_remedy(remedy.text("; if it is a row, write a header above it"))
    }

    fn not_there(&self, columns: &Columns) -> FileError {
        let missing = columns
            .names()
            .iter()
            .find(|name| self.position(name).is_none());
        let missing = missing.map_or("", String::as_str);
        let found = match self.is_header(&(0..self.width()).collect::<Vec<_>>()) {
            Ok(false) => format!(
                "{} columns without names, which have numbers from 1",
                self.width()
            ),
            _ => list(self.fields.iter().map(String::as_str)),
        };
        let error = self.error(format!("a column {}", quoted(missing)), found);
        error.with_remedy(
            Phrase::from("see ")
                .setting("columns")
                .text(format!(" {columns}")),
        )
    }

    /// Refuses coordinates that number the rows.
    pub(super) fn check_row_numbers(&self, numbers: &RowNumbers) -> Result<(), FileError> {
        let columns = numbers.columns();
        if columns.len() == 1 {
            return Ok(());
        }
        let all_whole = columns.iter().all(super::row_numbers::Column::is_whole);
        for (index, (column, &at)) in columns.iter().zip(&self.coordinates).enumerate() {
            let name = self.fields[at].to_lowercase();
            let by_name = self.named && ROW_NUMBERS.contains(&&*name) && column.is_whole();
            let by_count = index == 0
                && column.counts()
                && if self.named {
                    !is_coordinate(&self.fields[at])
                } else {
                    !all_whole
                };
            if by_name || by_count {
                let error =
                    self.file
                        .error(self.name(at), "a coordinate", "the numbers of the rows");
                return Err(self.with_choice(error, ""));
            }
        }
        Ok(())
    }

    /// An error in the first line.
    fn error(&self, expected: impl Into<String>, found: impl Into<String>) -> FileError {
        let place = format!("line {}", self.line);
        self.file.error(place, expected, found)
    }

    /// The error with the way to choose other columns.
    fn with_choice(&self, error: FileError, before: &'static str) -> FileError {
        let phrase = Phrase::from(before).text("choose the coordinates with ");
        error.with_remedy(
            phrase
                .setting("columns")
                .text(format!(" {}", self.suggestion())),
        )
    }

    /// The columns that are most likely coordinates.
    fn suggestion(&self) -> String {
        let likely = |name: &&String| {
            !is_nameless(name)
                && !may_be_weights(name)
                && **name != WEIGHT
                && !SNAPSHOTS.contains(&&***name)
                && !ROW_NUMBERS.contains(&&*name.to_lowercase())
                && !name.contains(',')
        };
        let names: Vec<&str> = self
            .fields
            .iter()
            .filter(likely)
            .map(String::as_str)
            .collect();
        match names.len() {
            1..=5 if self.named => names.join(","),
            _ if self.named => "NAME,…".to_owned(),
            _ => "2,3,…".to_owned(),
        }
    }

    /// Which columns are what, for people.
    pub(super) fn description(&self) -> String {
        let names = |columns: &[usize]| {
            let label = |&column: &usize| match self.fields[column].as_str() {
                "" => format!("field {}", column + 1),
                name => quoted(name),
            };
            shortened(&columns.iter().map(label).collect::<Vec<_>>())
        };
        let s = if self.coordinates.len() == 1 { "" } else { "s" };
        if !self.named {
            let numbers = self
                .coordinates
                .iter()
                .map(|column| (column + 1).to_string());
            let numbers: Vec<String> = numbers.collect();
            let numbers = shortened(&numbers);
            return format!("column{s} {numbers} without header");
        }
        let coordinates = names(&self.coordinates);
        let weights = match self.weight {
            Some(weight) => format!(", weights from {}", quoted(&self.fields[weight])),
            None => String::new(),
        };
        let used =
            |column: &usize| self.coordinates.contains(column) || self.weight == Some(*column);
        let left_out: Vec<usize> = (0..self.width()).filter(|column| !used(column)).collect();
        let left_out = match left_out.len() {
            0 => String::new(),
            _ => format!(", left out {}", names(&left_out)),
        };
        format!("column{s} {coordinates}{weights}{left_out}")
    }
}

/// Takes away the `#` before a header that numpy writes.
fn uncomment(fields: &mut [String]) {
    let Some(first) = fields.first().and_then(|first| first.strip_prefix('#')) else {
        return;
    };
    let first = first.trim().to_owned();
    let name = |field: &str| Kind::of(field) == Kind::Name;
    if name(&first) && fields[1..].iter().all(|field| name(field)) {
        fields[0] = first;
    }
}

/// Whether a column has no name, or the one that pandas makes up for it.
fn is_nameless(name: &str) -> bool {
    name.is_empty() || name.starts_with("Unnamed: ")
}

/// Whether a name is one that coordinates usually have: x, y, z, x0, x1, ….
fn is_coordinate(name: &str) -> bool {
    let number = name.trim_start_matches(['x', 'y', 'z']);
    name.len() - number.len() == 1 && number.chars().all(|c| c.is_ascii_digit())
}

/// Whether a name is not `weight` and yet like it.
fn may_be_weights(name: &str) -> bool {
    let lower = name.to_lowercase();
    let near = || {
        let word: String = lower.chars().take(20).collect();
        word.starts_with('w') && strsim::damerau_levenshtein(&word, WEIGHT) <= 2
    };
    name != WEIGHT && (OTHER_WEIGHTS.contains(&&*lower) || lower.contains(WEIGHT) || near())
}

/// Names in quotes.
fn list<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names
        .map(|name| {
            if name.is_empty() {
                "''".to_owned()
            } else {
                quoted(name)
            }
        })
        .collect();
    shortened(&names)
}

/// At most five words, the last of them always.
fn shortened(words: &[String]) -> String {
    match words {
        [first, second, third, .., last] if words.len() > 5 => {
            format!("{first}, {second}, {third}, …, {last}")
        }
        _ => words.join(", "),
    }
}
