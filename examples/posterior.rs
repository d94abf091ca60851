//! A conditional chain against an exact posterior: X ~ N(0, 1) is observed as Y = X + ½ε.
//!
//! `cargo run --release --example posterior`

use std::error::Error;

use rieszflow::analytic::{Law, LinearInverseProblem, discrepancy};
use rieszflow::flows::rng::{Purpose, stream};
use rieszflow::flows::scheme::{Chain, Training};
use rieszflow::flows::{
    ConditionalPairs, Flow, NetworkChain, NormalStart, RieszKernel, Slicing, Standardization,
    StepSizes, Sums, time_grid,
};
use rieszflow::nalgebra::DMatrix;

fn main() -> Result<(), Box<dyn Error>> {
    let prior = Law::gaussian(&[0.0], 1.0)?;
    let problem = LinearInverseProblem::new(prior, DMatrix::identity(1, 1), 0.5)?;
    let (unknowns, observations) = problem.sample(2000, &mut stream(1, Purpose::Target, 0, 0));

    // Pairs as the chain computes with them: unknowns of deviation 1, observations of deviation 3.
    let pairs = ConditionalPairs::new(&unknowns, &observations)?;
    let standardization = Standardization::of(pairs.pairs(), 1, 3.0);
    let standard = standardization.standardize(pairs.pairs());
    let (x, y) = standard.columns_range_pair(0..1, 1..);
    let pairs = ConditionalPairs::new(&x.into_owned(), &y.into_owned())?;

    // Particle i shares the observation of pair i, and flows to the conditional law there.
    let start = NormalStart::of(&x.into_owned()).particles(2000, 0);
    let spread = NormalStart::of(&standard).spread();
    let default = Chain::default_for(2, 1, 2000, spread, 1.0);
    let chain = Chain {
        training: Training {
            width: 32,
            iterations: 300,
            ..default.training
        },
        ..default
    };
    let functional = pairs.functional(RieszKernel::new(1.0)?, Sums::Sliced(Slicing::new(16)))?;
    let (tau, time) = StepSizes::doubling(32.0 * chain.flow_step, 128.0 * chain.flow_step, 5);
    let mut networks = NetworkChain::default();
    let flow = Flow::new(&functional, &chain).start(pairs.start(&start)?)?;
    let flow = flow.observe(&mut networks);
    flow.run(&time_grid(&[], tau, time)?)?;

    let observations = DMatrix::from_column_slice(3, 1, &[-1.0, 0.0, 1.0]);
    let posteriors = networks.draw_posteriors(&standardization, &observations, 1000, 2);
    for (y, drawn) in observations.iter().zip(posteriors) {
        let exact = problem.posterior(&[*y])?;
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
