//! What the parts of rieszflow compute with: scalar types, SIMD lanes, reciprocal roots, matrix products.
//!
//! No reader of the method needs this crate. It holds what makes the others fast, behind names that
//! can be taken at their word:
//!
//! * [`Real`]: `f32` or `f64`;
//! * [`simd`]: several numbers at once, on the best instruction set that the processor has;
//! * [`product`]: products of matrices, on all threads;
//! * [`panels`]: tall matrices, whose products read what lies together;
//! * [`orthogonal`]: orthogonal matrices;
//! * [`parallel`]: work shared by two threads;
//! * [`ranks`]: work shared by several processes;
//! * [`compiled`]: generic functions that are compiled once for each scalar type;
//! * [`working_memory`]: memory that is kept from call to call, without a lock while they compute.

pub mod compiled;
mod lanes;
pub mod orthogonal;
pub mod panels;
pub mod parallel;
mod power;
pub mod product;
pub mod ranks;
mod real;
mod rsqrt;
pub mod simd;
pub mod working_memory;

pub use real::Real;

/// The code of the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
