//! Tests of tables as programs write them: right, or refused with line, field and remedy.

use super::*;

fn read_with(bytes: impl AsRef<[u8]>, columns: &str) -> Result<Table, String> {
    let columns = columns.parse()?;
    let table = parse_particles(bytes.as_ref(), Path::new("t.csv"), &columns);
    table.map_err(|error| format!("{error:#}"))
}

fn read(bytes: impl AsRef<[u8]>) -> Result<Particles, String> {
    read_with(bytes, "").map(|table| table.particles)
}

/// Demands the same two points and no weights.
#[track_caller]
fn same_points(bytes: impl AsRef<[u8]>, columns: &str) {
    let table = read_with(bytes, columns).expect("valid");
    let expected = DMatrix::from_row_slice(2, 2, &[0.5, -0.25, 1e-3, 40.0]);
    assert_eq!(table.particles.points, expected, "{}", table.description);
    assert_eq!(table.particles.weights, None);
}

/// Demands a refusal that says all of these words.
#[track_caller]
fn refused_with(bytes: impl AsRef<[u8]>, columns: &str, words: &[&str]) {
    let message = read_with(bytes, columns).expect_err("refused");
    for word in words {
        assert!(message.contains(word), "no {word:?} in: {message}");
    }
    assert!(message.starts_with("t.csv, "), "{message}");
    assert!(message.len() < 500 && !message.contains('\n'), "{message}");
}

#[track_caller]
fn refused(bytes: impl AsRef<[u8]>, words: &[&str]) {
    refused_with(bytes, "", words);
}

#[test]
fn reads_coordinates_and_weights_in_any_order() {
    let particles = read("weight,x0,x1\n1,2,3\n4, 5 ,6\n").expect("valid");
    let expected = DMatrix::from_row_slice(2, 2, &[2.0, 3.0, 5.0, 6.0]);
    assert_eq!(particles.points, expected);
    assert_eq!(particles.weights, Some(vec![1.0, 4.0]));
    let bare = read("0.5\n-1e-3\n").expect("valid");
    assert_eq!(bare.points, DMatrix::from_row_slice(2, 1, &[0.5, -1e-3]));
    assert_eq!(bare.weights, None);
}

/// The same table as text of many kinds.
#[test]
fn forms_of_one_table() {
    for text in [
        "x,y\n0.5,-0.25\n0.001,40\n",
        "x,y\n0.5,-0.25\n0.001,40",
        "x,y\r\n0.5,-0.25\r\n1e-3,4e1\r\n",
        "x,y\r0.5,-0.25\r1E-3,40\r",
        "\u{feff}x,y\n.5,-.25\n+0.001,40.\n",
        "\u{feff}0.5,-0.25\n0.001,40\n",
        "0.5,-0.25\n0.001,40\n",
        "\n\nx,y\n\n0.5,-0.25\n   \n0.001,40\n\n\n",
        "\"x\",\"y\"\n\"0.5\",\"-0.25\"\n\"0.001\",\"40\"\n",
        " x , y \n 0.5\t,  -0.25\u{a0}\n0.001 , 40 \n",
        "x;y\n0.5;-0.25\n0.001;40\n",
        "x\ty\n0.5\t-0.25\n0.001\t40\n",
        "# x,y\n0.5,-0.25\n0.001,40\n",
        "#x,y\n0.5,-0.25\n0.001,40\n",
        "\"x, in km\",y\n0.5,-0.25\n0.001,40\n",
        "größe,目标\n0.5,-0.25\n0.001,40\n",
        "height,width\n0.5,-0.25\n0.001,40\n",
    ] {
        same_points(text, "");
    }
    // Names in Latin-1 do not matter to numbers.
    same_points(b"gr\xf6\xdfe,y\n0.5,-0.25\n0.001,40\n", "");
}

