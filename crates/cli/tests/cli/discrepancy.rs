//! `discrepancy`: against plain double sums and integrals by hand, and everything that is refused.

use std::fs;

use serde_json::{Map, Value};

use crate::sandbox::Sandbox;

/// Points without a pattern, and weights.
fn cloud(count: usize, dim: usize, phase: f64) -> (Vec<Vec<f64>>, Vec<f64>) {
    let point = |i: usize| {
        let coordinate =
            |k: usize| (1.3 * i as f64 + 2.1 * k as f64 + phase).sin() + 0.01 * i as f64;
        (0..dim).map(coordinate).collect()
    };
    let weights = (0..count).map(|i| (i % 4) as f64 + 0.25);
    ((0..count).map(point).collect(), weights.collect())
}

fn csv(points: &[Vec<f64>], weights: Option<&[f64]>) -> String {
    let names = (0..points[0].len()).map(|k| format!("x{k}"));
    let names = names.chain(weights.map(|_| "weight".to_owned()));
    let mut lines = vec![names.collect::<Vec<_>>().join(",")];
    for (i, point) in points.iter().enumerate() {
        let numbers = point.iter().chain(weights.map(|weights| &weights[i]));
        lines.push(numbers.map(f64::to_string).collect::<Vec<_>>().join(","));
    }
    lines.join("\n") + "\n"
}

/// Σ uᵢwⱼ|xᵢ−yⱼ|ʳ with weights divided by their sums.
fn mean(x: &[Vec<f64>], u: &[f64], y: &[Vec<f64>], w: &[f64], r: f64) -> f64 {
    let mass = u.iter().sum::<f64>() * w.iter().sum::<f64>();
    let mut sum = 0.0;
    for (x, u) in x.iter().zip(u) {
        for (y, w) in y.iter().zip(w) {
            let squared: f64 = x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum();
            sum += u * w * squared.powf(0.5 * r);
        }
    }
    sum / mass
}

/// 1 − Σwᵢ² of weights divided by their sum.
fn distinct(weights: &[f64]) -> f64 {
    let mass: f64 = weights.iter().sum();
    1.0 - weights.iter().map(|w| (w / mass).powi(2)).sum::<f64>()
}

fn json(sandbox: &Sandbox, arguments: &str) -> Map<String, Value> {
    let said = sandbox
        .run(&format!("discrepancy {arguments} --json"))
        .good();
    let object: Map<String, Value> = serde_json::from_str(&said.stdout).expect("a JSON object");
    let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    let expected = [
        "dim",
        "discrepancy",
        "discrepancy_u",
        "energy_distance",
        "m",
        "n",
        "seconds",
        "standard_error",
    ];
    assert_eq!(keys, expected);
    assert!(object["standard_error"].is_null() && object["seconds"].as_f64() > Some(0.0));
    object
}

fn number(object: &Map<String, Value>, key: &str) -> f64 {
    object[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{key} in {object:?}"))
}

#[track_caller]
fn assert_close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-12 * b.abs() + 1e-14, "{a} and {b}");
}

#[test]
fn two_files_agree_with_plain_double_sums() {
    let sandbox = Sandbox::new();
    for (dim, r) in [
        (1, 1.0),
        (2, 0.5),
        (3, 1.0),
        (3, 1.5),
        (10, 0.7),
        (784, 1.0),
    ] {
        let ((x, u), (y, w)) = (cloud(57, dim, 0.0), cloud(43, dim, 0.8));
        let equal = |points: &[Vec<f64>]| vec![1.0; points.len()];
        let sides = [(None, None), (Some(&u), None), (Some(&u), Some(&w))];
        for (of_x, of_y) in sides {
            fs::write(sandbox.path("x.csv"), csv(&x, of_x.map(Vec::as_slice))).expect("a file");
            fs::write(sandbox.path("y.csv"), csv(&y, of_y.map(Vec::as_slice))).expect("a file");
            let found = json(&sandbox, &format!("csv:x.csv csv:y.csv --exponent {r}"));
            let (u, w) = (equal(&x), equal(&y));
            let (u, w) = (of_x.unwrap_or(&u), of_y.unwrap_or(&w));
            let between = mean(&x, u, &y, w, r);
            let (one, other) = (mean(&x, u, &x, u, r), mean(&y, w, &y, w, r));
            let exact = between - 0.5 * (one + other);
            assert_close(number(&found, "discrepancy"), exact);
            let unbiased = between - 0.5 * (one / distinct(u) + other / distinct(w));
            assert_close(number(&found, "discrepancy_u"), unbiased);
            if r == 1.0 {
                assert_close(number(&found, "energy_distance"), (2.0 * exact).sqrt());
            } else {
                assert!(found["energy_distance"].is_null());
            }
            let sizes = ["n", "m", "dim"].map(|key| number(&found, key));
            assert_eq!(sizes, [57.0, 43.0, dim as f64]);
            let swapped = json(&sandbox, &format!("csv:y.csv csv:x.csv --exponent {r}"));
            assert_close(number(&swapped, "discrepancy"), exact);
        }
    }
}

