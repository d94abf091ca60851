//! Flows towards targets from the command line: every target and start, samples, figures, refusals.

use std::fs;

use crate::sandbox::{Csv, Sandbox, names, read, summary};

const SMALL: &str = "--particles 30 --batch 10 --iterations 5 --width 8 --hidden-layers 1 \
                     --time 0.5 --tau 0.25 --target-particles 40";

/// A 4×4 IDX file of three images, all pixels of image i equal to 85 i.
fn idx() -> Vec<u8> {
    let head = [0x0803_u32, 3, 4, 4].map(u32::to_be_bytes).concat();
    let pixels = (0..3).flat_map(|i| [85 * i; 16]);
    head.into_iter().chain(pixels).collect()
}

/// A version 1.0 npy file of 2×2 numbers, or of another shape.
fn npy(shape: &str) -> Vec<u8> {
    let mut header =
        format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}").into_bytes();
    header.resize((10 + header.len() + 1).next_multiple_of(64) - 11, b' ');
    header.push(b'\n');
    let length = (header.len() as u16).to_le_bytes();
    let numbers = [0.0_f64, 1.0, -1.0, 0.5].map(f64::to_le_bytes).concat();
    [&b"\x93NUMPY\x01\x00"[..], &length, &header, &numbers].concat()
}

/// A picture with a dark square in its middle.
fn picture(path: &std::path::Path) {
    let mut pixmap = tiny_skia::Pixmap::new(20, 20).expect("a picture");
    pixmap.fill(tiny_skia::Color::WHITE);
    let square = tiny_skia::Rect::from_xywh(6.0, 6.0, 8.0, 8.0).expect("a square");
    let paint = tiny_skia::Paint::default();
    pixmap.fill_rect(square, &paint, tiny_skia::Transform::identity(), None);
    pixmap.save_png(path).expect("a file");
}

fn with_files() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("t.csv"), "x0,x1,weight\n0,1,1\n1,0,3\n").expect("a file");
    fs::write(sandbox.path("s.csv"), "x0,x1\n0,0\n0.5,0.5\n1,0.25\n").expect("a file");
    fs::write(sandbox.path("t.npy"), npy("(2, 2)")).expect("a file");
    fs::write(sandbox.path("digits"), idx()).expect("a file");
    picture(&sandbox.path("ink.png"));
    sandbox
}

#[test]
fn every_target_and_start_flows_and_comes_nearer() {
    let sandbox = with_files();
    let cases = [
        ("two-diracs", "", 2),
        ("smiley", "", 2),
        ("image:ink.png", "--sigma 1", 2),
        ("csv:t.csv", "--start dirac:2,2", 2),
        ("npy:t.npy", "--start gaussian", 2),
        ("circle", "--start uniform:-3,-2", 2),
        ("line", "--start diracs:-1,3;1,2", 2),
        ("gaussian-mixture:3", "--start dirac:0.5", 2),
        ("idx:digits", "--count 3", 16),
    ];
    for (index, (target, options, dim)) in cases.into_iter().enumerate() {
        let out = format!("run{index}");
        let arguments = format!(
            "mmd --scheme particle --target {target} {SMALL} {options} --no-plots --quiet --out {out}"
        );
        sandbox.run(&arguments).good();
        let discrepancies = Csv::read(&sandbox.path(&format!("{out}/metrics.csv")));
        let discrepancies = discrepancies.column("discrepancy");
        assert!(
            discrepancies[1] < discrepancies[0],
            "{target}: {discrepancies:?}"
        );
        let particles = Csv::read(&sandbox.path(&format!("{out}/final.csv")));
        assert_eq!((particles.rows.len(), particles.columns.len()), (30, dim));
        assert_eq!(summary(&sandbox.path(&out))["reference"], "target");
    }
}

