//! Tests of the closed forms against tables, brute force and quadrature.

mod accuracy;
mod equilibrium;
mod interaction;
mod line;
mod steepest_descent;
