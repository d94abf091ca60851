//! Multilayer perceptrons and the Adam optimiser on flat parameter vectors.
//!
//! A network is a description of shapes; its parameters are one flat vector, which is what the
//! tape differentiates, what Adam updates and what a checkpoint stores.
//!
//! ```
//! use nalgebra::DMatrix;
//! use rand::SeedableRng;
//! use rieszflow_autodiff::Tape;
//! use rieszflow_nets::{Adam, Mlp, Moments};
//!
//! // Fit y = 2x with a small network.
//! let network = Mlp::new(&[1, 16, 1]);
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
//! let mut parameters = network.initialise::<f64, _>(&mut rng);
//! let mut gradient = vec![0.0; parameters.len()];
//! let mut moments = Moments::new(parameters.len());
//! let (adam, mut tape) = (Adam::default(), Tape::new());
//! let x = DMatrix::from_fn(20, 1, |i, _| i as f64 / 20.0);
//!
//! let mut last = f64::INFINITY;
//! for _ in 0..2000 {
//!     let mut graph = tape.record(&parameters);
//!     let input = graph.constant(&x);
//!     let target = graph.constant(&(2.0 * &x));
//!     let output = network.record(&mut graph, input);
//!     let error = graph.subtract(output, target);
//!     let loss = graph.sum_of_squares(error);
//!     last = graph.scalar(loss);
//!     graph.gradient(loss, &mut gradient);
//!     adam.update(1e-3, &mut parameters, &gradient, &mut moments);
//! }
//! assert!(last < 1e-3);
//! ```

mod adam;
mod fused;
mod linear;
mod mlp;

pub use adam::{Adam, Moments};
pub use fused::Assistant;
pub use linear::Linear;
pub use mlp::Mlp;

/// The code of the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
