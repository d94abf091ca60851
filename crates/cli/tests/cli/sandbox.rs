//! An empty folder in which the program runs, and what it said and left there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;
use rieszflow_cli::{Config, SchemeKind};
use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own for each test.
pub struct Sandbox(TempDir);

impl Sandbox {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the program in another folder.
    pub fn run_in(&self, folder: &Path, arguments: &str) -> Said {
        let mut command = self.command(arguments.split_whitespace());
        Said::from(command.current_dir(folder).output().expect("it starts"))
    }

    /// Runs the program with the bytes as standard input.
    pub fn run_with_input(&self, input: &[u8], arguments: &str) -> Said {
        let mut command = self.command(arguments.split_whitespace());
        Said::from(command.write_stdin(input).output().expect("it starts"))
    }

    /// Runs the program in the folder, with arguments separated by spaces.
    pub fn run(&self, arguments: &str) -> Said {
        self.run_with(arguments.split_whitespace())
    }

    /// The same with one variable of the environment set.
    pub fn run_where(&self, variable: &str, value: &str, arguments: &str) -> Said {
        let mut command = self.command(arguments.split_whitespace());
        Said::from(command.env(variable, value).output().expect("it starts"))
    }

    /// Runs the program in the folder.
    pub fn run_with<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Said {
        Said::from(self.command(arguments).output().expect("it starts"))
    }

    fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rieszflow"));
        command
            .current_dir(self.0.path())
            .args(arguments)
            .timeout(Duration::from_secs(120));
        command
    }

    /// Whether nothing at all is in the folder.
    pub fn is_empty(&self) -> bool {
        names(self.0.path()).is_empty()
    }
}

/// How the program ended.
#[derive(Debug)]
pub struct Said {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self {
            status: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Said {
    /// Demands that all went well and nothing was complained about.
    #[track_caller]
    pub fn good(self) -> Self {
        assert_eq!(self.status, Some(0), "{self:#?}");
        assert_eq!(self.stderr, "");
        self
    }

    /// Demands a refusal whose message says all of `words`.
    #[track_caller]
    pub fn refused(&self, words: &[&str]) {
        assert_eq!(self.status, Some(2), "{self:#?}");
        assert_eq!(self.stdout, "", "a refusal goes to standard error");
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
        assert!(self.stderr.len() < 1000, "too long: {}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in: {self:#?}");
        }
    }
}

/// The settings of a small run, and the options that ask for it.
pub fn small(scheme: SchemeKind) -> (Config, String) {
    let mut config = Config::interaction(scheme, 2, 1.0);
    (config.particles, config.batch) = (40, 16);
    (config.iterations, config.first_iterations) = (20, 20);
    (config.width, config.hidden_layers) = (16, 1);
    config.time = 0.25;
    config.save_at = rieszflow_cli::SaveAt::Every(1);
    let training = if scheme.is_neural() {
        "--batch 16 --iterations 20 --width 16 --hidden-layers 1"
    } else {
        let defaults = Config::interaction(scheme, 2, 1.0);
        (config.batch, config.width) = (40, defaults.width);
        (config.iterations, config.first_iterations) =
            (defaults.iterations, defaults.first_iterations);
        config.hidden_layers = defaults.hidden_layers;
        ""
    };
    let options = format!("--scheme {scheme} --particles 40 --time 0.25 {training}");
    (config, options)
}

/// The names of the files in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> = entries
        .map(|entry| name(entry).into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn summary(folder: &Path) -> Value {
    serde_json::from_str(&read(&folder.join("summary.json"))).expect("JSON")
}

pub fn config(folder: &Path) -> Config {
    toml::from_str(&read(&folder.join("config.toml"))).expect("a configuration")
}

/// A CSV file of numbers; empty cells are NaN.
#[derive(Debug, PartialEq)]
pub struct Csv {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<f64>>,
}

impl Csv {
    pub fn read(path: &Path) -> Self {
        let mut reader = csv::Reader::from_path(path).expect("a CSV file");
        let number = |cell: &str| match cell {
            "" => f64::NAN,
            _ => cell.parse().expect("a number"),
        };
        Self {
            columns: reader
                .headers()
                .expect("a head")
                .iter()
                .map(str::to_owned)
                .collect(),
            rows: reader
                .records()
                .map(|row| row.expect("a row").iter().map(number).collect())
                .collect(),
        }
    }

    pub fn column(&self, name: &str) -> Vec<f64> {
        let index = self.columns.iter().position(|column| column == name);
        let index = index.unwrap_or_else(|| panic!("no column {name}"));
        self.rows.iter().map(|row| row[index]).collect()
    }
}

/// All bytes of a run that must not depend on threads or interruptions.
#[derive(PartialEq)]
pub struct Results {
    /// But for the wall time.
    metrics: String,
    files: Vec<(&'static str, Option<Vec<u8>>)>,
}

impl Results {
    pub fn read(folder: &Path) -> Self {
        let metrics = read(&folder.join("metrics.csv"));
        let rows: Vec<String> = metrics.lines().map(without_seconds).collect();
        let files = [
            "final.csv",
            "snapshots.csv",
            "snapshots.npz",
            "kernels.safetensors",
        ];
        let bytes = |file| (file, fs::read(folder.join(file)).ok());
        Self {
            metrics: rows.join("\n"),
            files: files.map(bytes).to_vec(),
        }
    }
}

fn without_seconds(row: &str) -> String {
    let mut cells: Vec<&str> = row.split(',').collect();
    cells.remove(6);
    cells.join(",")
}
