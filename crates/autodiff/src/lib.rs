//! Reverse-mode automatic differentiation of matrix-valued expressions on a reusable arena tape.
//!
//! A function θ ↦ L(θ) of one flat parameter vector is *recorded* operation by operation on a
//! [`Tape`]; one reverse sweep then gives its gradient. The nodes are matrices, so a layer of a
//! network is one node, and they live in an arena that keeps its memory: from the second recording
//! of the same expression on, nothing is allocated.
//!
//! ```
//! use nalgebra::DMatrix;
//! use rieszflow_autodiff::Tape;
//!
//! // L(W, b) = |x Wᵀ + b|² with x = (1, 2), W = (3 −1) and b = 1.
//! let parameters = [3.0, -1.0, 1.0];
//! let mut gradient = [0.0; 3];
//! let mut tape = Tape::new();
//!
//! let mut graph = tape.record(&parameters);
//! let x = graph.constant(&DMatrix::from_row_slice(1, 2, &[1.0, 2.0]));
//! let (w, b) = (graph.parameter(1, 2), graph.parameter(1, 1));
//! let y = graph.affine(x, w, b);
//! let loss = graph.sum_of_squares(y);
//! assert_eq!(graph.scalar(loss), 4.0);
//!
//! graph.gradient(loss, &mut gradient);
//! assert_eq!(gradient, [4.0, 8.0, 4.0]);
//! ```
//!
//! # The reverse sweep
//!
//! Every node y = f(a, b, …) knows its value and its arguments. With ȳ = ∂L/∂y the *cotangent* of a node,
//! the chain rule passes it on to the arguments,
//!
//! ```math
//! \bar a \mathrel{+}= \Bigl(\frac{∂f}{∂a}\Bigr)^{\!\top} \bar y,
//! ```
//!
//! and the sweep does so for all nodes from the loss, whose cotangent is 1, back to the parameters, in
//! the opposite order of the recording. No Jacobian is formed: each operation has its *vector–Jacobian
//! product* written out beside its value. For the affine layer Y = XWᵀ + 1bᵀ it is X̄ += ȲW,
//! W̄ += ȲᵀX, b̄ += Σ of the rows of Ȳ. All in all the sweep costs about twice the recording, however
//! many parameters there are.
//!
//! The parts: the arena and the reverse sweep ([`Tape`], [`Graph`]), the operations (`ops/`), custom
//! primitives supplied from outside ([`CustomOp`]), and a check by finite differences ([`check`]).

pub mod check;
mod custom;
mod node;
mod ops;
mod reverse;
mod tape;

pub use custom::CustomOp;
pub use node::{InputCotangents, PrimitiveInputs, Reverse, Var};
pub use rieszflow_numerics::Real;
pub use tape::{Graph, Tape};

/// The code of the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
