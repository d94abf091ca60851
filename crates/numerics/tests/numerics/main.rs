//! Tests of the numerics against plain loops.

mod products;
