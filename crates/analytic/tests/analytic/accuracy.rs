//! Accuracy against 40-digit reference values.
//!
//! `cargo test -p rieszflow-analytic --test analytic accuracy -- --nocapture` prints what is reached.
//!
//! The tables are made by `tables/make_tables.py` with mpmath.

use std::collections::BTreeMap;

use nalgebra::DMatrix;
use rieszflow_analytic::special::{
    BetaLaw, Hypergeometric, Kummer, UnitPoint, gamma_ratio, ln_gamma_quotient,
};
use rieszflow_analytic::{Equilibrium, EquilibriumTarget, Law, discrepancy_between};

/// One line of a table: a name, its arguments as text and as numbers (NaN where empty or a list), the
/// exact value.
struct Row {
    name: String,
    cells: Vec<String>,
    arguments: Vec<f64>,
    value: f64,
}

fn table(text: &str) -> Vec<Row> {
    let number = |cell: &str| cell.parse().unwrap_or(f64::NAN);
    text.lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let (last, middle) = cells[1..].split_last().unwrap();
            Row {
                name: cells[0].to_owned(),
                cells: middle.iter().map(|cell| (*cell).to_owned()).collect(),
                arguments: middle.iter().map(|cell| number(cell)).collect(),
                value: last.parse().unwrap(),
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
            *entry = (error, format!("{:?}", row.cells));
        }
    }

    /// Demands that the errors are within the limits, and prints them.
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
            "kummer" => relative(Kummer::new(p[0], p[1]).value(p[2]), row.value),
            "kummer_minus_one" => relative(Kummer::new(p[0], p[1]).minus_one(p[2]), row.value),
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
        ("kummer", 1e-13),
        ("kummer_minus_one", 1e-14),
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

/// Numbers separated by semicolons.
fn list(cell: &str) -> Vec<f64> {
    cell.split(';')
        .map(|number| number.parse().unwrap())
        .collect()
}

/// The point at the given distance from the origin, in a direction with many coordinates.
fn point_at(dim: usize, distance: f64) -> Vec<f64> {
    vec![distance / (dim as f64).sqrt(); dim]
}

#[test]
fn laws() {
    let mut worst = Worst::default();
    for row in table(include_str!("tables/laws.csv")) {
        let (dim, r) = (row.arguments[0] as usize, row.arguments[1]);
        let (shape, argument) = (row.arguments[2], row.arguments[3]);
        let origin = vec![0.0; dim];
        let kind = row.name.split('_').next().unwrap();
        let law = match kind {
            "ball" => Law::beta_ball(&origin, 1.0, shape),
            "gaussian" => Law::gaussian(&origin, shape),
            "covariance" => {
                let variances = nalgebra::DVector::from_vec(list(&row.cells[2]));
                Law::gaussian_with_covariance(&origin, &DMatrix::from_diagonal(&variances))
            }
            other => panic!("unknown law {other}"),
        }
        .unwrap();
        let potential = law.potential(r).unwrap();
        let got = match row.name.as_str() {
            "ball_energy" => law.energy(r).unwrap(),
            "ball_potential" | "gaussian_potential" => potential.radial().unwrap().value(argument),
            "ball_slope" | "gaussian_slope" => potential.radial().unwrap().slope(argument),
            "gaussian_discrepancy" => {
                let unit = Law::gaussian(&point_at(dim, argument), 1.0).unwrap();
                discrepancy_between(&law, &unit, r).unwrap()
            }
            "covariance_potential" => potential.value(&list(&row.cells[3])).unwrap(),
            "covariance_slope" => {
                let gradient = potential.gradient(&list(&row.cells[3])).unwrap();
                gradient[row.arguments[4] as usize]
            }
            other => panic!("unknown quantity {other}"),
        };
        let at_edge = row.name == "ball_slope" && (argument - 1.0).abs() < 1e-5;
        let corner = if at_edge { ", at the edge" } else { "" };
        let kind = format!("{}{corner}", row.name);
        worst.record(&kind, relative(got, row.value), &row);
    }
    worst.check(&[
        ("ball_energy", 1e-14),
        ("ball_potential", 1e-14),
        ("ball_slope", 1e-12),
        ("ball_slope, at the edge", 1e-9),
        ("gaussian_potential", 1e-14),
        ("gaussian_slope", 2e-14),
        ("gaussian_discrepancy", 1e-12),
        ("covariance_potential", 1e-14),
        ("covariance_slope", 1e-14),
    ]);
}

/// Times and starts of steps in the table belong to given scales at the end, so these must come out.
#[test]
fn flow_towards_an_equilibrium() {
    let mut worst = Worst::default();
    for row in table(include_str!("tables/target.csv")) {
        let [dim, r, end, tau] = row.arguments[..] else {
            panic!("four arguments expected")
        };
        let equilibrium = Equilibrium::new(dim as usize, r).unwrap();
        let target = EquilibriumTarget::new(&equilibrium, 1.0).unwrap();
        let error = match row.name.as_str() {
            "flow" => relative(target.flow_scale(0.0, row.value).unwrap(), end),
            "backward" => relative(target.backward_scales(row.value, &[tau]).unwrap()[0], end),
            "forward" if row.value > 1.0 => {
                assert!(target.forward_scales(end, &[tau]).is_err());
                continue;
            }
            "forward" => relative(target.forward_scales(end, &[tau]).unwrap()[0], row.value),
            other => panic!("unknown quantity {other}"),
        };
        worst.record(&row.name, error, &row);
    }
    worst.check(&[("flow", 2e-12), ("backward", 1e-13), ("forward", 1e-14)]);
}
