//! Pairs of conditional flows: particles that share their observations, and refusals.

use nalgebra::DMatrix;
use rieszflow_flows::{ConditionalPairs, Error, NetworkChain, Standardization};

#[test]
fn particles_share_the_observations_of_the_pairs() {
    let unknowns = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 3.0, 4.0]);
    let observations = DMatrix::from_column_slice(2, 1, &[5.0, 6.0]);
    let pairs = ConditionalPairs::new(&unknowns, &observations).unwrap();
    let joint = DMatrix::from_row_slice(2, 3, &[1.0, 2.0, 5.0, 3.0, 4.0, 6.0]);
    assert_eq!(pairs.pairs(), &joint);
    let start = pairs.start(&(&unknowns * 10.0)).unwrap();
    let expected = DMatrix::from_row_slice(2, 3, &[10.0, 20.0, 5.0, 30.0, 40.0, 6.0]);
    assert_eq!(start, expected);
}

#[test]
fn other_shapes_are_refused() {
    let matrix = |rows, columns| DMatrix::<f64>::zeros(rows, columns);
    for (unknowns, observations) in [((2, 1), (3, 1)), ((0, 1), (0, 1)), ((2, 0), (2, 1))] {
        let unknowns = matrix(unknowns.0, unknowns.1);
        let observations = matrix(observations.0, observations.1);
        assert!(ConditionalPairs::new(&unknowns, &observations).is_err());
    }
    let infinite = DMatrix::from_element(2, 1, f64::INFINITY);
    let found = ConditionalPairs::new(&infinite, &matrix(2, 1));
    assert!(matches!(found, Err(Error::NotFinite { .. })));
    let pairs = ConditionalPairs::new(&matrix(2, 1), &matrix(2, 1)).unwrap();
    assert!(matches!(
        pairs.start(&matrix(3, 1)),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        pairs.start(&matrix(2, 2)),
        Err(Error::Dimension { .. })
    ));
}

/// Pairs of two unknowns, of which the second is independent of the two observations.
fn regression_pairs() -> DMatrix<f64> {
    let noise = |i: usize, k: usize| ((i * (2 * k + 5) * 7919) % 1009) as f64 / 1009.0;
    DMatrix::from_fn(1009, 4, |i, k| match k {
        0 => 4.0 + 3.0 * noise(i, 2) - 50.0 * noise(i, 3) + 2.0 * noise(i, 0),
        1 => -1.0 + noise(i, 1),
        2 => 7.0 + noise(i, 2),
        _ => 100.0 * noise(i, 3),
    })
}

#[test]
fn residuals_are_standardised_and_uncorrelated_with_the_observations() {
    let pairs = regression_pairs();
    let standardization = Standardization::of(&pairs, 2, 3.0);
    let standard = standardization.standardize(&pairs);
    for (column, deviation) in standard.column_iter().zip([1.0, 1.0, 3.0, 3.0]) {
        assert!(column.mean().abs() < 1e-12);
        assert!((column.variance().sqrt() - deviation).abs() < 1e-12);
    }
    // The ridge is (2/1009)² of the variance of the observations; x₀ has
    // standard deviation 14, and its residual 0.58.
    for (x, y) in [(0, 2), (0, 3), (1, 2), (1, 3)] {
        let correlation = standard.column(x).dot(&standard.column(y)) / (3.0 * 1009.0);
        assert!(correlation.abs() < 2e-4, "{x}, {y}: {correlation}");
    }
    let slope = standardization.slope().column(0);
    let per_unit = [
        slope[0] / standardization.unit()[2],
        slope[1] / standardization.unit()[3],
    ];
    assert!(
        (per_unit[0] - 3.0).abs() < 0.1 && (per_unit[1] + 0.5).abs() < 0.002,
        "{per_unit:?}"
    );

    let x = standard.columns(0, 2).into_owned();
    let y = standard.columns(2, 2).into_owned();
    let observations = pairs.columns(2, 2).into_owned();
    assert_eq!(standardization.standardize_observations(&observations), y);
    assert!((standardization.restore(&x, &y) - pairs.columns(0, 2)).amax() < 1e-11);
    assert!((standardization.restore_observations(&y) - observations).amax() < 1e-11);
}

/// With one observed coordinate the regression is cov(x, y)/var(y), divided by 1 + 1/N².
#[test]
fn the_ridge_falls_with_the_square_of_the_number_of_pairs() {
    let pairs = DMatrix::from_row_slice(4, 2, &[2.0, 0.0, 1.0, 1.0, 6.0, 2.0, 7.0, 3.0]);
    let standardization = Standardization::of(&pairs, 1, 3.0);
    let slope = standardization.slope()[0] / standardization.unit()[1];
    assert!(
        (slope - (2.5 / 1.25) / (1.0 + 1.0 / 16.0)).abs() < 1e-14,
        "{slope}"
    );
}

#[test]
fn few_pairs_with_many_observed_coordinates_are_not_interpolated() {
    let mut bits = 1_u64;
    let pairs = DMatrix::from_fn(20, 61, |_, _| {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (bits >> 40) as f64
    });
    let standardization = Standardization::of(&pairs, 60, 3.0);
    let left = standardization.unit()[0] / pairs.column(0).variance().sqrt();
    // By least squares the residuals would vanish.
    assert!((0.3..1.0).contains(&left), "{left}");
}

#[test]
fn columns_that_do_not_vary_have_the_unit_zero_and_no_regression() {
    for constant in 0..4 {
        let mut pairs = regression_pairs();
        pairs.column_mut(constant).fill(0.5);
        let standardization = Standardization::of(&pairs, 2, 3.0);
        for (k, unit) in standardization.unit().iter().enumerate() {
            assert_eq!(*unit > 0.0, k != constant);
            assert!(unit.is_finite());
        }
        assert!(
            standardization
                .slope()
                .iter()
                .all(|slope| slope.is_finite())
        );
    }
}

#[test]
fn draws_without_networks_have_the_means_of_the_regression_and_the_deviations_of_the_residuals() {
    let pairs = regression_pairs();
    let standardization = Standardization::of(&pairs, 2, 3.0);
    let networks = NetworkChain::<f64>::default();
    let observations = DMatrix::from_row_slice(2, 2, &[7.5, 50.0, 7.1, 80.0]);
    let draw = |seed| {
        let draws = networks.draw_posteriors(&standardization, &observations, 40_000, seed);
        draws.collect::<Vec<_>>()
    };
    let drawn = draw(1);
    assert!(drawn == draw(1) && drawn != draw(2) && drawn[0] != drawn[1]);
    for (drawn, observation) in drawn.iter().zip(observations.row_iter()) {
        assert_eq!(drawn.shape(), (40_000, 2));
        let expected = [
            5.0 + 3.0 * (observation[0] - 7.0) - 0.5 * observation[1],
            -0.5,
        ];
        // The residuals are 2 and 1 times a uniform random number.
        for ((column, mean), range) in drawn.column_iter().zip(expected).zip([2.0_f64, 1.0]) {
            let deviation = range / 12.0_f64.sqrt();
            // Of the regression's slopes and of 40,000 draws.
            assert!(
                (column.mean() - mean).abs() < 0.1 * deviation,
                "{} {mean}",
                column.mean()
            );
            assert!((column.variance().sqrt() / deviation - 1.0).abs() < 0.03);
        }
    }
}
