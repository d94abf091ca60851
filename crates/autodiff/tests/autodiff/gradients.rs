//! Every operation's gradient against finite differences, on random shapes down to a single entry.

use nalgebra::DMatrix;
use proptest::prelude::*;
use rieszflow_autodiff::check::gradient_error;
use rieszflow_autodiff::{CustomOp, Graph, PrimitiveInputs, Reverse, Tape, Var};

/// Finite differences with h = 10⁻³ are good to about 10⁻¹¹ relative to the values (below 10²) here.
const TOLERANCE: f64 = 1e-8;
const STEP: f64 = 1e-3;

/// Numbers of size one, away from the kinks and poles at zero.
fn entries(len: usize) -> impl Strategy<Value = Vec<f64>> {
    let magnitude = prop_oneof![0.5..2.0_f64, -2.0..-0.5_f64];
    proptest::collection::vec(magnitude, len)
}

fn size() -> impl Strategy<Value = usize> {
    1..6_usize
}

/// |Y − C|² with fixed distinct entries of C, so that every entry's cotangent is a different one.
fn distance(graph: &mut Graph<'_, f64>, y: Var) -> Var {
    let (rows, columns) = graph.shape(y);
    let c = DMatrix::from_fn(rows, columns, |i, j| {
        1.0 + (1.7 * i as f64 - 0.9 * j as f64).sin()
    });
    let c = graph.constant(&c);
    let difference = graph.subtract(y, c);
    graph.sum_of_squares(difference)
}

