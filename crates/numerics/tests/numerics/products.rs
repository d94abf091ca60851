//! Matrix products against a plain triple loop, and their independence of the number of threads.

use nalgebra::DMatrix;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rieszflow_numerics::product::{Factor, Store, product};

fn random(rows: usize, columns: usize, seed: u64) -> DMatrix<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    DMatrix::from_fn(rows, columns, |_, _| rng.random_range(-1.0..1.0_f32))
}

fn triple_loop(a: &DMatrix<f32>, b: &DMatrix<f32>) -> DMatrix<f64> {
    DMatrix::from_fn(a.nrows(), b.ncols(), |i, j| {
        (0..a.ncols())
            .map(|l| f64::from(a[(i, l)]) * f64::from(b[(l, j)]))
            .sum()
    })
}

proptest! {
    #[test]
    fn agree_with_a_triple_loop(
        m in 1..70_usize, k in 0..70_usize, n in 1..70_usize, seed in any::<u64>()
    ) {
        let (a, b) = (random(m, k, seed), random(k, n, seed ^ 1));
        let exact = triple_loop(&a, &b);
        let (at, bt) = (a.transpose(), b.transpose());
        // k rounding errors of size ε on values below one.
        let tolerance = 2.0 * (k + 1) as f64 * f64::from(f32::EPSILON);
        let plain = Factor::new(a.as_slice(), m, k);
        let plain_b = Factor::new(b.as_slice(), k, n);
        let turned = Factor::new(at.as_slice(), k, m).transposed();
        let turned_b = Factor::new(bt.as_slice(), n, k).transposed();
        for (a, b) in [(plain, plain_b), (plain, turned_b), (turned, plain_b), (turned, turned_b)] {
            let mut c = vec![f32::NAN; m * n];
            product(&mut c, Store::Replace, a, b);
            for (c, exact) in c.iter().zip(exact.iter()) {
                prop_assert!((f64::from(*c) - exact).abs() <= tolerance);
            }
            product(&mut c, Store::Add, a, b);
            for (c, exact) in c.iter().zip(exact.iter()) {
                prop_assert!((f64::from(*c) - 2.0 * exact).abs() <= 3.0 * tolerance);
            }
        }
    }
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    for (m, k, n) in [
        (4000, 128, 128),
        (128, 4000, 128),
        (50, 2048, 2048),
        (2048, 50, 2048),
    ] {
        let (a, b) = (random(m, k, 7), random(k, n, 8));
        let [one, two, three] = [1, 2, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a thread pool");
            let mut c = vec![0.0; m * n];
            pool.install(|| {
                let a = Factor::new(a.as_slice(), m, k);
                let b = Factor::new(b.as_slice(), k, n);
                product(&mut c, Store::Replace, a, b);
            });
            c
        });
        assert!(one == two && one == three, "{m}×{k}×{n}");
    }
}
