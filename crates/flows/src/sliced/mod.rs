//! Sums over pairs by slicing: means over directions of sums on the line, in O(N log N) time.
//!
//! For a direction ξ uniform on the unit sphere of ℝᵈ,
//!
//! ```math
//! \mathbb E\,|⟨x,ξ⟩|^r = c_{d,r}\,|x|^r, \qquad
//! c_{d,r} = \frac{Γ(d/2)\,Γ((r+1)/2)}{\sqrtπ\;Γ((d+r)/2)},
//! ```
//!
//! so the sums of [`crate::pair_sums`] are means over ξ of those of the projections, divided by c, and their
//! gradients means of ξ times a derivative on the line. On the line the sums for r = 1 follow from the
//! order of the particles, and those for other r from sums of exponentials over sorted particles.
//!
//! P directions give an unbiased estimate. With independent ones the relative variance for a single pair
//! is (c_{d,2r}/c_{d,r}² − 1)/P for the value, and (c_{d,2r−2}/c_{d,r}² − 1)/P for the gradient, finite for
//! r > ½ only: gradients for r ≤ ½ are refused. [`DirectionSet`] has better ones.
//!
//! For r = 1 the one-sided derivative along velocities is a sum over the particles in the lexicographic
//! order of (⟨x,ξ⟩, ⟨a,ξ⟩): coincident particles are in the order of their velocities, which gives exactly
//! the term |h| of a coincident pair. A Dirac bursts under slicing as without.
//!
//! Sources: Hertrich, *Fast Kernel Summation in High Dimensions via Slicing and Fourier Transforms* (2024);
//! Hertrich, Jahn, Quellmalz, *Fast Summation of Radial Kernels via QMC Slicing* (ICLR 2025); Hertrich, Wald,
//! Altekrüger, Hagemann, *Generative Sliced MMD Flows with Riesz Kernels* (ICLR 2024).

mod directions;
mod distances;
pub(crate) mod distributed;
mod order;
mod powers;
mod projection;
mod reduction;

pub use directions::DirectionSet;

use std::ops::Range;
use std::sync::{Arc, RwLock};

use rayon::prelude::*;
use rieszflow_numerics::Real;
use rieszflow_numerics::panels::Panels;
use rieszflow_numerics::ranks::Communicator;
use rieszflow_numerics::working_memory::WorkingMemory;
use statrs::function::gamma::ln_gamma;

use crate::pair_sums::{GradientRows, Moving};
use crate::rng::{Purpose, stream};
use crate::{Error, Measure, RieszKernel};

use directions::Directions;
use distances::{Coefficients, Weights};
use projection::{Gradients, LineMemory, LineTask};
use reduction::{BlockSlopes, DirectionSums, Reduction, blocks};

/// The settings of sliced sums.
///
/// ```
/// use rieszflow_flows::Slicing;
///
/// let slicing = Slicing { seed: 7, ..Slicing::new(64) };
/// assert_eq!((slicing.directions, slicing.set), (64, None));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slicing {
    /// P, the number of directions; on the line a single one is taken.
    pub directions: usize,
    /// How they lie on the sphere; [`DirectionSet::default_for`] if `None`, the default.
    pub set: Option<DirectionSet>,
    /// Keys their rotations, together with the positions of the particles; 0 by default.
    pub seed: u64,
}

impl Slicing {
    /// Slicing with `directions` directions.
    pub fn new(directions: usize) -> Self {
        Self {
            directions,
            set: None,
            seed: 0,
        }
    }

    /// A number of directions for flows in ℝᵈ: 64 in the plane, and more in higher dimension.
    pub fn default_directions(dim: usize) -> usize {
        match dim {
            0 | 1 => 1,
            2 => 64,
            3 => 128,
            _ => 256,
        }
    }

