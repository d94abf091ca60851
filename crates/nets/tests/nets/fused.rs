//! The fused layers against the plain composition of affine layers and ReLU, on batches of every size,
//! in both precisions and on any number of threads.

use nalgebra::DMatrix;
use proptest::prelude::*;
use rieszflow_autodiff::{Graph, Real, Tape, Var};
use rieszflow_nets::Mlp;

/// Deterministic entries in [−1, 1] without a pattern.
fn wave<T: Real>(count: usize, frequency: f64) -> Vec<T> {
    let entry = |i: usize| T::from_f64((frequency * i as f64 + 0.1 * (i as f64).sqrt()).sin());
    (0..count).map(entry).collect()
}

type Record<T> = fn(&Mlp, &mut Graph<'_, T>, Var) -> Var;

/// The output, and the gradient of |output|² in the parameters and in a shift of the input.
fn evaluate<T: Real>(record: Record<T>, network: &Mlp, rows: usize) -> (Vec<T>, Vec<T>) {
    let inputs = network.layers()[0].inputs();
    let shift = rows * inputs;
    // Weights of size 1/√k keep the features at size one.
    let mut parameters: Vec<T> = wave(shift + network.parameter_count(), 1.7);
    let mut rest = &mut parameters[shift..];
    for layer in network.layers() {
        let count = (layer.inputs() + 1) * layer.outputs();
        let (own, after) = rest.split_at_mut(count);
        let size = T::from_f64(1.0 / (layer.inputs() as f64).sqrt());
        for parameter in own {
            *parameter *= size;
        }
        rest = after;
    }
    let mut tape = Tape::new();
    let mut gradient = vec![T::nan(); parameters.len()];
    let mut output = Vec::new();
    // Twice: the second recording finds the stale memory of the first one.
    for _ in 0..2 {
        let mut graph = tape.record(&parameters);
        let shift = graph.parameter(rows, inputs);
        let x = graph.constant(&DMatrix::from_vec(rows, inputs, wave(rows * inputs, 0.37)));
        let x = graph.add(x, shift);
        let y = record(network, &mut graph, x);
        let loss = graph.sum_of_squares(y);
        graph.gradient(loss, &mut gradient);
        output = graph.value(y).iter().copied().collect();
    }
    (output, gradient)
}

/// Compares relative to the largest entry: sums of hundreds of rounded terms.
fn compare<T: Real>(network: &Mlp, rows: usize, tolerance: f64) -> Result<(), String> {
    let (value, gradient) = evaluate::<T>(Mlp::record, network, rows);
    let (plain_value, plain_gradient) = evaluate::<T>(Mlp::record_plain, network, rows);
    for (found, expected) in [(value, plain_value), (gradient, plain_gradient)] {
        let largest = |scale: f64, x: &T| scale.max(x.into_f64().abs());
        let scale = expected.iter().fold(1e-3, largest);
        for (i, (f, e)) in found.iter().zip(&expected).enumerate() {
            let error = (f.into_f64() - e.into_f64()).abs() / scale;
            if error.is_nan() || error > tolerance {
                return Err(format!("{rows} rows, {network:?}, entry {i}: {f:?} {e:?}"));
            }
        }
    }
    Ok(())
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(prop_oneof![Just(1), 1..40_usize], 2..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_shape_agrees_with_the_plain_layers(
        sizes in sizes(),
        rows in prop_oneof![0..40_usize, 100..600_usize],
    ) {
        let network = Mlp::new(&sizes);
        prop_assert_eq!(compare::<f64>(&network, rows, 1e-12), Ok(()));
        // In single precision an entry next to 0 may pass the corner of the ReLU or not.
        prop_assert_eq!(compare::<f32>(&network, rows, 1e-3), Ok(()));
    }
}

/// Batches of one part and of several, whole blocks and begun ones, narrow layers and wide ones.
#[test]
fn batches_of_every_size_agree_with_the_plain_layers() {
    for rows in [
        1, 7, 127, 128, 191, 192, 193, 383, 385, 512, 513, 1000, 3100, 8193,
    ] {
        for width in [5, 17, 64] {
            let network = Mlp::new(&[3, width, width, 2]);
            compare::<f64>(&network, rows, 1e-11).unwrap();
        }
    }
}

/// Layers whose products are cut into pieces for all threads.
#[test]
fn large_layers_agree_with_the_plain_layers() {
    for (rows, width) in [(5, 600), (40, 400), (300, 180), (700, 200), (25, 1100)] {
        compare::<f64>(&Mlp::new(&[3, width, width]), rows, 1e-12).unwrap();
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    // The second and third are cut in two for their work, with small layers and with large ones.
    for (rows, width) in [(513, 5), (420, 140), (300, 180), (5000, 33), (13001, 17)] {
        let network = Mlp::new(&[3, width, width]);
        let [one, two, three] = [1, 2, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("threads");
            pool.install(|| evaluate::<f32>(Mlp::record, &network, rows))
        });
        assert_eq!(one, two);
        assert_eq!(one, three);
    }
}

/// A divergence must be seen, wherever in the batch it starts.
#[test]
fn nan_stays_nan() {
    let (rows, network) = (21, Mlp::new(&[3, 2, 2]));
    let parameters: Vec<f64> = wave(network.parameter_count(), 0.7);
    for row in 0..rows {
        let mut x = DMatrix::from_vec(rows, 3, wave(rows * 3, 1.1));
        x[(row, 1)] = f64::NAN;
        let mut tape = Tape::new();
        let mut graph = tape.record(&parameters);
        let x = graph.constant(&x);
        let y = network.record(&mut graph, x);
        for (index, y) in graph.value(y).iter().enumerate() {
            assert_eq!(y.is_nan(), index % rows == row, "{row} {index}");
        }
    }
}