#[test]
fn columns_are_chosen_by_name_or_number() {
    same_points(",x,y\n0,0.5,-0.25\n1,0.001,40\n", "x,y");
    same_points("Unnamed: 0,x,y\n0,0.5,-0.25\n1,0.001,40\n", "x,y");
    same_points("name,y,x\nAnna,-0.25,0.5\n\"B, C\",40,0.001\n", "x,y");
    same_points("name,x,y\nA,0.5,-0.25\nB,0.001,40\n", "2,3");
    same_points("A,0.5,-0.25\nB,0.001,40\n", "2,3");
    same_points("-0.25,0.5\n40,0.001\n", "2,1");
    // Numbers that are no numbers of columns can only be names.
    same_points("0,1\n0.5,-0.25\n0.001,40\n", "0,1");
    same_points(",0,1\n0,0.5,-0.25\n1,0.001,40\n", "0,1");
    same_points("2theta,4\n0.5,-0.25\n0.001,40\n", "2theta,4");
    same_points("x,x\n0.5,-0.25\n0.001,40\n", "1,2");
    same_points("step,time,x0,x1\n0,0,0.5,-0.25\n1,0,0.001,40\n", "x0,x1");
    same_points("x,y,Weight\n0.5,-0.25,7\n0.001,40,8\n", "x,y");
    same_points("height,weight\n0.5,-0.25\n0.001,40\n", "height,weight");
    same_points("id,x,y\n1,0.5,-0.25\n2,0.001,40\n", "x,y");
    let weighted = read_with("weight,id,x\n1,7,2\n3,8,4\n", "x").expect("valid");
    assert_eq!(weighted.particles.points.as_slice(), [2.0, 4.0]);
    assert_eq!(weighted.particles.weights, Some(vec![1.0, 3.0]));
}

#[test]
fn says_what_was_read() {
    for (text, columns, expected) in [
        ("x\n1\n", "", "1 particle in dimension 1, column 'x'"),
        (
            "x,weight,y\n1,2,3\n4,5,6\n",
            "",
            "2 particles in dimension 2, columns 'x', 'y', weights from 'weight'",
        ),
        (
            "0.5,2\n4,5\n",
            "",
            "2 particles in dimension 2, columns 1, 2 without header",
        ),
        (
            "x;id;y\n1;2;3\n",
            "y,x",
            "1 particle in dimension 2, columns 'y', 'x', left out 'id', separated by semicolons",
        ),
        (
            ",x,y,notes\n0,1,2,a\n",
            "x,y",
            "1 particle in dimension 2, columns 'x', 'y', left out field 1, 'notes'",
        ),
        (
            "a,b,c,d,e,f,g\n1,2,3,4,5,6,7\n",
            "",
            "1 particle in dimension 7, columns 'a', 'b', 'c', …, 'g'",
        ),
    ] {
        let description = read_with(text, columns).expect("valid").description;
        assert_eq!(description, format!("t.csv: {expected}"));
    }
}

/// As pandas, R, readr and spreadsheets write them.
#[test]
fn row_numbers_are_no_coordinates() {
    let choose = "choose the coordinates with --columns";
    for (text, words) in [
        (",x,y\n0,0.5,0.25\n1,0.3,0.7\n", ["line 1, field 1", "x,y"]),
        (",x,y\n5,0.5,0.25\n2,0.3,0.7\n", ["line 1, field 1", "x,y"]),
        (
            "\"\",\"V1\",\"V2\"\n\"1\",0.5,0.25\n\"2\",0.3,0.7\n",
            ["line 1, field 1", "V1,V2"],
        ),
        (
            "Unnamed: 0,x,y\n0,0.5,0.25\n1,0.3,0.7\n",
            ["not 'Unnamed: 0'", "x,y"],
        ),
        ("index,x\n0,0.5\n1,0.3\n", ["column 'index'", "x"]),
        ("rownames,x\n1,0.5\n2,0.3\n", ["column 'rownames'", "x"]),
        ("x,ID\n0.5,12\n0.3,17\n", ["column 'ID'", "x"]),
        ("X,V1\n1,0.5\n2,0.3\n3,0.1\n", ["column 'X'", "V1"]),
        ("t,a\n0,0.5\n1,0.3\n2,0.1\n", ["column 't'", "t,a"]),
        ("1,0.5\n2,0.3\n3,0.1\n", ["field 1", "2,3,…"]),
        ("...1,x\n1,0.5\n2,0.3\n", ["line 1, field 1", "NAME,…"]),
        ("x,y,\n1,2,\n3,4,\n", ["line 1, field 3", "x,y"]),
    ] {
        refused(text, &[words[0], words[1], "--columns"]);
    }
    refused(",x,y\n0,0.5,0.25\n", &["numbers the row", choose, " x,y"]);
    refused(",0,1\n0,0.5,0.25\n", &["line 1, field 1", "an empty field"]);
    // R's write.table leaves out the name of the row names.
    let r = "\"x\",\"y\"\n\"1\",0.5,0.25\n\"2\",0.3,0.7\n";
    refused(r, &["line 2: expected 2 fields", "row.names = FALSE"]);
    // Lattices and times that are meant.
    for text in [
        "x,y\n0,0.5\n1,0.2\n2,0.3\n",
        "x0,x1\n0,5.5\n1,6\n2,7\n",
        "0,0\n1,0\n2,1\n",
    ] {
        assert_eq!(read(text).expect("coordinates").points.ncols(), 2);
    }
    assert_eq!(read("t\n0\n1\n2\n").expect("a column").points.ncols(), 1);
    assert!(read_with("t,a\n0,0.5\n1,0.3\n2,0.1\n", "t,a").is_ok());
}

