//! Markov kernels x ↦ π_x as generative networks, π_x = law of T_θ(x, Z) with Z ~ N(0, I_m).
//!
//! Every transport plan π with first marginal μ can be taken apart into what happens at each x,
//! π = μ ⊗ π_x: to draw from π, draw x from μ, then a destination from π_x. A network with a
//! random second argument can represent any such family of laws, and all a plan is asked for, its cost
//! and its second marginal, is a mean over draws. So a plan is learned without ever writing down
//! a density, which neither marginal needs to have.

use nalgebra::DMatrix;
use rieszflow_autodiff::{Graph, Real, Tape, Var};
use rieszflow_nets::Mlp;

use crate::Frame;

/// Particles are pushed in blocks of this many rows, which bounds the memory.
const ROWS: usize = 4096;

/// How a time step moves particles with its Markov kernel: x ← x + c N((x − x̄)/ℓ, z).
///
/// N is the network's output in the frame with centre x̄ and length ℓ. In the backward scheme c = ℓ,
/// and x + c N is T_θ(x, z); in the forward scheme N is v_θ(x, z) and c = τ (D_v̂F)⁻/‖v̂‖².
#[derive(Clone, Debug, PartialEq)]
pub struct Motion<T> {
    /// The frame that the network sees particles in.
    pub frame: Frame<T>,
    /// c.
    pub factor: T,
}

impl<T: Real> Motion<T> {
    /// Records x + c N for constant particles x and the node of N (N×d).
    pub fn record(&self, graph: &mut Graph<'_, T>, particles: &DMatrix<T>, output: Var) -> Var {
        let x = graph.constant(particles);
        let displacement = graph.scale(output, self.factor);
        graph.add(x, displacement)
    }
}

/// A generative ReLU network (x, z) ↦ T_θ(x, z) ∈ ℝᵈ on the row [x, z].
///
/// Its law over Z ~ N(0, I_m) disintegrates a plan: π = μ ⊗ π_x. Where a map would send all mass
/// at x to one point, the kernel can split it.
///
/// ```math
/// \int φ\,dπ = \int \mathbb E\,φ\bigl(x, T_θ(x, Z)\bigr)\,dμ(x), \qquad Z \sim N(0, I_m)
/// ```
///
/// Source: Altekrüger et al. 2023, Section 4 (plans) and Section 5 (velocity plans). Particles
/// are N×d, latents N×m, one row each. The parameters θ are kept apart, in a flat vector. Evaluation
/// costs one product per layer and bounded memory, whatever N.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_autodiff::Tape;
/// use rieszflow_flows::{Frame, MarkovKernel};
///
/// // One hidden unit on the line: T(x, z) = ReLU(z) ignores x and splits a point mass.
/// let kernel = MarkovKernel::new(1, 1, 1, 1);
/// let parameters = [0.0_f64, 1.0, 0.0, 1.0, 0.0]; // weights of x and z, bias; weight, bias
/// let dirac = DMatrix::zeros(3, 1);
/// let latents = DMatrix::from_row_slice(3, 1, &[-1.0, 0.5, 2.0]);
/// let mut tape = Tape::new();
/// let mut graph = tape.record(&parameters);
/// let moved = kernel.record(&mut graph, &Frame::identity(1), &dirac, &latents);
/// assert_eq!(graph.value(moved), DMatrix::from_row_slice(3, 1, &[0.0, 0.5, 2.0]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkovKernel {
    network: Mlp,
    dim: usize,
    latent_dim: usize,
}

impl MarkovKernel {
    /// A kernel on ℝ^`dim` with `hidden_layers` hidden layers of the given width.
    ///
    /// # Panics
    /// If a size is 0.
    pub fn new(dim: usize, latent_dim: usize, width: usize, hidden_layers: usize) -> Self {
        let mut sizes = vec![width; hidden_layers + 2];
        sizes[0] = dim + latent_dim;
        sizes[hidden_layers + 1] = dim;
        Self {
            network: Mlp::new(&sizes),
            dim,
            latent_dim,
        }
    }

    /// The network.
    pub fn network(&self) -> &Mlp {
        &self.network
    }

    /// d.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// m, the dimension of the latent variable.
    pub fn latent_dim(&self) -> usize {
        self.latent_dim
    }

    /// Records the network row by row in the given frame, for particles N×d and latents N×m; the
    /// result is N×d, in the frame.
    pub fn record<T: Real>(
        &self,
        graph: &mut Graph<'_, T>,
        frame: &Frame<T>,
        particles: &DMatrix<T>,
        latents: &DMatrix<T>,
    ) -> Var {
        let x = frame.enter(graph, particles);
        let z = graph.constant(latents);
        let input = graph.concatenate_columns(x, z);
        self.network.forward(graph, input)
    }

    /// Moves each particle (N×d) with its latent (N×m) through the kernel.
    pub fn push<T: Real>(
        &self,
        parameters: &[T],
        motion: &Motion<T>,
        particles: &DMatrix<T>,
        latents: &DMatrix<T>,
    ) -> DMatrix<T> {
        self.evaluate(
            parameters,
            &motion.frame,
            particles,
            latents,
            |graph, x, output| motion.record(graph, x, output),
        )
    }

    /// Evaluates the network at each particle and its latent; row i of the result is what `finish`
    /// records from xᵢ and the network's output at (xᵢ, zᵢ).
    pub(crate) fn evaluate<T: Real>(
        &self,
        parameters: &[T],
        frame: &Frame<T>,
        particles: &DMatrix<T>,
        latents: &DMatrix<T>,
        finish: impl Fn(&mut Graph<'_, T>, &DMatrix<T>, Var) -> Var,
    ) -> DMatrix<T> {
        let mut tape = Tape::new();
        let mut pushed = DMatrix::zeros(particles.nrows(), self.dim);
        for start in (0..particles.nrows()).step_by(ROWS) {
            let count = ROWS.min(particles.nrows() - start);
            let mut graph = tape.record(parameters);
            let block = |matrix: &DMatrix<T>| matrix.rows(start, count).into_owned();
            let x = block(particles);
            let output = self.record(&mut graph, frame, &x, &block(latents));
            let output = finish(&mut graph, &x, output);
            pushed
                .rows_mut(start, count)
                .copy_from(&graph.value(output));
        }
        pushed
    }
}
