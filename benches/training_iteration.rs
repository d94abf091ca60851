//! One training iteration of each scheme at the sizes of the paper's experiments, and one particle step.
//!
//! An iteration is everything the inner loop does: minibatch and latent draws, network, functional,
//! reverse sweep, Adam; in single precision, on all threads unless `RAYON_NUM_THREADS` says otherwise.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nalgebra::DMatrix;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rieszflow_flows::latent::fill_normal;
use rieszflow_flows::scheme::{Backward, Forward, Iteration, Particle, Training};
use rieszflow_flows::{
    Functional, Interaction, Mmd, RieszKernel, Scheme, State, with_awake_worker,
};

/// The sizes of an experiment.
struct Workload {
    name: &'static str,
    backward: bool,
    particles: usize,
    batch: usize,
    dim: usize,
    width: usize,
    hidden_layers: usize,
    targets: usize,
}

#[rustfmt::skip]
const WORKLOADS: [Workload; 11] = [
    Workload { name: "interaction-backward-d2",  backward: true,  particles: 2000, batch: 100,  dim: 2,   width: 64,   hidden_layers: 2, targets: 0 },
    Workload { name: "interaction-forward-d2",   backward: false, particles: 2000, batch: 100,  dim: 2,   width: 64,   hidden_layers: 2, targets: 0 },
    Workload { name: "interaction-backward-d10", backward: true,  particles: 2000, batch: 100,  dim: 10,  width: 64,   hidden_layers: 2, targets: 0 },
    Workload { name: "interaction-forward-d10",  backward: false, particles: 2000, batch: 100,  dim: 10,  width: 64,   hidden_layers: 2, targets: 0 },
    Workload { name: "two-diracs-backward",      backward: true,  particles: 2000, batch: 2000, dim: 2,   width: 128,  hidden_layers: 5, targets: 2 },
    Workload { name: "two-diracs-forward",       backward: false, particles: 2000, batch: 2000, dim: 2,   width: 128,  hidden_layers: 5, targets: 2 },
    Workload { name: "smiley-backward",          backward: true,  particles: 2000, batch: 2000, dim: 2,   width: 128,  hidden_layers: 5, targets: 2000 },
    Workload { name: "smiley-forward",           backward: false, particles: 2000, batch: 2000, dim: 2,   width: 128,  hidden_layers: 5, targets: 2000 },
    Workload { name: "drawing-backward",         backward: true,  particles: 6000, batch: 6000, dim: 2,   width: 128,  hidden_layers: 5, targets: 6000 },
    Workload { name: "mnist-backward",           backward: true,  particles: 25,   batch: 25,   dim: 784, width: 2048, hidden_layers: 3, targets: 100 },
    Workload { name: "mnist-forward",            backward: false, particles: 25,   batch: 25,   dim: 784, width: 2048, hidden_layers: 3, targets: 100 },
];

impl Workload {
    fn functional(&self) -> Box<dyn Functional<f32>> {
        let kernel = RieszKernel::new(1.0).expect("0 < 1 < 2");
        if self.targets == 0 {
            return Box::new(Interaction::new(kernel));
        }
        let target = normal(self.targets, self.dim, 1);
        Box::new(Mmd::new(kernel, target, None).expect("a target"))
    }

    /// The time that `count` iterations of one time step take, after one that warms up.
    fn time(&self, count: u64) -> Duration {
        let training = Training {
            hidden_layers: self.hidden_layers,
            width: self.width,
            latent_dim: Some(self.dim),
            batch: self.batch,
            first_iterations: count + 1,
            iterations: count + 1,
            learning_rate: 1e-3,
            learning_rate_decay: 1.0,
            ..Training::default()
        };
        let scheme: Box<dyn Scheme<f32>> = if self.backward {
            Box::new(Backward::new(training))
        } else {
            Box::new(Forward::new(training))
        };
        let functional = self.functional();
        let mut state = scheme
            .start(normal(self.particles, self.dim, 2))
            .expect("a valid start");
        let (mut since, mut total) = (Instant::now(), Duration::ZERO);
        let callback = &mut |_: &State<f32>, iteration: Iteration| {
            if iteration.index == 0 {
                since = Instant::now();
            }
            total = since.elapsed();
            ControlFlow::Continue(())
        };
        scheme
            .step_with(&*functional, &mut state, 0.05, callback)
            .expect("a step");
        total
    }

    /// Floating-point operations of the network, forward and backward, on both minibatches.
    fn network_operations(&self) -> u64 {
        let (d, w) = (self.dim as u64, self.width as u64);
        let weights = 2 * d * w + (self.hidden_layers as u64 - 1) * w * w + w * d;
        2 * self.batch as u64 * weights * 6
    }
}

fn normal(rows: usize, columns: usize, seed: u64) -> DMatrix<f32> {
    let mut matrix = DMatrix::zeros(rows, columns);
    fill_normal(matrix.as_mut_slice(), &mut ChaCha8Rng::seed_from_u64(seed));
    matrix
}

/// Runs `work` on a thread of a pool, as the program does.
fn on_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().build().expect("threads");
    pool.install(work)
}

fn training_iteration(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("training_iteration");
    group.sample_size(10);
    for workload in &WORKLOADS {
        group.throughput(Throughput::Elements(workload.network_operations()));
        group.bench_function(workload.name, |bencher| {
            bencher.iter_custom(|count| on_pool(|| with_awake_worker(|| workload.time(count))));
        });
    }
    group.finish();
}

fn particle_step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("particle_step");
    group.sample_size(10);
    for n in [2000_usize, 6000] {
        // Pairs among the particles, and with as many of the target.
        group.throughput(Throughput::Elements(2 * (n * n) as u64));
        group.bench_function(format!("n={n}"), |bencher| {
            let kernel = RieszKernel::new(1.0).expect("0 < 1 < 2");
            let functional = Mmd::new(kernel, normal(n, 2, 1), None).expect("a target");
            let scheme = Particle::default();
            let start = normal(n, 2, 2);
            bencher.iter_custom(|count| {
                on_pool(|| {
                    let mut state = scheme.start(start.clone()).expect("a valid start");
                    let since = Instant::now();
                    for _ in 0..count {
                        scheme.step(&functional, &mut state, 0.05).expect("a step");
                    }
                    since.elapsed()
                })
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    targets = training_iteration, particle_step
}
criterion_main!(benches);
