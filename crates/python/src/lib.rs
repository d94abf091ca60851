//! The native module `rieszflow._core` of the Python package: numpy arrays in, numpy arrays out.
//!
//! Arguments are checked, and errors worded, on the Python side (`python/rieszflow`), which is also where
//! everything is documented. Here arrays become matrices, work is done on threads while Python's lock is
//! free, and Ctrl-C ends it.

#![expect(
    clippy::needless_pass_by_value,
    reason = "Python's arguments arrive as values"
)]

mod block_sums;
mod compute;
mod discrepancy;
mod error;
mod exact;
mod flow;
mod generate;
mod kernels;
mod laws;
mod line;
mod matrix;
mod posterior;
mod settings;
mod target;
mod weighted;

use pyo3::prelude::*;

#[pymodule]
mod _core {
    #[pymodule_export]
    use crate::discrepancy::{default_directions, discrepancy};
    #[pymodule_export]
    use crate::exact::{
        backward_scales, equilibrium, equilibrium_density, flow_scales, forward_scales,
        line_backward_step, line_flow,
    };
    #[pymodule_export]
    use crate::flow::flow;
    #[pymodule_export]
    use crate::generate::{chain_defaults, generate, sample_chain};
    #[pymodule_export]
    use crate::kernels::push_forward;
    #[pymodule_export]
    use crate::laws::Law;
    #[pymodule_export]
    use crate::posterior::{draw_posteriors, posterior};
    #[pymodule_export]
    use crate::settings::read_toml;

    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
