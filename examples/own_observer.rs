//! An observer of a user: it follows the squared discrepancy to the target, and stops the flow once
//! that is small.
//!
//! `cargo run --release --example own_observer`

use rieszflow::flows::scheme::{Particle, StepReport};
use rieszflow::flows::{
    Flow, Mmd, Observer, ObserverError, Outcome, Points, RieszKernel, State, time_grid,
};
use rieszflow::nalgebra::DMatrix;

/// D² to the target after each time step.
struct Discrepancies<'a> {
    functional: &'a Mmd<f64>,
    enough: f64,
    found: Vec<f64>,
}

impl Observer<f64> for Discrepancies<'_> {
    fn start(&mut self, state: &State<f64>) -> Result<(), ObserverError> {
        self.step(state, &StepReport::default())
    }

    fn step(&mut self, state: &State<f64>, _: &StepReport) -> Result<(), ObserverError> {
        let particles = Points::from(&state.particles);
        self.found.push(self.functional.discrepancy(particles));
        Ok(())
    }

    fn wants_to_stop(&self) -> bool {
        self.found.last().is_some_and(|&last| last < self.enough)
    }
}

/// 200 particles from a Dirac towards 50 points on a circle, r = 1.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let angle = |i: usize| i as f64 * std::f64::consts::TAU / 50.0;
    let circle = DMatrix::from_fn(50, 2, |i, k| [angle(i).cos(), angle(i).sin()][k]);
    let functional = Mmd::new(RieszKernel::new(1.0)?, circle, None)?;
    let mut observer = Discrepancies {
        functional: &functional,
        enough: 1e-2,
        found: Vec::new(),
    };

    let scheme = Particle::default();
    let flow = Flow::new(&functional, &scheme).start(DMatrix::zeros(200, 2))?;
    let end = flow
        .observe(&mut observer)
        .run(&time_grid(&[], 0.05, 20.0)?)?;

    let found = observer.found;
    let (first, last) = (found[0], found[found.len() - 1]);
    println!(
        "D² fell from {first:.3} to {last:.4} until t = {:.2}",
        end.state.time
    );
    assert_eq!(end.outcome, Outcome::Interrupted);
    assert!(last < 1e-2 && found.windows(2).all(|pair| pair[1] < pair[0]));
    Ok(())
}
