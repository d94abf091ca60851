//! A neural flow to a target: one Dirac splits on its way to two others, which no map could do.
//!
//! `cargo run --release --example neural_target`

use rieszflow::flows::scheme::{Backward, Training};
use rieszflow::flows::{Flow, Mmd, Points, RieszKernel, time_grid};
use rieszflow::nalgebra::DMatrix;

/// 200 particles from the origin towards ½δ₍₋₁,₀₎ + ½δ₍₁,₀₎ by the neural backward scheme, r = 1.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = DMatrix::from_row_slice(2, 2, &[-1.0, 0.0, 1.0, 0.0]);
    let functional = Mmd::new(RieszKernel::new(1.0)?, target, None)?;
    let scheme = Backward::new(Training::default());
    let dirac = DMatrix::<f32>::zeros(200, 2);
    let before = functional.discrepancy(Points::from(&dirac));

    let flow = Flow::new(&functional, &scheme).start(dirac)?;
    let end = flow.run(&time_grid(&[], 0.5, 4.0)?)?.state;

    let after = functional.discrepancy(Points::from(&end.particles));
    let right = end.particles.column(0).iter().filter(|&&x| x > 0.0).count();
    println!("D² fell from {before:.3} to {after:.4}; {right} of 200 particles are at the right");
    assert!(after < 0.05 * before);
    assert!((80..120).contains(&right));
    Ok(())
}
