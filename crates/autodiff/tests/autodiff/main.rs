//! Tests of the differentiation against finite differences.

mod gradients;
