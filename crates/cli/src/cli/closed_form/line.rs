//! `rieszflow closed-form line`: the exact flow of the discrepancy on the line, r = 1.

use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;

use clap::Args;
use rieszflow_analytic::line::{DiscreteMeasure, Measure, backward_step, flow, midpoint_levels};
use rieszflow_cli::check_times;
use rieszflow_cli::files::particles::{Columns, read_particles};
use rieszflow_cli::numbers::plain;
use rieszflow_flows::time_grid;

use super::super::{Failure, number, print, whole};
use super::refuse;

const EXPLANATION: &str = "\
Prints the exact Wasserstein gradient flow of F_ν(μ) = −½∬|x−y|dμdμ + ∬|x−y|dμdν on the line (r = 1) \
at a flow time, or with --tau the exact JKO iterate there, as its quantiles at the levels (i−½)/N.";

/// The largest number of quantiles.
const MOST_QUANTILES: usize = 10_000_000;

#[derive(Args)]
#[command(allow_negative_numbers = true, after_help = EXPLANATION)]
pub(super) struct LineArguments {
    /// Target ν: csv:PATH (one coordinate per row, optional column weight), dirac:X, or
    /// two-diracs-1d for ½δ₋₁ + ½δ₁
    #[arg(long, value_name = "TARGET")]
    target: LineMeasure,
    /// Start: csv:PATH, dirac:X or two-diracs-1d
    #[arg(long, value_name = "START")]
    start: LineMeasure,
    /// Flow time
    #[arg(long, value_name = "T", value_parser = number)]
    time: f64,
    /// Step size of the JKO scheme, in flow time; the last step is shortened to end at --time
    #[arg(long, value_name = "TAU", value_parser = number)]
    tau: Option<f64>,
    /// Number N of quantiles
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    quantiles: usize,
    /// Print one JSON object with the key quantiles
    #[arg(long)]
    json: bool,
}

/// A measure on the line, as given by an option.
#[derive(Clone)]
struct LineMeasure(DiscreteMeasure);

impl FromStr for LineMeasure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let measure = match text.split_once(':') {
            None if text == "two-diracs-1d" => DiscreteMeasure::equal(&[-1.0, 1.0]),
            Some(("dirac", x)) => {
                let x = x
                    .parse()
                    .map_err(|_| format!("expected dirac:X with a number X, not '{text}'"))?;
                DiscreteMeasure::equal(&[x])
            }
            Some(("csv", path)) => return read(Path::new(path)).map(Self),
            _ => {
                return Err(format!(
                    "expected csv:PATH, dirac:X or two-diracs-1d, not '{text}'"
                ));
            }
        };
        measure.map(Self).map_err(|error| error.to_string())
    }
}

fn read(path: &Path) -> Result<DiscreteMeasure, String> {
    let table = read_particles(path, &Columns::default()).map_err(|error| format!("{error:#}"))?;
    let particles = table.particles;
    let columns = particles.points.ncols();
    if columns != 1 {
        return Err(format!(
            "{}: expected one coordinate, not {columns}",
            path.display()
        ));
    }
    let atoms = particles.points.as_slice();
    match particles.weights {
        Some(weights) => DiscreteMeasure::new(atoms, &weights),
        None => DiscreteMeasure::equal(atoms),
    }
    .map_err(|error| format!("{}: {error}", path.display()))
}

pub(super) fn run(arguments: &LineArguments) -> Result<(), Failure> {
    let count = arguments.quantiles;
    if !(1..=MOST_QUANTILES).contains(&count) {
        let message = format!("--quantiles must be between 1 and {MOST_QUANTILES}, not {count}");
        return Err(Failure { status: 2, message });
    }
    let (target, start) = (&arguments.target.0, &arguments.start.0);
    let mut quantiles: Vec<f64> = midpoint_levels(count).map(|s| start.quantile(s)).collect();
    match arguments.tau {
        None => {
            quantiles = flow(target, &quantiles, arguments.time).map_err(|error| refuse(&error))?;
        }
        Some(tau) => {
            check_times(arguments.time, &tau.into()).map_err(|error| Failure::input(&error))?;
            let grid = time_grid(&[], tau, arguments.time);
            for step in grid.map_err(|error| Failure::input(&error))? {
                let next = backward_step(target, &quantiles, step.tau);
                quantiles = next.map_err(|error| refuse(&error))?;
            }
        }
    }
    print(|out| print_quantiles(out, &quantiles, arguments.json))
}

fn print_quantiles(out: &mut impl Write, quantiles: &[f64], json: bool) -> io::Result<()> {
    if json {
        return writeln!(out, "{}", serde_json::json!({ "quantiles": quantiles }));
    }
    writeln!(out, "level      quantile")?;
    for (level, &quantile) in midpoint_levels(quantiles.len()).zip(quantiles) {
        writeln!(out, "{level:<9.6}  {}", plain(quantile))?;
    }
    Ok(())
}
