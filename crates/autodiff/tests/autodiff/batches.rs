//! Layers on batches of every size against plain loops, on any number of threads.

use nalgebra::DMatrix;
use rieszflow_autodiff::{Activation, Layer, Tape};

const INPUTS: usize = 3;

fn wave(rows: usize, columns: usize, frequency: f64) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |i, k| {
        (frequency * (i * columns + k) as f64).sin()
    })
}

/// How a layer on a first layer is recorded.
#[derive(Clone, Copy, Debug)]
enum Recording {
    /// As one node.
    Together,
    /// As one node each.
    OneByOne,
}

/// Output of a layer on a first layer, and the gradient of the sum of its squares.
fn layers(
    recording: Recording,
    x: &DMatrix<f64>,
    parameters: &[f64],
    width: usize,
    activation: Activation,
) -> (Vec<f64>, Vec<f64>) {
    let mut tape = Tape::new();
    let mut graph = tape.record(parameters);
    let x = graph.constant(x);
    let mut layer = |offset, inputs| Layer {
        weight: graph.parameter(offset, width, inputs),
        bias: graph.parameter(offset + width * inputs, width, 1),
        activation,
    };
    let layers = [layer(0, INPUTS), layer(width * (INPUTS + 1), width)];
    let y = match recording {
        Recording::Together => graph.layers(x, &layers),
        Recording::OneByOne => layers.iter().fold(x, |y, layer| {
            graph.affine(y, layer.weight, layer.bias, layer.activation)
        }),
    };
    let loss = graph.sum_of_squares(y);
    let mut gradient = vec![f64::NAN; parameters.len()];
    graph.gradient(loss, &mut gradient);
    (graph.value(y).iter().copied().collect(), gradient)
}

/// The same by plain matrix algebra.
fn plain(
    x: &DMatrix<f64>,
    parameters: &[f64],
    width: usize,
    activation: Activation,
) -> (Vec<f64>, Vec<f64>) {
    let (first, rest) = parameters.split_at(width * INPUTS + width);
    let matrix =
        |p: &[f64], inputs| DMatrix::from_column_slice(width, inputs, &p[..width * inputs]);
    let (v, w) = (matrix(first, INPUTS), matrix(rest, width));
    let (a, b) = (&first[width * INPUTS..], &rest[width * width..]);
    let relu = activation == Activation::Relu;
    let layer = |x: &DMatrix<f64>, w: &DMatrix<f64>, b: &[f64]| {
        let mut y = x * w.transpose();
        for (mut column, b) in y.column_iter_mut().zip(b) {
            column.apply(|y| *y = if relu { (*y + b).max(0.0) } else { *y + b });
        }
        y
    };
    let mask = |c: DMatrix<f64>, y: &DMatrix<f64>| {
        c.zip_map(y, |c, y| if relu && y <= 0.0 { 0.0 } else { c })
    };
    let y = layer(x, &v, a);
    let z = layer(&y, &w, b);
    let of_z = mask(&z * 2.0, &z);
    let of_y = mask(&of_z * &w, &y);
    let mut gradient = (of_y.transpose() * x).as_slice().to_vec();
    gradient.extend(of_y.row_sum().iter());
    gradient.extend((of_z.transpose() * &y).iter());
    gradient.extend(of_z.row_sum().iter());
    (z.as_slice().to_vec(), gradient)
}

fn parameters(width: usize) -> Vec<f64> {
    let count = width * (INPUTS + 1 + width + 1);
    wave(count, 1, 1.7).as_slice().to_vec()
}

#[test]
fn layers_agree_with_plain_loops_on_batches_of_every_size() {
    let rows = [
        0, 1, 7, 200, 383, 384, 385, 512, 513, 1000, 3100, 6145, 8193,
    ];
    for (rows, width) in rows.into_iter().flat_map(|rows| [(rows, 5), (rows, 17)]) {
        let parameters = parameters(width);
        let x = wave(rows, INPUTS, 0.37);
        for activation in [Activation::Identity, Activation::Relu] {
            let (expected_value, expected_gradient) = plain(&x, &parameters, width, activation);
            for recording in [Recording::Together, Recording::OneByOne] {
                let (value, gradient) = layers(recording, &x, &parameters, width, activation);
                for (v, e) in value.iter().zip(&expected_value) {
                    assert!((v - e).abs() < 1e-13, "{rows} rows {recording:?}: {v} {e}");
                }
                for (g, e) in gradient.iter().zip(&expected_gradient) {
                    let tolerance = 1e-11 * rows as f64;
                    assert!(
                        (g - e).abs() <= tolerance,
                        "{rows} rows {recording:?}: {g} {e}"
                    );
                }
            }
        }
    }
}

