//! `closed-form`: its JSON against published numbers, its tables, and its refusals.

use serde_json::{Map, Value};

use crate::sandbox::Sandbox;

const KEYS: &str = "kind,radius,second_moment,energy,flow_scale,scheme_scales,potential,density,\
                    radial_cdf";

fn json(arguments: &str) -> Map<String, Value> {
    let text = Sandbox::new()
        .run(&format!("closed-form {arguments} --json"))
        .good()
        .stdout;
    // The keys as they are written: a map would sort them.
    let places: Vec<Option<usize>> = KEYS
        .split(',')
        .map(|key| text.find(&format!("\"{key}\":")))
        .collect();
    assert!(places.is_sorted() && places[0].is_some(), "{text}");
    let object: Map<String, Value> = serde_json::from_str(&text).expect("a JSON object");
    assert_eq!(object.len(), 9);
    assert_eq!(text.matches('\n').count(), 1);
    object
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap_or_else(|| panic!("{value}"));
    list.iter().map(number).collect()
}

#[track_caller]
fn assert_close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs(), "{a} and {b}");
}

#[test]
fn the_radius_of_the_equilibrium() {
    let pi = std::f64::consts::PI;
    for (dim, exponent, radius, tolerance) in [
        (1, 1.0, 1.0, 1e-14),
        (2, 1.0, pi / 4.0, 1e-14),
        (3, 1.0, 2.0 / 3.0, 1e-14),
        (2, 0.5, 0.557_730, 1e-6),
        (2, 1.5, 1.561_402, 1e-6),
        (10, 1.0, 0.697_388, 1e-6),
    ] {
        let object = json(&format!("--dim {dim} --exponent {exponent}"));
        let ball = f64::from(dim) + exponent < 4.0;
        assert_eq!(object["kind"], if ball { "ball" } else { "sphere" });
        let s = number(&object["radius"]);
        assert_close(s, radius, tolerance);
        let second = if ball {
            s * s * f64::from(dim) / (4.0 - exponent)
        } else {
            s * s
        };
        assert_close(number(&object["second_moment"]), second, 1e-14);
        assert_close(number(&object["energy"]), -second / exponent, 1e-14);
        for key in KEYS.split(',').skip(4) {
            assert!(object[key].is_null(), "{key} was not asked for");
        }
    }
}

/// As d → ∞ the radius tends to 1/√2 for r = 1.
#[test]
fn a_thousand_dimensions() {
    let object = json("--dim 1000 --exponent 1 --radius 0.5,0.8");
    assert_eq!(object["kind"], "sphere");
    assert_close(number(&object["radius"]), 0.5_f64.sqrt(), 2e-4);
    assert_eq!(numbers(&object["radial_cdf"]), [0.0, 1.0]);
}

#[test]
fn numbers_have_all_their_digits() {
    let object = json("--dim 2 --exponent 1");
    let radius = object["radius"].to_string();
    assert!(radius.starts_with("0.78539816339744") && radius.len() >= 17);
}

#[test]
fn the_scale_of_the_flow() {
    for (exponent, time, start) in [(1.0, 0.7, 0.0), (0.5, 2.0, 0.0), (1.5, 0.3, 0.4)] {
        let object = json(&format!(
            "--dim 3 --exponent {exponent} --time {time} --initial-scale {start}"
        ));
        // c' = c^{r−1}, so c^{2−r} grows linearly.
        let power: f64 = 2.0 - exponent;
        let scale = (f64::powf(start, power) + power * time).powf(1.0 / power);
        assert_close(number(&object["flow_scale"]), scale, 1e-14);
    }
}

#[test]
fn the_scales_of_the_schemes() {
    for scheme in ["backward", "forward"] {
        let options = format!("--dim 2 --exponent 1 --tau 0.05 --steps 24 --scheme {scheme}");
        let scales = numbers(&json(&options)["scheme_scales"]);
        assert_eq!(scales.len(), 24);
        for (n, &scale) in (1..).zip(&scales) {
            assert_close(scale, f64::from(n) * 0.05, 1e-14);
        }
    }
    for exponent in [0.5, 1.3, 1.5] {
        let start = 0.2;
        let options = format!(
            "--dim 2 --exponent {exponent} --tau 0.1 --steps 9 --initial-scale {start} --scheme"
        );
        let scales = |scheme: &str| {
            let object = json(&format!("{options} {scheme}"));
            [vec![start], numbers(&object["scheme_scales"])].concat()
        };
        for c in scales("backward").windows(2) {
            assert_close(c[1] - c[0], 0.1 * c[1].powf(exponent - 1.0), 1e-12);
        }
        for c in scales("forward").windows(2) {
            assert_close(c[1] - c[0], 0.1 * c[0].powf(exponent - 1.0), 1e-12);
        }
    }
    let stationary = json("--dim 2 --exponent 1.5 --tau 0.1 --steps 3 --scheme forward");
    assert_eq!(numbers(&stationary["scheme_scales"]), [0.0; 3]);
}