    /// About how many bytes sums with gradients take, for `particles` particles of both measures together and
    /// numbers of `size` bytes.
    pub fn memory(&self, particles: usize, dim: usize, size: usize, threads: usize) -> f64 {
        let (count, size) = (particles as f64, size as f64);
        let block = blocks(self.directions.max(1), particles, dim).next();
        let block = block.map_or(0, |block| block.len());
        let together =
            (MOST_PROJECTIONS / particles.max(1)).clamp(block, self.directions.max(block));
        // Positions and the gradient; projections; particles before and after a sort, and slopes.
        let in_space = count * dim as f64 * (size + 8.0);
        in_space + count * together as f64 * size + threads as f64 * count * 5.0 * size
    }
}

/// Sums over two measures by slicing, and how far D² may be from the exact one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlicedEnergies {
    /// D²(μ, ν) = ∬|x−y|ʳ dμ dν − ½∬|x−x'|ʳ dμ dμ − ½∬|y−y'|ʳ dν dν.
    pub discrepancy: f64,
    /// The standard error of `discrepancy`; 0 on the line.
    pub standard_error: f64,
    /// ∬|x−x'|ʳ dμ dμ.
    pub x: f64,
    /// ∬|y−y'|ʳ dν dν.
    pub y: f64,
}

impl SlicedEnergies {
    /// ∬|x−y|ʳ dμ dν.
    pub fn between(&self) -> f64 {
        self.discrepancy + 0.5 * (self.x + self.y)
    }

    /// F_ν(μ) = ∬|x−y|ʳ dμ dν − ½∬|x−x'|ʳ dμ dμ.
    pub fn functional(&self) -> f64 {
        self.discrepancy + 0.5 * self.y
    }
}

/// Blocks of directions are summed together up to this many projections.
const MOST_PROJECTIONS: usize = 1 << 24;

/// With fewer numbers than this in a piece of work, handing it to another thread costs more than it saves.
const LEAST_COPIED: usize = 1 << 15;

/// Independent rotations from which a standard error is estimated.
const ROTATIONS: usize = 8;

/// Sums over pairs of particles with the Riesz kernel, estimated by slicing: the contract of
/// [`PairSums`](crate::PairSums).
///
/// The rotation of the directions is keyed by the seed and the positions in x, so that equal calls have equal
/// results, a resumed flow takes the directions that it would have taken, and sums from one set of particles
/// use the same ones. The result does not depend on the number of threads, to the bit.
///
/// Cost, for N particles in all and P directions: O(PN(d + log N)) time on all cores, for r ≠ 1 with about
/// 40 (single precision) to 110 (double precision) exponentials a particle and direction; O(N(d + 8)) memory
/// and the size of 5N numbers a thread, kept from call to call, so that later calls allocate nothing that grows
/// with N. Many threads may share one object.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::{Measure, Points, RieszKernel, SlicedSums, Slicing};
///
/// let x = DMatrix::from_row_slice(2, 2, &[0.0, 0.0, 3.0, 4.0]);
/// let sums = SlicedSums::new(RieszKernel::new(1.0)?, Slicing::new(64))?;
/// let x = Measure::uniform(Points::from(&x));
/// // (0 + 5 + 5 + 0) / 4, up to the error π²/(12P²) of equispaced directions.
/// assert!((sums.energy(x, x) / 2.5 - 1.0).abs() < 2.1e-4);
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct SlicedSums<T: Real> {
    kernel: RieszKernel,
    slicing: Slicing,
    /// The sets of directions made so far.
    known: RwLock<Vec<Arc<Directions>>>,
    memory: WorkingMemory<Memory<T>>,
    lines: WorkingMemory<LineMemory<T>>,
    /// Pieces of a gradient.
    parts: WorkingMemory<Vec<T>>,
}

/// What is kept from call to call.
#[derive(Debug, Default)]
struct Memory<T> {
    /// The directions, d×P.
    directions: Vec<T>,
    axes: Vec<Axis<T>>,
    x: Side<T>,
    y: Side<T>,
    reduction: Reduction,
}

/// The particles of a measure and their projections on some of the directions.
#[derive(Debug, Default)]
struct Side<T> {
    /// Less a centre, N×d.
    positions: Panels<T>,
    /// N×d, if they move.
    velocities: Panels<T>,
    /// On some directions, a column each; overwritten by the slopes.
    projections: Vec<T>,
    /// Of the velocities, a column for each direction.
    speeds: Vec<T>,
}

