//! Tests of the flows against exact solutions, plain loops and finite differences.

mod backward;
mod chain;
mod common;
mod conditional;
mod control_variate;
mod directional_derivative;
mod forward;
mod functionals;
mod implosion;
mod latent;
mod origin;
mod own_functional;
mod pair_sums;
mod particle;
mod radial;
mod ranks;
mod schemes;
mod sharing;
mod simd_levels;
mod sliced;
mod sliced_functionals;
mod state;
mod step_sizes;
mod target_blocks;
mod transport;
