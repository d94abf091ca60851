//! A flow stepped by hand, without the loop over time: a step that raises D² halves the next ones.
//!
//! `cargo run --release --example stepping`

use rieszflow::flows::scheme::Particle;
use rieszflow::flows::{Mmd, Points, RieszKernel, Scheme};
use rieszflow::nalgebra::DMatrix;

/// 50 particles of a Dirac on the line towards the uniform distribution on 20 points, r = 1.
pub fn main() -> Result<(), rieszflow::flows::Error> {
    let target = DMatrix::from_fn(20, 1, |i, _| 1.0 + 0.1 * f64::from(i as u32));
    let functional = Mmd::new(RieszKernel::new(1.0)?, target, None)?;
    let scheme = Particle::default();
    let mut state = scheme.start(DMatrix::<f64>::zeros(50, 1))?;
    let mut tau = 0.2;
    let mut last = functional.discrepancy(Points::from(&state.particles));
    while state.time < 8.0 {
        scheme.step(&functional, &mut state, tau)?;
        let now = functional.discrepancy(Points::from(&state.particles));
        if now > last {
            tau = (0.5 * tau).max(1e-3);
        }
        last = now;
    }
    println!(
        "{} steps to t = {:.2}, the last of size {tau:.1e}; D² = {last:.1e}",
        state.step, state.time
    );
    assert!(last < 1e-2);
    Ok(())
}
