//! Laws of each kind, and the comparison of a mean over draws with its exact value.

use nalgebra::DMatrix;
use rieszflow_analytic::{Equilibrium, Law};

/// A symmetric positive definite matrix.
pub fn covariance(dim: usize) -> DMatrix<f64> {
    let root = DMatrix::from_fn(dim, dim, |i, k| ((3 * i + 5 * k) as f64 + 0.3).sin() / 2.0);
    &root * root.transpose() + DMatrix::identity(dim, dim) * 0.05
}

/// One law of each kind, none at the origin.
pub fn all_laws(dim: usize) -> Vec<(&'static str, Law)> {
    let centre: Vec<f64> = (0..dim).map(|k| 0.4 - 0.3 * k as f64).collect();
    let other: Vec<f64> = (0..dim).map(|k| 0.2 * k as f64 - 0.5).collect();
    let equilibrium = Equilibrium::new(dim, 0.9).unwrap();
    let gaussian = Law::gaussian(&centre, 0.7).unwrap();
    let oblique = Law::gaussian_with_covariance(&other, &covariance(dim)).unwrap();
    let ball = Law::ball(&other, 1.3).unwrap();
    let two = [(0.3, gaussian.clone()), (0.7, oblique.clone())];
    let three = [
        (1.0, gaussian.clone()),
        (2.0, ball.clone()),
        (1.0, Law::dirac(&[0.1].repeat(dim)).unwrap()),
    ];
    vec![
        ("Gaussian", gaussian),
        ("Gaussian with covariance", oblique),
        ("ball", ball),
        ("sphere", Law::sphere(&centre, 0.8).unwrap()),
        ("beta ball", Law::beta_ball(&centre, 1.1, 1.7).unwrap()),
        (
            "equilibrium",
            Law::equilibrium(&equilibrium, 2.0)
                .unwrap()
                .translated(&centre)
                .unwrap(),
        ),
        ("mixture of Gaussians", Law::mixture(&two).unwrap()),
        ("mixture with a ball", Law::mixture(&three).unwrap()),
    ]
}

#[track_caller]
pub fn check_mean(count: usize, f: impl Fn(usize) -> f64, exact: f64, case: &str) {
    let values: Vec<f64> = (0..count).map(f).collect();
    let mean = values.iter().sum::<f64>() / count as f64;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count as f64;
    let error = (variance / count as f64).sqrt();
    assert!(
        (mean - exact).abs() < 5.0 * error + 1e-12,
        "{case}: {mean} ± {error}, {exact}"
    );
}