#[test]
fn headers_of_numbers_are_not_particles() {
    for text in [
        "0,1\n0.5,0.25\n0.3,0.7\n",
        "0,1,2\n1,0,0\n",
        "0\n0.5\n0.25\n",
        "1,2\n0.5,0.25\n-1e-3,7.0\n",
        "2019,2020\n0.5,0.25\n",
    ] {
        refused(
            text,
            &[
                "line 1: expected names or coordinates",
                "which may be either",
                "x0,x1",
            ],
        );
    }
    refused_with(
        "0,1,2\n0.5,1.5,2.5\n",
        "1,2",
        &["line 1", "which may be either"],
    );
    for text in [
        "1,2\n3,4\n",
        "0\n1\n2\n",
        "0.0,1.0\n0.5,0.5\n",
        "0,0\n0.5,0.5\n",
        "3,1\n0.5,0.5\n",
    ] {
        let rows = text.lines().count();
        assert_eq!(
            read(text).expect("particles").points.nrows(),
            rows,
            "{text}"
        );
    }
}

#[test]
fn first_lines_that_mix_are_refused() {
    for (text, field, found) in [
        ("NA,2\n3,4\n", 1, "'NA'"),
        ("2,NA\n3,4\n", 2, "'NA'"),
        ("nan,2\n3,4\n", 1, "'nan'"),
        ("1,-inf\n3,4\n", 2, "'-inf'"),
        ("1_000,2\n3,4\n", 1, "'1_000'"),
        ("1_000\n3\n", 1, "'1_000'"),
        ("0x1f,0x20\n3,4\n", 1, "'0x1f'"),
        ("\"1,000\",2\n3,4\n", 1, "'1,000'"),
        ("1.5 2.5\n3 4\n", 1, "'1.5 2.5'"),
        ("1;5;2\n", 0, ""),
        ("# 1,2\n3,4\n", 1, "'# 1'"),
        ("$5,x\n1,2\n", 1, "'$5'"),
        ("2024-01-01,2\n2024-01-02,3\n", 1, "'2024-01-01'"),
        ("id,2\n3,4\n", 1, "'id'"),
        ("1,\n3,4\n", 2, "an empty field"),
        ("null\n3\n", 1, "'null'"),
        ("'1','2'\n", 1, "''1''"),
        ("1.0D+00,2\n", 1, "'1.0D+00'"),
    ] {
        if field > 0 {
            let place = format!("line 1, field {field}: expected");
            refused(text, &[&place, &format!("not {found}"), "--columns NAME"]);
        }
    }
    // A first line further down.
    refused("\n\nNA,2\n3,4\n", &["line 3, field 1"]);
}