/// A measure has no distance to itself, in any order of its points and far from 0.
#[test]
fn equal_measures_are_at_zero() {
    let sandbox = Sandbox::new();
    let (mut points, _) = cloud(300, 3, 0.0);
    for point in &mut points {
        for x in point {
            *x = (1024.0 * *x).round() / 1024.0 + 1e9;
        }
    }
    fs::write(sandbox.path("x.csv"), csv(&points, None)).expect("a file");
    points.reverse();
    fs::write(sandbox.path("y.csv"), csv(&points, None)).expect("a file");
    let found = number(&json(&sandbox, "csv:x.csv csv:y.csv"), "discrepancy");
    assert!(found.abs() < 1e-14, "{found}");
    // Moved by one, along the first axis: Σ over pairs of |x−y+e| − |x−y|.
    for point in &mut points {
        point[0] += 1.0;
    }
    fs::write(sandbox.path("y.csv"), csv(&points, None)).expect("a file");
    let moved = number(&json(&sandbox, "csv:x.csv csv:y.csv"), "discrepancy");
    let one = vec![1.0; 300];
    let near: Vec<Vec<f64>> = points
        .iter()
        .map(|p| p.iter().map(|x| x - 1e9).collect())
        .collect();
    let mut back = near.clone();
    for point in &mut back {
        point[0] -= 1.0;
    }
    let exact = mean(&near, &one, &back, &one, 1.0) - mean(&near, &one, &near, &one, 1.0);
    assert_close(moved, exact);
}

/// Potentials and energies by hand, r = 1.
#[test]
fn particles_against_laws() {
    let sandbox = Sandbox::new();
    let pi = std::f64::consts::PI;
    let erf_one = 0.842_700_792_949_714_9;
    // Law, dimension, particle, its mean distance, the mean distance of two draws.
    let cases = [
        // Uniform on [−2, 2]: (ρ² + 4)/4 inside; 4/3.
        ("ball:2", 1, 0.5, (0.25 + 4.0) / 4.0, 4.0 / 3.0),
        // η* is uniform on [−1, 1] for d = 1.
        ("equilibrium:2", 1, 3.0, 3.0, 4.0 / 3.0),
        ("sphere:3", 1, 5.0, 5.0, 3.0),
        // A(1 + ρ²/(3A²)) inside; 4A/3.
        ("sphere:2", 3, 1.0, 2.0 * (1.0 + 1.0 / 12.0), 8.0 / 3.0),
        // ρ erf(ρ/√2) + √(2/π) e^{−ρ²/2} at ρ = √2; 2/√π.
        (
            "gaussian:1",
            1,
            2.0_f64.sqrt(),
            2.0_f64.sqrt() * erf_one + (2.0 / pi).sqrt() * (-1.0_f64).exp(),
            2.0 / pi.sqrt(),
        ),
    ];
    for (law, dim, rho, distance, own) in cases {
        let point = [vec![rho], vec![0.0; dim - 1]].concat();
        fs::write(sandbox.path("x.csv"), csv(&[point], None)).expect("a file");
        let found = json(&sandbox, &format!("csv:x.csv {law}"));
        assert_close(number(&found, "discrepancy"), distance - 0.5 * own);
        // A single particle has no pairs.
        assert!(found["discrepancy_u"].is_null() && found["m"].is_null());
        assert_eq!(
            (number(&found, "n"), number(&found, "dim")),
            (1.0, dim as f64)
        );
        let swapped = json(&sandbox, &format!("{law} csv:x.csv"));
        assert_eq!(swapped["discrepancy"], found["discrepancy"]);
        assert!(swapped["n"].is_null() && swapped["m"] == 1);
    }
}

/// Draws of a mixture, and its law; weights count as often as rows are repeated.
#[test]
fn weighted_particles_against_a_mixture() {
    let sandbox = Sandbox::new();
    let rows = [vec![1.0, 0.1], vec![-0.4, 0.9], vec![-0.5, -0.7]];
    let weights = [1.0, 3.0, 2.0];
    fs::write(sandbox.path("w.csv"), csv(&rows, Some(&weights))).expect("a file");
    let repeated: Vec<Vec<f64>> = [0, 1, 1, 1, 2, 2].map(|i| rows[i].clone()).to_vec();
    fs::write(sandbox.path("x.csv"), csv(&repeated, None)).expect("a file");
    for r in [0.5, 1.0, 1.5] {
        let found = ["w.csv", "x.csv"].map(|file| {
            let arguments = format!("csv:{file} gaussian-mixture:3 --exponent {r}");
            number(&json(&sandbox, &arguments), "discrepancy")
        });
        assert_close(found[0], found[1]);
    }
    // Four midpoints on a line through each mean are a coarse sample: D² is small and positive.
    let found = number(
        &json(&sandbox, "csv:x.csv gaussian-mixture:3"),
        "discrepancy",
    );
    assert!(found > 0.0 && found < 0.1, "{found}");
}

