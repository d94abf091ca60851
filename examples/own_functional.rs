//! A functional of a user: repulsion in a bowl, F(μ) = E(μ) + ½∫|x|² dμ.
//!
//! Its minimiser is known: η*, the equilibrium that the closed forms of the interaction energy are
//! scaled copies of. The particle flow is checked to arrive there.
//!
//! `cargo run --release --example own_functional`

use rieszflow::analytic::{Equilibrium, Law, discrepancy};
use rieszflow::flows::scheme::Particle;
use rieszflow::flows::{
    Flow, Functional, Interaction, Points, PotentialFunction, RieszKernel, Sum, time_grid,
};
use rieszflow::nalgebra::DMatrix;

/// 400 particles from a Dirac, for r = 1 in the plane, up to time 6.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bowl = PotentialFunction::new(|x: &[f64], gradient: &mut [f64]| {
        gradient.copy_from_slice(x);
        0.5 * x.iter().map(|x| x * x).sum::<f64>()
    });
    let confined = Sum(Interaction::new(RieszKernel::new(1.0)?), bowl);

    let flow = Flow::new(
        &confined,
        &Particle {
            seed: 0,
            momentum: 0.0,
        },
    )
    .start(DMatrix::zeros(400, 2))?;
    let end = flow.run(&time_grid(&[], 0.05, 6.0)?)?.state;

    let minimiser = Equilibrium::new(2, 1.0)?;
    let law = Law::equilibrium(&minimiser, 1.0)?;
    let found = discrepancy(&end.particles, None, &law, 1.0)?.v_statistic;
    let energy = confined.energy(Points::from(&end.particles));
    let least = minimiser.energy() + 0.5 * minimiser.second_moment();
    println!("D² to the minimiser η*: {found:.1e}; F = {energy:.4}, at η* {least:.4}");
    assert!(found < 1e-3);
    assert!((energy - least).abs() < 1e-3);
    Ok(())
}
