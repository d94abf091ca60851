//! Every operation's gradient against finite differences, on random shapes down to a single entry.

use nalgebra::{DMatrix, DMatrixView};
use proptest::prelude::*;
use rieszflow_autodiff::check::gradient_error;
use rieszflow_autodiff::{Activation, CustomOp, Graph, Tape, Var};

/// Finite differences with h = 10⁻³ are good to about 10⁻¹¹ relative to the values (below 10²) here.
const TOLERANCE: f64 = 1e-8;
const STEP: f64 = 1e-3;

/// Numbers of size one, away from the kinks and poles at zero.
fn entries(len: usize) -> impl Strategy<Value = Vec<f64>> {
    let magnitude = prop_oneof![0.1..2.0_f64, -2.0..-0.1_f64];
    proptest::collection::vec(magnitude, len)
}

fn size() -> impl Strategy<Value = usize> {
    1..6_usize
}

/// Σ wᵢⱼ yᵢⱼ with fixed distinct weights, so that every entry's cotangent is a different one.
fn weigh(graph: &mut Graph<'_, f64>, y: Var) -> Var {
    let (rows, columns) = graph.shape(y);
    let weights = DMatrix::from_fn(rows, columns, |i, j| {
        1.0 + (1.7 * i as f64 - 0.9 * j as f64).sin()
    });
    let weights = graph.constant(&weights);
    let product = graph.multiply(weights, y);
    graph.sum(product)
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
        let operations: [Binary; 5] = [
            |g, a, b| g.add(a, b),
            |g, a, b| g.subtract(a, b),
            |g, a, b| g.multiply(a, b),
            |g, a, b| g.divide(a, b),
            |g, a, b| g.concatenate_columns(a, b),
        ];
        for operation in operations {
            check(&parameters, |graph| {
                let a = graph.parameter(0, m, n);
                let b = graph.parameter(m * n, m, n);
                let y = operation(graph, a, b);
                weigh(graph, y)
            })?;
        }
    }

    #[test]
    fn one_operand((m, n, parameters) in pair()) {
        let operations: [Unary; 7] = [
            |g, a| g.scale(a, -1.3),
            |g, a| g.shift(a, 0.7),
            |g, a| { let square = g.multiply(a, a); g.sqrt(square) },
            |g, a| g.relu(a),
            |g, a| g.sum(a),
            |g, a| g.sum_of_squares(a),
            |g, a| g.subtract(a, a),
        ];
        for operation in operations {
            check(&parameters, |graph| {
                let a = graph.parameter(m * n, m, n);
                let y = operation(graph, a);
                weigh(graph, y)
            })?;
        }
    }

    #[test]
    fn products((m, k, n, parameters) in (size(), size(), size()).prop_flat_map(|(m, k, n)| {
        entries(m * k + k * n).prop_map(move |e| (m, k, n, e))
    })) {
        check(&parameters, |graph| {
            let a = graph.parameter(0, m, k);
            let b = graph.parameter(m * k, k, n);
            let y = graph.product(a, b);
            weigh(graph, y)
        })?;
    }

    #[test]
    fn layers((rows, k, m, parameters) in (size(), size(), size()).prop_flat_map(|(rows, k, m)| {
        entries(rows * k + m * k + m).prop_map(move |e| (rows, k, m, e))
    })) {
        let layer = |graph: &mut Graph<'_, f64>, activation| {
            let x = graph.parameter(0, rows, k);
            let w = graph.parameter(rows * k, m, k);
            let b = graph.parameter(rows * k + m * k, m, 1);
            graph.affine(x, w, b, activation)
        };
        let mut tape = Tape::new();
        let mut graph = tape.record(&parameters);
        let before = layer(&mut graph, Activation::Identity);
        // A parameter moves an entry by at most 2 · STEP; the corner of the ReLU must be farther.
        prop_assume!(graph.value(before).iter().all(|y| y.abs() > 0.01));

        for activation in [Activation::Identity, Activation::Relu] {
            check(&parameters, |graph| {
                let y = layer(graph, activation);
                weigh(graph, y)
            })?;
        }
    }

    #[test]
    fn row_blocks((m, n, parameters, start, count) in pair().prop_flat_map(|(m, n, e)| {
        (Just(m), Just(n), Just(e), 0..m)
    }).prop_flat_map(|(m, n, e, start)| (Just(m), Just(n), Just(e), Just(start), 1..=m - start))) {
        check(&parameters, |graph| {
            let a = graph.parameter(0, m, n);
            let whole = weigh(graph, a);
            let part = graph.rows(a, start, count);
            let part = weigh(graph, part);
            graph.multiply(whole, part)
        })?;
    }

    #[test]
    fn custom_primitives((m, n, parameters) in pair()) {
        check(&parameters, |graph| {
            let a = graph.parameter(0, m, n);
            let y = graph.custom(&RowProducts, a).expect("has a value everywhere");
            let again = graph.custom(&RowProducts, a).expect("has a value everywhere");
            let y = graph.multiply(y, again);
            weigh(graph, y)
        })?;
    }

    #[test]
    fn shared_nodes_and_reused_tapes((m, n, parameters) in pair()) {
        let mut tape = Tape::new();
        let mut first = vec![0.0; parameters.len()];
        let mut second = vec![f64::NAN; parameters.len()];
        for gradient in [&mut first, &mut second] {
            // A larger recording before, so that the second one finds stale values.
            let mut graph = tape.record(&parameters);
            let a = graph.parameter(0, m, n);
            let b = graph.parameter(m * n, m, n);
            let c = graph.multiply(a, b);
            let d = graph.add(c, a);
            let e = graph.divide(d, b);
            let loss = weigh(&mut graph, e);
            graph.gradient(loss, gradient);
        }
        prop_assert_eq!(first, second);
    }
}

