//! The transport T_θ(x, z) = x + u N((x−x̄)/ℓ, z), whose law over z is the Markov kernel of a plan.
//!
//! Every transport plan π with first marginal μ can be taken apart into what happens at each x,
//! π = μ ⊗ π_x: to draw from π, draw x from μ, then a destination from π_x. A network with a random
//! second argument can represent any such family of laws, π_x = law of T_θ(x, Z), and all a plan is
//! asked for, its cost and its second marginal, is a mean over draws. So a plan is learned without
//! writing down a density, which neither marginal needs to have.
//!
//! # Standardized coordinates
//!
//! Networks are good at functions of size one on inputs of size one. A flow from a Dirac offers
//! neither: for r = ½ its first time steps are 10⁻⁸, 10⁻⁷, …, and the cloud grows from 5·10⁻⁶ to
//! 10⁻¹. But it is self-similar: under E the measure at time t is the one at time 1 shrunk by a
//! factor. So the network N sees standardized positions (x−x̄)/ℓ and gives displacements in units u of
//! about their size. Then all time steps are nearly the same problem, and what one step has learned
//! is a good start for the next. The change of variables alters no minimiser; the paper has none
//! (`docs/deviations.md`).

use std::ops::RangeInclusive;

use nalgebra::{DMatrix, DVectorView, RowDVector};
use rand::Rng;
use rieszflow_autodiff::{Graph, Tape, Var};
use rieszflow_nets::Mlp;
use rieszflow_numerics::Real;

use crate::latent::{fill_normal, stratified_normal};
use crate::rng::{Purpose, stream};
use crate::{Functional, Points};

/// Particles are pushed in blocks of this many rows, which bounds the memory.
const BLOCK: usize = 4096;
/// At least this many latents measure how a fresh network spreads mass.
const WHITENING: usize = 4096;

/// A ReLU network N: ℝᵈ × ℝᵐ → ℝᵈ of a position and a latent variable, on the row [x, z].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerativeNetwork {
    network: Mlp,
    dim: usize,
    latent_dim: usize,
    width: usize,
    hidden_layers: usize,
}

impl GenerativeNetwork {
    /// A network on ℝ^`dim` with `hidden_layers` hidden layers of the given width.
    ///
    /// Without a latent variable, m = 0, it is a map.
    ///
    /// # Panics
    /// If another size is 0.
    pub fn new(dim: usize, latent_dim: usize, width: usize, hidden_layers: usize) -> Self {
        let mut sizes = vec![width; hidden_layers + 2];
        sizes[0] = dim + latent_dim;
        sizes[hidden_layers + 1] = dim;
        Self {
            network: Mlp::new(&sizes),
            dim,
            latent_dim,
            width,
            hidden_layers,
        }
    }

    /// The perceptron that it is.
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

    /// Width of the hidden layers.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of hidden layers.
    pub fn hidden_layers(&self) -> usize {
        self.hidden_layers
    }

    /// The sizes in words.
    pub(crate) fn describe(&self) -> String {
        let Self {
            dim,
            latent_dim,
            width,
            hidden_layers,
            ..
        } = self;
        format!("d = {dim}, m = {latent_dim}, {hidden_layers} hidden layers of width {width}")
    }

    /// The number of parameters of a network of these sizes, all at least 1, if it can be counted.
    pub(crate) fn count_parameters(
        dim: usize,
        latent_dim: usize,
        width: usize,
        hidden_layers: usize,
    ) -> Option<usize> {
        let layer = |inputs: usize, outputs: usize| inputs.checked_add(1)?.checked_mul(outputs);
        let middle = layer(width, width)?.checked_mul(hidden_layers - 1)?;
        let first = layer(dim.checked_add(latent_dim)?, width)?;
        first.checked_add(middle)?.checked_add(layer(width, dim)?)
    }

