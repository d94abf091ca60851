//! Pairs of conditional flows: particles that share their observations, and refusals.

use nalgebra::DMatrix;
use rieszflow_flows::{ConditionalPairs, Error};

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
