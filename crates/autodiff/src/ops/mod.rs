//! The operations: each file holds a family, every value beside its vector–Jacobian product.

pub(crate) mod affine;
pub(crate) mod entrywise;
pub(crate) mod reduction;
