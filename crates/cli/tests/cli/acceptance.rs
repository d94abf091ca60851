//! Whole flows at full size against exact answers and one another: minutes, so run on demand with
//! `cargo test --release --test cli acceptance -- --ignored --nocapture`.

use std::path::Path;

use nalgebra::DMatrix;
use rieszflow_analytic::line::{self, DiscreteMeasure, Gaussian, Target as LineTarget};
use rieszflow_analytic::{Equilibrium, SteepestDescent};
use rieszflow_cli::files::particles::{Columns, read_particles};
use rieszflow_cli::posterior::{Conditions, ExactProblem, PairData};
use rieszflow_cli::targets::{ExactLaw, Sampling, Start, Target};
use rieszflow_cli::{
    Config, Experiment, Inputs, KeepKernels, MmdSettings, Output, PosteriorSettings, Preset,
    SaveAt, SchemeKind, Summary, run, sample, sample_posteriors,
};
use rieszflow_flows::{Functional, Interaction, Mmd as Discrepancy, Points, RieszKernel};

/// Pairs of the linear Gaussian problem: with fewer, chance alone changes variances by more than a percent.
const LINEAR_PAIRS: usize = 100_000;

fn towards(scheme: SchemeKind, target: Target, preset: Preset) -> Config {
    Config::mmd(scheme, &MmdSettings::towards(target), 0, preset).expect("a target")
}

/// Runs in a folder of its own; the last particles and the summary.
fn finish(config: &Config, folder: &Path) -> (DMatrix<f64>, Summary) {
    let output = Output {
        plots: false,
        ..Output::quiet(folder.to_owned())
    };
    let summary = run(config, &output).expect("a run");
    let particles = read_particles(&folder.join("final.csv"), &Columns::default());
    let particles = particles.expect("a table").particles;
    (particles.points, summary)
}

/// The velocities of the first forward step, with the paper's settings, against −gᵢ + wᵢη*.
#[test]
#[ignore = "minutes"]
fn the_first_forward_step_from_atoms_is_the_exact_steepest_descent() {
    for target in [Target::TwoDiracs, Target::Smiley] {
        let tau = 0.1;
        let config = Config {
            time: tau,
            ..towards(SchemeKind::Forward, target.clone(), Preset::Paper)
        };
        let folder = tempfile::tempdir().expect("a folder");
        let (particles, _) = finish(&config, &folder.path().join("run"));
        let sampling = Sampling::default();
        let atoms = match MmdSettings::towards(target.clone()).start {
            Start::Diracs(atoms) => DMatrix::from_fn(2, 2, |i, k| atoms[i][k]),
            _ => unreachable!("both start from Diracs"),
        };
        let points = target.load(&sampling).expect("a target").particles.points;
        let weights = vec![1.0 / points.nrows() as f64; points.nrows()];
        let descent = SteepestDescent::new(&atoms, &[0.5, 0.5], Some((&points, &weights)));
        let descent = descent.expect("distinct atoms");
        for atom in 0..2 {
            let velocities = DMatrix::from_fn(1000, 2, |i, k| {
                (particles[(1000 * atom + i, k)] - atoms[(atom, k)]) / tau
            });
            let found = descent.discrepancy(atom, &velocities).expect("velocities");
            println!("{target}, atom {atom}: D² {:.2e}", found.v_statistic);
            assert!(found.v_statistic < 1.5e-3);
        }
    }
}

/// From a Dirac at 0 towards η_1 in the plane: the scale at every step after the third, and D² at the
/// end, against the scheme's own closed form.
#[test]
#[ignore = "minutes"]
fn flows_towards_an_equilibrium_follow_their_closed_forms() {
    for scheme in [SchemeKind::Backward, SchemeKind::Forward] {
        let config = Config {
            time: 3.0,
            ..towards(
                scheme,
                Target::Law(ExactLaw::Equilibrium(1.0)),
                Preset::Fast,
            )
        };
        let folder = tempfile::tempdir().expect("a folder");
        let (_, summary) = finish(&config, &folder.path().join("run"));
        let worst = worst_scale(&folder.path().join("run/metrics.csv"));
        let (found, floor) = summary
            .discrepancy
            .zip(summary.sampling_floor)
            .expect("numbers");
        println!("{scheme}: scale {worst:.1e}, D² {found:.2e}, floor {floor:.2e}");
        assert!(worst < 0.01 && found <= floor, "{scheme}");
    }
}

