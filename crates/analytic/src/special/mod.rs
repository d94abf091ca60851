//! Special functions at the arguments the closed forms reach: ratios of gamma functions, the incomplete beta
//! function and its inverse, and Gauss's hypergeometric function up to and including argument 1.

mod beta;
mod gamma;
mod hypergeometric;

pub use beta::{BetaLaw, UnitPoint};
pub use gamma::{gamma_ratio, ln_gamma_quotient};
pub use hypergeometric::Hypergeometric;