/// D² to two weighted atoms by plain sums over the particles in `final.csv`.
#[test]
fn weights_of_the_target_count() {
    let sandbox = with_files();
    let options = "--start dirac:0.25 --no-plots --quiet --out run";
    let arguments = format!("mmd --scheme particle --target csv:t.csv {SMALL} {options}");
    sandbox.run(&arguments).good();
    let x = Csv::read(&sandbox.path("run/final.csv")).rows;
    let atoms = [([0.0, 1.0], 0.25), ([1.0, 0.0], 0.75)];
    let distance = |a: &[f64], b: &[f64]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let count = x.len() as f64;
    let inner: f64 = x
        .iter()
        .flat_map(|a| x.iter().map(|b| distance(a, b)))
        .sum();
    let cross: f64 = x
        .iter()
        .flat_map(|a| atoms.iter().map(|(y, w)| w * distance(a, y)))
        .sum();
    let own = 0.25 * 0.75 * f64::sqrt(2.0);
    let expected = cross / count - 0.5 * inner / (count * count) - own;
    let told = summary(&sandbox.path("run"))["discrepancy"]
        .as_f64()
        .expect("a number");
    assert!((told - expected).abs() < 1e-9, "{told} and {expected}");
}

#[test]
fn a_start_from_a_file_brings_its_own_number_of_particles() {
    let sandbox = with_files();
    let arguments =
        "mmd --target circle --start csv:s.csv --iterations 3 --time 0.2 --no-plots --out run";
    sandbox.run(arguments).good();
    assert_eq!(crate::sandbox::config(&sandbox.path("run")).particles, 3);
    let snapshots = Csv::read(&sandbox.path("run/snapshots.csv"));
    assert_eq!(snapshots.rows[1][3..], [0.5, 0.5]);
}

#[test]
fn a_neural_run_can_be_sampled_repeated_and_drawn_again() {
    let sandbox = with_files();
    sandbox
        .run(&format!("mmd --target smiley {SMALL} --out run"))
        .good();
    let figures = ["flow.gif", "metrics.png", "snapshots.png"];
    let drawn = figures.map(|file| fs::read(sandbox.path("run").join(file)).expect("a figure"));

    // The same particles again for the same seed, others for another.
    let first = sandbox.run("sample run --count 50 --seed 3").good().stdout;
    assert_eq!(first.lines().count(), 51);
    assert_eq!(
        first,
        sandbox.run("sample run --count 50 --seed 3").good().stdout
    );
    assert_ne!(
        first,
        sandbox.run("sample run --count 50 --seed 4").good().stdout
    );
    sandbox
        .run("sample run --count 50 --seed 3 --out s.csv")
        .good();
    assert_eq!(read(&sandbox.path("s.csv")), first);
    let start = sandbox.run("sample run --count 2 --time 0").good().stdout;
    assert_eq!(start, "x0,x1\n-1,0\n1,0\n");

    sandbox
        .run("run run/config.toml --out again --no-plots --quiet")
        .good();
    for file in [
        "final.csv",
        "kernels.safetensors",
        "config.toml",
        "snapshots.csv",
    ] {
        let bytes = |run: &str| fs::read(sandbox.path(run).join(file)).expect("a file");
        assert_eq!(bytes("run"), bytes("again"), "{file}");
    }

    for file in figures {
        fs::remove_file(sandbox.path("run").join(file)).expect("a figure");
    }
    sandbox.run("plot run").good();
    let again = figures.map(|file| fs::read(sandbox.path("run").join(file)).expect("a figure"));
    assert!(drawn == again);
    let said = sandbox.run("plot run again --out both.png").good();
    assert_eq!(said.stdout, "2 runs compared in both.png\n");
    assert!(names(&sandbox.path("")).contains(&"both.png".to_owned()));
    for out in ["both.svg", "both", "."] {
        let command = format!("plot run again --out {out}");
        sandbox.run(&command).refused(&["--out", "ends in .png"]);
    }
    sandbox
        .run("plot run --out one.png")
        .refused(&["--out", "several runs", "drawn in run"]);
    assert!(!names(&sandbox.path("")).contains(&"both.svg".to_owned()));
}

#[test]
fn kernels_are_kept_as_asked() {
    let sandbox = with_files();
    let arguments = |keep: &str| {
        format!("mmd --target smiley {SMALL} --no-plots --quiet --keep-kernels {keep} --out {keep}")
    };
    sandbox.run(&arguments("none")).good();
    assert!(!sandbox.path("none/kernels.safetensors").exists());
    sandbox
        .run("sample none --count 5")
        .refused(&["not kept", "--keep-kernels all"]);
    sandbox.run(&arguments("every:2")).good();
    sandbox
        .run("sample every:2 --count 5")
        .refused(&["time step 1 was not kept", "--keep-kernels all"]);
}

