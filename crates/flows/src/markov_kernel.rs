//! Markov kernels x ↦ π_x as generative networks, π_x = law of T_θ(x, Z) with Z ~ N(0, I_m).
//!
//! Every transport plan π with first marginal μ can be taken apart into what happens at each x,
//! π = μ ⊗ π_x: to draw from π, draw x from μ, then a destination from π_x. A network with a
//! random second argument can represent any such family of laws, and all a plan is asked for, its cost
//! and its second marginal, is a mean over draws. So a plan is learned without ever writing down
//! a density, which neither marginal needs to have.

use nalgebra::DMatrix;
use rand::Rng;
use rieszflow_autodiff::{Graph, Real, Tape, Var};
use rieszflow_nets::Mlp;

use crate::Frame;
use crate::latent::fill_normal;

/// Particles are pushed in blocks of this many rows, which bounds the memory.
const ROWS: usize = 4096;

/// How a time step moves particles with its Markov kernel: x ← x + c N((x − x̄)/ℓ, z).
///
/// N is the network's output in the frame with centre x̄ and length ℓ. In the backward scheme
/// x + c N is T_θ(x, z) with c about the size of its displacements; in the forward scheme N is v_θ(x, z)
/// and c = τ (D_v̂F)⁻/‖v̂‖².
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

/// At least so many latents tell how a fresh network spreads mass.
const WHITENING: usize = 4096;

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

    /// Fresh parameters, such that the network's output at x = x̄ has mean 0 and covariance I/d.
    ///
    /// Every layer is drawn as in [`Mlp::initialise`]; then the last one is whitened. Without that
    /// the output of some networks is nearly flat in a direction, and from a Dirac a flow may then
    /// start in a hyperplane, which the network leaves only slowly: the repulsion across a
    /// hyperplane vanishes in it.
    pub fn initialise<T: Real, R: Rng + ?Sized>(&self, rng: &mut R) -> Vec<T> {
        let mut parameters = self.network.initialise(rng);
        let count = (4 * self.dim).max(WHITENING);
        let mut latents = DMatrix::zeros(count, self.latent_dim);
        fill_normal(latents.as_mut_slice(), rng);
        let x = DMatrix::zeros(count, self.dim);
        let frame = Frame::identity(self.dim);
        let output = self.evaluate(&parameters, &frame, &x, &latents, |_, _, output| output);
        let output = output.map(T::into_f64);
        let mean = output.row_mean().transpose();
        let scale = inverse_root(&output) / (self.dim as f64).sqrt();

        let last = self.network.layers()[self.network.layers().len() - 1];
        let weight = &scale * last.weight(&parameters).map(T::into_f64);
        let bias = &scale * (last.bias(&parameters).map(T::into_f64) - mean);
        last.weight_mut(&mut parameters)
            .copy_from(&weight.map(T::from_f64));
        last.bias_mut(&mut parameters)
            .copy_from(&bias.map(T::from_f64));
        parameters
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
        let columns = particles.ncols() + latents.ncols();
        let input = graph.constant_with(particles.nrows(), columns, |entries| {
            let (x, z) = entries.split_at_mut(particles.len());
            frame.enter(particles, x);
            z.copy_from_slice(latents.as_slice());
        });
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

/// C^{−1/2} of the covariance C of the rows; directions in which there is none are left out.
fn inverse_root(rows: &DMatrix<f64>) -> DMatrix<f64> {
    let mean = rows.row_mean();
    let centred = DMatrix::from_fn(rows.nrows(), rows.ncols(), |i, k| rows[(i, k)] - mean[k]);
    let eigen = (centred.tr_mul(&centred) / rows.nrows() as f64).symmetric_eigen();
    let least = 1e-8 * eigen.eigenvalues.amax();
    let roots = eigen.eigenvalues.map(|value| {
        if value > least {
            value.sqrt().recip()
        } else {
            0.0
        }
    });
    &eigen.eigenvectors * DMatrix::from_diagonal(&roots) * eigen.eigenvectors.transpose()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Mean and covariance over latents that the whitening has not seen: 5 deviations of the mean
    /// of 20,000 draws allow 0.05.
    #[test]
    fn fresh_networks_spread_mass_alike_in_all_directions() {
        let kernel = MarkovKernel::new(3, 3, 32, 2);
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let parameters = kernel.initialise::<f64, _>(rng);
        let mut latents = DMatrix::zeros(20_000, 3);
        fill_normal(latents.as_mut_slice(), rng);
        let (x, frame) = (DMatrix::zeros(20_000, 3), Frame::identity(3));
        let output = kernel.evaluate(&parameters, &frame, &x, &latents, |_, _, output| output);
        let covariance = output.tr_mul(&output) / 20_000.0;
        assert!((covariance * 3.0 - DMatrix::identity(3, 3)).amax() < 0.1);
        assert!(output.row_mean().amax() < 0.05);
    }
}
