//! Tests of the numerics against plain loops.

mod power;
mod products;