    /// Fresh parameters, such that the output at x = 0 has mean 0 and covariance I/d, except in directions
    /// that the network cannot reach, as with fewer hidden units than d; with m < d latents, in the m
    /// directions that they reach best.
    ///
    /// Every layer is drawn as in [`Mlp::initialise`]; then, if there are latents, the last one is whitened.
    /// Without that
    /// the output of some networks is nearly flat in a direction, and from a Dirac a flow may then
    /// start in a hyperplane, which the network leaves only slowly: the repulsion across a
    /// hyperplane vanishes in it. More directions than there are latents have little variance each, and
    /// would be magnified with all that the network makes of x.
    pub fn initialise<T: Real, R: Rng + ?Sized>(&self, rng: &mut R) -> Vec<T> {
        let mut parameters = self.network.initialise(rng);
        if self.latent_dim == 0 {
            return parameters;
        }
        let count = (4 * self.dim).max(WHITENING);
        let mut latents = DMatrix::zeros(count, self.latent_dim);
        fill_normal(latents.as_mut_slice(), rng);
        let transport = Transport::unstandardized(self.clone());
        let x = DMatrix::zeros(count, self.dim);
        let output = transport.displacements(&parameters, &x, &latents);
        let output = output.map(T::into_f64);
        let mean = output.row_mean().transpose();
        let directions = self.dim.min(self.latent_dim);
        let scale = inverse_root(&output, directions) / (self.dim as f64).sqrt();

        let last = self.network.layers()[self.network.layers().len() - 1];
        let weight = &scale * last.weight(&parameters).map(T::into_f64);
        let bias = &scale * (last.bias(&parameters).map(T::into_f64) - mean);
        last.weight_mut(&mut parameters)
            .copy_from(&weight.map(T::from_f64));
        last.bias_mut(&mut parameters)
            .copy_from(&bias.map(T::from_f64));
        parameters
    }
}

/// The transport T_θ(x, z) = x + u N((x−x̄)/ℓ, z) of a time step.
///
/// Its law over Z ~ N(0, I_m) disintegrates a plan: π = μ ⊗ π_x. Where a map would send all mass
/// at x to one point, it can split it.
///
/// ```math
/// \int φ\,dπ = \int \mathbb E\,φ\bigl(x, T_θ(x, Z)\bigr)\,dμ(x), \qquad Z \sim N(0, I_m)
/// ```
///
/// In the backward scheme T_θ is the transport itself. In the forward scheme u N is the velocity
/// v_θ(x, z) with u = 1, and the step x + τ s v_θ is the same transport with u = τ s.
///
/// Source: Altekrüger et al. 2023, Section 4 (plans) and Section 5 (velocity plans). Particles are N×d,
/// latents N×m, one row each; x̄, ℓ and u are lengths. The parameters θ are kept apart, in a flat vector.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::{GenerativeNetwork, Transport};
///
/// // One hidden unit on the line: N(x, z) = ReLU(z) ignores x and splits a point mass.
/// let network = GenerativeNetwork::new(1, 1, 1, 1);
/// let parameters = [0.0_f64, 1.0, 0.0, 1.0, 0.0]; // weights of x and z, bias; weight, bias
/// let transport = Transport::unstandardized(network);
/// let dirac = DMatrix::from_element(3, 1, 5.0);
/// let latents = DMatrix::from_row_slice(3, 1, &[-1.0, 0.5, 2.0]);
/// let moved = transport.push_forward(&parameters, &dirac, &latents);
/// assert_eq!(moved, DMatrix::from_row_slice(3, 1, &[5.0, 5.5, 7.0]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Transport<T> {
    network: GenerativeNetwork,
    centre: RowDVector<T>,
    scale: T,
    unit: T,
}

impl<T: Real> Transport<T> {
    /// The transport with the given centre x̄, scale ℓ and unit u.
    pub fn new(network: GenerativeNetwork, centre: RowDVector<T>, scale: T, unit: T) -> Self {
        Self {
            network,
            centre,
            scale,
            unit,
        }
    }

    /// T(x, z) = x + N(x, z).
    pub fn unstandardized(network: GenerativeNetwork) -> Self {
        let centre = RowDVector::zeros(network.dim);
        Self::new(network, centre, T::one(), T::one())
    }

