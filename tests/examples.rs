//! Every example, run: its own assertions are the test.

#[path = "../examples/autodiff.rs"]
mod autodiff;
#[path = "../examples/closed_forms.rs"]
mod closed_forms;
#[path = "../examples/flow.rs"]
mod flow;
#[path = "../examples/own_functional.rs"]
mod own_functional;
#[path = "../examples/own_observer.rs"]
mod own_observer;

use std::error::Error;

#[test]
fn a_flow_in_twenty_lines() -> Result<(), Box<dyn Error>> {
    flow::main()
}

#[test]
fn a_functional_of_ones_own() -> Result<(), Box<dyn Error>> {
    own_functional::main()
}

#[test]
fn an_observer_of_ones_own() -> Result<(), Box<dyn Error>> {
    own_observer::main()
}

#[test]
fn differentiation_alone() {
    autodiff::main();
}

#[test]
fn closed_forms_alone() -> Result<(), Box<dyn Error>> {
    Ok(closed_forms::main()?)
}
