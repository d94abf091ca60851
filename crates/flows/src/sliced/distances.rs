//! Sums over pairs on the line for r = 1, from the order of the particles alone.
//!
//! With U(z) and W(z) the weights of μ and ν up to z, and for total weights 1,
//!
//! ```math
//! \iint |x-y| \,dμ\,dν = \int U(1-W) + W(1-U) \,dz, \qquad
//! D^2(μ,ν) = \int (U-W)^2 \,dz,
//! ```
//!
//! sums of positive terms over the gaps between particles, so that a small D² is not the difference of
//! large sums. The gradient is a difference of weights on either side of a particle; particles at one
//! position do not count for each other.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch};
use rieszflow_numerics::Real;

use super::order::{Line, Placed, Sorted};

/// The gradient is that of `between` ∬|x−y|ʳ dμ dν + `own` ∬|x−x'|ʳ dμ dμ.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coefficients {
    /// That of ∬|x−y|ʳ dμ dν.
    pub(super) between: f64,
    /// That of ∬|x−x'|ʳ dμ dμ.
    pub(super) own: f64,
}

/// Weights of two measures.
#[derive(Clone, Copy)]
pub(super) struct Weights<'a, T> {
    /// How many particles they have.
    pub(super) counts: [usize; 2],
    /// The weights; `None` if they are all 1/N.
    pub(super) given: [Option<&'a [T]>; 2],
}

impl<T: Real> Weights<'_, T> {
    /// The factors of the masses: 1/N without weights.
    pub(super) fn factors(&self) -> [f64; 2] {
        [0, 1].map(|side| match self.given[side] {
            Some(_) => 1.0,
            None => 1.0 / self.counts[side].max(1) as f64,
        })
    }

    /// The mass of a particle in either measure, 1 without weights; one of the two is 0.
    #[inline]
    fn mass(&self, particle: usize) -> [f64; 2] {
        let side = usize::from(particle >= self.counts[0]);
        let mass = self.given[side].map_or(1.0, |weights| {
            weights[particle - side * self.counts[0]].into_f64()
        });
        if side == 0 { [mass, 0.0] } else { [0.0, mass] }
    }

    /// The weight of a particle in either measure.
    pub(super) fn weight(&self, particle: usize) -> [f64; 2] {
        let [x, y] = self.mass(particle);
        let factors = self.factors();
        [x * factors[0], y * factors[1]]
    }

    /// The sums of the masses, before their factors.
    fn totals(&self) -> [f64; 2] {
        [0, 1].map(|side| match self.given[side] {
            Some(weights) => weights.iter().map(|w| w.into_f64()).sum(),
            None => self.counts[side] as f64,
        })
    }

    /// The sums of |weight|.
    pub(super) fn sizes(&self) -> [f64; 2] {
        [0, 1].map(|side| match self.given[side] {
            Some(weights) => weights.iter().map(|w| w.into_f64().abs()).sum(),
            None => f64::from(u8::from(self.counts[side] > 0)),
        })
    }

    /// The weights of one measure, or none, and a factor.
    pub(super) fn of_side(&self, side: usize) -> (Option<&[T]>, f64) {
        (self.given[side], self.factors()[side])
    }

    fn are_given(&self) -> bool {
        self.given.iter().any(Option::is_some)
    }
}

/// Sums over the pairs of a projection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct LineEnergies {
    /// D² = ∬|x−y|ʳ dμ dν − ½∬|x−x'|ʳ dμ dμ − ½∬|y−y'|ʳ dν dν.
    pub(super) discrepancy: f64,
    /// ∬|x−x'|ʳ dμ dμ.
    pub(super) x: f64,
    /// ∬|y−y'|ʳ dν dν.
    pub(super) y: f64,
}

