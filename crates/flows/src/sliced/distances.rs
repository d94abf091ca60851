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

use rieszflow_numerics::Real;

use super::order::{Line, Sorted};

/// What is asked for of the particles of one projection.
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
    /// The weights that are not all 1/N.
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

    /// The masses of the measures.
    fn totals(&self) -> [f64; 2] {
        [0, 1].map(|side| match self.given[side] {
            Some(weights) => weights.iter().map(|w| w.into_f64()).sum(),
            None => self.counts[side] as f64,
        })
    }

    /// The sums of the sizes of all weights.
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

/// The sums for r = 1, and the gradient in the positions divided by the particles' weights.
///
/// With `velocities` the particles at one position must be in the order of these; then only particles that
/// agree in both do not count for each other.
pub(super) fn sum<T: Real>(
    sorted: &Sorted<'_>,
    line: &Line<'_, T>,
    velocities: Option<&Line<'_, T>>,
    weights: &Weights<'_, T>,
    coefficients: Coefficients,
    slopes: Slopes<'_, T>,
) -> LineEnergies {
    let sweep = Sweep {
        sorted,
        line,
        velocities,
        weights,
        coefficients,
    };
    match slopes {
        Slopes::Neither if weights.are_given() => sweep.run(&mut |_, _| ()),
        Slopes::Neither => sweep.run_unweighted(&mut |_, _| ()),
        Slopes::InX(slopes) => {
            // The particles of y write to the place that is left over.
            let spare = slopes.len() - 1;
            if weights.are_given() {
                sweep.run(&mut |particle, [x, _]| slopes[particle.min(spare)] = T::from_f64(x))
            } else {
                sweep.run_unweighted(&mut |particle, x| {
                    slopes[particle.min(spare)] = T::from_f64(x);
                })
            }
        }
        Slopes::InBoth(slopes) => {
            let count = weights.counts[0];
            sweep.run(&mut |particle, [x, y]| {
                slopes[particle] = T::from_f64(if particle < count { x } else { y });
            })
        }
    }
}

struct Sweep<'a, T> {
    sorted: &'a Sorted<'a>,
    line: &'a Line<'a, T>,
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
                let gap = self.sorted.gap(self.line, end - 1);
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

    /// The same for weights 1/N and without slopes of y: particles are counted, and none but those at one
    /// position are told apart by a branch.
    #[inline]
    fn run_unweighted(&self, store: &mut impl FnMut(usize, f64)) -> LineEnergies {
        let count = self.sorted.len();
        let [count_x, count_y] = self.weights.counts;
        let [per_x, per_y] = self.weights.factors();
        let between = self.coefficients.between * per_y;
        let own = 2.0 * self.coefficients.own * per_x;
        let slope = |below: [usize; 2], group: [usize; 2]| {
            let [x, y] = [0, 1].map(|side| 2 * below[side] as i64 + group[side] as i64);
            between * (y - count_y as i64) as f64 + own * (x - count_x as i64) as f64
        };
        // A measure without particles has no mass.
        let all = [per_x * count_x as f64, per_y * count_y as f64];
        let mut energies = LineEnergies::default();
        let mut below_y = 0;
        let mut place = 0;
        while place < count {
            let below = [place - below_y, below_y];
            let particle = self.sorted.particle(place);
            let mut is_y = usize::from(particle >= count_x);
            let mut next = place + 1;
            if next < count && self.sorted.is_tied(self.line, next) {
                next = self.end_of_group(place);
                let particles = || (place..next).map(|place| self.sorted.particle(place));
                is_y = particles().filter(|&particle| particle >= count_x).count();
                let slope = slope(below, [next - place - is_y, is_y]);
                particles().for_each(|particle| store(particle, slope));
            } else {
                store(particle, slope(below, [1 - is_y, is_y]));
            }
            below_y += is_y;
            if next < count {
                let gap = self.sorted.gap(self.line, next - 1);
                let [x, y] = [(next - below_y) as f64 * per_x, below_y as f64 * per_y];
                let difference = x - y;
                energies.discrepancy += gap * (difference * (difference + (all[1] - all[0])));
                energies.x += gap * (x * (all[0] - x));
                energies.y += gap * (y * (all[1] - y));
            }
            place = next;
        }
        energies.x *= 2.0;
        energies.y *= 2.0;
        energies
    }

    /// The end of the particles that do not count for the one at `start`.
    #[inline]
    fn end_of_group(&self, start: usize) -> usize {
        let mut end = start + 1;
        while end < self.sorted.len() && self.sorted.is_tied(self.line, end) {
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