#[test]
fn names_like_weight_are_questioned() {
    for name in [
        "weigth",
        "weights",
        "Weight",
        "WEIGHT",
        "wieght",
        "w",
        "W",
        "wt",
        "weight_kg",
        "sample weight",
        "wgt",
        "mass",
        "wheight",
    ] {
        let text = format!("x,{name}\n0.5,1\n0.25,1\n");
        refused(
            &text,
            &[
                "line 1",
                &format!("'{name}'"),
                "did you mean 'weight'",
                "--columns x",
            ],
        );
        let table = read_with(&text, &format!("x,{name}")).expect("chosen");
        assert_eq!(table.particles.points.ncols(), 2);
    }
    for name in ["height", "width", "eight", "right", "wave", "west", "light"] {
        assert!(read(format!("x,{name}\n0.5,1\n0.25,1\n")).is_ok(), "{name}");
    }
}

#[test]
fn names_line_and_column_of_what_is_wrong() {
    let cases: [(&[u8], &[&str]); 31] = [
        (
            b"x0,x1\n1,2\n3,nan\n",
            &["line 3, column 'x1': expected a finite number, not 'nan'"],
        ),
        (b"x0,x1\r\n1,2\r\n3,nan\r\n", &["line 3, column 'x1'"]),
        (b"x0,x1\r1,2\r3,nan\r", &["line 3, column 'x1'"]),
        (b"x0,x1\n\n1,2\n\n3,nan\n", &["line 5, column 'x1'"]),
        (b"\xef\xbb\xbfx0,x1\n1,2\n3,inf\n", &["line 3, column 'x1'"]),
        (b"\"a\nb\",x1\n1,2\n3,inf\n", &["line 4, column 'x1'"]),
        (
            b"1.5,2\n3,x\n",
            &["line 2, field 2: expected a finite number, not 'x'"],
        ),
        (
            b"x0\n1\n\"\"\n",
            &["line 3, column 'x0'", "not an empty field", "missing"],
        ),
        (
            b"x0\n1\n\n2\n",
            &["line 3: expected a number, not an empty line"],
        ),
        (
            b"x0,x1\n1,\n",
            &["line 2, column 'x1'", "not an empty field"],
        ),
        (
            b"x0,x1\n1,2\n3\n",
            &["line 3: expected 2 fields as in the first line, not 1"],
        ),
        (
            b"x0,x1\n1,2\n3,4,5,6\n",
            &["line 3: expected 2 fields", "not 4"],
        ),
        (
            b"x0,x1\n1,2,\n3,4,\n",
            &["line 2: expected 2 fields", "not 3"],
        ),
        (b"", &["not an empty file"]),
        (b"\n\n", &["not an empty file"]),
        (b"\xef\xbb\xbf", &["not an empty file"]),
        (b"x0\n", &["at least one row"]),
        (b"weight\n1\n", &["at least one column"]),
        (
            b"x0,weight\n1,2\n3,-0.5\n",
            &["line 3, column 'weight'", "at least 0, not '-0.5'"],
        ),
        (b"x0,weight\n1,0\n3,0\n", &["a weight above zero"]),
        (
            b"weight,x0,weight\n1,0,1\n",
            &["one column 'weight'", "fields 1 and 3"],
        ),
        (
            b"x,x\n1,0\n",
            &["one column 'x'", "fields 1 and 2", "--columns 1,2"],
        ),
        (b"step,x0\n0,1\n", &["not 'step'", "--columns x0"]),
        (b"x,y\n1,5;2,5\n", &["line 2"]),
        (
            b"x;y\n1,5;2,5\n",
            &["line 2, column 'x'", "'1,5'", "decimal point"],
        ),
        (
            b"1,5;2,5\n3,5;4,5\n",
            &["first line", "commas and semicolons", "decimal point"],
        ),
        (
            b"x y\n1 2\n",
            &[
                "line 2, column 'x y'",
                "'1 2'",
                "commas, semicolons or tabs",
            ],
        ),
        (
            b"x,y\n# a comment,\n1,2\n",
            &["line 2, column 'x'", "comments"],
        ),
        (
            b"x,y\n1_000,2\n",
            &["line 2, column 'x'", "'1_000'", "grouping"],
        ),
        (b"x,y\n1,2\nx,y\n3,4\n", &["line 3, column 'x'", "not 'x'"]),
        (b"x,y\n1,\xff\n", &["line 2, column 'y'"]),
    ];
    for (text, words) in cases {
        refused(text, words);
    }
    let unclosed = format!("x,y\n1,\"2\n{}", "3,4\n".repeat(1000));
    refused(unclosed, &["line 2, column 'y'"]);
}

