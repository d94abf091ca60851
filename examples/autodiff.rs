//! Differentiation alone: fits a small network to a parabola, and checks the gradient by differences.
//!
//! `cargo run --release --example autodiff`

use nalgebra::DMatrix;
use rieszflow::autodiff::check::gradient_error;
use rieszflow::autodiff::{Graph, Tape, Var};

/// Units of the hidden layer.
const WIDTH: usize = 8;

/// Records Σ (W₂ ReLU(W₁x + b₁) + b₂ − x²)² over 21 points x in [−1, 1]; θ = (W₁, b₁, W₂, b₂).
fn loss(graph: &mut Graph<'_, f64>) -> Var {
    let points = DMatrix::from_fn(21, 1, |i, _| i as f64 / 10.0 - 1.0);
    let x = graph.constant(&points);
    let (w1, b1) = (graph.parameter(WIDTH, 1), graph.parameter(WIDTH, 1));
    let hidden = graph.affine(x, w1, b1);
    let hidden = graph.relu(hidden);
    let (w2, b2) = (graph.parameter(1, WIDTH), graph.parameter(1, 1));
    let output = graph.affine(hidden, w2, b2);
    let parabola = graph.constant(&points.map(|x| x * x));
    let error = graph.subtract(output, parabola);
    graph.sum_of_squares(error)
}

/// Gradient descent with a tape that is recorded anew in every iteration.
pub fn main() {
    // Any start without symmetry will do.
    let mut theta: Vec<f64> = (0..=3 * WIDTH).map(|i| (i as f64 + 1.0).sin()).collect();
    let check = gradient_error(&theta, 1e-4, loss);
    let mut gradient = vec![0.0; theta.len()];
    let mut tape = Tape::new();
    let mut value = f64::INFINITY;
    for _ in 0..5000 {
        let mut graph = tape.record(&theta);
        let loss = loss(&mut graph);
        value = graph.scalar(loss);
        graph.gradient(loss, &mut gradient);
        theta
            .iter_mut()
            .zip(&gradient)
            .for_each(|(t, g)| *t -= 1e-2 * g);
    }
    println!(
        "sum of squared errors {value:.1e}; gradient off by {:.0e}",
        check.error
    );
    assert!(value < 5e-2);
    assert!(check.error < 1e-8);
}
