//! Wasserstein gradient flows of discrepancies with Riesz kernels K(x,y) = −|x−y|ʳ, 0 < r < 2.

pub use rieszflow_analytic as analytic;
pub use rieszflow_autodiff as autodiff;
pub use rieszflow_flows as flows;
pub use rieszflow_nets as nets;

/// The code of the README, if there is any, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
