//! `rieszflow sample`: fresh particles from the learned kernels of a run.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use nalgebra::DMatrix;
use rieszflow_cli::files::matrix::{write_matrices, write_matrix};
use rieszflow_cli::files::replace;
use rieszflow_cli::posterior::Conditions;
use rieszflow_cli::{
    PosteriorSamples, sample, sample_posteriors, write_conditional, write_particles,
};

use super::{Failure, number, print, whole};

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct SampleArguments {
    /// The folder of a finished run of generate, of posterior or of a neural scheme
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// How many particles to draw; for a posterior run, at each condition
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    count: usize,
    /// For a posterior run, the observation y1,y2,… to draw at; csv:PATH or npy:PATH has one in each row,
    /// and csv:- and npy:- read standard input
    #[arg(
        long,
        value_name = "Y",
        allow_hyphen_values = true,
        value_parser = condition_parser()
    )]
    condition: Option<Conditions>,
    /// Flow time at which to draw them [default: the end; for generate and posterior, where D² to the data
    /// held out is least]
    #[arg(long, value_name = "T", value_parser = number)]
    time: Option<f64>,
    /// Seed of the random numbers
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = whole::<u64>)]
    seed: u64,
    /// File to write: CSV with columns x0,x1,…, or a numpy array (N, d) if the name ends in .npy; at the
    /// conditions of a file CSV with columns condition,x0,x1,… (from 0), or a numpy array (C, N, d)
    /// [default: CSV on standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Reads conditions; a path that is not UTF-8 is refused by name.
fn condition_parser() -> impl TypedValueParser<Value = Conditions> {
    OsStringValueParser::new().try_map(|text| Conditions::from_os_str(&text))
}

pub(super) fn run(arguments: &SampleArguments) -> Result<(), Failure> {
    let drawn = arguments.draw()?;
    match &arguments.out {
        None => print(|out| drawn.write_table(out)),
        Some(path) => {
            let write = |file: &mut BufWriter<File>| {
                if is_npy(path) {
                    drawn.write_array(file)
                } else {
                    drawn.write_table(file)
                }
            };
            replace(path, write).map_err(|error| {
                Failure::run(format!("cannot write --out {}: {error}", path.display()))
            })
        }
    }
}

fn is_npy(path: &Path) -> bool {
    path.extension()
        .is_some_and(|name| name.eq_ignore_ascii_case("npy"))
}

impl SampleArguments {
    fn draw(&self) -> Result<Drawn, Failure> {
        let Self {
            folder,
            count,
            time,
            seed,
            ..
        } = self;
        let drawn = match &self.condition {
            None => sample(folder, *count, *time, *seed).map(Drawn::Once),
            Some(conditions) => {
                let drawn = sample_posteriors(folder, conditions, *count, *time, *seed);
                drawn.map(|PosteriorSamples { mut samples, note }| {
                    if let Some(note) = note {
                        eprintln!("note: {note}");
                    }
                    match conditions {
                        Conditions::Single(_) => Drawn::Once(samples.swap_remove(0)),
                        _ => Drawn::AtEach(samples),
                    }
                })
            }
        };
        drawn.map_err(|error| Failure::input(&error))
    }
}

/// Samples of one law (N×d), or at each of the conditions of a file.
enum Drawn {
    Once(DMatrix<f64>),
    AtEach(Vec<DMatrix<f64>>),
}

impl Drawn {
    fn write_table(&self, writer: impl Write) -> io::Result<()> {
        match self {
            Self::Once(particles) => write_particles(writer, particles),
            Self::AtEach(samples) => write_conditional(writer, samples),
        }
    }

    fn write_array(&self, writer: impl Write) -> io::Result<()> {
        match self {
            Self::Once(particles) => write_matrix(writer, particles),
            Self::AtEach(samples) => write_matrices(writer, samples),
        }
    }
}