    /// The transport whose network sees `particles` (N×d) with mean 0 and coordinates of size 1, as the
    /// latents have, with u = 1:
    ///
    /// ```math
    /// \bar x = \frac1N \sum_i x_i, \qquad ℓ^2 = \frac1{Nd} \sum_i |x_i - \bar x|^2
    /// ```
    ///
    /// If they all coincide, ℓ = 0 and the network sees 0. Cost: O(Nd).
    pub fn standardized(network: GenerativeNetwork, particles: &DMatrix<T>) -> Self {
        let count = particles.nrows() as f64;
        // Measured from the first particle, coincident ones have exactly their own position as mean.
        let mean = |column: DVectorView<'_, T>| {
            let first = column[0].into_f64();
            first + column.iter().map(|x| x.into_f64() - first).sum::<f64>() / count
        };
        let means = particles.column_iter().map(mean);
        let centre = RowDVector::from_iterator(particles.ncols(), means);
        let columns = particles.column_iter().zip(&centre);
        let squared = columns.map(|(column, mean)| {
            let squares = column.iter().map(|x| (x.into_f64() - mean).powi(2));
            squares.sum::<f64>()
        });
        let scale = (squared.sum::<f64>() / (count * particles.ncols() as f64)).sqrt();
        let centre = centre.map(T::from_f64);
        Self::new(network, centre, T::from_f64(scale), T::one())
    }

    /// The same with u about as long as a backward step of size `tau` moves the particles: τ times
    /// their root mean square velocity in the particle flow, but not less than a thousandth of their root
    /// mean square distance to x̄, √d ℓ; for a Dirac, how far it spreads.
    #[must_use]
    pub fn with_unit_of_step(
        self,
        functional: &dyn Functional<T>,
        particles: &DMatrix<T>,
        tau: f64,
    ) -> Self {
        let count = particles.nrows() as f64;
        let mut gradient = DMatrix::<T>::zeros(particles.nrows(), particles.ncols());
        functional.gradient(Points::from(particles), gradient.as_mut_slice());
        let squared: f64 = gradient.iter().map(|g| g.into_f64().powi(2)).sum();
        let drift = tau * (count * squared).sqrt();
        let least = if self.scale.is_zero() {
            spread_of_dirac(functional, tau, &self.centre)
        } else {
            1e-3 * self.scale.into_f64() * (particles.ncols() as f64).sqrt()
        };
        self.with_unit(T::from_f64(drift.max(least)))
    }

    /// The same with another u.
    #[must_use]
    pub fn with_unit(self, unit: T) -> Self {
        Self { unit, ..self }
    }

    /// N.
    pub fn network(&self) -> &GenerativeNetwork {
        &self.network
    }

    /// x̄.
    pub fn centre(&self) -> &RowDVector<T> {
        &self.centre
    }

    /// ℓ.
    pub fn scale(&self) -> T {
        self.scale
    }

    /// u.
    pub fn unit(&self) -> T {
        self.unit
    }

    /// Records T_θ(x, z) for constant particles (N×d) and latents (N×m); the result is N×d.
    pub fn record(
        &self,
        graph: &mut Graph<'_, T>,
        particles: &DMatrix<T>,
        latents: &DMatrix<T>,
    ) -> Var {
        let displacement = self.record_displacement(graph, particles, latents);
        let x = graph.constant(particles);
        graph.add(x, displacement)
    }

    /// Records T_θ(x, z) − x = u N((x−x̄)/ℓ, z); with u = 1 the velocity v_θ(x, z) of the forward scheme.
    /// Columns of `particles` after the first d are left out.
    pub fn record_displacement(
        &self,
        graph: &mut Graph<'_, T>,
        particles: &DMatrix<T>,
        latents: &DMatrix<T>,
    ) -> Var {
        let (rows, dim) = (particles.nrows(), self.network.dim);
        let input = graph.constant_with(rows, dim + latents.ncols(), |entries| {
            let (x, z) = entries.split_at_mut(rows * dim);
            self.standardize(particles, x);
            z.copy_from_slice(latents.as_slice());
        });
        let output = self.network.network.record(graph, input);
        graph.scale(output, self.unit)
    }

    /// T_θ(xᵢ, zᵢ) for every particle (N×d) and its latent (N×m).
    pub fn push_forward(
        &self,
        parameters: &[T],
        particles: &DMatrix<T>,
        latents: &DMatrix<T>,
    ) -> DMatrix<T> {
        particles + self.displacements(parameters, particles, latents)
    }

    /// T_θ(xᵢ, zᵢ) − xᵢ for every particle and its latent (N×m). Columns of `particles` after the first d are
    /// left out.
    pub fn displacements(
        &self,
        parameters: &[T],
        particles: &DMatrix<T>,
        latents: &DMatrix<T>,
    ) -> DMatrix<T> {
        let mut tape = Tape::new();
        let mut displacements = DMatrix::zeros(particles.nrows(), self.network.dim);
        for start in (0..particles.nrows()).step_by(BLOCK) {
            let count = BLOCK.min(particles.nrows() - start);
            let block = |matrix: &DMatrix<T>| matrix.rows(start, count).into_owned();
            let mut graph = tape.record(parameters);
            let output = self.record_displacement(&mut graph, &block(particles), &block(latents));
            displacements
                .rows_mut(start, count)
                .copy_from(&graph.value(output));
        }
        displacements
    }

    /// Writes (x−x̄)/ℓ for particles x (N×d) to N×d entries, column by column, and 0 if ℓ = 0.
    fn standardize(&self, particles: &DMatrix<T>, entries: &mut [T]) {
        if self.scale.is_zero() {
            entries.fill(T::zero());
            return;
        }
        let rows = particles.nrows().max(1);
        let columns = particles.as_slice().chunks_exact(rows);
        for (k, (column, entries)) in columns.zip(entries.chunks_exact_mut(rows)).enumerate() {
            let (centre, scale) = (self.centre[k], self.scale);
            for (y, &x) in entries.iter_mut().zip(column) {
                *y = (x - centre) / scale;
            }
        }
    }
}