fn check(
    parameters: &[f64],
    record: impl Fn(&mut Graph<'_, f64>) -> Var,
) -> Result<(), TestCaseError> {
    let found = gradient_error(parameters, STEP, record);
    prop_assert!(found.error < TOLERANCE, "{found:?}");
    Ok(())
}

/// A random shape and two matrices of that shape, side by side in one parameter vector.
fn pair() -> impl Strategy<Value = (usize, usize, Vec<f64>)> {
    (size(), size()).prop_flat_map(|(m, n)| entries(2 * m * n).prop_map(move |e| (m, n, e)))
}

type Binary = fn(&mut Graph<'_, f64>, Var, Var) -> Var;
type Unary = fn(&mut Graph<'_, f64>, Var) -> Var;

proptest! {
    #[test]
    fn two_operands((m, n, parameters) in pair()) {
        let operations: [Binary; 4] = [
            |g, a, b| g.add(a, b),
            |g, a, b| g.subtract(a, b),
            |g, a, b| g.divide(a, b),
            |g, a, b| g.custom(&Products, &[a, b]).expect("has a value everywhere"),
        ];
        for operation in operations {
            check(&parameters, |graph| {
                let a = graph.parameter(m, n);
                let b = graph.parameter(m, n);
                let y = operation(graph, a, b);
                distance(graph, y)
            })?;
        }
    }

    #[test]
    fn one_operand((m, n, parameters) in pair()) {
        let operations: [Unary; 7] = [
            |g, a| g.scale(a, -1.3),
            |g, a| g.shift(a, 0.7),
            |g, a| { let square = g.custom(&Products, &[a, a]).expect("has a value"); g.sqrt(square) },
            |g, a| g.relu(a),
            |g, a| g.sum_of_squares(a),
            |g, a| g.subtract(a, a),
            |g, a| { let half = g.scale(a, 0.5); g.divide(half, a) },
        ];
        for operation in operations {
            check(&parameters, |graph| {
                graph.parameter(m, n);
                let a = graph.parameter(m, n);
                let y = operation(graph, a);
                distance(graph, y)
            })?;
        }
    }

    #[test]
    fn affine_layers((rows, k, m, parameters) in (size(), size(), size()).prop_flat_map(|(rows, k, m)| {
        entries(rows * k + m * k + m).prop_map(move |e| (rows, k, m, e))
    })) {
        // The layer twice in a row, if the shapes allow, so that its parameters are used twice.
        check(&parameters, |graph| {
            let x = graph.parameter(rows, k);
            let (w, b) = (graph.parameter(m, k), graph.parameter(m, 1));
            let mut y = graph.affine(x, w, b);
            if m == k {
                y = graph.affine(y, w, b);
            }
            distance(graph, y)
        })?;
    }

    #[test]
    fn shared_nodes_and_reused_tapes((m, n, parameters) in pair()) {
        let mut tape = Tape::new();
        let mut first = vec![0.0; parameters.len()];
        let mut second = vec![f64::NAN; parameters.len()];
        for gradient in [&mut first, &mut second] {
            // The second recording finds the values and cotangents of the first one.
            let mut graph = tape.record(&parameters);
            let (a, b) = (graph.parameter(m, n), graph.parameter(m, n));
            let c = graph.custom(&Products, &[a, b]).expect("has a value everywhere");
            let d = graph.add(c, a);
            let e = graph.divide(d, b);
            let loss = distance(&mut graph, e);
            graph.gradient(loss, gradient);
        }
        prop_assert_eq!(first, second);
    }
}

/// The products of the entries of two matrices, with one of the factors as residual.
struct Products;

impl CustomOp<f64> for Products {
    type Error = std::convert::Infallible;

    fn output_shape(&self, inputs: &PrimitiveInputs<'_, f64>) -> (usize, usize) {
        inputs.value(0).shape()
    }

    fn residual_len(&self, inputs: &PrimitiveInputs<'_, f64>) -> usize {
        inputs.value(0).len()
    }

    fn forward(
        &self,
        inputs: &PrimitiveInputs<'_, f64>,
        output: &mut [f64],
        residual: &mut [f64],
    ) -> Result<(), Self::Error> {
        let (a, b) = (inputs.entries(0), inputs.entries(1));
        for (y, (a, b)) in output.iter_mut().zip(a.iter().zip(b)) {
            *y = a * b;
        }
        residual.copy_from_slice(a);
        Ok(())
    }

    fn vjp(mut reverse: Reverse<'_, f64>) {
        let (own, a, b) = (
            reverse.cotangent,
            reverse.residual,
            reverse.inputs.entries(1),
        );
        reverse.input_cotangents.add_each(0, |i| own[i] * b[i]);
        reverse.input_cotangents.add_each(1, |i| own[i] * a[i]);
    }
}

/// Constants have no gradient, and parameters that the loss does not use get 0, whatever was there.
#[test]
fn parameters_used_often_or_never() {
    let parameters = [2.0, 3.0, 5.0, 7.0, 11.0];
    let mut tape = Tape::new();
    let mut graph = tape.record(&parameters);
    let [a, unused, b] = [(); 3].map(|()| graph.parameter(1, 1));
    let constant = graph.constant(&DMatrix::from_element(1, 1, 4.0));
    let a = graph.add(a, constant);
    let a = graph.sum_of_squares(a);
    let twice = graph.add(b, b);
    let twice = graph.sum_of_squares(twice);
    let loss = graph.add(a, twice);
    graph.sqrt(unused);
    let mut gradient = [f64::NAN; 5];
    graph.gradient(loss, &mut gradient);
    assert_eq!(gradient, [12.0, 0.0, 40.0, 0.0, 0.0]);
}

#[test]
#[should_panic(expected = "a 2×1 parameter at 1 exceeds the 2 parameters")]
fn no_parameter_lies_beyond_the_vector() {
    let mut tape = Tape::new();
    let mut graph = tape.record(&[1.0, 2.0]);
    graph.parameter(1, 1);
    graph.parameter(2, 1);
}

#[test]
fn nan_passes_through_relu() {
    let mut tape = Tape::new();
    let mut graph = tape.record(&[f64::NAN]);
    let x = graph.parameter(1, 1);
    let y = graph.relu(x);
    assert!(graph.scalar(y).is_nan());
}
