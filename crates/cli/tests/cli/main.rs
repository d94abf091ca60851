//! Tests of the command line: every file of a run, every option, every refusal.

mod bad_input;
mod closed_form;
mod damaged;
mod disk;
mod files_csv;
mod files_npy;
mod files_pictures;
mod folder;
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
mod reproducible;
mod resume;
mod sandbox;
mod seeds;
mod self_contained;