#[test]
fn other_files_are_named() {
    let utf16: Vec<u8> = "\u{feff}x,y\n1,2\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let cases: [(&[u8], &[&str]); 6] = [
        (&utf16, &["UTF-16", "save it as UTF-8"]),
        (&utf16[2..], &["byte 1", "zero byte", "UTF-16"]),
        (b"\x1f\x8b\x08\x00", &["gzip", "unpack"]),
        (b"PK\x03\x04..", &["spreadsheet", "export"]),
        (b"\x93NUMPY\x01\x00", &["numpy", "npy:PATH"]),
        (b"1,2\n3,\0\n", &["byte 6", "zero byte"]),
    ];
    for (bytes, words) in cases {
        refused(bytes, words);
    }
}

#[test]
fn columns_that_are_not_there() {
    let cases: [(&str, &str, &[&str]); 8] = [
        (
            "x,y\n1,2\n",
            "x,z",
            &["line 1: expected a column 'z', not 'x', 'y'"],
        ),
        ("x,y\n1,2\n", "3", &["a column '3'"]),
        ("x,y\n1,2\n", "0", &["a column '0'"]),
        ("0.5,2\n", "x", &["a column 'x'", "2 columns without names"]),
        ("x,x\n1,2\n", "x", &["one column 'x'", "fields 1 and 2"]),
        (
            "x,weight,weight\n1,2,3\n",
            "x",
            &["one column 'weight'", "fields 2 and 3"],
        ),
        ("NA,2\n3,4\n", "1", &["line 1, field 1", "'NA'"]),
        ("NA,2\n3,4\n", "1,2", &["line 1, field 1", "'NA'"]),
    ];
    for (text, columns, words) in cases {
        refused_with(text, columns, words);
    }
    // The second column alone has numbers in every row.
    let second = read_with("NA,0.5\n3,4\n", "2").expect("valid");
    assert_eq!(second.particles.points.as_slice(), [0.5, 4.0]);
    for columns in ["x,,y", ",", "x,x"] {
        assert!(columns.parse::<Columns>().is_err(), "{columns}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_give_particles_or_an_error(
        bytes: Vec<u8>,
        text in "[-0-9.,;\t weight#\"\r\n]{0,60}",
        columns in "([xw1-3],?){0,2}",
    ) {
        for bytes in [&bytes, text.as_bytes()] {
            if let Ok(table) = read_with(bytes, &columns) {
                assert!(table.particles.points.iter().all(|x| x.is_finite()));
                let weights = table.particles.weights.unwrap_or(vec![1.0]);
                assert!(weights.iter().sum::<f64>() > 0.0);
            }
        }
    }

    /// No finite number is changed, and no row or column lost or moved.
    #[test]
    fn numbers_survive(
        rows in proptest::collection::vec([-1e300..1e300_f64, -1.0..1.0, -1e-300..1e-300], 1..9),
        end in proptest::sample::select(vec!["\n", "\r\n", "\r"]),
        separator in proptest::sample::select(vec![",", ";", "\t"]),
    ) {
        let line = |row: &[f64; 3]| row.map(|x| x.to_string()).join(separator);
        let lines: Vec<String> = rows.iter().map(line).collect();
        let points = DMatrix::from_fn(rows.len(), 3, |i, k| rows[i][k]);
        let header = ["a", "b", "c"].join(separator);
        for text in [lines.join(end), format!("{header}{end}{}", lines.join(end))] {
            proptest::prop_assert_eq!(read(text).map(|particles| particles.points), Ok(points.clone()));
        }
    }
}