/// Layers that are too large for one thread. Sums of hundreds of terms, of size `scale`, each one
/// rounded: a few hundred units of 10⁻¹⁶.
#[test]
fn large_layers_agree_with_plain_loops() {
    for (rows, width) in [(5, 600), (40, 400), (300, 180), (700, 200)] {
        let parameters = parameters(width);
        let x = wave(rows, INPUTS, 0.37);
        for activation in [Activation::Identity, Activation::Relu] {
            let (value, gradient) = layers(Recording::Together, &x, &parameters, width, activation);
            let (exact_value, exact_gradient) = plain(&x, &parameters, width, activation);
            for (found, exact) in [(value, exact_value), (gradient, exact_gradient)] {
                let scale = exact.iter().fold(1.0_f64, |scale, e| scale.max(e.abs()));
                for (found, exact) in found.iter().zip(&exact) {
                    let error = (found - exact).abs() / scale;
                    assert!(error < 1e-13, "{rows}×{width}: {found} {exact}");
                }
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    // The second and third are cut in two for their work, with small layers and with large ones.
    for (rows, width) in [(513, 5), (420, 140), (300, 180), (5000, 33), (13001, 17)] {
        let parameters = parameters(width);
        let x = wave(rows, INPUTS, 0.37);
        let results = [1, 2, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("threads");
            pool.install(|| {
                layers(
                    Recording::Together,
                    &x,
                    &parameters,
                    width,
                    Activation::Relu,
                )
            })
        });
        assert_eq!(results[0], results[1]);
        assert_eq!(results[0], results[2]);
    }
}

/// Parameters that overlap add up; what the loss does not use gets 0, whatever was there.
#[test]
fn parameters_used_often_or_never() {
    let parameters = [2.0, 3.0, 5.0, 7.0];
    let mut tape = Tape::new();
    for (places, expected) in [
        ([(0, 2), (2, 1)], [4.0, 6.0, 10.0, 0.0]),
        ([(1, 1), (3, 1)], [0.0, 6.0, 0.0, 14.0]),
        ([(0, 3), (1, 2)], [4.0, 12.0, 20.0, 0.0]),
        ([(2, 1), (0, 1)], [4.0, 0.0, 10.0, 0.0]),
        ([(1, 1), (1, 1)], [0.0, 12.0, 0.0, 0.0]),
    ] {
        let mut graph = tape.record(&parameters);
        let _unused = graph.parameter(0, 1, 1);
        let [a, b] = places.map(|(offset, count)| graph.parameter(offset, count, 1));
        let (a, b) = (graph.sum_of_squares(a), graph.sum_of_squares(b));
        let loss = graph.add(a, b);
        let mut gradient = [f64::NAN; 4];
        graph.gradient(loss, &mut gradient);
        assert_eq!(gradient, expected, "{places:?}");
    }
    let mut graph = tape.record(&parameters);
    let (first, last) = (graph.parameter(0, 1, 1), graph.parameter(3, 1, 1));
    let _unused = graph.sum(last);
    let loss = graph.sum_of_squares(first);
    let mut gradient = [f64::NAN; 4];
    graph.gradient(loss, &mut gradient);
    assert_eq!(gradient, [4.0, 0.0, 0.0, 0.0]);
}

/// A divergence must be seen and not swallowed, wherever in the batch it starts.
#[test]
fn what_is_no_number_stays_none() {
    let (width, rows) = (2, 21);
    let parameters = wave((width * INPUTS + width) + (width * width + width), 1, 0.7);
    for row in 0..rows {
        let mut x = wave(rows, INPUTS, 1.1);
        x[(row, 1)] = f64::NAN;
        let (y, _) = layers(
            Recording::Together,
            &x,
            parameters.as_slice(),
            width,
            Activation::Relu,
        );
        for (index, y) in y.iter().enumerate() {
            assert_eq!(y.is_nan(), index % rows == row, "{row} {index}");
        }
    }
}