/// The same towards the unit sphere in 784 dimensions, where the scale is the radius.
#[test]
#[ignore = "minutes"]
fn the_backward_flow_towards_a_sphere_in_784_dimensions_has_the_exact_radius() {
    let mut config = towards(
        SchemeKind::Backward,
        Target::Law(ExactLaw::Sphere(1.0)),
        Preset::Fast,
    );
    (config.dim, config.latent_dim, config.time) = (784, 784, 2.0);
    let folder = tempfile::tempdir().expect("a folder");
    let (_, summary) = finish(&config, &folder.path().join("run"));
    let worst = worst_scale(&folder.path().join("run/metrics.csv"));
    println!("radius {worst:.1e}, D² {:?}", summary.discrepancy);
    assert!(worst < 0.015);
}

/// The largest relative error of the scale after the third step.
fn worst_scale(metrics: &Path) -> f64 {
    let metrics = crate::sandbox::Csv::read(metrics);
    let (exact, measured) = (
        metrics.column("scale_exact"),
        metrics.column("scale_measured"),
    );
    let errors = measured
        .iter()
        .zip(&exact)
        .map(|(m, e)| (m / e - 1.0).abs());
    errors.skip(3).fold(0.0, f64::max)
}

/// W₂ at every saved time to the exact JKO iterate (backward) or the exact flow (the others), in
/// units of the target's standard deviation.
fn errors_on_the_line(
    scheme: SchemeKind,
    points: &[f64],
    weights: &[f64],
    exact: &impl LineTarget,
    deviation: f64,
) -> Vec<f64> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("target.csv");
    let mut rows = vec!["x0,weight".to_owned()];
    rows.extend(points.iter().zip(weights).map(|(x, w)| format!("{x},{w}")));
    std::fs::write(&file, rows.join("\n")).expect("a file");
    let start = -1.0;
    let mut mmd = MmdSettings::towards(Target::Csv(file));
    mmd.start = Start::Dirac(vec![start]);
    let config = Config::mmd(scheme, &mmd, 0, Preset::Fast).expect("a target");
    // Explicit steps pass atoms of the target by up to τ.
    let tau = match scheme {
        SchemeKind::Backward => 0.05,
        SchemeKind::Forward => 0.025,
        SchemeKind::Particle | SchemeKind::Chain => 0.005,
    };
    let config = Config {
        tau: tau.into(),
        time: 2.0,
        particles: 2000,
        batch: 500,
        width: 64,
        hidden_layers: 2,
        // Mass meets an atom at t = 1.3, and what is flung past it there returns at 2|0.8 − s|, slowly.
        first_iterations: 1500,
        iterations: 1500,
        save_at: SaveAt::Times(vec![0.25, 0.5, 1.0, 1.5]),
        ..config
    };
    let run = folder.path().join("run");
    finish(&config, &run);
    let snapshots = read_numbers(&run.join("snapshots.csv"));
    let dirac = vec![start; 2000];
    let mut errors = Vec::new();
    for rows in snapshots.chunks_exact(2000).skip(1) {
        let (step, time) = (rows[0][0], rows[0][1]);
        let expected = if scheme == SchemeKind::Backward {
            let steps = vec![tau; step as usize];
            line::backward_steps(exact, &dirac, &steps)
                .expect("steps")
                .pop()
        } else {
            Some(line::flow(exact, &dirac, time).expect("a flow"))
        };
        let expected = DiscreteMeasure::equal(&expected.expect("a step")).expect("quantiles");
        let reached: Vec<f64> = rows.iter().map(|row| row[3]).collect();
        let reached = DiscreteMeasure::equal(&reached).expect("particles");
        errors.push(line::wasserstein(&reached, &expected) / deviation);
    }
    errors
}

