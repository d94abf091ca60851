//! Tests of pairs: which columns are observed, what is refused, what is drawn.

use super::*;
use crate::files::matrix::write_matrix;

fn selection(observed: &str) -> Selection {
    Selection {
        observed: observed.parse().expect("columns"),
        seed: 3,
        ..Selection::default()
    }
}

fn load(data: &PairData, selection: &Selection) -> Result<Pairs, String> {
    data.load(selection).map_err(|error| format!("{error:#}"))
}

/// A file with the given content in a folder of its own, and the data in it.
fn csv(content: &str) -> (tempfile::TempDir, PairData) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pairs.csv");
    std::fs::write(&path, content).expect("a file");
    (folder, PairData::Csv(path))
}

fn labels(pairs: &Pairs) -> Vec<String> {
    pairs.observed.iter().map(ToString::to_string).collect()
}

#[test]
fn columns_are_observed_by_name_in_the_order_given() {
    let (_folder, data) = csv("a,b,c,d\n1,2,3,4\n5,6,7,8\n");
    let pairs = load(&data, &selection("d,b")).expect("valid");
    let (x, y) = ([1.0, 3.0, 5.0, 7.0], [4.0, 2.0, 8.0, 6.0]);
    assert_eq!(pairs.unknowns, DMatrix::from_row_slice(2, 2, &x));
    assert_eq!(pairs.observations, DMatrix::from_row_slice(2, 2, &y));
    assert_eq!(labels(&pairs), ["d", "b"]);
    let some = Selection {
        columns: "d,a".parse().expect("columns"),
        ..selection("a")
    };
    let pairs = load(&data, &some).expect("valid");
    assert_eq!(pairs.unknowns.as_slice(), [4.0, 8.0]);
    assert_eq!(pairs.observations.as_slice(), [1.0, 5.0]);
}

#[test]
fn columns_without_names_are_observed_by_number() {
    let (_folder, data) = csv("1.5,2.5,3.5\n5,6.5,7\n");
    let pairs = load(&data, &selection("1")).expect("valid");
    assert_eq!(pairs.observations.as_slice(), [1.5, 5.0]);
    // Numbers stay those of the file when columns are chosen.
    let some = Selection {
        columns: "2,3".parse().expect("columns"),
        ..selection("3")
    };
    let pairs = load(&data, &some).expect("valid");
    assert_eq!(pairs.unknowns.as_slice(), [2.5, 6.5]);
    assert_eq!(pairs.observations.as_slice(), [3.5, 7.0]);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pairs.npy");
    let matrix = DMatrix::from_row_slice(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let file = std::fs::File::create(&path).expect("a file");
    write_matrix(file, &matrix).expect("written");
    let pairs = load(&PairData::Npy(path), &selection("2,1")).expect("valid");
    assert_eq!(pairs.unknowns.as_slice(), [3.0, 6.0]);
    assert_eq!(pairs.observations.as_slice(), [2.0, 5.0, 1.0, 4.0]);
    assert_eq!(labels(&pairs), ["2", "1"]);
}

#[test]
fn a_count_takes_the_first_rows() {
    let (_folder, data) = csv("x,y\n1,10\n2,20\n3,30\n");
    let first = |count| Selection {
        count: Some(count),
        ..selection("y")
    };
    let pairs = load(&data, &first(2)).expect("valid");
    assert_eq!(pairs.unknowns.as_slice(), [1.0, 2.0]);
    assert_eq!(pairs.observations.as_slice(), [10.0, 20.0]);
    for count in [0, 4] {
        let message = load(&data, &first(count)).expect_err("refused");
        assert!(
            message.contains("--count must be between 1 and 3"),
            "{message}"
        );
    }
    let (_folder, data) = csv("x,y,weight\n1,10,1\n2,20,3\n");
    let message = load(&data, &selection("y")).expect_err("refused");
    assert!(
        message.contains("--data must be pairs of equal weight"),
        "{message}"
    );
}

#[test]
fn problems_are_drawn_by_seed() {
    let data: PairData = "linear-gaussian".parse().expect("data");
    let pairs = load(&data, &selection("")).expect("valid");
    assert_eq!(pairs.unknowns.shape(), (11_000, 1));
    assert_eq!(load(&data, &selection("")), Ok(pairs.clone()));
    let other = Selection {
        seed: 4,
        ..selection("")
    };
    assert_ne!(load(&data, &other).expect("valid").unknowns, pairs.unknowns);
    let many = Selection {
        count: Some(20_000),
        ..selection("")
    };
    let pairs = load(&data, &many).expect("valid");
    let noise = pairs.observations - &pairs.unknowns;
    // ½ε: standard deviation of the measured variance 0.0025.
    let variance = noise.norm_squared() / 20_000.0;
    assert!((variance - 0.25).abs() < 0.013, "{variance}");
    let data: PairData = "linear-mixture:5".parse().expect("data");
    let pairs = load(&data, &selection("")).expect("valid");
    assert_eq!(pairs.unknowns.shape(), (11_000, 2));
    assert_eq!(pairs.observations.shape(), (11_000, 1));
}

#[test]
fn what_cannot_be_observed_is_refused() {
    let (_folder, data) = csv("a,b\n1,2\n5,6\n");
    for (observed, expected) in [
        (
            "",
            "--observed must be NAME,… out of the columns a, b, not left out",
        ),
        (
            "c",
            "--observed must be NAME,… out of the columns a, b, not c",
        ),
        ("1", "out of the columns a, b, not 1"),
        (
            "a,b",
            "--observed must be some of the columns a, b, not all of them, not a,b",
        ),
    ] {
        let message = load(&data, &selection(observed)).expect_err("refused");
        assert!(
            message.contains(expected),
            "{message}\nshould say: {expected}"
        );
    }
    let (_folder, data) = csv("1.5,2\n5,6\n");
    let message = load(&data, &selection("3")).expect_err("refused");
    assert!(
        message.contains("numbers K,… out of the columns 1, 2, not 3"),
        "{message}"
    );
    let (_folder, data) = csv("a,b\n1,NaN\n");
    let message = load(&data, &selection("a")).expect_err("refused");
    assert!(
        message.contains("line 2, column 'b': expected a finite number"),
        "{message}"
    );
    let data: PairData = "linear-gaussian".parse().expect("data");
    let message = load(&data, &selection("y0")).expect_err("refused");
    assert!(
        message.contains("--observed must be left out with linear-gaussian"),
        "{message}"
    );
    let message = load(&PairData::Csv("no/such.csv".into()), &selection("a")).expect_err("none");
    assert!(message.contains("cannot read no/such.csv"), "{message}");
}

#[test]
fn data_are_read_as_they_are_written() {
    for text in ["csv:a.csv", "npy:-", "linear-gaussian", "linear-mixture:7"] {
        let data: PairData = text.parse().expect("data");
        assert_eq!(data.to_string(), text);
    }
    for (text, expected) in [
        (
            "linear-mixture:0",
            "a whole number K between 1 and 100, not 'linear-mixture:0'",
        ),
        ("linear-mixture", "; did you mean 'linear-mixture:K'?"),
        ("linear-gaussian:2", "; did you mean 'linear-gaussian'?"),
        (
            "smiley",
            "expected csv:PATH, npy:PATH, linear-gaussian, linear-mixture:K, not 'smiley'",
        ),
        ("csv:", "expected csv:PATH with the path of a file"),
    ] {
        let message = text.parse::<PairData>().expect_err("refused");
        assert!(
            message.contains(expected),
            "{message}\nshould say: {expected}"
        );
    }
}
