//! The network against a plain loop over its layers, and the distribution of fresh parameters.

use nalgebra::DMatrix;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rieszflow_autodiff::{Tape, check::gradient_error};
use rieszflow_nets::Mlp;

fn plain(network: &Mlp, parameters: &[f64], input: &[f64]) -> Vec<f64> {
    let mut features = input.to_vec();
    for (index, layer) in network.layers().iter().enumerate() {
        let (weight, bias) = (layer.weight(parameters), layer.bias(parameters));
        features = (0..layer.outputs())
            .map(|o| {
                let y = bias[o]
                    + (0..layer.inputs())
                        .map(|i| weight[(o, i)] * features[i])
                        .sum::<f64>();
                if index + 1 < network.layers().len() {
                    y.max(0.0)
                } else {
                    y
                }
            })
            .collect();
    }
    features
}

#[test]
fn forward_agrees_with_a_loop_over_the_layers() {
    let network = Mlp::new(&[3, 7, 5, 2]);
    let parameters = network.initialise::<f64, _>(&mut ChaCha8Rng::seed_from_u64(1));
    let input = DMatrix::from_fn(4, 3, |i, j| (i as f64 - 1.5) * (j as f64 + 0.5));
    let mut tape = Tape::new();
    let mut graph = tape.record(&parameters);
    let x = graph.constant(&input);
    let y = network.record(&mut graph, x);
    for i in 0..input.nrows() {
        let row: Vec<f64> = input.row(i).iter().copied().collect();
        for (j, expected) in plain(&network, &parameters, &row).into_iter().enumerate() {
            assert!((graph.value(y)[(i, j)] - expected).abs() < 1e-14);
        }
    }
}

#[test]
fn gradient_agrees_with_finite_differences() {
    let network = Mlp::new(&[2, 6, 6, 2]);
    let parameters = network.initialise::<f64, _>(&mut ChaCha8Rng::seed_from_u64(2));
    let input = DMatrix::from_fn(5, 2, |i, j| (1.0 + i as f64 + 3.0 * j as f64).sin());
    let found = gradient_error(&parameters, 1e-4, |graph| {
        let x = graph.constant(&input);
        let y = network.record(graph, x);
        graph.sum_of_squares(y)
    });
    assert!(found.error < 1e-8, "{found:?}");
}

/// Uniform on ±1/√k has variance 1/(3k); with n draws the sample variance has relative standard
/// deviation √(0.8/n), so 5 % is six of them for the 12,900 parameters of the middle layer.
#[test]
fn fresh_parameters_are_uniform_with_the_variance_of_the_fan_in() {
    let network = Mlp::new(&[4, 100, 128, 2]);
    let parameters = network.initialise::<f32, _>(&mut ChaCha8Rng::seed_from_u64(3));
    let layer = network.layers()[1];
    let weight = layer.weight(&parameters);
    let bound = 1.0 / (layer.inputs() as f32).sqrt();
    assert!(
        weight
            .iter()
            .chain(layer.bias(&parameters).iter())
            .all(|w| w.abs() <= bound)
    );
    let variance = weight.iter().map(|w| f64::from(w * w)).sum::<f64>() / weight.len() as f64;
    assert!(
        (variance * 3.0 * layer.inputs() as f64 - 1.0).abs() < 0.05,
        "{variance}"
    );
}