#[test]
fn images_and_matrices_and_standard_input_are_read() {
    let sandbox = Sandbox::new();
    let head = [0x0803_u32, 3, 1, 2].map(u32::to_be_bytes).concat();
    let digits: Vec<u8> = head.into_iter().chain([0, 0, 255, 0, 0, 255]).collect();
    fs::write(sandbox.path("digits"), digits).expect("a file");
    let text = b"x0,x1,other\n0,0,1\n0,0,2\n";
    let run = |arguments: &str| {
        let command = format!("discrepancy {arguments} --json");
        let said = sandbox.run_with_input(text, &command).good();
        serde_json::from_str::<Map<String, Value>>(&said.stdout).expect("a JSON object")
    };
    // All three images by default: two at distance √2, and one at 0.
    let found = run("csv:- idx:digits --columns x0,x1");
    let exact = 2.0 / 3.0 - (2.0 * 2.0 + 2.0 * 2.0_f64.sqrt()) / 18.0;
    assert_close(number(&found, "discrepancy"), exact);
    assert_eq!((number(&found, "n"), number(&found, "m")), (2.0, 3.0));
    let first = run("csv:- idx:digits --columns x0,x1 --count 1");
    assert_eq!(number(&first, "discrepancy"), 0.0);
}

#[test]
fn what_is_read_is_told_to_people() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("x.csv"), "a,b\n0,0\n3,4\n").expect("a file");
    let said = sandbox.run("discrepancy csv:x.csv csv:x.csv").good().stdout;
    for words in [
        "x.csv: 2 particles in dimension 2, columns 'a', 'b'\n",
        "D²               0\n",
        "n, m, d          2, 2, 2\n",
    ] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    let noted = sandbox.run("discrepancy csv:x.csv sphere:1 --count 3");
    assert_eq!(noted.status, Some(0));
    assert_eq!(
        noted.stderr,
        "note: --count has no effect with csv:x.csv and sphere:1\n"
    );
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("x.csv"), "x,y\n0,0\n3,4\n").expect("a file");
    fs::write(sandbox.path("z.csv"), "x\n0\n").expect("a file");
    fs::write(sandbox.path("nan.csv"), "x\n0\nnan\n").expect("a file");
    fs::write(sandbox.path("huge.csv"), "x\n0\n1e200\n").expect("a file");
    let cases: [(&str, &[&str]); 17] = [
        (
            "csv:x.csv csv:z.csv",
            &["csv:x.csv has dimension 2", "csv:z.csv has dimension 1"],
        ),
        (
            "csv:z.csv gaussian-mixture:3",
            &["csv:z.csv has dimension 1", "has dimension 2"],
        ),
        ("sphere:1 ball:1", &["both exact laws", "csv:PATH"]),
        ("csv:x.csv", &["<Y>"]),
        (
            "csv:x.csv smiley",
            &["csv:PATH", "gaussian:S", "not 'smiley'"],
        ),
        ("csv:x.csv csv", &["did you mean 'csv:PATH'?"]),
        (
            "csv:x.csv sphere:-1",
            &["sphere:A", "between 1e-30 and 1e30", "'sphere:-1'"],
        ),
        ("csv:x.csv gaussian:0", &["gaussian:S with a number S"]),
        ("csv:x.csv ball:NaN", &["ball:A"]),
        ("csv:x.csv gaussian-mixture:2000", &["K at most 1000"]),
        (
            "csv:x.csv csv:x.csv --exponent 2",
            &["--exponent", "strictly between 0 and 2"],
        ),
        (
            "csv:x.csv equilibrium:1 --exponent 1.9999",
            &["equilibrium:1", "r ≤ 1.998"],
        ),
        ("csv:nan.csv csv:z.csv", &["nan.csv", "line 3", "finite"]),
        ("csv:no.csv csv:z.csv", &["no.csv"]),
        ("csv:huge.csv csv:z.csv", &["csv:huge.csv", "up to 1e150"]),
        ("csv:- npy:-", &["standard input"]),
        ("csv:x.csv csv:x.csv --columns q", &["'q'"]),
    ];
    for (arguments, words) in cases {
        sandbox
            .run(&format!("discrepancy {arguments}"))
            .refused(words);
    }
}
