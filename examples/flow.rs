//! A flow in twenty lines: the interaction energy spreads a Dirac, and the closed form says how far.
//!
//! `cargo run --release --example flow`

use rieszflow::analytic::{Equilibrium, Law, backward_scale, discrepancy};
use rieszflow::flows::scheme::{Backward, Training};
use rieszflow::flows::{Flow, Interaction, RieszKernel, time_grid};
use rieszflow::nalgebra::DMatrix;

/// One neural backward step of size τ = ½ from 200 particles at the origin of the plane, r = 1.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (r, d, tau) = (1.0, 2, 0.5);
    let functional = Interaction::new(RieszKernel::new(r)?);
    let scheme = Backward::new(Training::default());
    let flow = Flow::new(&functional, &scheme).start(DMatrix::<f64>::zeros(200, d))?;
    let end = flow.run(&time_grid(&[], tau, tau)?)?.state;

    let exact = Equilibrium::new(d, r)?;
    let scale = backward_scale(r, 0.0, tau)?;
    let law = Law::equilibrium(&exact, scale)?;
    let found = discrepancy(&end.particles, None, &law, r)?.v_statistic;
    println!(
        "D² to the exact measure, the disc of radius {:.3}: {found:.1e}",
        scale * exact.radius()
    );
    assert!(found < 2e-3);
    Ok(())
}
