//! A generator in a few lines: two moons, the chain that learns them, and fresh samples.
//!
//! `cargo run --release --example chain`

use std::error::Error;

use rieszflow::flows::scheme::{Chain, Training};
use rieszflow::flows::{
    Flow, HeldOut, Mmd, NetworkChain, NormalStart, Points, RieszKernel, Slicing, StepSizes, Sums,
    hold_out, time_grid,
};
use rieszflow::nalgebra::DMatrix;

/// Points on two half circles that reach into each other.
fn moons(count: usize) -> DMatrix<f64> {
    DMatrix::from_fn(count, 2, |i, k| {
        let angle = std::f64::consts::PI * (0.754_877_666 * i as f64).fract();
        let (sine, cosine) = angle.sin_cos();
        if i % 2 == 0 {
            [cosine, sine][k]
        } else {
            [1.0 - cosine, 0.5 - sine][k]
        }
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let (training, held_out) = hold_out(&moons(1200), 200, 0);
    let start = NormalStart::of(&training);
    let chain = Chain {
        training: Training {
            width: 64,
            iterations: 400,
            ..Chain::default_for(2, 0, 1000, start.spread(), 1.0).training
        },
        ..Chain::default_for(2, 0, 1000, start.spread(), 1.0)
    };
    let kernel = RieszKernel::new(1.0)?;
    let sums = Sums::Sliced(Slicing::new(32));
    let functional = Mmd::with_sums(kernel, training.clone(), None, sums)?;

    let mut networks = NetworkChain::default();
    let mut stop = HeldOut::new(kernel, (start.compared(200, 0), &held_out), 0, 2)?;
    let (tau, time) = StepSizes::doubling(32.0 * chain.flow_step, 128.0 * chain.flow_step, 6);
    let flow = Flow::new(&functional, &chain).start(start.particles(1000, 0))?;
    let flow = flow.observe(&mut networks).observe(&mut stop);
    flow.run(&time_grid(&[], tau, time)?)?;

    networks.truncate(stop.best() as usize);
    let fresh = networks.push_forward(start.samples(1000, 1), &DMatrix::zeros(1000, 0));
    let data = Mmd::new(kernel, training, None)?;
    let [before, after] =
        [start.samples(1000, 1), fresh].map(|x| data.discrepancy(Points::from(&x)));
    println!(
        "D² to the data: {before:.1e} at the start, {after:.1e} after {} networks",
        networks.len()
    );
    assert!(after < 0.1 * before);
    Ok(())
}
