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

#[test]
fn draws_without_networks_have_the_means_and_deviations_of_the_unknowns() {
    let pairs = DMatrix::from_fn(50, 3, |i, k| {
        [4.0, -1.0, 7.0][k] + ((i * (k + 2)) % 7) as f64
    });
    let standardization = Standardization::of(&pairs, 1, 3.0);
    let standard = standardization.standardize(&pairs);
    for (column, deviation) in standard.column_iter().zip([1.0, 1.0, 3.0]) {
        assert!(
            column.mean().abs() < 1e-13 && (column.variance().sqrt() - deviation).abs() < 1e-13
        );
    }
    assert!((standardization.restore(&standard) - &pairs).amax() < 1e-13);
    let observations = pairs.columns(2, 1).into_owned();
    let given = standardization.standardize_observations(&observations);
    assert_eq!(given.column(0), standard.column(2));

    let networks = NetworkChain::<f64>::default();
    let observations = observations.rows(0, 2).into_owned();
    let draw = |seed| {
        let draws = networks.draw_posteriors(&standardization, &observations, 40_000, seed);
        draws.collect::<Vec<_>>()
    };
    let drawn = draw(1);
    assert!(drawn == draw(1) && drawn != draw(2) && drawn[0] != drawn[1]);
    for drawn in drawn {
        assert_eq!(drawn.shape(), (40_000, 2));
        for (column, of) in drawn.column_iter().zip(pairs.column_iter()) {
            // Four standard errors of a mean and, of a deviation, of its half.
            let error = 4.0 * of.variance().sqrt() / 200.0;
            assert!((column.mean() - of.mean()).abs() < error);
            assert!((column.variance().sqrt() - of.variance().sqrt()).abs() < error);
        }
    }
}
