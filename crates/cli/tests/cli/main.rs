//! Tests of the program: every file of a run, every option, every refusal, whole flows.

mod acceptance;
mod bad_input;
mod closed_form;
mod damaged;
mod disk;
mod folder;
mod fuzz;
mod good_runs;
mod help;
mod implausible;
mod kill;
mod large_target;
mod limits;
mod line;
mod mmd;
mod npz;
mod options;
mod outcomes;
mod python;
mod readme;
mod reproducible;
mod resume;
mod sandbox;
mod seeds;
mod self_contained;
