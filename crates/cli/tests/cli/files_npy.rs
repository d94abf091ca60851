//! Arrays as numpy writes them: every type and order flows as the same numbers do.

use std::fs;

use crate::sandbox::{Csv, Sandbox};

const FLOW: &str = "--start dirac:0.25,0.5 --particles 8 --scheme particle --precision f64 --tau 0.1 \
                    --time 0.3 --no-plots --quiet --force --out run";

/// A version 1.0 file.
fn npy(descr: &str, shape: &str, order: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}");
    let header = format!("{text:117}\n").into_bytes();
    let length = (header.len() as u16).to_le_bytes();
    [&b"\x93NUMPY\x01\x00"[..], &length, &header, data].concat()
}

/// The particles at the end of the flow to a target.
#[track_caller]
fn last(sandbox: &Sandbox, target: &str) -> Csv {
    sandbox.run(&format!("mmd --target {target} {FLOW}")).good();
    Csv::read(&sandbox.path("run/final.csv"))
}

#[test]
fn every_type_flows_like_the_same_numbers() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("t.csv"), "x,y\n1,0\n0,1\n1,1\n").expect("a file");
    let expected = last(&sandbox, "csv:t.csv");
    let bits = [1_u8, 0, 0, 1, 1, 1];
    let of = |entry: &dyn Fn(u8) -> Vec<u8>| -> Vec<u8> {
        bits.iter().flat_map(|&x| entry(x)).collect()
    };
    let half = |x: u8| u16::from(x) * 0x3c00;
    let cases = [
        ("'|b1'", "(3, 2)", bits.to_vec()),
        ("'|u1'", "(3L, 2L)", bits.to_vec()),
        ("'|i1'", "(3, 2)", bits.to_vec()),
        (
            "'<i2'",
            "(3, 2)",
            of(&|x| i16::from(x).to_le_bytes().to_vec()),
        ),
        (
            "'>i2'",
            "(3, 2)",
            of(&|x| i16::from(x).to_be_bytes().to_vec()),
        ),
        (
            "'<u2'",
            "(3, 2)",
            of(&|x| u16::from(x).to_le_bytes().to_vec()),
        ),
        (
            "'<u4'",
            "(3, 2)",
            of(&|x| u32::from(x).to_le_bytes().to_vec()),
        ),
        (
            "'>i4'",
            "(3, 2)",
            of(&|x| i32::from(x).to_be_bytes().to_vec()),
        ),
        (
            "'<u8'",
            "(3, 2)",
            of(&|x| u64::from(x).to_le_bytes().to_vec()),
        ),
        (
            "'>i8'",
            "(3, 2)",
            of(&|x| i64::from(x).to_be_bytes().to_vec()),
        ),
        ("'<f2'", "(3, 2)", of(&|x| half(x).to_le_bytes().to_vec())),
        ("'>f2'", "(3, 2)", of(&|x| half(x).to_be_bytes().to_vec())),
        (
            "'>f4'",
            "(3, 2)",
            of(&|x| f32::from(x).to_be_bytes().to_vec()),
        ),
        (
            "'>f8'",
            "(3, 2)",
            of(&|x| f64::from(x).to_be_bytes().to_vec()),
        ),
    ];
    for (descr, shape, data) in cases {
        fs::write(sandbox.path("t.npy"), npy(descr, shape, "False", &data)).expect("a file");
        assert_eq!(last(&sandbox, "npy:t.npy"), expected, "{descr}");
    }
    let columns = [1_u8, 0, 1, 0, 1, 1];
    fs::write(
        sandbox.path("t.npy"),
        npy("'|u1'", "(3, 2)", "True", &columns),
    )
    .expect("a file");
    assert_eq!(last(&sandbox, "npy:t.npy"), expected);
}

/// D² of ½δ₀ + ½δ₃ to a quarter each at 1, 2, 4 and 8 after a step of 0.1, by double loops in numpy.
#[test]
fn an_array_of_one_axis_is_a_column() {
    let sandbox = Sandbox::new();
    let data = [1_u8, 2, 4, 8];
    fs::write(sandbox.path("t.npy"), npy("'|u1'", "(4,)", "False", &data)).expect("a file");
    fs::write(sandbox.path("s.csv"), "x\n0\n3\n").expect("a file");
    let options =
        "--scheme particle --precision f64 --tau 0.1 --time 0.1 --no-plots --quiet --out run";
    let command = format!("mmd --target npy:t.npy --start csv:s.csv {options}");
    sandbox.run(&command).good();
    let metrics = Csv::read(&sandbox.path("run/metrics.csv")).column("discrepancy");
    let found = metrics.last().expect("a row");
    assert!((found - 0.7875).abs() < 1e-3, "{found}");
}

#[test]
fn what_is_no_matrix_of_numbers_is_refused_by_name() {
    let sandbox = Sandbox::new();
    let fields = "[('x', '<f8'), ('y', '<f8')]";
    for (descr, shape, words) in [
        (
            fields,
            "(1,)",
            ["named fields", "structured_to_unstructured"],
        ),
        ("'|O'", "(2, 1)", ["Python objects", "astype('f8')"]),
        ("'<c16'", "(1, 1)", ["complex numbers", "columns"]),
        ("'<U4'", "(1, 1)", ["text '<U4'", "astype('f8')"]),
        ("'<f16'", "(1, 1)", ["extended floats", "astype('f8')"]),
        ("'<M8[D]'", "(1, 2)", ["times", "astype('f8')"]),
        ("'<f8'", "()", ["a matrix (N, d)", "shape ()"]),
        ("'<f8'", "(1, 2, 1)", ["shape (1, 2, 1)", "reshape"]),
        ("'<f8'", "(0, 2)", ["shape (0, 2)", "1 to 100000000"]),
        ("'<f8'", "(1, 1)", ["expected 8 bytes", "not 16"]),
    ] {
        fs::write(sandbox.path("t.npy"), npy(descr, shape, "False", &[0; 16])).expect("a file");
        let said = sandbox.run(&format!("mmd --target npy:t.npy {FLOW}"));
        said.refused(&["t.npy", words[0], words[1]]);
        assert!(!sandbox.path("run").exists(), "{descr}");
    }
}