#[test]
fn functions_of_the_radius() {
    // η* for d = 1, r = 1 is uniform on [−1, 1].
    let object = json("--dim 1 --exponent 1 --radius 0,0.5,1,2");
    let expected = [
        ("potential", [0.5, 0.625, 1.0, 2.0]),
        ("radial_cdf", [0.0, 0.5, 1.0, 1.0]),
    ];
    for (key, values) in expected {
        for (a, b) in numbers(&object[key]).into_iter().zip(values) {
            assert!((a - b).abs() < 1e-14, "{key}: {a} and {b}");
        }
    }
    let density = numbers(&object["density"]);
    assert_eq!(density.len(), 4);
    assert!((density[0] - 0.5).abs() < 1e-14 && (density[1] - 0.5).abs() < 1e-14);
    assert_eq!(density[3], 0.0);
    // A sphere has no density; on the edge of the disc it is infinite.
    let sphere = json("--dim 3 --exponent 1 --radius 0.1,0.2,0.3");
    assert!(sphere["density"].is_null());
    assert_eq!(numbers(&sphere["potential"]).len(), 3);
    assert_eq!(numbers(&sphere["radial_cdf"]).len(), 3);
    let radius = number(&json("--dim 2 --exponent 1")["radius"]);
    let edge = json(&format!("--dim 2 --exponent 1 --radius {radius},0.1"));
    assert!(edge["density"][0].is_null());
    assert!(number(&edge["density"][1]) > 0.0);
}

#[test]
fn tables_for_people_are_aligned() {
    let options = "--dim 2 --exponent 1 --time 0.5 --tau 0.1 --steps 12 --radius 0,0.25,1e-7,1e30";
    let text = Sandbox::new()
        .run(&format!("closed-form {options}"))
        .good()
        .stdout;
    let values = json(options);
    for key in ["radius", "second_moment", "energy"] {
        assert!(text.contains(&number(&values[key]).to_string()), "{text}");
    }
    assert!(text.contains("flow scale     0.5  (t = 0.5)"), "{text}");
    let table = |head: &str| -> Vec<Vec<char>> {
        let lines = text.lines().skip_while(|line| !line.contains(head));
        let lines = lines.take_while(|line| !line.is_empty());
        lines.map(|line| line.chars().collect()).collect()
    };
    let scales = table("c_n");
    assert_eq!(scales.len(), 13);
    assert!(
        scales
            .iter()
            .all(|line| line[2..4] == [' ', ' '] && line[4] != ' ')
    );
    let radii = table("potential U");
    assert_eq!(radii.len(), 5);
    for column in [24, 48, 72] {
        let starts = |line: &Vec<char>| line[column - 1] == ' ' && line[column] != ' ';
        assert!(radii.iter().all(starts), "column {column}: {text}");
    }
}

#[track_caller]
fn refused(arguments: &str, words: &[&str]) {
    let sandbox = Sandbox::new();
    sandbox
        .run(&format!("closed-form {arguments}"))
        .refused(words);
    assert!(sandbox.is_empty());
}

#[test]
fn bad_dimensions_and_exponents() {
    refused("--exponent 1", &["--dim"]);
    refused("--dim 2", &["--exponent"]);
    refused("--dim 0 --exponent 1", &["--dim", "d ≥ 1"]);
    refused(
        "--dim -1 --exponent 1",
        &["--dim", "expected a whole number"],
    );
    for exponent in ["0", "2", "-1", "NaN", "inf"] {
        let arguments = format!("--dim 2 --exponent {exponent}");
        refused(&arguments, &["--exponent", "0 < r < 2"]);
    }
    refused("--dim 2 --exponent r", &["--exponent", "expected a number"]);
    refused(
        "--dim 2 --exponent 1.99999999",
        &["--exponent", "r ≤ 1.998"],
    );
}