/// A coordinate of all particles.
#[derive(Clone, Copy, Debug, Default)]
struct Axis<T> {
    /// The mean of x.
    centre: T,
    /// The distance of the particle that is farthest from it.
    radius: f64,
}

impl<T: Real> Axis<T> {
    fn new(x: &[T], y: Option<&[T]>) -> Self {
        let centre = x.iter().map(|x| x.into_f64()).sum::<f64>() / x.len() as f64;
        let centre = T::from_f64(centre);
        let particles = x.iter().chain(y.into_iter().flatten());
        let distances = particles.map(|&x| (x - centre).abs());
        Self {
            centre,
            radius: distances.fold(T::zero(), T::max).into_f64(),
        }
    }
}

/// What is summed.
#[derive(Clone, Copy)]
struct Query<'a, T> {
    x: Moving<'a, T>,
    y: Option<Moving<'a, T>>,
    coefficients: Coefficients,
    gradients: Gradients,
    /// How many sets of directions are taken, rotated independently.
    rotations: usize,
    /// The number of directions in each of them.
    directions: usize,
}

impl<T: Real> Query<'_, T> {
    fn dim(&self) -> usize {
        self.x.measure.points.dim()
    }

    fn counts(&self) -> [usize; 2] {
        let y = self.y.map_or(0, |y| y.measure.points.count());
        [self.x.measure.points.count(), y]
    }

    fn moves(&self) -> bool {
        self.x.velocities.is_some() || self.y.is_some_and(|y| y.velocities.is_some())
    }

    fn weights(&self) -> Weights<'_, T> {
        Weights {
            counts: self.counts(),
            given: [
                self.x.measure.weights,
                self.y.and_then(|y| y.measure.weights),
            ],
        }
    }
}

impl<T: Real> SlicedSums<T> {
    /// The sums with `kernel`.
    ///
    /// # Errors
    /// [`Error::Setting`] without a direction.
    pub fn new(kernel: RieszKernel, slicing: Slicing) -> Result<Self, Error> {
        if slicing.directions == 0 {
            return Err(Error::setting("directions", "at least 1", &0));
        }
        Ok(Self {
            kernel,
            slicing,
            known: RwLock::default(),
            memory: WorkingMemory::default(),
            lines: WorkingMemory::default(),
            parts: WorkingMemory::default(),
        })
    }

    /// An error if the exponent has no gradient by slicing.
    ///
    /// # Errors
    /// [`Error::Setting`] for r ≤ ½, where the variance is infinite.
    pub fn check_gradient(&self) -> Result<(), Error> {
        let r = self.kernel.exponent();
        if r > 0.5 {
            return Ok(());
        }
        let expected = "above 1/2 with sliced sums, whose gradient has no finite variance below";
        Err(Error::setting("exponent", expected, &r))
    }

    /// The kernel.
    pub fn kernel(&self) -> RieszKernel {
        self.kernel
    }

    /// The settings.
    pub fn slicing(&self) -> Slicing {
        self.slicing
    }

