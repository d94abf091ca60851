//! Every file of a run's folder against its configuration, the others, and exact formulas.

use std::fs;
use std::path::Path;

use rieszflow_analytic::{Equilibrium, backward_scale, flow_scale, forward_scale};
use rieszflow_cli::{Config, Precision, SchemeKind};
use tiny_skia::Pixmap;

use crate::npz;
use crate::sandbox::{self, Csv};

const FILES: [&str; 6] = [
    "config.toml",
    "final.csv",
    "metrics.csv",
    "snapshots.csv",
    "snapshots.npz",
    "summary.json",
];

/// Demands that the folder of a completed run holds what `expected` asks for, and nothing else.
#[track_caller]
pub fn check(folder: &Path, expected: &Config, figures: bool) {
    let mut files = FILES.map(str::to_owned).to_vec();
    if figures {
        files.extend(["flow.gif", "metrics.png", "snapshots.png"].map(str::to_owned));
        check_figure(&folder.join("metrics.png"));
        check_figure(&folder.join("snapshots.png"));
    }
    if expected.scheme != SchemeKind::Particle {
        files.push("kernels.safetensors".to_owned());
    }
    files.sort();
    assert_eq!(sandbox::names(folder), files);
    assert_eq!(&sandbox::config(folder), expected);
    let particles = check_final(folder, expected);
    check_snapshots(folder, expected, &particles);
    check_metrics(folder, expected, &particles);
    check_summary(folder, expected);
}

/// The particles of `final.csv`, a row each.
fn check_final(folder: &Path, config: &Config) -> Vec<Vec<f64>> {
    let csv = Csv::read(&folder.join("final.csv"));
    assert_eq!(csv.columns, coordinate_names(config.dim));
    assert_eq!(csv.rows.len(), config.particles);
    assert!(csv.rows.iter().flatten().all(|x| x.is_finite()));
    let is_single = |x: &f64| f64::from(*x as f32) == *x;
    let single = csv.rows.iter().flatten().filter(|x| is_single(x)).count();
    match config.precision {
        // Single precision is written without loss, and nothing is made up.
        Precision::F32 => assert_eq!(single, config.particles * config.dim),
        Precision::F64 => assert!(single < config.particles, "{single} of f32's precision"),
    }
    csv.rows
}

fn check_snapshots(folder: &Path, config: &Config, last: &[Vec<f64>]) {
    let csv = Csv::read(&folder.join("snapshots.csv"));
    let mut columns = ["step", "time", "particle"].map(str::to_owned).to_vec();
    columns.extend(coordinate_names(config.dim));
    assert_eq!(csv.columns, columns);
    let (count, dim) = (config.particles, config.dim);
    let saved = csv.rows.len() / count;
    assert_eq!(csv.rows.len(), saved * count);
    for (index, row) in csv.rows.iter().enumerate() {
        assert_eq!(row[2], (index % count) as f64);
        assert_eq!(row[..2], csv.rows[index / count * count][..2]);
    }
    let first = csv.rows.first().expect("the first snapshot");
    assert_eq!(first[..2], [0.0, 0.0]);
    let end = &csv.rows[(saved - 1) * count..];
    assert!(end.iter().zip(last).all(|(row, x)| &row[3..] == x));

    let arrays = npz::parse(&fs::read(folder.join("snapshots.npz")).expect("an archive"));
    assert!(arrays.keys().eq(["particles", "times"]));
    assert_eq!(arrays["times"].shape, [saved]);
    assert!(
        csv.rows
            .iter()
            .step_by(count)
            .map(|row| &row[1])
            .eq(&arrays["times"].data)
    );
    assert_eq!(arrays["particles"].shape, [saved, count, dim]);
    let coordinates = csv.rows.iter().flat_map(|row| &row[3..]);
    assert!(coordinates.eq(&arrays["particles"].data));
}