#[test]
fn bad_radii() {
    for radius in ["-1", "NaN", "inf", "0,-0.5"] {
        let arguments = format!("--dim 2 --exponent 1 --radius={radius}");
        refused(&arguments, &["--radius", "finite distances of at least 0"]);
    }
    refused(
        "--dim 2 --exponent 1 --radius far",
        &["--radius", "expected a number"],
    );
}

#[test]
fn bad_times_and_scales() {
    let equilibrium = "--dim 2 --exponent 1";
    for value in ["-1", "NaN", "inf"] {
        let time = format!("{equilibrium} --time {value}");
        refused(&time, &["--time", "finite t ≥ 0"]);
        let tau = format!("{equilibrium} --steps 3 --tau {value}");
        refused(&tau, &["--tau", "finite τ > 0"]);
        let scale = format!("{equilibrium} --time 1 --initial-scale {value}");
        refused(&scale, &["--initial-scale", "finite c ≥ 0"]);
    }
    refused(&format!("{equilibrium} --steps 3 --tau 0"), &["--tau"]);
    refused(
        "--dim 2 --exponent 1.9 --time 1e300",
        &["--time", "exceeds"],
    );
    refused(
        "--dim 2 --exponent 0.5 --tau 0.1 --steps 2 --scheme forward",
        &["--initial-scale", "start from c > 0"],
    );
}

#[test]
fn bad_steps() {
    refused("--dim 2 --exponent 1 --steps 3", &["--tau"]);
    refused("--dim 2 --exponent 1 --tau 0.1", &["--steps"]);
    for steps in ["1000000000000", "18446744073709551615"] {
        let arguments = format!("--dim 2 --exponent 1 --tau 0.1 --steps {steps}");
        refused(&arguments, &["--steps", "at most 10000000"]);
    }
    let arguments = "--dim 2 --exponent 1 --tau 0.1 --steps -1";
    refused(arguments, &["--steps", "expected a whole number"]);
    let arguments = "--dim 2 --exponent 1 --tau 0.1 --steps 2 --scheme particle";
    refused(arguments, &["--scheme", "backward, forward"]);
}

/// Towards ½δ₋₁ + ½δ₁ a Dirac at 0 spreads uniformly on [−t, t] while t < 1.
#[test]
fn the_flow_on_the_line() {
    let options = "line --target two-diracs-1d --start dirac:0 --time 0.5 --quantiles 4 --json";
    let text = Sandbox::new().run(&format!("closed-form {options}")).good();
    let object: Value = serde_json::from_str(&text.stdout).expect("JSON");
    let quantiles = numbers(&object["quantiles"]);
    for (a, b) in quantiles.into_iter().zip([-0.375, -0.125, 0.125, 0.375]) {
        assert_close(a, b, 1e-14);
    }
}

#[test]
fn bad_input_for_the_line() {
    let line = |options: &str| format!("line --target two-diracs-1d --start dirac:0 {options}");
    refused(
        &line("--time 1 --quantiles 0"),
        &["--quantiles", "between 1 and"],
    );
    refused(
        &line("--time 1 --quantiles 1000000000000000"),
        &["--quantiles", "between 1 and 10000000"],
    );
    refused(&line("--quantiles 3 --time -1"), &["--time"]);
    refused(&line("--quantiles 3 --time 1 --tau 0"), &["--tau"]);
    refused(&line("--quantiles 3 --time 1 --tau 1e-300"), &["--tau"]);
    refused(&line("--quantiles 3 --time 1e300 --tau 0.1"), &["--tau"]);
    refused(
        "line --target three-diracs --start dirac:0 --time 1 --quantiles 3",
        &["--target", "csv:PATH"],
    );
    refused(
        "line --target two-diracs-1d --start dirac:NaN --time 1 --quantiles 3",
        &["--start", "finite"],
    );
    refused(
        "line --target two-diracs-1d --start csv:nowhere.csv --time 1 --quantiles 3",
        &["--start", "nowhere.csv"],
    );
}

