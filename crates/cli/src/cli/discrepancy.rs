//! `rieszflow discrepancy`: D² of two sets of particles, or of particles and an exact law.

use std::io::{self, Write};

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use rieszflow_cli::files::particles::Columns;
use rieszflow_cli::numbers::plain;
use rieszflow_cli::targets::{GivenMeasure, Target};
use rieszflow_cli::{Comparison, compare, with_threads};

use super::{Failure, flow, number, print, whole};

const EXPLANATION: &str = "\
Computes the squared discrepancy D²(X,Y) = ∬|x−y|ʳ − ½∬|x−x'|ʳ − ½∬|y−y'|ʳ, exactly and in double \
precision: over all pairs of particles, and against a law by its potential, nothing is drawn. For \
r = 1 it is half of the energy distance of statistics; the distance √(2D²) is printed too.

X, Y: csv:PATH (a row per particle, optional column weight), npy:PATH (a matrix, a row per particle), \
idx:PATH (images); csv:- and npy:- read standard input. Or one of them an exact law in the dimension \
of the other: equilibrium:A (the equilibrium η* of the exponent scaled by A), sphere:A and ball:A \
(uniform, radius A), gaussian:S (N(0, S²I)), gaussian-mixture:K (in the plane).

The V-statistic is D² of the measures as they are. The U-statistic leaves out the pairs of a particle \
with itself: it is unbiased for independent particles, and may be negative.

--json prints one object with the keys discrepancy, discrepancy_u, energy_distance (null unless \
r = 1), n, m (null for a law), dim, standard_error (null: the sums are exact) and seconds.";

#[derive(Args)]
#[command(allow_negative_numbers = true, after_help = EXPLANATION)]
pub(super) struct DiscrepancyArguments {
    /// One measure, see below
    #[arg(value_name = "X", value_parser = measure_parser())]
    first: GivenMeasure,
    /// The other
    #[arg(value_name = "Y", value_parser = measure_parser())]
    second: GivenMeasure,
    /// Exponent r of the kernel −|x−y|ʳ, 0 < r < 2
    #[arg(long, value_name = "R", default_value_t = 1.0, value_parser = number)]
    exponent: f64,
    /// Columns of csv files that are coordinates, NAME,… or numbers from 1 for files without a header
    /// [default: all but weight]
    #[arg(long, value_name = "NAMES")]
    columns: Option<Columns>,
    /// Number K of images taken from an idx file [default: all]
    #[arg(long, value_name = "K", value_parser = whole::<usize>)]
    count: Option<usize>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Reads a measure; a path that is not UTF-8 is refused by name.
fn measure_parser() -> impl TypedValueParser<Value = GivenMeasure> {
    OsStringValueParser::new().try_map(|text| GivenMeasure::from_os_str(&text))
}

pub(super) fn run(arguments: &DiscrepancyArguments) -> Result<(), Failure> {
    let DiscrepancyArguments {
        first,
        second,
        exponent,
        columns,
        count,
        json,
    } = arguments;
    let chosen = columns.clone().unwrap_or_default();
    let found = with_threads(None, || compare(first, second, *exponent, &chosen, *count));
    let found = found.map_err(|error| Failure::input(&error))?;
    let found = found.map_err(|error| Failure::input(&error))?;
    if let Some(note) = arguments.unused() {
        eprintln!("note: {note}");
    }
    print(|out| {
        if *json {
            serde_json::to_writer(&mut *out, &found)?;
            return writeln!(out);
        }
        print_comparison(out, &found)
    })
}

impl DiscrepancyArguments {
    /// A note about options that neither measure uses.
    fn unused(&self) -> Option<String> {
        let any =
            |kind: fn(&Target) -> bool| kind(self.first.target()) || kind(self.second.target());
        let table = any(|target| matches!(target, Target::Csv(_)));
        let images = any(|target| matches!(target, Target::Idx(_)));
        let given = [
            ("--columns", self.columns.is_some() && !table),
            ("--count", self.count.is_some() && !images),
        ];
        let unused = given.into_iter().filter(|(_, unused)| *unused);
        let unused: Vec<&str> = unused.map(|(name, _)| name).collect();
        flow::no_effect(&unused, &format!("{} and {}", self.first, self.second))
    }
}

fn print_comparison(out: &mut impl Write, found: &Comparison) -> io::Result<()> {
    for description in &found.descriptions {
        writeln!(out, "{description}")?;
    }
    writeln!(out, "D²               {}", plain(found.discrepancy))?;
    writeln!(out, "U-statistic      {}", plain(found.discrepancy_u))?;
    if let Some(distance) = found.energy_distance {
        writeln!(out, "energy distance  {}", plain(distance))?;
    }
    let sizes = [found.n, found.m].map(|count| count.map_or("law".to_owned(), |n| n.to_string()));
    let [n, m] = sizes;
    writeln!(out, "n, m, d          {n}, {m}, {}", found.dim)?;
    writeln!(out, "seconds          {:.2}", found.seconds)
}