#[test]
#[ignore = "minutes"]
fn on_the_line_schemes_follow_exact_iterates_and_flows() {
    let (atoms, weights) = ([-0.5, 0.5, 1.0], [0.3, 0.5, 0.2]);
    let discrete = DiscreteMeasure::new(&atoms, &weights).expect("a measure");
    let mean: f64 = atoms.iter().zip(weights).map(|(x, w)| w * x).sum();
    let variance: f64 = atoms
        .iter()
        .zip(weights)
        .map(|(x, w)| w * (x - mean).powi(2))
        .sum();
    let gaussian = Gaussian::new(0.2, 0.5).expect("a measure");
    let levels: Vec<f64> = line::midpoint_levels(4000).collect();
    let quantiles: Vec<f64> = levels
        .iter()
        .map(|&s| line::Measure::quantile(&gaussian, s))
        .collect();
    let equal = vec![1.0; quantiles.len()];
    for scheme in SchemeKind::ALL {
        let bound = if scheme == SchemeKind::Particle {
            0.01
        } else {
            0.05
        };
        let found = [
            errors_on_the_line(scheme, &atoms, &weights, &discrete, variance.sqrt()),
            errors_on_the_line(scheme, &quantiles, &equal, &gaussian, 0.5),
        ];
        for (errors, name) in found.iter().zip(["three atoms", "a Gaussian"]) {
            println!("{scheme} towards {name}: {errors:.4?} standard deviations");
            assert_eq!(errors.len(), 5);
            assert!(errors.iter().all(|&error| error < bound));
        }
    }
}

#[test]
#[ignore = "minutes"]
fn the_three_schemes_agree_in_the_plane_and_approach_the_target() {
    for (target, time) in [(Target::TwoDiracs, 4.0), (Target::Smiley, 5.0)] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut reached = Vec::new();
        for scheme in SchemeKind::ALL {
            let config = Config {
                time,
                tau: 0.1.into(),
                save_at: SaveAt::Every(1000),
                ..towards(scheme, target.clone(), Preset::Fast)
            };
            let path = folder.path().join(scheme.to_string());
            let (particles, summary) = finish(&config, &path);
            let metrics = read_numbers(&path.join("metrics.csv"));
            let noise = 2.0 * summary.sampling_floor.expect("a number");
            assert!(
                metrics
                    .windows(2)
                    .all(|pair| pair[1][3] < pair[0][3] + noise),
                "{target} {scheme}: {metrics:?}"
            );
            reached.push(particles);
        }
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let kernel = RieszKernel::new(1.0).expect("0 < 1 < 2");
            let other = Discrepancy::new(kernel, reached[b].clone(), None).expect("particles");
            let distance = other.discrepancy(Points::from(&reached[a]));
            println!(
                "{target} at t = {time}: {} and {}: D² {distance:.2e}",
                SchemeKind::ALL[a],
                SchemeKind::ALL[b]
            );
            assert!(distance < 2e-3);
        }
    }
}

/// The rows of a CSV file; empty cells are NaN.
fn read_numbers(path: &Path) -> Vec<Vec<f64>> {
    let mut reader = csv::Reader::from_path(path).expect("a file");
    let number = |cell: &str| cell.parse().unwrap_or(f64::NAN);
    let rows = reader.records().map(|row| row.expect("a row"));
    rows.map(|row| row.iter().map(number).collect()).collect()
}

/// D² (U-statistic) of 100,000 fresh particles, drawn through the learned kernels, to the closed
/// form: what the model itself has learned, without a sampling floor, given more time than the
/// defaults take. In ℝ¹⁰⁰ a layer must be wider than 200 to hold the latents and their negatives.
#[test]
#[ignore = "minutes"]
fn the_learned_measure_is_near_the_exact_one() {
    let sizes = [
        (2, 500, 64, 2, 3e-3),
        (10, 500, 128, 2, 3e-3),
        (100, 250, 256, 1, 1e-3),
    ];
    let found = sizes.map(|(dim, batch, width, hidden_layers, learning_rate)| {
        let iterations = if dim == 10 { 2000 } else { 4000 };
        let config = Config {
            particles: 20_000,
            first_iterations: iterations,
            iterations,
            batch,
            width,
            hidden_layers,
            learning_rate,
            keep_kernels: KeepKernels::All,
            ..Config::interaction(SchemeKind::Backward, dim, 1.0)
        };
        let folder = tempfile::tempdir().expect("a folder");
        let run = folder.path().join("run");
        let (_, summary) = finish(&config, &run);
        let samples = sample(&run, 100_000, None, 1).expect("samples");
        let found = learned_discrepancy(&samples, dim, config.time);
        println!(
            "d = {dim}: U {found:.2e} after {:.1} s",
            summary.wall_seconds
        );
        found
    });
    let bounds = [1e-5, 5e-5, 1e-4];
    assert!(
        found
            .iter()
            .zip(bounds)
            .all(|(&found, bound)| found < bound)
    );
}

