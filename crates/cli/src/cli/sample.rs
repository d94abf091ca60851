//! `rieszflow sample`: fresh particles from the learned kernels of a run.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use clap::Args;
use rieszflow_cli::files::matrix::write_matrix;
use rieszflow_cli::files::replace;
use rieszflow_cli::{sample, write_particles};

use super::{Failure, number, print, whole};

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct SampleArguments {
    /// The folder of a finished run of generate or of a neural scheme
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// How many particles to draw
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    count: usize,
    /// Flow time at which to draw them [default: the end; for generate, where D² to the data held out is least]
    #[arg(long, value_name = "T", value_parser = number)]
    time: Option<f64>,
    /// Seed of the random numbers
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = whole::<u64>)]
    seed: u64,
    /// File to write: CSV with columns x0,x1,…, or a numpy array if the name ends in .npy
    /// [default: CSV on standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(arguments: &SampleArguments) -> Result<(), Failure> {
    let SampleArguments {
        folder,
        count,
        time,
        seed,
        out,
    } = arguments;
    let particles = sample(folder, *count, *time, *seed).map_err(|error| Failure::input(&error))?;
    match out {
        None => print(|out| write_particles(out, &particles)),
        Some(path) => {
            let is_npy = path
                .extension()
                .is_some_and(|name| name.eq_ignore_ascii_case("npy"));
            let write = |file: &mut BufWriter<File>| {
                if is_npy {
                    write_matrix(file, &particles)
                } else {
                    write_particles(file, &particles)
                }
            };
            replace(path, write).map_err(|error| {
                Failure::run(format!("cannot write --out {}: {error}", path.display()))
            })
        }
    }
}
