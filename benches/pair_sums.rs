//! Sums over pairs of particles, and the matrix products of the networks.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nalgebra::DMatrix;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rieszflow_flows::latent::fill_normal;
use rieszflow_flows::{GradientRows, Measure, Moving, PairSums, Points, RieszKernel};
use rieszflow_numerics::product::{Factor, Store, product};

fn normal(rows: usize, columns: usize, seed: u64) -> DMatrix<f32> {
    let mut matrix = DMatrix::zeros(rows, columns);
    fill_normal(matrix.as_mut_slice(), &mut ChaCha8Rng::seed_from_u64(seed));
    matrix
}

fn pair_sums(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pair_sums");
    group.sample_size(10);
    let cases = [
        (1.0, 2, 100),
        (1.0, 2, 4096),
        (0.5, 2, 4096),
        (1.3, 2, 4096),
        (1.0, 10, 4096),
        (1.0, 784, 256),
    ];
    for (r, d, n) in cases {
        let kernel = RieszKernel::new(r).expect("0 < r < 2");
        let sums = PairSums::<f32>::new(kernel);
        let (x, y, a) = (normal(n, d, 1), normal(n, d, 2), normal(n, d, 3));
        let (x, y, a) = (Points::from(&x), Points::from(&y), Points::from(&a));
        let mut gradient = vec![0.0; 2 * n * d];
        group.throughput(Throughput::Elements((n * n) as u64));
        group.bench_function(format!("energy/r={r}/d={d}/n={n}"), |bencher| {
            bencher.iter(|| black_box(sums.energy(Measure::uniform(x), Measure::uniform(y))));
        });
        group.bench_function(format!("energy_gradient/r={r}/d={d}/n={n}"), |bencher| {
            bencher.iter(|| {
                let rows = &mut GradientRows::in_x(&mut gradient[..n * d], n);
                let (x, y) = (Measure::uniform(x), Measure::uniform(y));
                black_box(sums.energy_gradient(x, y, 1.0, rows))
            });
        });
        group.bench_function(
            format!("directional_derivative/r={r}/d={d}/n={n}"),
            |bencher| {
                // Positions that are not those of the call before, as with minibatches.
                let (mut x, mut y) = (x, y);
                bencher.iter(|| {
                    std::mem::swap(&mut x, &mut y);
                    let rows = &mut GradientRows::in_minibatches(&mut gradient, n);
                    let (x, y) = (Moving::uniform(x, a), Moving::uniform(y, a));
                    black_box(sums.directional_derivative(x, y, 1.0, rows))
                });
            },
        );
    }
    group.finish();
}

fn matmul(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("matmul");
    group.sample_size(10);
    let shapes = [
        (200, 4, 64),
        (200, 64, 64),
        (4000, 128, 128),
        (128, 4000, 128),
        (50, 2048, 2048),
    ];
    for (m, k, n) in shapes {
        let (a, b) = (normal(m, k, 1), normal(k, n, 2));
        let mut c = vec![0.0; m * n];
        group.throughput(Throughput::Elements((2 * m * k * n) as u64));
        group.bench_function(format!("{m}x{k}x{n}"), |bencher| {
            bencher.iter(|| {
                let a = Factor::new(a.as_slice(), m, k);
                let b = Factor::new(b.as_slice(), k, n);
                product(black_box(&mut c), Store::Replace, a, b);
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1));
    targets = pair_sums, matmul
}
criterion_main!(benches);
