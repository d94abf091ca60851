//! The steady state of the inner loop takes nothing from the heap.
//!
//! On x86-64: elsewhere the linear algebra library allocates in each product.

#![cfg(target_arch = "x86_64")]
#![expect(unsafe_code, reason = "an allocator that counts is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use nalgebra::DMatrix;
use rieszflow_flows::scheme::{Backward, Forward, Iteration, Training};
use rieszflow_flows::{Functional, Interaction, Mmd, RieszKernel, Scheme, State};
use rieszflow_numerics::product::{Factor, Store, product};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: Every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const WARM_UP: u64 = 5;
const ITERATIONS: u64 = 25;

fn points(count: usize, dim: usize) -> DMatrix<f32> {
    DMatrix::from_fn(count, dim, |i, k| (1.3 * (i * dim + k) as f32).sin())
}

/// Allocations from the end of the warm-up to the end of the last iteration.
fn allocations(
    scheme: &dyn Scheme<f32>,
    functional: &dyn Functional<f32>,
    (particles, dim): (usize, usize),
) -> usize {
    let mut state = scheme.start(points(particles, dim)).expect("a start");
    let (mut before, mut after) = (0, 0);
    let mut watch = |_: &State<f32>, iteration: Iteration| {
        after = ALLOCATIONS.load(Ordering::Relaxed);
        if iteration.index < WARM_UP {
            before = after;
        }
        ControlFlow::Continue(())
    };
    scheme
        .step_with(functional, &mut state, 0.05, &mut watch)
        .expect("a step");
    after - before
}

/// All in one test: the allocator counts those of every thread.
#[test]
fn no_allocation_in_the_steady_state() {
    let kernel = RieszKernel::new(1.0).expect("0 < r < 2");
    let training = Training {
        hidden_layers: 2,
        width: 64,
        latent_dim: Some(2),
        batch: 100,
        first_iterations: ITERATIONS,
        iterations: ITERATIONS,
        learning_rate: 1e-3,
        learning_rate_decay: 1.0,
        seed: 0,
        ..Training::default()
    };
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads");
        // Each thread's first product allocates the memory of all later ones.
        pool.broadcast(|_| {
            let (a, mut c) = ([1.0_f32; 400], [0.0_f32; 400]);
            let a = Factor::new(&a, 20, 20);
            product(&mut c, Store::Replace, a, a);
        });
        // Batches of one block of rows and of many, and layers whose products are cut.
        let cases = [
            (100, 64, 2, false),
            (1000, 128, 2, false),
            (25, 700, 100, false),
            (100, 64, 2, true),
        ];
        for (batch, width, dim, control_variate) in cases {
            let training = Training {
                batch,
                width,
                control_variate,
                latent_dim: Some(dim),
                ..training
            };
            let size = (2 * batch + 7, dim);
            let functionals: [Box<dyn Functional<f32>>; 2] = [
                Box::new(Interaction::new(kernel)),
                Box::new(Mmd::new(kernel, points(batch, dim), None).expect("a target")),
            ];
            for functional in functionals {
                let (backward, forward) = pool.install(|| {
                    (
                        allocations(&Backward::new(training), &*functional, size),
                        allocations(&Forward::new(training), &*functional, size),
                    )
                });
                assert_eq!((backward, forward), (0, 0), "{threads} {training:?}");
            }
        }
    }
}
