//! `rieszflow discrepancy`: D² of two sets of particles, or of particles and an exact law.

use std::io::{self, Write};

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use rieszflow_cli::files::particles::Columns;
use rieszflow_cli::numbers::plain;
use rieszflow_cli::targets::{GivenMeasure, Target};
use rieszflow_cli::{Comparison, SumsKind, compare, with_threads};
use rieszflow_flows::{Slicing, Sums};

use super::{Failure, flow, number, one_of, print, whole};

const EXPLANATION: &str = "\
Computes the squared discrepancy D²(X,Y) = ∬|x−y|ʳ − ½∬|x−x'|ʳ − ½∬|y−y'|ʳ, exactly and in double \
precision: over all pairs of particles, and against a law by its potential, nothing is drawn. With \
--sums sliced the sums over pairs are estimated, in N log N time, and D² has a standard error. For \
r = 1 it is half of the energy distance of statistics; the distance √(2D²) is printed too.

X, Y: csv:PATH (a row per particle, optional column weight), npy:PATH (a matrix, a row per particle), \
idx:PATH (images); csv:- and npy:- read standard input. Or one of them an exact law in the dimension \
of the other: equilibrium:A (the equilibrium η* of the exponent scaled by A), sphere:A and ball:A \
(uniform, radius A), gaussian:S (N(0, S²I)), gaussian-mixture:K (in the plane).

The V-statistic is D² of the measures as they are. The U-statistic leaves out the pairs of a particle \
with itself: it is unbiased for independent particles, and may be negative.

--json prints one object with the keys discrepancy, discrepancy_u, energy_distance (null unless \
r = 1), n, m (null for a law), dim, standard_error (null with exact sums) and seconds.";

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
    /// How sums over pairs of particles are computed: exact (all pairs, time N²) or sliced (estimated by
    /// projections on directions, time N log N, with a standard error)
    #[arg(
        long,
        value_name = "SUMS",
        default_value_t = SumsKind::Exact,
        value_parser = one_of::<SumsKind>(&SumsKind::ALL.map(SumsKind::as_str)),
        hide_possible_values = true
    )]
    sums: SumsKind,
    /// Number P of directions of sliced sums, at least 1, in eight sets with independent rotations
    #[arg(long, value_name = "P", default_value_t = 512, value_parser = whole::<usize>)]
    directions: usize,
    /// Seed of the rotations of sliced sums
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = whole::<u64>)]
    seed: u64,
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
        sums,
        directions,
        seed,
        json,
    } = arguments;
    let sums = match sums {
        SumsKind::Exact => Sums::Exact,
        SumsKind::Sliced => Sums::Sliced(Slicing {
            seed: *seed,
            ..Slicing::new(*directions)
        }),
    };
    let chosen = columns.clone().unwrap_or_default();
    let found = with_threads(None, || {
        compare(first, second, *exponent, &chosen, *count, sums)
    });
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
    if let Some(error) = found.standard_error {
        writeln!(out, "standard error   {}", plain(error))?;
    }
    writeln!(out, "U-statistic      {}", plain(found.discrepancy_u))?;
    if let Some(distance) = found.energy_distance {
        writeln!(out, "energy distance  {}", plain(distance))?;
    }
    let sizes = [found.n, found.m].map(|count| count.map_or("law".to_owned(), |n| n.to_string()));
    let [n, m] = sizes;
    writeln!(out, "n, m, d          {n}, {m}, {}", found.dim)?;
    writeln!(out, "seconds          {:.2}", found.seconds)
}
