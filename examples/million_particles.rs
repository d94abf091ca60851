//! Very many particles: a cloud flows into a spiral by sliced sums, in N log N time a step.
//!
//! `cargo run --release --example million_particles -- 1000000` (10000 particles without a number)

use std::time::Instant;

use rand::RngExt;
use rieszflow::flows::rng::{Purpose, stream};
use rieszflow::flows::scheme::{Particle, Scheme};
use rieszflow::flows::{Mmd, Points, RieszKernel, Slicing, Sums};
use rieszflow::nalgebra::DMatrix;

/// Gradient steps with momentum until the cloud is a spiral, and how long they take.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::args().nth(1).map_or(Ok(30_000), |n| n.parse())?;
    let mut rng = stream(0, Purpose::Target, 0, 0);
    let mut spiral = DMatrix::<f32>::zeros(count, 2);
    for mut atom in spiral.row_iter_mut() {
        let angle: f32 = 12.0 * rng.random_range(0.0..1.0_f32).sqrt();
        let radius = 0.08 * angle + 0.1 * rng.random_range(-0.5..0.5_f32);
        (atom[0], atom[1]) = (radius * angle.cos(), radius * angle.sin());
    }
    let cloud = DMatrix::from_fn(count, 2, |_, _| rng.random_range(-1.0..1.0_f32));

    let sums = Sums::Sliced(Slicing::new(64));
    let functional = Mmd::with_sums(RieszKernel::new(1.0)?, spiral, None, sums)?;
    let scheme = Particle {
        momentum: 0.7,
        ..Particle::default()
    };
    let mut state = scheme.start(cloud)?;
    let start = functional.discrepancy(Points::from(&state.particles));
    println!("{count} particles, D² = {start:.3e} at the start");
    for step in 1..=150 {
        let since = Instant::now();
        scheme.step(&functional, &mut state, 0.05)?;
        if step % 25 == 0 {
            let seconds = since.elapsed().as_secs_f64();
            let discrepancy = functional.discrepancy(Points::from(&state.particles));
            println!("step {step}: D² = {discrepancy:.3e}, {seconds:.2} s a step");
        }
    }
    let end = functional.discrepancy(Points::from(&state.particles));
    assert!(end < 1e-2 * start, "D² = {end:e} of {start:e} at the start");
    Ok(())
}