/// Where the slopes of the particles go.
pub(super) enum Slopes<'a, T> {
    /// Nowhere.
    Neither,
    /// Those of the particles of x, with one place more.
    InX(&'a mut [T]),
    /// Those of x and then y.
    InBoth(&'a mut [T]),
}

/// The energies for r = 1; `slopes` gets the derivative in each position, divided by the particle's weight.
///
/// With `velocities` the particles at one position must be in the order of these; then only particles that
/// agree in both do not count for each other.
pub(super) fn sum<T: Real>(
    sorted: Sorted<'_, T>,
    velocities: Option<&Line<'_, T>>,
    weights: &Weights<'_, T>,
    coefficients: Coefficients,
    slopes: Slopes<'_, T>,
) -> LineEnergies {
    let sweep = Sweep {
        sorted,
        velocities,
        weights,
        coefficients,
    };
    match slopes {
        Slopes::Neither if weights.are_given() => sweep.run(&mut |_, _| ()),
        Slopes::Neither => sweep.run_unweighted(None),
        Slopes::InX(slopes) if weights.are_given() => {
            sweep.run(&mut |particle, [x, _]| *place_in_x(slopes, particle) = T::from_f64(x))
        }
        Slopes::InX(slopes) => sweep.run_unweighted(Some(slopes)),
        Slopes::InBoth(slopes) => {
            let count = weights.counts[0];
            sweep.run(&mut |particle, [x, y]| {
                slopes[particle] = T::from_f64(if particle < count { x } else { y });
            })
        }
    }
}

/// The place of a particle's slope among those of x; those of y share the place that is left over.
#[inline(always)]
fn place_in_x<T>(slopes: &mut [T], particle: usize) -> &mut T {
    let (spare, own) = slopes.split_last_mut().expect("a place more");
    own.get_mut(particle).unwrap_or(spare)
}

struct Sweep<'a, T> {
    sorted: Sorted<'a, T>,
    velocities: Option<&'a Line<'a, T>>,
    weights: &'a Weights<'a, T>,
    coefficients: Coefficients,
}

