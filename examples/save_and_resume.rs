//! A state saved inside a time step, read again, and resumed to the same bits.
//!
//! `cargo run --release --example save_and_resume`

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::ops::ControlFlow;

use rieszflow::flows::scheme::{Backward, Training};
use rieszflow::flows::{Error, Flow, Interaction, RieszKernel, Scheme, State, time_grid};
use rieszflow::nalgebra::DMatrix;

/// Two backward steps from a Dirac, once in one go and once with an interruption.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let functional = Interaction::new(RieszKernel::new(1.0)?);
    let scheme = Backward::new(Training::default());
    let dirac = DMatrix::<f32>::zeros(100, 2);
    let grid = time_grid(&[], 0.5, 1.0)?;
    let whole = Flow::new(&functional, &scheme).start(dirac.clone())?;
    let whole = whole.run(&grid)?.state;

    // Stop after 100 iterations of the first step.
    let mut state = scheme.start(dirac)?;
    let mut stop = |_: &State<f32>, iteration: rieszflow::flows::scheme::Iteration| {
        if iteration.index == 99 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let stopped = scheme.step_with(&functional, &mut state, 0.5, &mut stop);
    assert_eq!(stopped, Err(Error::Interrupted));

    let path = std::env::temp_dir().join(format!("rieszflow-{}.state", std::process::id()));
    let mut file = BufWriter::new(File::create(&path)?);
    state.write(&mut file)?;
    file.flush()?;
    let read = State::<f32>::read(BufReader::new(File::open(&path)?))?;
    fs::remove_file(&path)?;

    let resumed = Flow::new(&functional, &scheme).resume(read).run(&grid)?;
    println!("resumed to t = {}, to the same bits", resumed.state.time);
    assert_eq!(resumed.state, whole);
    Ok(())
}
