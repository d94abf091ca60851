//! Tests of the closed forms against tables, brute force and quadrature.

mod accuracy;
mod common;
mod diracs_and_shells;
mod equilibrium;
mod field;
mod interaction;
mod inverse_problem;
mod law_pairs;
mod laws;
mod line;
mod line_laws;
mod steepest_descent;
mod target;