/// The exact flow towards a target: the values of the formulas for a quadratic potential, and radii in
/// ten dimensions from an independent integration.
#[test]
fn flows_towards_a_target() {
    let target = |arguments: &str| {
        let command = format!("closed-form target {arguments} --json");
        let said = Sandbox::new().run(&command).good().stdout;
        let object: Map<String, Value> = serde_json::from_str(&said).expect("a JSON object");
        assert_eq!(object.len(), 3);
        object
    };
    // d = 2, r = 1: m₂ = (π/4)²·2/3, and D² = (m₂a/2)e^{−2t/a} from a Dirac.
    let second = (std::f64::consts::PI / 4.0).powi(2) * 2.0 / 3.0;
    let found = target("--law equilibrium:2 --dim 2 --exponent 1 --time 3");
    assert_close(
        number(&found["flow_scale"]),
        2.0 * (1.0 - (-1.5_f64).exp()),
        1e-14,
    );
    assert_close(
        number(&found["discrepancy"]),
        second * (-3.0_f64).exp(),
        1e-12,
    );
    assert!(found["scheme_scales"].is_null());
    let start = target("--law equilibrium:2 --dim 2 --exponent 1");
    assert_close(number(&start["discrepancy"]), second, 1e-14);

    for (scheme, first) in [
        ("backward", (0.5 + 0.1) / 1.05),
        ("forward", 0.5 + 0.1 * 0.75),
    ] {
        let options =
            "--law equilibrium:2 --dim 1 --exponent 1 --initial-scale 0.5 --tau 0.1 --steps 3";
        let found = target(&format!("{options} --time 9 --scheme {scheme}"));
        let scales = numbers(&found["scheme_scales"]);
        assert_close(scales[0], first, 1e-14);
        // D² = m₂(c − a)²/(2a) at the scheme's last scale, not at the flow's.
        let exact = (2.0 - scales[2]).powi(2) / 12.0;
        assert_close(number(&found["discrepancy"]), exact, 1e-12);
    }
    for (time, radius) in [
        (0.25, 0.156_188),
        (0.5, 0.281_539),
        (1.0, 0.466_489),
        (2.0, 0.684_850),
    ] {
        let found = target(&format!(
            "--law sphere:1 --dim 10 --exponent 1 --time {time}"
        ));
        assert_close(number(&found["flow_scale"]), radius, 3e-6);
        // Radii scale with the target, and so does the time for r = 1.
        let double = 2.0 * time;
        let found = target(&format!(
            "--law sphere:2 --dim 10 --exponent 1 --time {double}"
        ));
        assert_close(number(&found["flow_scale"]), 2.0 * radius, 3e-6);
    }
    let from = target("--law sphere:1 --dim 10 --exponent 1 --initial-scale 0.25 --time 0");
    assert_close(number(&from["flow_scale"]), 0.25, 1e-14);
}

#[test]
fn flows_towards_a_target_that_are_not_known_are_refused() {
    let refused = |arguments: &str, words: &[&str]| {
        let command = format!("closed-form target {arguments}");
        Sandbox::new().run(&command).refused(words);
    };
    let plane = "--dim 2 --exponent 1";
    refused(
        &format!("--law ball:1 {plane}"),
        &["--law", "equilibrium:A or sphere:A"],
    );
    refused(
        &format!("--law smiley {plane}"),
        &["--law", "equilibrium:A or sphere:A"],
    );
    refused(
        &format!("--law equilibrium:0 {plane}"),
        &["--law", "between 1e-30 and 1e30"],
    );
    refused(&format!("--law sphere:1 {plane}"), &["--law", "r + d ≥ 4"]);
    let law = "--law equilibrium:1";
    refused(
        &format!("{law} {plane} --initial-scale 2"),
        &["--initial-scale", "a = 1"],
    );
    refused(
        &format!("{law} {plane} --initial-scale -1"),
        &["--initial-scale", "c ≥ 0"],
    );
    refused(&format!("{law} {plane} --time -1"), &["--time", "t ≥ 0"]);
    refused(
        &format!("{law} {plane} --tau 0 --steps 3"),
        &["--tau", "τ > 0"],
    );
    refused(&format!("{law} {plane} --tau 1"), &["--steps"]);
    refused(&format!("{law} --dim 0 --exponent 1"), &["--dim", "d ≥ 1"]);
    refused(
        &format!("{law} --dim 2 --exponent 2"),
        &["--exponent", "0 < r < 2"],
    );
    refused(
        &format!("{law} {plane} --scheme forward --tau 3 --steps 1"),
        &["--initial-scale or --tau", "up to the target's a = 1"],
    );
    refused(
        &format!("{law} --dim 2 --exponent 0.5 --scheme forward --tau 0.1 --steps 1"),
        &["--initial-scale", "r = 0.5 < 1"],
    );
}