impl<T: Real> Sweep<'_, T> {
    /// From the least position to the greatest; `store` gets each particle with the slopes that one of x
    /// and one of y have there.
    #[inline]
    fn run(&self, store: &mut impl FnMut(usize, [f64; 2])) -> LineEnergies {
        let count = self.sorted.len();
        let factors = self.weights.factors();
        let totals = self.weights.totals();
        let [all_x, all_y] = [totals[0] * factors[0], totals[1] * factors[1]];
        let between = [factors[0], factors[1]].map(|factor| factor * self.coefficients.between);
        let own = 2.0 * self.coefficients.own * factors[0];
        // Masses up to here.
        let [mut u, mut w] = [0.0, 0.0];
        let mut energies = LineEnergies::default();
        let mut place = 0;
        while place < count {
            let particle = self.sorted.particle(place);
            let end = self.end_of_group(place);
            let mut mass = self.weights.mass(particle);
            for place in place + 1..end {
                let [x, y] = self.weights.mass(self.sorted.particle(place));
                mass = [mass[0] + x, mass[1] + y];
            }
            // What is below, less what is above.
            let [x, y] = [2.0 * u + mass[0] - totals[0], 2.0 * w + mass[1] - totals[1]];
            let slopes = [between[1] * y + own * x, between[0] * x];
            store(particle, slopes);
            for place in place + 1..end {
                store(self.sorted.particle(place), slopes);
            }
            u += mass[0];
            w += mass[1];
            if end < count {
                let gap = self.sorted.gap(end - 1);
                let [x, y] = [u * factors[0], w * factors[1]];
                let difference = x - y;
                energies.discrepancy += gap * (difference * (difference + (all_y - all_x)));
                energies.x += gap * (x * (all_x - x));
                energies.y += gap * (y * (all_y - y));
            }
            place = end;
        }
        energies.x *= 2.0;
        energies.y *= 2.0;
        energies
    }

    /// The same for weights 1/N and without slopes of y, several particles at a time.
    fn run_unweighted(&self, slopes: Option<&mut [T]>) -> LineEnergies {
        dispatch!(Level::new(), simd => self.run_in_chunks(simd, slopes))
    }

    #[inline(always)]
    fn run_in_chunks<S: Simd>(&self, _: S, mut slopes: Option<&mut [T]>) -> LineEnergies {
        let particles = self.sorted.particles;
        let mut chunk = Chunk::new(self);
        let mut below = 0;
        let mut group = Group::default();
        for (start, members) in (0..).step_by(CHUNK).zip(particles.chunks(CHUNK)) {
            below = chunk.count(members, self.weights.counts[0], below);
            let has_ties =
                chunk.set_gaps(&particles[start..particles.len().min(start + CHUNK + 1)]);
            chunk.add_energies(small(start));
            if let Some(slopes) = &mut slopes {
                chunk.set_slopes(small(start));
                if has_ties || group.end > start {
                    self.set_slopes_of_groups(&mut chunk, start..start + members.len(), &mut group);
                }
                for (placed, slope) in members.iter().zip(chunk.slopes) {
                    *place_in_x(slopes, placed.particle as usize) = slope;
                }
            }
        }
        chunk.energies()
    }

    /// Sets the slopes of particles of a chunk that do not count for each other. `group` is the last of their
    /// groups so far, which may go on in the next chunk.
    fn set_slopes_of_groups(&self, chunk: &mut Chunk<T>, places: Range<usize>, group: &mut Group) {
        let mut place = places.start;
        loop {
            if place >= group.end {
                let gaps = &chunk.gaps[place - places.start..places.len()];
                let Some(next) = gaps.iter().position(|gap| *gap == 0.0) else {
                    break;
                };
                place += next;
                *group = self.group(place, chunk.below[place - places.start], chunk);
            }
            let end = group.end.min(places.end);
            let slopes = &mut chunk.slopes[place - places.start..end - places.start];
            slopes.fill(T::from_f64(group.slope));
            place = end;
            if place == places.end {
                break;
            }
        }
    }

    /// The group that starts at `start`, with `below` particles of y below it.
    fn group(&self, start: usize, below: i32, chunk: &Chunk<T>) -> Group {
        let end = self.end_of_group(start);
        let particles = &self.sorted.particles[start..end];
        let count_x = self.weights.counts[0];
        let is_in_y = |placed: &&Placed<T>| placed.particle as usize >= count_x;
        let in_y = small(particles.iter().filter(is_in_y).count());
        let in_x = small(end - start) - in_y;
        Group {
            end,
            slope: chunk.slope([small(start) - below, below], [in_x, in_y]),
        }
    }

    /// The end of the particles that do not count for the one at `start`.
    #[inline]
    fn end_of_group(&self, start: usize) -> usize {
        let mut end = start + 1;
        while end < self.sorted.len() && self.sorted.is_tied(end) {
            if let Some(velocities) = self.velocities {
                let [before, this] = [end - 1, end].map(|place| self.sorted.particle(place));
                if velocities.at(before) != velocities.at(this) {
                    break;
                }
            }
            end += 1;
        }
        end
    }
}

/// A number of particles, of which there are fewer than 2³⁰.
fn small(count: usize) -> i32 {
    i32::try_from(count).expect("fewer than 2³⁰ particles")
}

/// Particles that do not count for each other.
#[derive(Default)]
struct Group {
    /// The place after the last one.
    end: usize,
    /// The slope of all of them.
    slope: f64,
}

/// So many particles are taken at a time.
const CHUNK: usize = 256;
/// So many sums go on side by side.
const LANES: usize = 8;

/// Consecutive particles of weights 1/N in their order.
struct Chunk<T> {
    /// How many particles of y are below each of them, and at the end.
    below: [i32; CHUNK + 1],
    /// The distance from each to the next one.
    gaps: [f64; CHUNK],
    counts: [i32; 2],
    factors: [f64; 2],
    /// A slope is the first times the particles of x below less those above, plus the second times those of y.
    slope: [f64; 2],
    slopes: [T; CHUNK],
    /// The sums of D² and of the energies of x and y so far.
    sums: [[f64; LANES]; 3],
}

impl<T: Real> Chunk<T> {
    fn new(sweep: &Sweep<'_, T>) -> Self {
        let factors = sweep.weights.factors();
        let Coefficients { between, own } = sweep.coefficients;
        Self {
            below: [0; CHUNK + 1],
            gaps: [0.0; CHUNK],
            counts: sweep.weights.counts.map(small),
            factors,
            slope: [2.0 * own * factors[0], between * factors[1]],
            slopes: [T::zero(); CHUNK],
            sums: [[0.0; LANES]; 3],
        }
    }