/// The ℓ among the powers of two that minimises ℓ²/2 + τF of a normal cloud of size ℓ about a Dirac.
fn spread_of_dirac<T: Real>(
    functional: &dyn Functional<T>,
    tau: f64,
    dirac: &RowDVector<T>,
) -> f64 {
    let dim = dirac.len();
    let normal: DMatrix<T> = stratified_normal(256, dim, &mut stream(0, Purpose::Start, 0, 0));
    let objective = |exponent: i32| {
        let length = 2.0_f64.powi(exponent);
        let size = T::from_f64(length / (dim as f64).sqrt());
        let cloud = DMatrix::from_fn(256, dim, |i, k| dirac[k] + size * normal[(i, k)]);
        0.5 * length * length + tau * functional.energy(Points::from(&cloud))
    };
    // Every eighth power first, since a large target makes each evaluation long.
    let best_of = |exponents: RangeInclusive<i32>, step| {
        let values = exponents.step_by(step).map(|k| (k, objective(k)));
        values
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(0, |best| best.0)
    };
    let near = best_of(-60..=20, 8);
    2.0_f64.powi(best_of((near - 7).max(-60)..=(near + 7).min(20), 1))
}

/// C^{−1/2} of the covariance C of the rows in its `count` main directions; those in which there is no
/// variance are left out.
fn inverse_root(rows: &DMatrix<f64>, count: usize) -> DMatrix<f64> {
    let mean = rows.row_mean();
    let centred = DMatrix::from_fn(rows.nrows(), rows.ncols(), |i, k| rows[(i, k)] - mean[k]);
    let eigen = (centred.tr_mul(&centred) / rows.nrows() as f64).symmetric_eigen();
    let mut descending: Vec<f64> = eigen.eigenvalues.iter().copied().collect();
    descending.sort_unstable_by(|a, b| b.total_cmp(a));
    let least = descending[count - 1].max(1e-8 * descending[0]);
    let roots = eigen.eigenvalues.map(|value| {
        if value >= least {
            value.sqrt().recip()
        } else {
            0.0
        }
    });
    &eigen.eigenvectors * DMatrix::from_diagonal(&roots) * eigen.eigenvectors.transpose()
}
