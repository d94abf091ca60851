//! Tables of a user's own: the right flow, or a refusal that names line, field and remedy.

use std::fs;

use crate::sandbox::{Csv, Sandbox};

/// One Euler step from (0, 0), (1, ½), (−½, ¼).
const FLOW: &str = "--start csv:start.csv --scheme particle --precision f64 --tau 0.1 --time 0.1 \
                    --no-plots --quiet --force --out run";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let start = "a;b\r\n0;0\r\n1;0.5\r\n-0.5;0.25\r\n";
    fs::write(sandbox.path("start.csv"), start).expect("a file");
    sandbox
}

/// The particles after the step, and D² before and after it, by double loops in numpy.
#[track_caller]
fn flows_right(sandbox: &Sandbox, target: &str, weighted: bool) {
    sandbox.run(&format!("mmd --target {target} {FLOW}")).good();
    let (last, distances) = if weighted {
        (
            [
                [0.048_763_67, -0.031_523_09],
                [0.991_655_93, 0.482_947_59],
                [-0.483_636_81, 0.244_873_07],
            ],
            0.232_118_126_829,
        )
    } else {
        (
            [
                [0.020_768_09, -0.005_173_8],
                [0.980_529_54, 0.488_074_81],
                [-0.476_854_43, 0.244_436_65],
            ],
            0.114_423_565_491,
        )
    };
    let rows = Csv::read(&sandbox.path("run/final.csv")).rows;
    for (row, expected) in rows.iter().zip(last) {
        for (x, expected) in row.iter().zip(expected) {
            assert!((x - expected).abs() < 1e-3, "{target}: {rows:?}");
        }
    }
    let found = Csv::read(&sandbox.path("run/metrics.csv")).column("discrepancy");
    let found = found.last().expect("a row");
    assert!((found / distances - 1.0).abs() < 2e-3, "{target}: {found}");
}

#[test]
fn tables_of_many_kinds_flow_right() {
    let sandbox = sandbox();
    for (index, text) in [
        "x,y\n0.5,0.25\n0.25,0.75\n-0.25,0.125\n0.375,-0.625\n",
        "\u{feff}\"x\";\"y\"\r\n\"0.5\";0.25\r\n.25;75e-2\r\n\r\n-0.25;0.125\r\n0.375;-0.625",
        "0.5\t0.25\n0.25\t0.75\n-0.25\t0.125\n0.375\t-0.625\n",
        "# x,y\n5e-1,2.5E-1\n0.25,0.75\n-0.25,0.125\n0.375,-0.625\n",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("t{index}.csv");
        fs::write(sandbox.path(&name), text).expect("a file");
        flows_right(&sandbox, &format!("csv:{name}"), false);
    }
    let text = "weight,größe,y\n1,0.5,0.25\n3,0.25,0.75\n0,-0.25,0.125\n4,0.375,-0.625\n";
    fs::write(sandbox.path("größe.csv"), text).expect("a file");
    flows_right(&sandbox, "csv:größe.csv", true);
}

#[test]
fn chosen_columns_flow_right() {
    let sandbox = sandbox();
    fs::write(
        sandbox.path("start.csv"),
        "x,y,0,1\n0,0,0,0\n1,0.5,1,0.5\n-0.5,0.25,-0.5,0.25\n",
    )
    .expect("a file");
    for (columns, text) in [
        (
            "x,y",
            ",x,y\n0,0.5,0.25\n1,0.25,0.75\n2,-0.25,0.125\n3,0.375,-0.625\n",
        ),
        (
            "x,y",
            "y,note,x\n0.25,NA,0.5\n0.75,,0.25\n0.125,b,-0.25\n-0.625,c,0.375\n",
        ),
        (
            "0,1",
            "0,1\n0.5,0.25\n0.25,0.75\n-0.25,0.125\n0.375,-0.625\n",
        ),
        (
            "0,1",
            ",0,1\n0,0.5,0.25\n1,0.25,0.75\n2,-0.25,0.125\n3,0.375,-0.625\n",
        ),
    ] {
        fs::write(sandbox.path("t.csv"), text).expect("a file");
        flows_right(&sandbox, &format!("csv:t.csv --columns {columns}"), false);
    }
}

#[test]
fn tables_that_may_be_misread_are_refused() {
    let sandbox = sandbox();
    let cases: [(&str, &[&str]); 15] = [
        (
            ",x,y\n0,0.5,0.25\n1,0.3,0.7\n",
            &["line 1, field 1", "columns x,y"],
        ),
        (
            "Unnamed: 0,x,y\n0,0.5,0.25\n",
            &["line 1, field 1", "columns x,y"],
        ),
        (
            "\"\",\"V1\",\"V2\"\n\"1\",0.5,0.25\n",
            &["line 1, field 1", "columns V1,V2"],
        ),
        (
            "id,x,y\n1,0.5,0.25\n2,0.3,0.7\n",
            &["column 'id'", "numbers of the rows", "columns x,y"],
        ),
        ("0,1\n0.5,0.25\n0.3,0.7\n", &["line 1", "'0', '1'", "x0,x1"]),
        ("NA,2\n3,4\n", &["line 1, field 1", "'NA'", "columns"]),
        ("1_000,2\n3,4\n", &["line 1, field 1", "'1_000'", "columns"]),
        (
            "x,y,weights\n1,2,3\n",
            &[
                "line 1",
                "'weights'",
                "did you mean 'weight'",
                "columns x,y",
            ],
        ),
        ("x,y\n1,2\n3,\n", &["line 3, column 'y'", "an empty field"]),
        (
            "x,y\r\n1,2\r\n3,4,5\r\n",
            &["line 3: expected 2 fields", "not 3"],
        ),
        (
            "x;y\n1,5;2\n",
            &["line 2, column 'x'", "'1,5'", "decimal point"],
        ),
        (
            "# made by a script\n# x,y\n1,2\n",
            &["line 2", "a comment", "delete the comments"],
        ),
        (
            "sep=;\nx;y\n1;2\n",
            &["byte 0", "a note for spreadsheets", "delete the first line"],
        ),
        (
            "A,B,C\n1,4,7,\n2,5,8,\n",
            &["line 2: expected 3 fields", "not 4"],
        ),
        (
            "x y\n1 2\n",
            &["line 2, column 'x y'", "commas, semicolons or tabs"],
        ),
    ];
    for (text, words) in cases {
        fs::write(sandbox.path("t.csv"), text).expect("a file");
        let said = sandbox.run(&format!("mmd --target csv:t.csv {FLOW}"));
        said.refused(&[&["t.csv"], words].concat());
        assert!(!sandbox.path("run").exists(), "{text}");
    }
    for (bytes, word) in [
        (&b"\xff\xfex\0\n\0"[..], "UTF-16"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"PK\x03\x04", "spreadsheet"),
    ] {
        fs::write(sandbox.path("t.csv"), bytes).expect("a file");
        let said = sandbox.run(&format!("mmd --target csv:t.csv {FLOW}"));
        said.refused(&["t.csv", "byte 0", word]);
    }
}
