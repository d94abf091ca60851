//! Tests of time grids.

use rieszflow_flows::{StepSizes, time_grid};

#[test]
fn sizes_change_at_the_first_grid_point_that_reaches_the_change() {
    let tau: StepSizes = "0.5,2:1,5:2,8:3".parse().expect("valid");
    let grid = time_grid(&[], tau, 14.0).expect("a grid");
    let ends: Vec<f64> = grid.iter().map(|step| step.end).collect();
    let expected = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 9.0, 12.0, 14.0];
    assert_eq!(ends, expected);
}

#[test]
fn texts_that_are_no_sizes_are_refused() {
    let texts = [
        "",
        "x",
        "1,2",
        "1,2:",
        "1,2:3,1:4",
        "1,-1:2",
        "1,nan:2",
        "1,0:2",
    ];
    for text in texts {
        let error = text.parse::<StepSizes>().expect_err(text);
        assert!(error.contains("0.5,5:1,25:2"), "{error}");
    }
}