fn check_metrics(folder: &Path, config: &Config, last: &[Vec<f64>]) {
    let csv = Csv::read(&folder.join("metrics.csv"));
    let columns = "step,time,functional,discrepancy,discrepancy_u,loss,seconds,iterations,\
                   scale_exact,scale_measured";
    assert_eq!(csv.columns.join(","), columns);
    let grid = config.time_grid();
    let ends: Vec<f64> = grid.iter().map(|step| step.end).collect();
    assert_eq!(csv.column("time"), ends);
    assert!(ends.is_sorted_by(|a, b| a < b));
    assert_eq!(ends.last(), Some(&config.time));
    let steps: Vec<f64> = (1..=grid.len()).map(|step| step as f64).collect();
    assert_eq!(csv.column("step"), steps);
    let seconds = csv.column("seconds");
    assert!(seconds.iter().all(|&s| s > 0.0));
    let wall = sandbox::summary(folder)["wall_seconds"].as_f64();
    assert!(wall >= Some(seconds.iter().sum()), "{wall:?}, {seconds:?}");
    let trained = config.scheme != SchemeKind::Particle;
    assert!(
        csv.column("loss")
            .iter()
            .all(|loss| loss.is_finite() == trained)
    );
    for (step, iterations) in grid.iter().zip(csv.column("iterations")) {
        let is_first = step.end - step.tau < config.first_phase - 1e-9;
        let round = if is_first {
            config.first_iterations
        } else {
            config.iterations
        };
        if trained {
            assert!(iterations > 0.0 && iterations % round as f64 == 0.0);
        } else {
            assert!(iterations.is_nan());
        }
    }
    let mut scale = 0.0;
    for (step, &written) in grid.iter().zip(&csv.column("scale_exact")) {
        scale = match config.scheme {
            SchemeKind::Backward => backward_scale(config.exponent, scale, step.tau),
            SchemeKind::Forward => forward_scale(config.exponent, scale, step.tau),
            SchemeKind::Particle | SchemeKind::Chain => flow_scale(config.exponent, step.end),
        }
        .expect("a scale");
        assert_close(written, scale);
    }
    for (name, exact) in measured(config, scale, last) {
        let column = csv.column(name);
        assert!(column.iter().all(|x| x.is_finite()), "{name}");
        assert_close(column[column.len() - 1], exact);
    }
}

/// The measurements of the last particles x, by plain double sums:
/// E = −1/(2N²) Σ|xᵢ−xⱼ|ʳ and D² = E + (1/N) Σ cʳU(|xᵢ|/c) − cʳm₂/r.
fn measured(config: &Config, scale: f64, x: &[Vec<f64>]) -> [(&'static str, f64); 4] {
    let r = config.exponent;
    let count = x.len() as f64;
    let norm = |v: &[f64]| v.iter().map(|a| a * a).sum::<f64>().sqrt();
    let distance = |a: &[f64], b: &[f64]| {
        let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        norm(&difference)
    };
    let pairs: f64 = x
        .iter()
        .flat_map(|a| x.iter().map(|b| distance(a, b)))
        .filter(|&distance| distance > 0.0)
        .map(|distance| distance.powf(r))
        .sum();
    let equilibrium = Equilibrium::new(config.dim, r).expect("an equilibrium");
    let potential = |x: &Vec<f64>| scale.powf(r) * equilibrium.potential(norm(x) / scale);
    let cross = x.iter().map(potential).sum::<f64>() / count
        - scale.powf(r) * equilibrium.second_moment() / r;
    let mean_square = x.iter().map(|x| norm(x).powi(2)).sum::<f64>() / count;
    [
        ("functional", -0.5 * pairs / (count * count)),
        ("discrepancy", cross - 0.5 * pairs / (count * count)),
        (
            "discrepancy_u",
            cross - 0.5 * pairs / (count * (count - 1.0)),
        ),
        (
            "scale_measured",
            (mean_square / equilibrium.second_moment()).sqrt(),
        ),
    ]
}

fn check_summary(folder: &Path, config: &Config) {
    let summary = sandbox::summary(folder);
    assert_eq!(summary["status"], "completed");
    assert_eq!(summary["seed"], config.seed);
    assert_eq!(summary["steps"], config.time_grid().len());
    assert_eq!(summary["time"], config.time);
    assert_eq!(summary["version"], env!("CARGO_PKG_VERSION"));
    assert!(summary["threads"].as_u64() >= Some(1));
    assert!(summary["wall_seconds"].as_f64() > Some(0.0));
    assert!(summary["sampling_floor"].as_f64() > Some(0.0));
    assert!(summary["citation"].as_str().unwrap().contains("2301.11624"));
    let metrics = Csv::read(&folder.join("metrics.csv"));
    for name in [
        "functional",
        "discrepancy",
        "discrepancy_u",
        "scale_exact",
        "scale_measured",
    ] {
        let column = metrics.column(name);
        let told = summary[name].as_f64().expect(name);
        assert_close(told, column[column.len() - 1]);
    }
}

/// A picture of reasonable size with something on it.
fn check_figure(path: &Path) {
    let picture = Pixmap::decode_png(&fs::read(path).expect("a figure")).expect("a PNG");
    assert!(picture.width() >= 400 && picture.height() >= 200);
    let background = picture.pixels()[0];
    let drawn = picture.pixels().iter().filter(|&&p| p != background);
    assert!(drawn.count() > 1000, "{} is blank", path.display());
}

fn coordinate_names(dim: usize) -> Vec<String> {
    (0..dim).map(|k| format!("x{k}")).collect()
}

/// To a relative 10⁻⁹, or 10⁻¹² where differences cancel.
#[track_caller]
fn assert_close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * b.abs() + 1e-12, "{a} and {b}");
}
