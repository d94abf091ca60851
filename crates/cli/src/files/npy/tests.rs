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

/// The numbers 0, 1, 2, …, 5 or others as numpy writes them, and the same in Fortran's order.
#[test]
fn reads_every_type_and_order() {
    let expected = DMatrix::from_row_slice(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let rows = [1_u8, 2, 3, 4, 5, 6];
    let columns = [1_u8, 4, 2, 5, 3, 6];
    for (order, numbers) in [("False", rows), ("True", columns)] {
        let halves = [0_u16, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600];
        let encode = |entry: fn(u8) -> Vec<u8>| -> Vec<u8> {
            numbers.iter().flat_map(|&x| entry(x)).collect()
        };
        let half = numbers
            .iter()
            .flat_map(|&x| halves[usize::from(x)].to_be_bytes());
        let encoded = [
            ("f2", 2, half.collect()),
            ("f4", 4, encode(|x| f32::from(x).to_be_bytes().to_vec())),
            ("f8", 8, encode(|x| f64::from(x).to_be_bytes().to_vec())),
            ("i1", 1, encode(|x| vec![x])),
            ("i2", 2, encode(|x| i16::from(x).to_be_bytes().to_vec())),
            ("i4", 4, encode(|x| i32::from(x).to_be_bytes().to_vec())),
            ("i8", 8, encode(|x| i64::from(x).to_be_bytes().to_vec())),
            ("u1", 1, encode(|x| vec![x])),
            ("u2", 2, encode(|x| u16::from(x).to_be_bytes().to_vec())),
            ("u4", 4, encode(|x| u32::from(x).to_be_bytes().to_vec())),
            ("u8", 8, encode(|x| u64::from(x).to_be_bytes().to_vec())),
        ];
        for (kind, size, big) in encoded {
            let little: Vec<u8> = big
                .chunks(size)
                .flat_map(|entry| entry.iter().rev().copied())
                .collect();
            let native = if cfg!(target_endian = "big") {
                &big
            } else {
                &little
            };
            for (mark, data) in [
                ("<", &little),
                (">", &big),
                ("=", native),
                ("|", native),
                ("", native),
            ] {
                let descr = format!("{mark}{kind}");
                let bytes = file(&dictionary(&descr, order, "(2, 3)"), data);
                assert_eq!(parse(&bytes), Ok(expected.clone()), "{descr} {order}");
            }
        }
    }
}

/// Extremes as numpy 2.4 converts them with `astype("f8")`.
#[test]
fn signs_and_extremes_are_numpys() {
    let cases: [(&str, &[u8], &[f64]); 9] = [
        ("|i1", &[0x80, 0x7f, 0xff], &[-128.0, 127.0, -1.0]),
        (
            ">i2",
            &[0x80, 0, 0xff, 0xfe, 0x7f, 0xff],
            &[-32768.0, -2.0, 32767.0],
        ),
        ("<i4", &[0, 0, 0, 0x80], &[-2_147_483_648.0]),
        (
            "<i8",
            &[0, 0, 0, 0, 0, 0, 0, 0x80],
            &[-9_223_372_036_854_775_808.0],
        ),
        ("<u8", &[0xff; 8], &[18_446_744_073_709_551_615.0]),
        (">u4", &[0xff, 0xff, 0xff, 0xfe], &[4_294_967_294.0]),
        ("|b1", &[0, 1, 2], &[0.0, 1.0, 1.0]),
        // The largest, the smallest positive, and −0.1 rounded to half precision.
        (
            "<f2",
            &[0xff, 0x7b, 1, 0, 0x66, 0xae],
            &[65504.0, 5.960_464_477_539_063e-8, -0.099_975_585_937_5],
        ),
        (
            ">f4",
            &[0x3d, 0xcc, 0xcc, 0xcd],
            &[0.100_000_001_490_116_12],
        ),
    ];
    for (descr, data, expected) in cases {
        let shape = format!("({},)", expected.len());
        let numbers = parse(&file(&dictionary(descr, "False", &shape), data)).expect("valid");
        assert_eq!(numbers.as_slice(), expected, "{descr}");
        assert_eq!(numbers.ncols(), 1);
    }
}

/// Python 2 writes the axes as long integers, and Fortran's standard library a comma after the last.
#[test]
fn shapes_of_other_writers() {
    let data = [1.0_f64, 2.0, 3.0, 4.0].map(f64::to_le_bytes).concat();
    for (shape, columns) in [
        ("(4L, 1L)", 1),
        ("(2L, 2L)", 2),
        ("(2,2,)", 2),
        ("( 2 , 2 )", 2),
        ("(4L,)", 1),
        ("(4,)", 1),
        ("(1, 4)", 4),
    ] {
        let matrix = parse(&file(&dictionary("<f8", "False", shape), &data)).expect(shape);
        assert_eq!(matrix.ncols(), columns, "{shape}");
        assert_eq!(matrix[(0, 0)], 1.0);
        assert_eq!(matrix[(matrix.nrows() - 1, columns - 1)], 4.0);
    }
}

#[test]
fn other_types_are_refused_by_name() {
    let structured = "[('x', '<f8'), ('y', '<f8')]";
    for (descr, words) in [
        (
            structured,
            ["named fields [('x'", "structured_to_unstructured"],
        ),
        ("'|O'", ["Python objects '|O'", "astype('f8')"]),
        (
            "'<c16'",
            ["complex numbers '<c16'", "real and imaginary parts"],
        ),
        ("'<f16'", ["extended floats '<f16'", "astype('f8')"]),
        ("'<U5'", ["text '<U5'", "astype('f8')"]),
        ("'|S3'", ["text '|S3'", "astype('f8')"]),
        ("'<M8[ns]'", ["times '<M8[ns]'", "astype('f8')"]),
        ("'|V8'", ["raw bytes '|V8'", "astype('f8')"]),
        ("('<f8', (2,))", ["('<f8', (2,))", "astype('f8')"]),
        ("'<i3'", ["'<i3'", "f2, f4, f8"]),
        ("'é8'", ["'é8'", "f2, f4, f8"]),
        ("''", ["not ''", "f2, f4, f8"]),
    ] {
        let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (2,), }}\n");
        let message = parse(&file(&text, &[0; 16])).expect_err(descr);
        for word in words {
            assert!(message.contains(word), "{descr}: {message}");
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
            file(&dictionary("<f8", "False", "()"), &nan[..8]),
            "or (N,) for one column, not shape ()",
        ),
        (
            file(&dictionary("<f8", "False", "(2, 2, 1)"), &nan),
            "not shape (2, 2, 1); save array.reshape(len(array), -1)",
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
            file(&dictionary("<f8", "0", "(2, 2)"), &nan),
            "True or False as fortran_order, not 0",
        ),
        (
            file("{'descr': '<f8', 'shape': (2, 2)}", &nan),
            "an entry 'fortran_order'",
        ),
        (
            file(&dictionary("<f8", "False", "(2,)"), &nan),
            "expected 16 bytes of data for the shape (2, 1), not 32 until the end",
        ),
        (
            [
                file(&dictionary("<f4", "False", "(2,)"), &[0; 8]),
                file("", &[]),
            ]
            .concat(),
            "the file holds several arrays; save each in a file of its own",
        ),
        (
            file(&dictionary("<f8", "False", "(-1, 2)"), &nan),
            "not shape (-1, 2)",
        ),
        (
            b"PK\x03\x04particles.npy".to_vec(),
            "of an .npz archive, save the array with numpy.save",
        ),
        (
            b"\x1f\x8b\x08\x00\x00\x00\x00".to_vec(),
            "unpack the file, it is compressed by gzip",
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