    /// Counts particles of y from `below` on, and returns their number at the end.
    #[inline(always)]
    fn count(&mut self, members: &[Placed<T>], count_x: usize, mut below: i32) -> i32 {
        for (place, placed) in self.below.iter_mut().zip(members) {
            *place = below;
            below += i32::from(placed.particle >= count_x as u32);
        }
        self.below[members.len()..].fill(below);
        below
    }

    /// Sets the distances from each position to the next one, and zeros after the last one; returns whether two
    /// positions are equal.
    #[inline(always)]
    fn set_gaps(&mut self, particles: &[Placed<T>]) -> bool {
        let (gaps, rest) = self.gaps.split_at_mut(particles.len() - 1);
        let mut has_ties = false;
        for (gap, pair) in gaps.iter_mut().zip(particles.windows(2)) {
            *gap = pair[1].position.into_f64() - pair[0].position.into_f64();
            has_ties |= *gap == 0.0;
        }
        rest.fill(0.0);
        has_ties
    }

    /// The slope of a particle of x from what is below and what is at the position.
    #[inline(always)]
    fn slope(&self, below: [i32; 2], here: [i32; 2]) -> f64 {
        let of = |side: usize| {
            let difference = 2 * below[side] + here[side] - self.counts[side];
            self.slope[side] * f64::from(difference)
        };
        of(0) + of(1)
    }

    /// Adds the energies of the chunk from `start` on.
    #[inline(always)]
    fn add_energies(&mut self, start: i32) {
        let counts = self.counts.map(f64::from);
        let [per_x, per_y] = self.factors;
        // A measure without particles has no mass.
        let more_y = counts[1] * per_y - counts[0] * per_x;
        let (gaps, _) = self.gaps.as_chunks::<LANES>();
        let (below, _) = self.below[1..].as_chunks::<LANES>();
        let places = (start + 1..).step_by(LANES);
        for (place, (gaps, below)) in places.zip(gaps.iter().zip(below)) {
            for (lane, place) in (0..LANES).zip(place..) {
                let y = f64::from(below[lane]);
                let x = f64::from(place - below[lane]);
                let difference = x * per_x - y * per_y;
                let gap = gaps[lane];
                self.sums[0][lane] += gap * (difference * (difference + more_y));
                self.sums[1][lane] += gap * (x * (counts[0] - x));
                self.sums[2][lane] += gap * (y * (counts[1] - y));
            }
        }
    }

    /// Sets the slopes that particles of x have in the chunk from `start` on, if each is at a position of
    /// its own.
    #[inline(always)]
    fn set_slopes(&mut self, start: i32) {
        let [count_x, count_y] = self.counts;
        let [per_x, per_y] = self.slope;
        let (below, _) = self.below[..CHUNK].as_chunks::<LANES>();
        let (slopes, _) = self.slopes.as_chunks_mut::<LANES>();
        let places = (start..).step_by(LANES);
        for (place, (below, slopes)) in places.zip(below.iter().zip(slopes)) {
            let mut differences = [[0; LANES]; 2];
            for (lane, place) in (0..LANES).zip(place..) {
                differences[0][lane] = 2 * (place - below[lane]) + 1 - count_x;
                differences[1][lane] = 2 * below[lane] - count_y;
            }
            let [x, y] = differences;
            *slopes = std::array::from_fn(|lane| {
                T::from_f64(per_x * f64::from(x[lane]) + per_y * f64::from(y[lane]))
            });
        }
    }

    fn energies(&self) -> LineEnergies {
        let [discrepancy, x, y] = self.sums.map(|lanes| lanes.iter().sum::<f64>());
        let [per_x, per_y] = self.factors;
        LineEnergies {
            discrepancy,
            x: 2.0 * per_x * per_x * x,
            y: 2.0 * per_y * per_y * y,
        }
    }
}
