//! An ensemble: the same flow from eight seeds on one pool, with one functional and one scheme a seed.
//!
//! `cargo run --release --example ensemble`

use rayon::prelude::*;
use rieszflow::analytic::{Equilibrium, Law, backward_scale, discrepancy};
use rieszflow::flows::scheme::{Backward, Training};
use rieszflow::flows::{Error, Interaction, RieszKernel, Scheme, State};
use rieszflow::nalgebra::DMatrix;

/// One backward step of size τ = ½ from a Dirac in the plane, r = 1, and the spread of its error.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (r, tau) = (1.0, 0.5);
    let functional = Interaction::new(RieszKernel::new(r)?);
    let step = |seed: u64| -> Result<State<f64>, Error> {
        let scheme = Backward::new(Training {
            seed,
            ..Training::default()
        });
        let mut state = scheme.start(DMatrix::zeros(200, 2))?;
        scheme.step(&functional, &mut state, tau)?;
        Ok(state)
    };
    let together: Result<Vec<_>, _> = (0..8).into_par_iter().map(step).collect();
    let together = together?;
    // Flows that share a functional compute the same as alone, to the bit.
    assert_eq!(together[3], step(3)?);

    let exact = Law::equilibrium(&Equilibrium::new(2, r)?, backward_scale(r, 0.0, tau)?)?;
    let mut errors = Vec::new();
    for state in &together {
        errors.push(discrepancy(&state.particles, None, &exact, r)?.v_statistic);
    }
    let mean = errors.iter().sum::<f64>() / 8.0;
    let deviation = (errors.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / 7.0).sqrt();
    println!("D² to the exact measure: {mean:.1e} ± {deviation:.0e} over 8 seeds");
    assert!(mean < 2e-3);
    Ok(())
}
