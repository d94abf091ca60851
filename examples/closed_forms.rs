//! The closed forms alone: the equilibrium, its flow and schemes, exact discrepancies, the line.
//!
//! `cargo run --release --example closed_forms`

use rand::SeedableRng;
use rieszflow::analytic::line::{DiscreteMeasure, backward_step, flow};
use rieszflow::analytic::{
    Equilibrium, Law, backward_scales, discrepancy, flow_scale, sampling_floor,
};

/// What is known of the interaction energy from a Dirac, and of a target on the line.
pub fn main() -> Result<(), rieszflow::analytic::Error> {
    // In ten dimensions, r = ½, mass sits on a sphere.
    let exact = Equilibrium::new(10, 0.5)?;
    println!(
        "η* is uniform on the sphere of radius {:.6}",
        exact.radius()
    );
    assert!((exact.energy() + exact.second_moment() / 0.5).abs() < 1e-15);

    // The JKO scheme approaches the flow as its steps shrink.
    let time = 1.0;
    let error = |steps: usize| -> Result<f64, rieszflow::analytic::Error> {
        let scales = backward_scales(0.5, 0.0, &vec![time / steps as f64; steps])?;
        Ok((scales[steps - 1] - flow_scale(0.5, time)?).abs())
    };
    let (coarse, fine) = (error(20)?, error(200)?);
    println!("error of the JKO scale: {coarse:.1e} with 20 steps, {fine:.1e} with 200");
    assert!(fine < 0.2 * coarse);

    // Independent draws are at the sampling floor, on average.
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let law = Law::equilibrium(&exact, 1.0)?;
    let draws = law.sample(1000, &mut rng);
    let found = discrepancy(&draws, None, &law, 0.5)?.v_statistic;
    let floor = sampling_floor(&law, 0.5, 1000)?;
    println!("D² of 1000 draws {found:.1e}, on average {floor:.1e}");
    assert!((0.5..2.0).contains(&(found / floor)));

    // On the line with r = 1: three particles at 0, a target with atoms at −1 and 2.
    let target = DiscreteMeasure::new(&[-1.0, 2.0], &[0.5, 0.5])?;
    let later = flow(&target, &[0.0; 3], 100.0)?;
    let step = backward_step(&target, &[0.0; 3], 0.3)?;
    println!("the flow ends at {later:?}; one JKO step leads to {step:.1?}");
    // The middle particle carries the level ½, between the atoms' masses: nothing pulls it.
    assert_eq!(later, [-1.0, 0.0, 2.0]);
    Ok(())
}
