//! A flow in twenty lines: the interaction energy spreads a Dirac, and the closed form says how far.
//!
//! `cargo run --release --example flow`

use nalgebra::DMatrix;
use rieszflow::analytic::{Equilibrium, Law, backward_scale, discrepancy};
use rieszflow::flows::scheme::{Backward, Training, unwatched};
use rieszflow::flows::{Interaction, RieszKernel, Scheme};

/// One neural backward step of size τ = ½ from 200 particles at the origin of the plane, r = 1.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (r, d, tau) = (1.0, 2, 0.5);
    let functional = Interaction::new(RieszKernel::new(r)?);
    let mut scheme = Backward::new(Training {
        hidden_layers: 1,
        width: 32,
        latent_dim: d,
        batch: 50,
        first_iterations: 1000,
        iterations: 1000,
        learning_rate: 3e-3,
        learning_rate_decay: 1e-2,
        seed: 0,
    });
    let mut state = scheme.start(DMatrix::<f64>::zeros(200, d))?;
    scheme.step(&functional, &mut state, tau, &mut unwatched)?;

    let exact = Equilibrium::new(d, r)?;
    let scale = backward_scale(r, 0.0, tau)?;
    let law = Law::equilibrium(&exact, scale)?;
    let found = discrepancy(&state.particles, None, &law, r)?.v_statistic;
    println!(
        "D² to the exact measure, the disc of radius {:.3}: {found:.1e}",
        scale * exact.radius()
    );
    assert!(found < 2e-3);
    Ok(())
}