    /// The same with rotations keyed by another seed; the sets of directions are kept.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        let slicing = Slicing {
            seed,
            ..self.slicing
        };
        Self { slicing, ..self }
    }

    /// ∬ |x−y|ʳ dμ(x) dν(y), estimated; 0 if a measure is empty.
    ///
    /// # Panics
    /// If the measures live in spaces of different dimension.
    pub fn energy(&self, x: Measure<'_, T>, y: Measure<'_, T>) -> f64 {
        if is_empty(x) || is_empty(y) {
            return 0.0;
        }
        self.energies_of(x, Some(y)).between()
    }

    /// The energy; `scale` times its gradient is added to the rows of x and, if named, of y.
    ///
    /// # Panics
    /// If the dimensions differ, `gradient` is too small, or r ≤ ½.
    pub fn energy_gradient(
        &self,
        x: Measure<'_, T>,
        y: Measure<'_, T>,
        scale: f64,
        gradient: &mut GradientRows<'_, T>,
    ) -> f64 {
        let gradients = if gradient.y_start.is_some() {
            Gradients::InBoth
        } else {
            Gradients::InX
        };
        let query = Query {
            coefficients: Coefficients {
                between: 1.0,
                own: 0.0,
            },
            gradients,
            ..self.query(Moving::resting(x), Some(Moving::resting(y)))
        };
        self.gradient(&query, scale, gradient)
            .map_or(0.0, |energies| energies.between())
    }

    /// ∬ |x−x'|ʳ dμ dμ, estimated.
    pub fn self_energy(&self, x: Measure<'_, T>) -> f64 {
        if is_empty(x) {
            return 0.0;
        }
        self.energies_of(x, None).x
    }

    /// The energy of x with itself; `scale` times its gradient is added.
    ///
    /// # Panics
    /// If `gradient` is too small, or r ≤ ½.
    pub fn self_energy_gradient(
        &self,
        x: Measure<'_, T>,
        scale: f64,
        gradient: &mut GradientRows<'_, T>,
    ) -> f64 {
        let query = Query {
            coefficients: Coefficients {
                between: 0.0,
                own: 1.0,
            },
            gradients: Gradients::InX,
            ..self.query(Moving::resting(x), None)
        };
        self.gradient(&query, scale, gradient)
            .map_or(0.0, |energies| energies.x)
    }

    /// All energies of two measures; the gradient of F_ν(μ) = ∬|x−y|ʳ dμ dν − ½∬|x−x'|ʳ dμ dμ in the
    /// particles of x is added. A single sort of each projection gives all of them. There is no standard
    /// error (NaN), because all directions share one rotation.
    ///
    /// # Panics
    /// If a measure is empty, the dimensions differ, `gradient` is too small, or r ≤ ½.
    pub fn discrepancy_gradient(
        &self,
        x: Measure<'_, T>,
        y: Measure<'_, T>,
        gradient: &mut GradientRows<'_, T>,
    ) -> SlicedEnergies {
        let query = Query {
            coefficients: Coefficients {
                between: 1.0,
                own: -0.5,
            },
            gradients: Gradients::InX,
            ..self.query(Moving::resting(x), Some(Moving::resting(y)))
        };
        self.gradient(&query, 1.0, gradient)
            .expect("measures that are not empty")
    }

    /// All energies of two measures, with all directions and without a standard error (NaN).
    ///
    /// # Panics
    /// If a measure is empty or the dimensions differ.
    pub fn energies(&self, x: Measure<'_, T>, y: Measure<'_, T>) -> SlicedEnergies {
        self.energies_of(x, Some(y))
    }

    /// All energies of two measures, with a standard error of D². Without the second measure, what stands
    /// for D² is the interaction energy −½∬|x−x'|ʳ dμ dμ.
    ///
    /// The directions are shared out to eight sets, rotated independently of each other; the spread of their
    /// means gives the standard error.
    ///
    /// # Panics
    /// If a measure is empty or the dimensions differ.
    pub fn discrepancy(&self, x: Measure<'_, T>, y: Option<Measure<'_, T>>) -> SlicedEnergies {
        let directions = self.slicing.directions;
        if x.points.dim() == 1 {
            let energies = self.energies_of(x, y);
            return SlicedEnergies {
                standard_error: 0.0,
                ..energies
            };
        }
        let query = Query {
            rotations: ROTATIONS,
            directions: directions.div_ceil(ROTATIONS),
            ..self.query(Moving::resting(x), y.map(Moving::resting))
        };
        self.memory.with(|memory| {
            self.sum(&query, memory);
            let all = self.mean(&query, memory.reduction.directions());
            let each = memory.reduction.directions().chunks(query.directions);
            let differences =
                each.map(|sums| self.mean(&query, sums).discrepancy - all.discrepancy);
            let squares = differences
                .map(|difference| difference.powi(2))
                .sum::<f64>();
            let count = ROTATIONS as f64;
            SlicedEnergies {
                standard_error: (squares / (count * (count - 1.0))).sqrt(),
                ..all
            }
        })
    }

    /// Σᵢⱼ uᵢ wⱼ ∂|·|ʳ(xᵢ−yⱼ; aᵢ−bⱼ), estimated; `scale` times its gradient in the velocities is added.
    ///
    /// Particles coincide if they are at exactly the same place. +∞ where such a pair with r < 1 has different
    /// velocities and both weights are nonzero.
    ///
    /// # Panics
    /// If the dimensions differ, `gradient` is too small, or r ≤ ½.
    pub fn directional_derivative(
        &self,
        x: Moving<'_, T>,
        y: Moving<'_, T>,
        scale: f64,
        gradient: &mut GradientRows<'_, T>,
    ) -> f64 {
        let gradients = if y.velocities.is_some() || gradient.y_start.is_some() {
            Gradients::InBoth
        } else {
            Gradients::InX
        };
        let coefficients = Coefficients {
            between: 1.0,
            own: 0.0,
        };
        let query = Query {
            coefficients,
            gradients,
            ..self.query(x, Some(y))
        };
        self.assert_gradient();
        if is_empty(x.measure) || is_empty(y.measure) {
            return 0.0;
        }
        self.memory.with(|memory| {
            self.sum(&query, memory);
            memory.collect(&query, scale, gradient);
            let sums = memory.reduction.directions();
            let derivative = sums.iter().map(|sums| sums.derivative).sum::<f64>();
            derivative * self.per_direction(query.dim(), sums.len())
        })
    }

    fn query<'a>(&self, x: Moving<'a, T>, y: Option<Moving<'a, T>>) -> Query<'a, T> {
        Query {
            x,
            y,
            coefficients: Coefficients {
                between: 0.0,
                own: 0.0,
            },
            gradients: Gradients::Neither,
            rotations: 1,
            directions: self.slicing.directions,
        }
    }

    fn assert_gradient(&self) {
        let r = self.kernel.exponent();
        assert!(r > 0.5, "sliced sums have gradients for r > 1/2, not {r}");
    }

    /// `None` if a measure is empty.
    fn gradient(
        &self,
        query: &Query<'_, T>,
        scale: f64,
        gradient: &mut GradientRows<'_, T>,
    ) -> Option<SlicedEnergies> {
        self.assert_gradient();
        if is_empty(query.x.measure) || query.y.is_some_and(|y| is_empty(y.measure)) {
            return None;
        }
        self.memory.with(|memory| {
            self.sum(query, memory);
            memory.collect(query, scale, gradient);
            Some(self.mean(query, memory.reduction.directions()))
        })
    }

    fn energies_of(&self, x: Measure<'_, T>, y: Option<Measure<'_, T>>) -> SlicedEnergies {
        let query = self.query(Moving::resting(x), y.map(Moving::resting));
        self.memory.with(|memory| {
            self.sum(&query, memory);
            self.mean(&query, memory.reduction.directions())
        })
    }

    /// 1/(Pc).
    fn per_direction(&self, dim: usize, count: usize) -> f64 {
        1.0 / (count as f64 * projected_power(dim, self.kernel.exponent()))
    }

    /// The mean over some of the directions.
    fn mean(&self, query: &Query<'_, T>, directions: &[DirectionSums]) -> SlicedEnergies {
        let per_direction = self.per_direction(query.dim(), directions.len());
        let mean =
            |of: fn(&DirectionSums) -> f64| directions.iter().map(of).sum::<f64>() * per_direction;
        SlicedEnergies {
            discrepancy: mean(|sums| sums.energies.discrepancy),
            standard_error: f64::NAN,
            x: mean(|sums| sums.energies.x),
            y: mean(|sums| sums.energies.y),
        }
    }

    /// The directions in ℝᵈ before their rotation.
    fn directions(&self, dim: usize, count: usize) -> Arc<Directions> {
        let fits = |known: &&Arc<Directions>| known.dim == dim && known.asked == count;
        let known = self.known.read().expect("nothing panics while it is held");
        if let Some(found) = known.iter().find(fits) {
            return Arc::clone(found);
        }
        drop(known);
        let set = self.slicing.set;
        let set = set.unwrap_or_else(|| DirectionSet::default_for(dim, count));
        let made = Arc::new(Directions::new(dim, count, set));
        let mut known = self.known.write().expect("nothing panics while it is held");
        known.push(Arc::clone(&made));
        made
    }

    /// Sums over all directions, into the memory's reduction.
    fn sum(&self, query: &Query<'_, T>, memory: &mut Memory<T>) {
        let dim = query.dim();
        let [count_x, count_y] = query.counts();
        assert!(count_x + count_y < 1 << 30, "fewer than 2³⁰ particles");
        let directions = self.directions(dim, query.directions);
        let key = content_key(query.x.measure.points);
        memory.directions.clear();
        for rotation in 0..query.rotations as u64 {
            let rng = stream(self.slicing.seed, Purpose::Directions, key, rotation);
            directions.draw(rng, &mut memory.directions);
        }
        self.sum_on_ranks(query, query.rotations * directions.count, memory);
    }

    /// Sums over this rank's share of the directions in the memory, `count` in all; on the first rank over
    /// those of all.
    fn share(
        &self,
        query: &Query<'_, T>,
        count: usize,
        memory: &mut Memory<T>,
        ranks: &dyn Communicator,
    ) {
        let dim = query.dim();
        let [count_x, count_y] = query.counts();
        let radius = memory.take_up(query);
        let counts = match query.gradients {
            Gradients::Neither => [0, 0],
            Gradients::InX => [count_x, 0],
            Gradients::InBoth => [count_x, count_y],
        };
        let unit = self.unit(query, radius);
        let size = ranks.size();
        let all = query.blocks(count, 0, 1).len();
        memory.reduction.start((counts, dim), (count, all), unit);
        let own = query.blocks(count, ranks.rank(), size);
        let most = MOST_PROJECTIONS / (count_x + count_y);
        let starts_anew = |first: &Range<usize>, last: &Range<usize>| last.end - first.start > most;
        let mut rest = &own[..];
        while let Some(first) = rest.first() {
            let len = rest.iter().position(|block| starts_anew(first, block));
            let (together, others) = rest.split_at(len.unwrap_or(rest.len()).max(1));
            self.add_blocks(query, together, memory);
            rest = others;
        }
        if size > 1 {
            let own = |rank| query.blocks(count, rank, size).into_iter().flatten();
            memory.reduction.gather(ranks, own);
        }
    }

    /// The unit of the gradient: 2⁻⁶⁰ of what it is at most. For r < 1 it is not bounded; the unit is 2⁻⁴⁰ of its
    /// size at the diameter of the particles, and beyond 2²² times this size it is cut off.
    fn unit(&self, query: &Query<'_, T>, radius: f64) -> f64 {
        let r = self.kernel.exponent();
        let Coefficients { between, own } = query.coefficients;
        let [x, y] = query.weights().sizes();
        let mass = between.abs() * x.max(y) + 2.0 * own.abs() * x;
        let size = r * (2.0 * radius).powf(r - 1.0) * mass;
        let size = size / projected_power(query.dim(), r);
        let size = if size > 0.0 && size.is_finite() {
            size
        } else {
            1.0
        };
        size * 2.0_f64.powi(if r < 1.0 { -40 } else { -60 })
    }

    /// Adds consecutive blocks of directions: project, sum on the line, and take the slopes back into space.
    fn add_blocks(&self, query: &Query<'_, T>, blocks: &[Range<usize>], memory: &mut Memory<T>) {
        let dim = query.dim();
        let counts @ [count_x, count_y] = query.counts();
        let Memory {
            directions,
            x,
            y,
            reduction,
            ..
        } = memory;
        let all = blocks[0].start..blocks[blocks.len() - 1].end;
        let directions = &directions[all.start * dim..all.end * dim];
        x.project(directions, count_x, all.len(), query.moves());
        y.project(directions, count_y, all.len(), query.moves());
        let weights = query.weights();
        let task = LineTask {
            exponent: self.kernel.exponent(),
            weights,
            coefficients: query.coefficients,
            gradients: query.gradients,
        };
        let (positions, others) = (&x.positions, &y.positions);
        let coincide = |i: usize, j: usize| {
            let at = |index: usize, k: usize| match index.checked_sub(count_x) {
                None => positions.at(index, k),
                Some(index) => others.at(index, k),
            };
            (0..dim).all(|k| at(i, k) == at(j, k))
        };
        let speeds = query.moves().then_some([&x.speeds, &y.speeds]);
        let evaluate = |(((p, x), y), sums): Place<'_, T>| {
            let [x, y] = [&mut x[..count_x], &mut y[..count_y]];
            let speeds = speeds.map(|speeds| {
                let of = |side: usize| &speeds[side][p * counts[side]..][..counts[side]];
                [of(0), of(1)]
            });
            *sums = self
                .lines
                .with(|line| task.run([x, y], speeds, &coincide, line));
        };
        x.projections
            .par_chunks_mut(count_x)
            .enumerate()
            .zip(y.projections.par_chunks_mut(count_y.max(1)))
            .zip(reduction.directions_mut(all.clone()))
            .for_each(evaluate);
        let sides: &[(&Side<T>, usize)] = match query.gradients {
            Gradients::Neither => &[],
            Gradients::InX => &[(x, count_x)],
            Gradients::InBoth => &[(x, count_x), (y, count_y)],
        };
        let per_direction = self.per_direction(dim, reduction.directions().len());
        for (number, (side, count)) in sides.iter().enumerate() {
            let slopes = blocks.iter().map(|block| {
                let block = block.start - all.start..block.end - all.start;
                BlockSlopes {
                    slopes: &side.projections[block.start * count..block.end * count],
                    directions: &directions[block.start * dim..block.end * dim],
                }
            });
            let slopes: Vec<_> = slopes.collect();
            reduction.add(number, &slopes, per_direction, &self.parts);
        }
    }
}

