//! A run read from Python: `examples/read_run.py` with its own checks.

use std::error::Error;
use std::process::Command;

use rieszflow_cli::{Config, Output, SchemeKind, run};

/// A small neural run of either scheme, read by the script with its own checks.
#[test]
fn a_run_read_from_python() -> Result<(), Box<dyn Error>> {
    let numpy = Command::new("python3")
        .args(["-c", "import numpy"])
        .output();
    if !numpy.is_ok_and(|output| output.status.success()) {
        println!("left out: there is no python3 with numpy");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    for scheme in [SchemeKind::Backward, SchemeKind::Forward] {
        let mut config = Config::interaction(scheme, 2, 1.0);
        (config.particles, config.time) = (300, 0.2);
        (config.first_iterations, config.iterations) = (200, 200);
        let run_folder = folder.path().join(scheme.name());
        run(&config, &Output::quiet(run_folder.clone()))?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/read_run.py");
        let output = Command::new("python3")
            .arg(script)
            .arg(run_folder)
            .output()?;
        let (said, complaint) = (output.stdout, String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{complaint}");
        assert!(String::from_utf8(said)?.contains("2000 fresh particles"));
    }
    Ok(())
}
