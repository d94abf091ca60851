//! Gradients of every operation of the tape and of both training losses against finite differences,
//! and the golden values.

use nalgebra::DMatrix;
use rieszflow_autodiff::check::gradient_error;
use rieszflow_autodiff::{Graph, Var};
use rieszflow_flows::scheme::{backward, forward};
use rieszflow_flows::{Functional, ImplosionExplosion, Interaction, Mmd, RieszKernel};
use rieszflow_nets::Mlp;

use super::{Check, check_golden};

/// The golden values that the project carries.
const GOLDEN: &str = include_str!("../../tests/data/golden.json");

/// Central differences with one extrapolation at h = 10⁻³ are good to about 10⁻¹¹.
const STEP: f64 = 1e-3;
const ALLOWED: f64 = 1e-9;

/// An operation on two 3×3 matrices and a column of three.
type Operation = fn(&mut Graph<'_, f64>, [Var; 3]) -> Var;

const OPERATIONS: [(&str, Operation); 11] = [
    ("add", |g, [a, b, _]| g.add(a, b)),
    ("subtract", |g, [a, b, _]| g.subtract(a, b)),
    ("divide by entries", |g, [a, b, _]| g.divide(a, b)),
    ("affine layer", |g, [a, b, c]| g.affine(a, b, c)),
    ("affine layer with ReLU", |g, [a, b, c]| {
        let y = g.affine(a, b, c);
        g.relu(y)
    }),
    ("ReLU", |g, [a, _, _]| g.relu(a)),
    ("square root", |g, [a, b, _]| {
        let squared = g.sum_of_squares(b);
        let squared = g.sqrt(squared);
        let root = g.sum_of_squares(a);
        let root = g.sqrt(root);
        g.divide(root, squared)
    }),
    ("scale", |g, [a, _, _]| g.scale(a, -1.3)),
    ("shift", |g, [a, _, _]| g.shift(a, 0.7)),
    ("sum of squares", |g, [a, _, _]| g.sum_of_squares(a)),
    ("root of the mean square", |g, [a, _, _]| {
        let squares = g.sum_of_squares(a);
        let mean = g.scale(squares, 1.0 / 9.0);
        g.sqrt(mean)
    }),
];

pub(super) fn check(add: &mut impl FnMut(Check)) {
    for (name, operation) in OPERATIONS {
        let found = gradient_error(&numbers(21), STEP, |graph| {
            let (a, b) = (graph.parameter(3, 3), graph.parameter(3, 3));
            let c = graph.parameter(3, 1);
            let y = operation(graph, [a, b, c]);
            distance(graph, y)
        });
        let what = format!("gradient of: {name}");
        add(Check::new(what, "finite differences", found.error, ALLOWED));
    }
    check_network(add);
    check_losses(add);
    check_golden_values(add);
}

/// Numbers of size one, away from zero and from each other.
fn numbers(count: usize) -> Vec<f64> {
    let number = |i: usize| {
        let x = (2.3 * i as f64 + 0.4).sin();
        x + 0.2_f64.copysign(x)
    };
    (0..count).map(number).collect()
}

/// |Y − C|² with fixed entries of C, so that every entry's cotangent is a different one.
fn distance(graph: &mut Graph<'_, f64>, y: Var) -> Var {
    let (rows, columns) = graph.shape(y);
    let c = DMatrix::from_fn(rows, columns, |i, j| 1.0 + (i + 3 * j) as f64);
    let c = graph.constant(&c);
    let difference = graph.subtract(y, c);
    graph.sum_of_squares(difference)
}

/// The fused layers of a network, in its parameters.
fn check_network(add: &mut impl FnMut(Check)) {
    let network = Mlp::new(&[2, 5, 4, 2]);
    let inputs = DMatrix::from_column_slice(7, 2, &numbers(14));
    let found = gradient_error(&numbers(network.parameter_count()), 1e-4, |graph| {
        let x = graph.constant(&inputs);
        let y = network.record(graph, x);
        distance(graph, y)
    });
    let what = "gradient of: fused layers of a network";
    add(Check::new(
        what.to_owned(),
        "finite differences",
        found.error,
        ALLOWED,
    ));
}

/// Both losses in the network's output, for each functional.
fn check_losses(add: &mut impl FnMut(Check)) {
    let kernel = |r| RieszKernel::new(r).expect("0 < r < 2");
    let particles = DMatrix::from_column_slice(6, 2, &numbers(12));
    let target = DMatrix::from_row_slice(3, 2, &[0.9, 0.2, -0.7, 0.5, 0.1, -1.1]);
    let weights = Some(vec![0.5, 0.2, 0.3]);
    let mmd = |r| Mmd::new(kernel(r), target.clone(), weights.clone()).expect("a target");
    let functionals: [(&str, Box<dyn Functional<f64>>); 5] = [
        (
            "interaction, r = 1",
            Box::new(Interaction::new(kernel(1.0))),
        ),
        (
            "interaction, r = 1/2",
            Box::new(Interaction::new(kernel(0.5))),
        ),
        ("MMD, r = 1", Box::new(mmd(1.0))),
        ("MMD, r = 3/2", Box::new(mmd(1.5))),
        ("implosion", Box::new(ImplosionExplosion::new())),
    ];
    let output: Vec<f64> = numbers(32)[20..].to_vec();
    for (name, functional) in &functionals {
        for scheme in ["backward", "forward"] {
            let found = gradient_error(&output, 1e-4, |graph| {
                let output = graph.parameter(6, 2);
                let loss = match scheme {
                    "backward" => {
                        backward::loss(graph, functional.as_ref(), 0.1, &particles, output, 0)
                    }
                    _ => forward::loss(graph, functional.as_ref(), &particles, output, 0),
                };
                loss.expect("a finite loss")
            });
            let what = format!("gradient of the {scheme} loss, {name}");
            add(Check::new(what, "finite differences", found.error, ALLOWED));
        }
    }
}

fn check_golden_values(add: &mut impl FnMut(Check)) {
    let (what, error) = match check_golden(GOLDEN) {
        Ok(report) => (
            format!(
                "{} golden values, in units of what is allowed",
                report.compared
            ),
            report.worst,
        ),
        Err(error) => (format!("golden values: {error}"), f64::NAN),
    };
    add(Check::new(
        what,
        "an independent implementation",
        error,
        1.0,
    ));
}