/// −Σ|xᵢ−xⱼ|/2N(N−1) + Σ c U(xᵢ/c)/N − c m₂.
fn learned_discrepancy(samples: &DMatrix<f64>, dim: usize, scale: f64) -> f64 {
    let count = samples.nrows() as f64;
    let energy = Interaction::new(RieszKernel::new(1.0).expect("0 < 1 < 2"));
    let energy = energy.energy(Points::from(samples)) * count / (count - 1.0);
    let exact = Equilibrium::new(dim, 1.0).expect("an equilibrium");
    let potential = |x: f64| scale * exact.potential(x / scale);
    let cross: f64 = samples.row_iter().map(|x| potential(x.norm())).sum();
    energy + cross / count - scale * exact.second_moment()
}

#[test]
#[ignore = "minutes"]
fn the_default_smiley_is_as_near_as_the_particle_flow() {
    let folder = tempfile::tempdir().expect("a folder");
    let ends = SchemeKind::ALL.map(|scheme| {
        let config = towards(scheme, Target::Smiley, Preset::Fast);
        let (_, summary) = finish(&config, &folder.path().join(scheme.to_string()));
        let end = summary.discrepancy.expect("a discrepancy");
        println!("{scheme}: D² {end:.2e} after {:.0} s", summary.wall_seconds);
        (end, summary.sampling_floor.expect("a number"))
    });
    let (particle, floor) = ends[2];
    assert!(ends.iter().all(|&(end, _)| end <= particle + 3.0 * floor));
}

/// The configuration of `rieszflow posterior` for a problem, of which `count` pairs are drawn.
fn posterior_config(problem: ExactProblem, count: usize) -> Config {
    let settings = PosteriorSettings {
        data: PairData::Problem(problem),
        observed: Columns::default(),
        columns: Columns::default(),
        count: Some(count),
        observation_scale: PosteriorSettings::OBSERVATION_SCALE,
        held_out: 1000,
        patience: 2,
    };
    let experiment = Experiment::Posterior(settings.clone());
    let inputs = Inputs::read(&experiment, 0, 0, Path::new("")).expect("pairs");
    Config::posterior(&settings, &inputs, 1.0, 0).expect("a configuration")
}

/// Mean and variance of the posterior of a linear Gaussian observation: N(0.8y, 0.2).
#[test]
#[ignore = "minutes"]
fn posteriors_of_a_linear_gaussian_observation_are_exact_within_two_percent() {
    let config = posterior_config(ExactProblem::LinearGaussian, LINEAR_PAIRS);
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    let (_, summary) = finish(&config, &run);
    let (found, floor) = (summary.posterior_discrepancy, summary.posterior_floor);
    println!(
        "D² {found:?}, exact draws {floor:?}, {:.0} s",
        summary.wall_seconds
    );
    for y in [-2.0, -1.0, 0.0, 1.0, 2.0] {
        let conditions = Conditions::Single(vec![y]);
        let drawn = sample_posteriors(&run, &conditions, 200_000, None, 1).expect("samples");
        let (mean, variance) = (drawn.samples[0].mean(), drawn.samples[0].variance());
        println!("y = {y}: mean {mean:.4}, variance {variance:.4}");
        assert!(
            (mean - 0.8 * y).abs() < 0.016 * y.abs().max(1.0),
            "{y}: {mean}"
        );
        assert!((variance / 0.2 - 1.0).abs() < 0.02, "{y}: {variance}");
    }
}

/// Mean posterior D² of 1000 draws over 50 observations, in the plane.
#[test]
#[ignore = "minutes"]
fn posteriors_of_a_mixture_are_near_the_exact_ones() {
    let config = posterior_config(ExactProblem::LinearMixture(5), 11_000);
    let folder = tempfile::tempdir().expect("a folder");
    let (_, summary) = finish(&config, &folder.path().join("run"));
    let found = summary.posterior_discrepancy.expect("a number");
    let floor = summary.posterior_floor.expect("a number");
    println!(
        "D² {found:.2e}, exact draws {floor:.2e}, {:.0} s",
        summary.wall_seconds
    );
    assert!(found <= 5e-3 && found >= floor);
}
