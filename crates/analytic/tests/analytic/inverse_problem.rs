//! Posteriors of linear inverse problems against sums of Bayes' formula over a grid, and draws.

use std::f64::consts::TAU;

use nalgebra::{DMatrix, DVector};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rieszflow_analytic::{Error, Law, LinearInverseProblem};

use crate::common::{all_laws, check_mean};

/// A Gaussian of the prior: weight, mean, covariance.
type Gaussian = (f64, DVector<f64>, DMatrix<f64>);

/// N(x; m, S) from its definition.
fn density(x: &DVector<f64>, mean: &DVector<f64>, covariance: &DMatrix<f64>) -> f64 {
    let offset = x - mean;
    let inverse = covariance.clone().try_inverse().expect("invertible");
    let square = (offset.transpose() * inverse * &offset)[(0, 0)];
    (-0.5 * square).exp() / ((TAU).powi(x.len() as i32) * covariance.determinant()).sqrt()
}

fn law(prior: &[Gaussian]) -> Law {
    let gaussians: Vec<(f64, Law)> = prior
        .iter()
        .map(|(weight, mean, covariance)| {
            let law = Law::gaussian_with_covariance(mean.as_slice(), covariance);
            (*weight, law.expect("a Gaussian"))
        })
        .collect();
    Law::mixture(&gaussians).expect("a mixture")
}

/// ∫|x−z|ʳ dP(x) for the posterior P at y: prior times likelihood, summed over a grid with spacing h in
/// [−7, 7]ᵈ. For smooth densities that are 0 at the ends such sums converge faster than any power of h.
fn potential_by_bayes(
    prior: &[Gaussian],
    (operator, noise): (&DMatrix<f64>, f64),
    observation: &DVector<f64>,
    point: &[f64],
    power: impl Fn(f64) -> f64,
) -> f64 {
    let dim = point.len();
    let across: i32 = if dim == 1 { 2000 } else { 560 };
    let noise_covariance =
        DMatrix::identity(observation.len(), observation.len()) * (noise * noise);
    let point = DVector::from_column_slice(point);
    let (mut mass, mut sum) = (0.0, 0.0);
    for node in 0..across.pow(dim as u32) {
        let coordinate = |k: usize| {
            let index = node / across.pow(k as u32) % across;
            14.0 * (f64::from(index) + 0.5) / f64::from(across) - 7.0
        };
        let x = DVector::from_fn(dim, |k, _| coordinate(k));
        let before: f64 = prior.iter().map(|(w, m, s)| w * density(&x, m, s)).sum();
        let likelihood = density(observation, &(operator * &x), &noise_covariance);
        mass += before * likelihood;
        sum += before * likelihood * power((&x - &point).norm());
    }
    sum / mass
}

fn check(prior: &[Gaussian], operator: &DMatrix<f64>, noise: f64, observation: &[f64]) {
    let problem = LinearInverseProblem::new(law(prior), operator.clone(), noise).expect("valid");
    let posterior = problem.posterior(observation).expect("valid");
    let observation = DVector::from_column_slice(observation);
    let dim = operator.ncols();
    for z in [-1.3, 0.0, 0.8] {
        let point: Vec<f64> = (0..dim).map(|k| z + 0.3 * k as f64).collect();
        // |x|ʳ has a kink, which a sum over a grid feels at order h²; smooth away from the point.
        let exact = potential_by_bayes(prior, (operator, noise), &observation, &point, |u| {
            u.powf(1.7)
        });
        let got = posterior.potential(1.7).expect("valid").value(&point);
        let got = got.expect("a point");
        assert!(
            (got / exact - 1.0).abs() < 2e-5,
            "{observation}: {got} {exact}"
        );
    }
}

#[test]
fn posteriors_on_the_line_by_bayes_formula() {
    let gaussian = |weight: f64, mean: f64, variance: f64| {
        (
            weight,
            DVector::from_element(1, mean),
            DMatrix::from_element(1, 1, variance),
        )
    };
    let one = [gaussian(1.0, 0.0, 1.0)];
    let three = [
        gaussian(0.2, -1.5, 0.3),
        gaussian(0.5, 0.4, 0.2),
        gaussian(0.3, 1.2, 0.8),
    ];
    for y in [-2.0, 0.3, 1.7] {
        check(&one, &DMatrix::from_element(1, 1, 1.0), 0.5, &[y]);
        check(&three, &DMatrix::from_element(1, 1, -0.7), 0.4, &[y]);
        // Two observations of one unknown.
        let twice = DMatrix::from_column_slice(2, 1, &[1.0, 0.5]);
        check(&three, &twice, 0.6, &[y, 0.2]);
    }
}

