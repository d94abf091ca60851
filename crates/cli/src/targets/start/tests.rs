//! Tests of starts against their definitions, and of everything that is refused.

use proptest::prelude::*;

use super::*;

fn load(text: &str, count: usize, dim: usize) -> Result<DMatrix<f64>, String> {
    let start: Start = text.parse()?;
    let loaded = start.load(count, dim, 3, &Columns::default());
    loaded
        .map(|loaded| loaded.particles.points)
        .map_err(|error| error.to_string())
}

#[test]
fn diracs_share_the_particles_in_blocks() {
    let points = load("diracs:-1,0.5; 1,-2e-1", 5, 2).expect("valid");
    assert_eq!(points.column(0).as_slice(), [-1.0, -1.0, -1.0, 1.0, 1.0]);
    assert_eq!(points.column(1).as_slice(), [0.5, 0.5, 0.5, -0.2, -0.2]);
    let points = load("dirac:1,2,3", 2, 3).expect("valid");
    assert_eq!(
        points,
        DMatrix::from_row_slice(2, 3, &[1.0, 2.0, 3.0, 1.0, 2.0, 3.0])
    );
}

/// Mean and variance of 20,000 draws, and of N(0, 1) and U[−1, 3].
#[test]
fn draws_have_the_moments_of_their_law() {
    for (text, mean, variance) in [("gaussian", 0.0, 1.0), ("uniform:-1,3", 1.0, 16.0 / 12.0)] {
        let points = load(text, 10_000, 2).expect("valid");
        let count = points.len() as f64;
        let five_deviations = 5.0 * f64::sqrt(variance / count);
        assert!((points.mean() - mean).abs() < five_deviations, "{text}");
        assert!((points.variance() / variance - 1.0).abs() < 0.06, "{text}");
        let correlation = points
            .column(0)
            .add_scalar(-mean)
            .dot(&points.column(1).add_scalar(-mean));
        assert!((correlation / (variance * 10_000.0)).abs() < 0.05, "{text}");
        assert_eq!(load(text, 10_000, 2), Ok(points));
    }
    let uniform = load("uniform:-1,3", 1000, 3).expect("valid");
    assert!(uniform.iter().all(|x| (-1.0..=3.0).contains(x)));
    assert!(
        load("uniform:-1e308,1e308", 100, 1)
            .expect("valid")
            .iter()
            .all(|x| x.is_finite())
    );
    let seeded = |seed| {
        Start::Gaussian
            .load(3, 2, seed, &Columns::default())
            .expect("valid")
    };
    assert_ne!(seeded(1), seeded(2));
}

#[test]
fn files_bring_their_own_particles() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("start.csv");
    std::fs::write(&path, "x0,x1\n1,2\n3,4\n5,6\n").expect("a file");
    let text = format!("csv:{}", path.display());
    let expected = DMatrix::from_row_slice(3, 2, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(load(&text, 99, 2), Ok(expected));
    let message = load(&text, 3, 4).expect_err("two columns");
    let expected = format!("expected a start in dimension 4, but {text} has dimension 2");
    assert_eq!(message, expected);
}

#[test]
fn the_dimension_of_diracs_is_known() {
    let dim = |text: &str| text.parse::<Start>().expect("valid").dim();
    assert_eq!(dim("dirac:1,2,3"), Some(3));
    assert_eq!(dim("diracs:1,2;3,4"), Some(2));
    assert_eq!(dim("gaussian"), None);
    assert_eq!(dim("dirac:0.5"), None);
}

#[test]
fn a_single_number_stands_for_all_coordinates_of_a_dirac() {
    let start = load("dirac:0.5", 3, 4).expect("valid");
    assert_eq!(start, DMatrix::from_element(3, 4, 0.5));
}

#[test]
fn says_what_is_expected() {
    let cases = [
        ("dirac:1,x", "expected finite numbers x1,x2,…, not 'x'"),
        ("dirac:", "expected finite numbers x1,x2,…, not ''"),
        ("dirac:inf", "not 'inf'"),
        (
            "diracs:1,2;3",
            "expected Diracs of equal dimension, not of 2 and 1",
        ),
        (
            "uniform:1,1",
            "expected uniform:lo,hi with lo < hi, not 'uniform:1,1'",
        ),
        ("uniform:1", "expected uniform:lo,hi"),
        ("npy:", "expected npy:PATH with the path of a file"),
        (
            "gausian",
            "expected dirac:x1,x2,…, diracs:x1,x2;y1,y2, uniform:lo,hi, gaussian, csv:PATH, npy:PATH, not 'gausian'; did you mean 'gaussian'?",
        ),
        ("start.npy", "did you mean 'npy:start.npy'?"),
        (
            "dirac:1,2,3",
            "expected a start in dimension 2, but dirac:1,2,3 has dimension 3",
        ),
        (
            "diracs:1,2;3,4;5,6;7,8",
            "particles must be between 4 and 50000000 for this start, not 3",
        ),
    ];
    for (text, expected) in cases {
        let message = load(text, 3, 2).expect_err(expected);
        assert!(
            message.contains(expected),
            "{message}\nshould say: {expected}"
        );
    }
    for (count, dim) in [(0, 1), (usize::MAX, 1), (1, 0), (2, usize::MAX)] {
        assert!(load("gaussian", count, dim).is_err(), "{count}×{dim}");
    }
}

proptest! {
    #[test]
    fn what_is_read_is_written_the_same(
        text in r"(diracs?|uniform|csv|npy|gaussian):?([-+]?[0-9.]{1,4}(e-?[0-9]{1,3})?[,;]?){0,4}",
        any in ".*",
    ) {
        for text in [text, any] {
            if let Ok(start) = text.parse::<Start>() {
                prop_assert_eq!(start.to_string().parse(), Ok(start));
            }
        }
    }

    #[test]
    fn every_number_survives(x in proptest::num::f64::NORMAL, y in proptest::num::f64::SUBNORMAL) {
        let start = Start::Dirac(vec![x, y]);
        prop_assert_eq!(start.to_string().parse(), Ok(start));
    }
}
