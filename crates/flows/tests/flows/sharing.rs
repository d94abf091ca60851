//! Many flows on one pool share one functional and one scheme: the same bits as alone, and no waiting
//! for one another.

use nalgebra::DMatrix;
use rayon::prelude::*;
use rieszflow_flows::scheme::Training;
use rieszflow_flows::{
    Functional, ImplosionExplosion, Mmd, RieszKernel, Scheme, State, with_awake_worker,
};

use crate::common::{cloud, schemes};

fn points(count: usize, seed: usize) -> DMatrix<f32> {
    cloud(count).map(|x| (5.0 * x + seed as f32).sin())
}

/// The flow that starts from the points with this seed.
fn flow(functional: &dyn Functional<f32>, scheme: &dyn Scheme<f32>, seed: usize) -> State<f32> {
    let mut state = scheme.start(points(600, seed)).unwrap();
    for _ in 0..2 {
        scheme.step(functional, &mut state, 0.05).unwrap();
    }
    state
}

fn training() -> Training {
    Training {
        hidden_layers: 1,
        width: 16,
        batch: 400,
        first_iterations: 3,
        iterations: 3,
        ..Training::default()
    }
}

/// Sums of several blocks: a thread that waits inside one takes up another flow. With a lock held while
/// the pool works it would wait for itself; RIESZFLOW_ROUNDS sets how often that is tried.
#[test]
fn flows_that_share_a_functional_give_the_same_bits_as_alone() {
    let rounds: usize = match std::env::var("RIESZFLOW_ROUNDS") {
        Ok(rounds) => rounds.parse().expect("a number of rounds"),
        Err(_) => 20,
    };
    let kernel = RieszKernel::new(1.0).unwrap();
    let mmd = Mmd::new(kernel, points(900, 99), None).unwrap();
    let functionals: [&dyn Functional<f32>; 2] = [&mmd, &ImplosionExplosion::new()];
    let pools = [2, 3, 4, 8].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().expect("threads")
    });
    for functional in functionals {
        for scheme in schemes(training()) {
            let alone: Vec<_> = (0..8)
                .map(|seed| flow(functional, &*scheme, seed))
                .collect();
            for pool in &pools {
                for _ in 0..rounds.div_ceil(4) {
                    let seeds = (0..8_usize).into_par_iter();
                    let together: Vec<_> = pool
                        .install(|| seeds.map(|seed| flow(functional, &*scheme, seed)).collect());
                    assert!(together == alone, "{} threads", pool.current_num_threads());
                }
            }
        }
    }
}

#[test]
fn an_awake_worker_changes_no_bit() {
    let mmd = Mmd::new(RieszKernel::new(1.0).unwrap(), points(50, 9), None).unwrap();
    let small = Training {
        width: 64,
        batch: 100,
        hidden_layers: 2,
        ..training()
    };
    for scheme in schemes(small) {
        let alone = flow(&mmd, &*scheme, 0);
        for threads in [1, 2, 4] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().expect("threads");
            let found = pool.install(|| with_awake_worker(|| flow(&mmd, &*scheme, 0)));
            assert!(found == alone, "{threads} threads");
        }
    }
}