/// A direction's number among those that are summed together and the places of its projections and of its sums.
type Place<'m, T> = (((usize, &'m mut [T]), &'m mut [T]), &'m mut DirectionSums);

impl<T: Real> Memory<T> {
    /// Takes up the particles, less a centre; returns a radius in which all of them are.
    fn take_up(&mut self, query: &Query<'_, T>) -> f64 {
        if let Some(y) = query.y {
            assert_eq!(y.measure.points.dim(), query.dim(), "one space");
        }
        let count: usize = query.counts().iter().sum();
        self.axes.resize(query.dim(), Axis::default());
        let axes = self.axes.par_iter_mut().enumerate();
        axes.with_min_len(LEAST_COPIED.div_ceil(count))
            .for_each(|(k, axis)| {
                let x = query.x.measure.points.coordinate(k);
                let y = query.y.map(|y| y.measure.points.coordinate(k));
                *axis = Axis::new(x, y);
            });
        self.x.take_up(Some(query.x), query, &self.axes);
        self.y.take_up(query.y, query, &self.axes);
        let squares = self.axes.iter().map(|axis| axis.radius * axis.radius);
        squares.sum::<f64>().sqrt()
    }

    /// Adds `scale` times the gradient to its rows.
    fn collect(&self, query: &Query<'_, T>, scale: f64, rows: &mut GradientRows<'_, T>) {
        let [count_x, count_y] = query.counts();
        let weights = query.weights();
        let scale = scale * self.reduction.unit();
        for side in 0..2 {
            for (start, piece) in self.reduction.gradient(side) {
                for (k, column) in piece.chunks(piece.len() / query.dim()).enumerate() {
                    let target = match side {
                        0 => Some(rows.x(k, count_x)),
                        _ => rows.y(k, count_y),
                    };
                    if let Some(target) = target {
                        let target = &mut target[start..][..column.len()];
                        add_weighted(target, column, start, weights.of_side(side), scale);
                    }
                }
            }
        }
    }
}

