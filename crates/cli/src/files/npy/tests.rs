//! Tests of the reader against bytes that numpy wrote, and against forged ones.

use proptest::prelude::*;

use super::*;

/// A file of version 1.0 with this dictionary and data.
fn file(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let length = (dictionary.len() as u16).to_le_bytes();
    [
        &b"\x93NUMPY\x01\x00"[..],
        &length,
        dictionary.as_bytes(),
        data,
    ]
    .concat()
}

fn parse(bytes: &[u8]) -> Result<DMatrix<f64>, String> {
    parse_npy(bytes, Path::new("x.npy")).map_err(|error| error.to_string())
}

fn dictionary(descr: &str, fortran_order: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {fortran_order}, 'shape': {shape}, }}\n")
}

#[test]
fn headers_are_those_numpy_writes() {
    let cases = [(vec![], "()"), (vec![5], "(5,)"), (vec![2, 3], "(2, 3)")];
    for (shape, tuple) in cases {
        let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {tuple}, }}");
        let golden = format!("{text:117}\n").into_bytes();
        let golden = [&b"\x93NUMPY\x01\x00\x76\x00"[..], &golden].concat();
        assert_eq!(header(&shape), golden);
    }
}

#[test]
fn reads_every_type_and_order() {
    let expected = DMatrix::from_row_slice(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let rows = [1_u8, 2, 3, 4, 5, 6];
    let columns = [1_u8, 4, 2, 5, 3, 6];
    for (order, numbers) in [("False", rows), ("True", columns)] {
        let encoded: [(&str, Vec<u8>); 5] = [
            ("|u1", numbers.to_vec()),
            (
                "<i4",
                numbers
                    .iter()
                    .flat_map(|&x| i32::from(x).to_le_bytes())
                    .collect(),
            ),
            (
                "<i8",
                numbers
                    .iter()
                    .flat_map(|&x| i64::from(x).to_le_bytes())
                    .collect(),
            ),
            (
                "<f4",
                numbers
                    .iter()
                    .flat_map(|&x| f32::from(x).to_le_bytes())
                    .collect(),
            ),
            (
                "<f8",
                numbers
                    .iter()
                    .flat_map(|&x| f64::from(x).to_le_bytes())
                    .collect(),
            ),
        ];
        for (descr, data) in encoded {
            let bytes = file(&dictionary(descr, order, "(2, 3)"), &data);
            assert_eq!(parse(&bytes), Ok(expected.clone()), "{descr} {order}");
        }
    }
}

/// The bytes of `numpy.lib.format.write_array(file, numpy.array([[-1.5, 1e300]]), version=(2, 0))`
/// and the same with (3, 0).
#[test]
fn reads_longer_headers() {
    for version in [2, 3] {
        let text = format!("{:115}\n", dictionary("<f8", "False", "(1, 2)").trim_end());
        let length = (text.len() as u32).to_le_bytes();
        let data = [-1.5_f64, 1e300].map(f64::to_le_bytes).concat();
        let start = [&b"\x93NUMPY"[..], &[version, 0]].concat();
        let bytes = [&start, &length[..], text.as_bytes(), &data].concat();
        assert_eq!(
            parse(&bytes),
            Ok(DMatrix::from_row_slice(1, 2, &[-1.5, 1e300]))
        );
    }
}

#[test]
fn says_what_is_expected() {
    let nan = [1.0, 2.0, 3.0, f64::NAN].map(f64::to_le_bytes).concat();
    let infinite = [1.0, f32::INFINITY, 3.0, 4.0]
        .map(f32::to_le_bytes)
        .concat();
    let cases = [
        (
            file(&dictionary("<f8", "False", "(2, 2)"), &nan),
            "row 2, column 2: expected a finite number, not NaN",
        ),
        (
            file(&dictionary("<f4", "True", "(2, 2)"), &infinite),
            "row 2, column 1: expected a finite number, not inf",
        ),
        (
            file(&dictionary("<f8", "False", "(2,)"), &nan),
            "a matrix, a row per particle, not shape (2,)",
        ),
        (
            file(&dictionary("<f8", "False", "(2, 2, 1)"), &nan),
            "a matrix, a row per particle",
        ),
        (
            file(&dictionary("<f8", "False", "(0, 2)"), &nan),
            "not one of shape (0, 2)",
        ),
        (
            file(
                &dictionary("<f8", "False", "(4294967296, 4294967296)"),
                &nan,
            ),
            "of shape (4294967296",
        ),
        (
            file(&dictionary("<f8", "False", "(10000000, 10)"), &nan),
            "800000000 bytes of data for the shape (10000000, 10), not 32",
        ),
        (
            file(&dictionary(">f8", "False", "(2, 2)"), &nan),
            "of type '<f8', '<f4', '<i8', '<i4' or '|u1', not '>f8'",
        ),
        (
            file(&dictionary("<f8", "0", "(2, 2)"), &nan),
            "True or False as fortran_order, not 0",
        ),
        (
            file("{'descr': '<f8', 'shape': (2, 2)}", &nan),
            "an entry 'fortran_order'",
        ),
        (
            file(
                "{'descr': [('a', '<f8'), ('b', '<f8')], 'fortran_order': False, 'shape': (2, 2)}",
                &nan,
            ),
            "not [('a', '<f8'), ('b', '<f8')]",
        ),
        (
            b"x0,x1\n1,2\n".to_vec(),
            "x.npy, byte 0: expected a .npy file (\\x93NUMPY), not 'x0,x1\\n'",
        ),
        (
            b"\x93NUMPY\x04\x00".to_vec(),
            "byte 6: expected version 1.0, 2.0 or 3.0, not 4.0",
        ),
        (
            b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(),
            "at most 65535 bytes, not one of 4294967295",
        ),
        (
            b"\x93NUMPY\x01\x00\x70\x00{".to_vec(),
            "byte 10: expected 112 bytes of the header, not 1 until the end",
        ),
    ];
    for (bytes, expected) in cases {
        let message = parse(&bytes).expect_err(expected);
        assert!(
            message.contains(expected),
            "{message}\nshould say: {expected}"
        );
    }
}

#[test]
fn names_a_file_that_is_not_there() {
    let error = read_npy(Path::new("no/such.npy"))
        .expect_err("there is none")
        .to_string();
    assert!(error.starts_with("cannot read no/such.npy: "), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_give_finite_numbers_or_an_error(
        bytes: Vec<u8>,
        text in r"\{?('(descr|fortran_order|shape)': ?('<f[48]'|False|True|\([0-9]{0,3}, ?[0-9]*\)|.{0,3}),? ?){0,4}\}?",
    ) {
        let _ = parse(&bytes);
        if let Ok(matrix) = parse(&file(&text, &bytes)) {
            prop_assert!(matrix.iter().all(|number| number.is_finite()));
        }
    }

    #[test]
    fn any_dictionary_is_taken_apart(text in r"[{}()\[\]',:a-z ]{0,40}") {
        for (key, value) in entries(&text) {
            prop_assert!(text.contains(key) && text.contains(value));
        }
    }
}
