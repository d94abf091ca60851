//! Accuracy against 40-digit reference values.
//!
//! `cargo test -p rieszflow-analytic --test analytic accuracy -- --nocapture` prints what is reached.
//!
//! The tables are made by `tables/make_tables.py` with mpmath.

use std::collections::BTreeMap;

use rieszflow_analytic::Equilibrium;
use rieszflow_analytic::special::{
    BetaLaw, Hypergeometric, UnitPoint, gamma_ratio, ln_gamma_quotient,
};

/// One line of a table: a name, its arguments (NaN where empty), the exact value.
struct Row {
    name: String,
    arguments: Vec<f64>,
    value: f64,
}

fn table(text: &str) -> Vec<Row> {
    let number = |cell: &str| {
        if cell.is_empty() {
            f64::NAN
        } else {
            cell.parse().unwrap()
        }
    };
    text.lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let (last, middle) = cells[1..].split_last().unwrap();
            Row {
                name: cells[0].to_owned(),
                arguments: middle.iter().map(|cell| number(cell)).collect(),
                value: number(last),
            }
        })
        .collect()
}

fn relative(got: f64, exact: f64) -> f64 {
    if exact == 0.0 {
        got.abs()
    } else {
        (got / exact - 1.0).abs()
    }
}

/// The largest error of each kind and the row where it occurs.
#[derive(Default)]
struct Worst(BTreeMap<String, (f64, String)>);

impl Worst {
    fn record(&mut self, kind: &str, error: f64, row: &Row) {
        let entry = self.0.entry(kind.to_owned()).or_default();
        if error.is_nan() || error >= entry.0 {
            *entry = (error, format!("{:?}", row.arguments));
        }
    }

    fn check(&self, allowed: &[(&str, f64)]) {
        for (kind, (error, row)) in &self.0 {
            println!("{kind:<45} {error:9.1e}   at {row}");
        }
        assert_eq!(self.0.len(), allowed.len());
        for (kind, limit) in allowed {
            let (error, row) = &self.0[*kind];
            assert!(
                error < limit,
                "{kind}: error {error:e} at {row}, allowed {limit:e}"
            );
        }
    }
}

fn hypergeometric(parameters: &[f64]) -> Hypergeometric {
    Hypergeometric::new(parameters[0], parameters[1], parameters[2])
}

/// The point 1 − w.
fn complement(w: f64) -> UnitPoint {
    UnitPoint {
        x: 1.0 - w,
        complement: w,
    }
}

#[test]
fn special_functions() {
    let mut worst = Worst::default();
    for row in table(include_str!("tables/special.csv")) {
        let p = &row.arguments;
        let error = match row.name.as_str() {
            "gamma_ratio" => relative(gamma_ratio(p[0], p[1]), row.value),
            "ln_gamma_quotient" => {
                (ln_gamma_quotient(p[0], p[1]) - row.value).abs() / (1.0 + p[0].ln().abs())
            }
            "beta_cdf" => relative(
                BetaLaw::new(p[0], p[1]).cdf(UnitPoint::new(p[2])),
                row.value,
            ),
            "beta_quantile" => relative(BetaLaw::new(p[0], p[1]).quantile(p[2]).x, row.value),
            "beta_quantile_complement" => relative(
                BetaLaw::new(p[0], p[1]).quantile(p[2]).complement,
                row.value,
            ),
            "hypergeometric" => relative(hypergeometric(p).value(complement(p[3])), row.value),
            // Relative only where the value goes to zero.
            "hypergeometric_minus_value_at_one" if p[3] < 0.5 => relative(
                hypergeometric(p).minus_value_at_one(complement(p[3])),
                row.value,
            ),
            "hypergeometric_minus_value_at_one" => {
                (hypergeometric(p).minus_value_at_one(complement(p[3])) - row.value).abs()
            }
            other => panic!("unknown function {other}"),
        };
        worst.record(&row.name, error, &row);
    }
    worst.check(&[
        ("gamma_ratio", 1e-14),
        ("ln_gamma_quotient", 1e-14),
        ("beta_cdf", 1e-14),
        ("beta_quantile", 1e-14),
        ("beta_quantile_complement", 1e-13),
        ("hypergeometric", 1e-14),
        ("hypergeometric_minus_value_at_one", 3e-13),
    ]);
}

#[test]
fn equilibrium() {
    let mut worst = Worst::default();
    for row in table(include_str!("tables/equilibrium.csv")) {
        let [dim, r, argument] = row.arguments[..] else {
            panic!("three arguments expected")
        };
        let eta = Equilibrium::new(dim as usize, r).unwrap();
        let got = match row.name.as_str() {
            "radius" => eta.radius(),
            "second_moment" => eta.second_moment(),
            "potential" => eta.potential(argument),
            "potential_slope" => eta.scaled_potential_slope(1.0, argument),
            "discrepancy_between" => eta.discrepancy_between(argument, 1.0),
            "density" => eta.density(argument).unwrap(),
            "radial_cdf" => eta.radial_cdf(argument),
            other => panic!("unknown quantity {other}"),
        };
        let s = eta.radius();
        let from_edge = (argument / s - 1.0).abs();
        let mut error = relative(got, row.value);
        if ["density", "radial_cdf"].contains(&row.name.as_str()) {
            // The edge s is itself rounded, which these feel in proportion to s/(s−ρ).
            error *= from_edge;
        }
        let corner = if r > 1.95 {
            ", r > 1.95"
        } else if row.name == "potential_slope" && from_edge < 1e-8 {
            ", at the edge"
        } else {
            ""
        };
        worst.record(&format!("{}{corner}", row.name), error, &row);
    }
    worst.check(&[
        ("radius", 1e-14),
        ("radius, r > 1.95", 1e-12),
        ("second_moment", 2e-14),
        ("second_moment, r > 1.95", 1e-12),
        ("potential", 2e-14),
        ("potential, r > 1.95", 1e-12),
        ("potential_slope", 1e-13),
        ("potential_slope, at the edge", 1e-7),
        ("potential_slope, r > 1.95", 1e-13),
        ("discrepancy_between", 1e-13),
        ("discrepancy_between, r > 1.95", 1e-11),
        ("density", 1e-14),
        ("density, r > 1.95", 1e-12),
        ("radial_cdf", 1e-14),
        ("radial_cdf, r > 1.95", 1e-12),
    ]);
}