/// Adds the gradient of consecutive particles, the first of which is `start`.
fn add_weighted<T: Real>(
    target: &mut [T],
    gradient: &[i64],
    start: usize,
    (weights, factor): (Option<&[T]>, f64),
    scale: f64,
) {
    let scale = scale * factor;
    let entries = target.iter_mut().zip(gradient);
    match weights {
        None => {
            for (entry, &slope) in entries {
                *entry += T::from_f64(scale * slope as f64);
            }
        }
        Some(weights) => {
            for ((entry, &slope), weight) in entries.zip(&weights[start..]) {
                *entry += T::from_f64(scale * weight.into_f64() * slope as f64);
            }
        }
    }
}

impl<T: Real> Side<T> {
    /// Takes up the particles, if there are any.
    fn take_up(&mut self, moving: Option<Moving<'_, T>>, query: &Query<'_, T>, axes: &[Axis<T>]) {
        let Some(Moving {
            measure,
            velocities,
        }) = moving
        else {
            self.positions.fill(0, query.dim(), |_, _, _| ());
            return;
        };
        let (count, dim) = (measure.points.count(), measure.points.dim());
        self.positions.fill(count, dim, |k, start, places| {
            let coordinate = &measure.points.coordinate(k)[start..];
            for (place, &x) in places.iter_mut().zip(coordinate) {
                *place = x - axes[k].centre;
            }
        });
        if query.moves() {
            self.velocities
                .fill(count, dim, |k, start, places| match velocities {
                    Some(velocities) => {
                        let coordinate = &velocities.coordinate(k)[start..];
                        places.copy_from_slice(&coordinate[..places.len()]);
                    }
                    None => places.fill(T::zero()),
                });
        }
    }