#[test]
fn posteriors_in_the_plane_by_bayes_formula() {
    let gaussian = |weight: f64, mean: [f64; 2], covariance: [f64; 4]| {
        (
            weight,
            DVector::from_column_slice(&mean),
            DMatrix::from_row_slice(2, 2, &covariance),
        )
    };
    let prior = [
        gaussian(0.6, [1.0, 0.2], [0.3, 0.1, 0.1, 0.5]),
        gaussian(0.4, [-0.8, -0.5], [0.4, -0.2, -0.2, 0.3]),
    ];
    check(
        &prior,
        &DMatrix::from_row_slice(1, 2, &[1.0, 0.0]),
        0.5,
        &[0.3],
    );
    let both = DMatrix::from_row_slice(2, 2, &[0.6, -0.4, 0.3, 0.9]);
    check(&prior, &both, 0.7, &[0.1, -0.6]);
}

/// E[f(X, Y)] over the prior's draws is E[E[f(X, Y) | Y]].
#[test]
fn posteriors_average_to_the_prior_over_draws() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let (_, prior) = all_laws(3).swap_remove(6);
    let operator = DMatrix::from_row_slice(2, 3, &[1.0, 0.4, -0.3, 0.0, 0.8, 0.5]);
    let problem = LinearInverseProblem::new(prior, operator, 0.3).expect("valid");
    assert_eq!(problem.observed_dim(), 2);
    let (x, y) = problem.sample(4000, &mut rng);
    for point in [[0.0, 0.0, 0.0], [1.0, -1.0, 0.5]] {
        let point = DVector::from_column_slice(&point);
        // Weighted by the observation, so that mixing the posteriors up shows.
        let difference = |row: usize| {
            let observation: Vec<f64> = y.row(row).iter().copied().collect();
            let posterior = problem.posterior(&observation).expect("valid");
            let potential = posterior.potential(1.0).expect("valid");
            let mean = potential.value(point.as_slice()).expect("a point");
            let distance = (x.row(row).transpose() - &point).norm();
            (1.0 + observation[0]) * (distance - mean)
        };
        check_mean(4000, difference, 0.0, "posterior means");
    }
    let (first, _) = problem.sample(1, &mut ChaCha8Rng::seed_from_u64(8));
    assert_eq!(first.row(0), x.row(0));
}

/// Weights far below the smallest number are left out, the largest stays.
#[test]
fn far_observations_have_a_posterior() {
    let at = |mean: f64| (0.5, Law::gaussian(&[mean], 0.1).expect("valid"));
    let prior = Law::mixture(&[at(-1.0), at(1.0)]).expect("valid");
    let problem = LinearInverseProblem::new(prior, DMatrix::identity(1, 1), 0.1).expect("valid");
    let posterior = problem.posterior(&[1e6]).expect("valid");
    let value = posterior.potential(1.0).expect("valid").value(&[0.0]);
    let expected = 0.5 * (1e6 + 1.0);
    assert!((value.expect("a point") / expected - 1.0).abs() < 1e-12);
}

#[test]
fn problems_without_an_exact_posterior_are_refused() {
    let normal = Law::gaussian(&[0.0, 0.0], 1.0).expect("valid");
    let ball = Law::ball(&[0.0, 0.0], 1.0).expect("valid");
    let new = |law: &Law, operator: &DMatrix<f64>, noise| {
        LinearInverseProblem::new(law.clone(), operator.clone(), noise).map(|_| ())
    };
    let operator = DMatrix::from_row_slice(1, 2, &[1.0, 0.0]);
    assert_eq!(new(&ball, &operator, 1.0), Err(Error::Prior));
    assert_eq!(new(&normal, &operator, 0.0), Err(Error::Deviation(0.0)));
    let degenerate = new(&normal, &operator, 1e-9);
    assert!(
        matches!(degenerate, Err(Error::Covariance(_))),
        "{degenerate:?}"
    );
    for wrong in [
        DMatrix::zeros(0, 2),
        DMatrix::zeros(1, 3),
        operator.map(|_| f64::NAN),
    ] {
        let (rows, columns) = wrong.shape();
        let expected = Error::Operator {
            rows,
            columns,
            dim: 2,
        };
        assert_eq!(new(&normal, &wrong, 1.0), Err(expected));
    }
    let problem = LinearInverseProblem::new(normal, operator, 1.0).expect("valid");
    assert!(matches!(
        problem.posterior(&[0.0, 1.0]),
        Err(Error::Shape { .. })
    ));
    let infinite = problem.posterior(&[f64::INFINITY]);
    assert!(matches!(infinite, Err(Error::Coordinate { .. })));
}
