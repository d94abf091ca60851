//! Sliced sums: all energies of n particles and n target atoms on p directions, without and with the gradient.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nalgebra::DMatrix;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rieszflow_flows::latent::fill_normal;
use rieszflow_flows::{GradientRows, Measure, Points, RieszKernel, SlicedSums, Slicing};

/// Normal particles about (shift, …, shift).
fn normal(count: usize, dim: usize, shift: f32, seed: u64) -> DMatrix<f32> {
    let mut matrix = DMatrix::zeros(count, dim);
    fill_normal(matrix.as_mut_slice(), &mut ChaCha8Rng::seed_from_u64(seed));
    matrix.add_scalar(shift)
}

fn sliced(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sliced");
    group.sample_size(10);
    let cases = [
        (1.0, 1, 1_000_000, 1),
        (1.0, 2, 1000, 64),
        (1.0, 2, 10_000, 64),
        (1.0, 2, 100_000, 64),
        (1.0, 2, 1_000_000, 64),
        (1.0, 3, 10_000, 256),
        (1.0, 3, 100_000, 256),
        (1.0, 3, 1_000_000, 64),
        (1.0, 100, 100_000, 256),
        (1.0, 784, 20_000, 1000),
        (0.75, 2, 10_000, 64),
        (1.5, 2, 10_000, 64),
        (1.5, 2, 100_000, 64),
    ];
    for (r, d, n, p) in cases {
        let kernel = RieszKernel::new(r).expect("0 < r < 2");
        let sums = SlicedSums::<f32>::new(kernel, Slicing::new(p)).expect("directions");
        let clouds = std::cell::OnceCell::new();
        let clouds = || clouds.get_or_init(|| [normal(n, d, 0.0, 1), normal(n, d, 1.0, 2)]);
        group.throughput(Throughput::Elements((2 * n * p) as u64));
        let case = format!("r={r}/d={d}/n={n}/p={p}");
        group.bench_function(format!("value/{case}"), |bencher| {
            let [x, y] = clouds();
            let (x, y) = (Points::from(x), Points::from(y));
            bencher.iter(|| black_box(sums.energies(Measure::uniform(x), Measure::uniform(y))));
        });
        group.bench_function(format!("gradient/{case}"), |bencher| {
            let [x, y] = clouds();
            let (x, y) = (Points::from(x), Points::from(y));
            let mut gradient = vec![0.0; n * d];
            bencher.iter(|| {
                let rows = &mut GradientRows::in_x(&mut gradient, n);
                let (x, y) = (Measure::uniform(x), Measure::uniform(y));
                black_box(sums.discrepancy_gradient(x, y, rows))
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = sliced
}
criterion_main!(benches);
