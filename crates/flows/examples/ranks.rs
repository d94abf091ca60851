//! A flow on several processes of MPI: `mpirun -n 4 target/debug/examples/ranks`.
//!
//! The first rank runs the flow as one process would, and compares it with the same flow alone.

use std::sync::Arc;

use nalgebra::DMatrix;
use rieszflow_flows::ranks::{Communicator, dismiss, serve, with_ranks};
use rieszflow_flows::scheme::{Backward, Particle, Training};
use rieszflow_flows::{Flow, Interaction, RieszKernel, Scheme, State, mpi, time_grid};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (_session, ranks) = mpi::start()?;
    if ranks.rank() > 0 {
        serve(&ranks, |work, _| panic!("unknown work {work:?}"));
        return Ok(());
    }
    let training = Training {
        batch: 1500,
        first_iterations: 20,
        ..Training::default()
    };
    for scheme in [
        &Particle::new(0) as &dyn Scheme<f32>,
        &Backward::new(training),
    ] {
        let shared = with_ranks(Arc::new(ranks), || flow(scheme))?;
        assert_eq!(shared, flow(scheme)?, "the same to the bit");
        println!(
            "{} ranks: {} steps of the same flow",
            ranks.size(),
            shared.step
        );
    }
    dismiss(&ranks);
    Ok(())
}

fn flow(scheme: &dyn Scheme<f32>) -> Result<State<f32>, Box<dyn std::error::Error>> {
    let functional = Interaction::new(RieszKernel::new(1.0)?);
    let dirac = DMatrix::zeros(1500, 2);
    let grid = time_grid(&[], 0.05, 0.1)?;
    let flow = Flow::new(&functional, scheme).start(dirac)?.run(&grid)?;
    Ok(flow.state)
}