/// 300 networks of 265,216 weights in single precision.
#[test]
fn kernels_too_large_to_keep_unasked_are_told() {
    let sandbox = Sandbox::new();
    let flow = "interaction --particles 4 --batch 2 --iterations 1 --width 512 --tau 0.004 \
                --save-at every:300 --no-plots";
    let said = sandbox.run(&format!("{flow} --out run"));
    assert_eq!(said.status, Some(0));
    assert_eq!(
        said.stderr,
        "note: the learned kernels are not kept, since they would take 318 MB; --keep-kernels all \
         or every:K keeps them\n"
    );
    assert!(!sandbox.path("run/kernels.safetensors").exists());
    sandbox.run(&format!("{flow} --quiet --out quiet")).good();
    let chosen = format!("{flow} --keep-kernels none --out chosen");
    sandbox.run(&chosen).good();
    // What cannot start says only why.
    sandbox
        .run(&format!("{flow} --out run"))
        .refused(&["already holds a run"]);
}

#[test]
fn samples_are_refused_where_there_are_none() {
    let sandbox = with_files();
    sandbox
        .run("sample nowhere --count 5")
        .refused(&["nowhere/config.toml"]);
    let arguments =
        format!("mmd --scheme particle --target circle {SMALL} --quiet --no-plots --out p");
    sandbox.run(&arguments).good();
    sandbox
        .run("sample p --count 5")
        .refused(&["particle flow"]);
    sandbox
        .run(&format!(
            "mmd --target circle {SMALL} --quiet --no-plots --out n"
        ))
        .good();
    sandbox.run("sample n --count 0").refused(&["--count"]);
    sandbox
        .run("sample n --count 5 --time 9")
        .refused(&["--time", "between 0 and 0.5"]);
}

#[test]
fn unusable_files_are_named_with_place_and_expectation() {
    let sandbox = with_files();
    let write = |name: &str, bytes: &[u8]| fs::write(sandbox.path(name), bytes).expect("a file");
    write("text.png", b"this is no picture");
    write("magic", &[&[0, 0, 8, 1], &idx()[4..]].concat());
    write("short", &idx()[..40]);
    write("nan.csv", b"x0,x1\n1,2\n3,nan\n");
    write("gap.csv", b"x0,x1\n1,2\n3\n");
    write("rank.npy", &npy("(1, 2, 2)"));
    write("cut.npy", &npy("(2, 2)")[..140]);
    let cases: [(&str, &[&str]); 8] = [
        ("image:missing.png", &["missing.png"]),
        ("image:text.png", &["text.png", "PNG, JPEG or WebP"]),
        ("idx:magic", &["magic", "0x00000803", "byte 0"]),
        ("idx:short", &["short", "bytes"]),
        ("csv:nan.csv", &["nan.csv", "line 3", "'x1'", "finite"]),
        ("csv:gap.csv", &["gap.csv", "line"]),
        ("npy:rank.npy", &["rank.npy", "row"]),
        ("npy:cut.npy", &["cut.npy", "bytes"]),
    ];
    for (target, words) in cases {
        let options = "--quiet --out run --count 3";
        sandbox
            .run(&format!("mmd --target {target} {options}"))
            .refused(words);
        assert!(!sandbox.path("run").exists(), "{target}");
    }
    sandbox
        .run("mmd --target idx:digits --count 100 --out run")
        .refused(&["digits", "100", "not 3"]);
    write("huge.csv", b"x0,x1\n1e300,0\n");
    let fitting: [(&str, &[&str]); 6] = [
        ("circle --dim 3", &["--dim must be 2", "--target circle"]),
        (
            "gaussian-mixture:1000000000000",
            &["--target", "a whole number K between 1 and 50000000"],
        ),
        (
            "gaussian-mixture:3000 --target-particles 2000",
            &["--target must be gaussian-mixture:K with K at most --target-particles 2000"],
        ),
        ("circle --start dirac:1e300", &["--start", "f32"]),
        ("csv:huge.csv", &["--target", "f32"]),
        (
            "circle --start csv:s.csv --particles 9",
            &["--particles must be 3", "csv:s.csv"],
        ),
    ];
    for (target, words) in fitting {
        let arguments = format!("mmd --target {target} --quiet --out run");
        sandbox.run(&arguments).refused(words);
        assert!(!sandbox.path("run").exists(), "{target}");
    }
    sandbox
        .run("mmd --target circle --start dirac:1,2,3 --out run")
        .refused(&["dirac:1,2,3", "dimension 2"]);
}
