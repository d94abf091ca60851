//! A conditional chain against an exact posterior: X ~ N(0, 1) is observed as Y = X + ½ε.
//!
//! `cargo run --release --example posterior`

use std::error::Error;

use rieszflow::analytic::{Law, LinearInverseProblem, discrepancy};
use rieszflow::flows::rng::{Purpose, stream};
use rieszflow::flows::scheme::{Chain, Training};
use rieszflow::flows::{
    ConditionalPairs, Flow, NetworkChain, NormalStart, RieszKernel, Slicing, StepSizes, Sums,
    time_grid,
};
use rieszflow::nalgebra::DMatrix;

/// Pairs to learn from.
const COUNT: usize = 2000;

/// The standard deviation of the observations that the chain computes with: 3 times that of the unknowns.
const SCALE: f64 = 3.0;

fn main() -> Result<(), Box<dyn Error>> {
    let prior = Law::gaussian(&[0.0], 1.0)?;
    let problem = LinearInverseProblem::new(prior, DMatrix::identity(1, 1), 0.5)?;
    let (unknowns, observations) = problem.sample(COUNT, &mut stream(1, Purpose::Target, 0, 0));
    let unit = 1.25_f64.sqrt() / SCALE;
    let pairs = ConditionalPairs::new(&unknowns, &(observations / unit))?;

    // Particle i shares the observation of pair i, and flows to the conditional law there.
    let normal = NormalStart::of(&unknowns);
    let start = pairs.start(&normal.particles(COUNT, 0))?;
    let spread = NormalStart::of(pairs.pairs()).spread();
    let default = Chain::default_for(2, COUNT, spread, 1.0);
    let chain = Chain {
        training: Training {
            width: 32,
            iterations: 300,
            ..default.training
        },
        conditions: pairs.conditions(),
        ..default
    };
    let functional = pairs.functional(RieszKernel::new(1.0)?, Sums::Sliced(Slicing::new(16)))?;
    let (tau, time) = StepSizes::doubling(32.0 * chain.flow_step, 128.0 * chain.flow_step, 5);
    let mut networks = NetworkChain::default();
    let flow = Flow::new(&functional, &chain).start(start)?;
    flow.observe(&mut networks)
        .run(&time_grid(&[], tau, time)?)?;

    for y in [-1.0, 0.0, 1.0] {
        let given = DMatrix::from_element(1000, 1, y / unit);
        let drawn = networks.push_forward(normal.samples(1000, 2), &given);
        let exact = problem.posterior(&[y])?;
        let distance = discrepancy(&drawn, None, &exact, 1.0)?.v_statistic;
        println!(
            "y = {y}: mean {:.3} (exact {:.1}), variance {:.3} (exact 0.2), D² to the posterior {distance:.1e}",
            drawn.mean(),
            0.8 * y,
            drawn.variance(),
        );
        assert!((drawn.mean() - 0.8 * y).abs() < 0.1 && distance < 0.01);
    }
    Ok(())
}
