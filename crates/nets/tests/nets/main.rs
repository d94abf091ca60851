//! Tests of the networks and of Adam against plain loops and formulas.

mod adam;
mod fused;
mod mlp;