/// The product of each row's entries: a primitive with a matrix in, a column out, and a residual.
struct RowProducts;

impl CustomOp<f64> for RowProducts {
    type Error = std::convert::Infallible;

    fn output_shape(&self, (rows, _): (usize, usize)) -> (usize, usize) {
        (rows, 1)
    }

    fn residual_len(&self, (rows, columns): (usize, usize)) -> usize {
        rows * columns
    }

    fn forward(
        &self,
        input: &[f64],
        (rows, columns): (usize, usize),
        output: &mut [f64],
        residual: &mut [f64],
    ) -> Result<(), Self::Error> {
        let input = DMatrixView::from_slice(input, rows, columns);
        for (i, row) in input.row_iter().enumerate() {
            output[i] = row.iter().product();
            for (j, x) in row.iter().enumerate() {
                residual[j * rows + i] = output[i] / x;
            }
        }
        Ok(())
    }

    fn backward(residual: &[f64], cotangent: &[f64], input_cotangent: &mut [f64]) {
        let rows = cotangent.len();
        for (i, entry) in input_cotangent.iter_mut().enumerate() {
            *entry += residual[i] * cotangent[i % rows];
        }
    }
}

#[test]
fn constants_have_no_gradient_and_unused_parameters_get_zero() {
    let parameters = [2.0, 5.0];
    let mut gradient = [f64::NAN; 2];
    let mut tape = Tape::new();
    let mut graph = tape.record(&parameters);
    let x = graph.parameter(0, 1, 1);
    let c = graph.constant(&DMatrix::from_element(1, 1, 3.0));
    let y = graph.multiply(x, c);
    graph.gradient(y, &mut gradient);
    assert_eq!(gradient, [3.0, 0.0]);
}

#[test]
fn nan_passes_through_relu() {
    let parameters = [f64::NAN];
    let mut tape = Tape::new();
    let mut graph = tape.record(&parameters);
    let x = graph.parameter(0, 1, 1);
    let y = graph.relu(x);
    assert!(graph.scalar(y).is_nan());
}
