//! Tests of the differentiation against finite differences and plain loops.

mod batches;
mod gradients;
