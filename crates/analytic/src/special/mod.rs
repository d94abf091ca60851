//! Special functions at the arguments the closed forms reach: ratios of gamma functions, the
//! incomplete beta function and its inverse, and Gauss's hypergeometric function up to and
//! including argument 1.

mod beta;
mod gamma;
mod hypergeometric;
mod kummer;
mod unit_point;

pub use beta::BetaLaw;
pub use gamma::{gamma_ratio, ln_gamma_quotient};
pub use hypergeometric::Hypergeometric;
pub use kummer::Kummer;
pub use unit_point::UnitPoint;