    /// Projects positions and, if they move, velocities on a block of directions.
    fn project(&mut self, directions: &[T], count: usize, size: usize, moves: bool) {
        // One place at least for each direction.
        self.projections.resize(count.max(1) * size, T::zero());
        if count == 0 {
            return;
        }
        self.positions.product(&mut self.projections, directions);
        if moves {
            self.speeds.resize(count * size, T::zero());
            self.velocities.product(&mut self.speeds, directions);
        }
    }
}

fn is_empty<T: Real>(measure: Measure<'_, T>) -> bool {
    measure.points.count() * measure.points.dim() == 0
}

/// c_{d,r}: the mean of |⟨x,ξ⟩|ʳ over directions, for |x| = 1.
pub fn projected_power(dim: usize, r: f64) -> f64 {
    if dim == 1 {
        return 1.0;
    }
    let d = dim as f64;
    let log = ln_gamma(0.5 * d) + ln_gamma(0.5 * (r + 1.0)) - ln_gamma(0.5 * (d + r));
    log.exp() / std::f64::consts::PI.sqrt()
}

/// A number that depends on the bits of all positions.
fn content_key<T: Real>(points: crate::Points<'_, T>) -> u64 {
    let coordinates = (0..points.dim()).into_par_iter();
    let least = LEAST_COPIED.div_ceil(points.count().max(1));
    let keys = coordinates.with_min_len(least).map(|k| {
        let key = coordinate_key(points.coordinate(k));
        // Coordinates that are exchanged have another sum.
        (key ^ k as u64).wrapping_mul(FACTOR)
    });
    keys.reduce(|| 0, u64::wrapping_add)
}

/// An odd number without a pattern: 2⁶⁴ divided by the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

fn coordinate_key<T: Real>(coordinate: &[T]) -> u64 {
    let mut keys = [FACTOR; 8];
    for chunk in coordinate.chunks(keys.len()) {
        for (key, x) in keys.iter_mut().zip(chunk) {
            *key = (key.rotate_left(5) ^ x.into_f64().to_bits()).wrapping_mul(FACTOR);
        }
    }
    keys.into_iter().fold(0, |all: u64, key| {
        (all.rotate_left(17) ^ key ^ (key >> 32)).wrapping_mul(FACTOR)
    })
}
