//! Tests of conditions: numbers and files, their order, and what is refused.

use super::*;

fn names(names: &[&str]) -> Vec<Label> {
    let label = |(index, name): (usize, &&str)| Label {
        name: Some((*name).to_owned()),
        number: index + 1,
    };
    names.iter().enumerate().map(label).collect()
}

fn load(text: &str, observed: &[Label]) -> Result<DMatrix<f64>, String> {
    let conditions: Conditions = text.parse()?;
    conditions
        .load(observed)
        .map_err(|error| format!("{error:#}"))
}

/// The conditions in a CSV file of the given content.
fn from_csv(content: &str, observed: &[Label]) -> Result<DMatrix<f64>, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("y.csv");
    std::fs::write(&path, content).expect("a file");
    load(&format!("csv:{}", path.display()), observed)
}

#[test]
fn a_single_condition_is_a_row() {
    let expected = DMatrix::from_row_slice(1, 2, &[0.5, -1e-3]);
    assert_eq!(load("0.5, -1e-3", &Label::numbers(2)), Ok(expected));
}

#[test]
fn columns_with_names_are_put_in_order() {
    let expected = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 3.0, 4.0]);
    let observed = names(&["p", "q"]);
    for content in ["p,q\n1,2\n3,4\n", "q,p\n2,1\n4,3\n", "1.0,2.0\n3,4\n"] {
        assert_eq!(from_csv(content, &observed), Ok(expected.clone()));
    }
    // Data without names take the columns as they stand.
    let numbers = Label::numbers(2);
    assert_eq!(from_csv("q,p\n1,2\n3,4\n", &numbers), Ok(expected));
}

#[test]
fn wrong_conditions_are_refused() {
    let observed = names(&["p", "q"]);
    let number = "--condition must be 2 finite numbers (p,q), not 1";
    for (text, expected) in [
        ("1", number),
        ("1,2,3", "not 1,2,3"),
        ("1,NaN", "expected finite numbers x1,x2,…, not 'NaN'"),
        ("", "expected finite numbers"),
        ("1,x", "not 'x'"),
        ("idx:a", "csv:PATH or npy:PATH, not 'idx:a'"),
        ("csv:no/such.csv", "cannot read no/such.csv"),
    ] {
        let message = load(text, &observed).expect_err("refused");
        assert!(
            message.contains(expected),
            "{message}\nshould say: {expected}"
        );
    }
    for (content, expected) in [
        ("p,r\n1,2\n", "line 1: expected the columns p,q, not p,r"),
        (
            "p,q,s\n1,2,3\n",
            "line 1: expected the columns p,q, not p,q,s",
        ),
        ("p\n1\n", "line 1: expected the columns p,q, not p"),
        ("p,q,weight\n1,2,3\n", "expected no weights"),
        ("1.5\n2\n", "with 1 column"),
        ("p,q\n1,inf\n", "line 2, column 'q'"),
    ] {
        let message = from_csv(content, &observed).expect_err("refused");
        assert!(
            message.contains(expected),
            "{message}\nshould say: {expected}"
        );
    }
    assert!(
        load("1,2", &Label::numbers(1))
            .expect_err("refused")
            .contains("1 finite number, not 1,2")
    );
}
