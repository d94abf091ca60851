//! The sums of one projection: order, energies, slopes, and the derivative along velocities.

use rieszflow_numerics::Real;

use super::distances::{self, Coefficients, LineEnergies, Slopes, Weights};
use super::order::{Line, SortMemory, Sorted};
use super::powers::{self, PowerMemory};
use super::reduction::DirectionSums;

/// Which gradients are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gradients {
    Neither,
    InX,
    InBoth,
}

/// The memory of a thread.
#[derive(Debug, Default)]
pub(super) struct LineMemory<T> {
    sort: SortMemory<T>,
    powers: PowerMemory,
    slopes: Vec<T>,
}

/// What is asked for of every projection.
#[derive(Clone, Copy)]
pub(super) struct LineTask<'a, T> {
    pub(super) exponent: f64,
    pub(super) weights: Weights<'a, T>,
    pub(super) coefficients: Coefficients,
    pub(super) gradients: Gradients,
}

impl<T: Real> LineTask<'_, T> {
    /// Sums over the pairs of projected particles of x and y, which give way to their slopes. `coincide` tells
    /// whether two particles, counted through both measures, are at one place.
    pub(super) fn run(
        &self,
        positions: [&mut [T]; 2],
        speeds: Option<[&[T]; 2]>,
        coincide: &impl Fn(usize, usize) -> bool,
        memory: &mut LineMemory<T>,
    ) -> DirectionSums {
        let [x, y] = positions;
        let (count_x, count) = (x.len(), x.len() + y.len());
        let LineMemory {
            sort,
            powers,
            slopes,
        } = memory;
        slopes.resize(
            match self.gradients {
                Gradients::Neither => 0,
                Gradients::InX => count_x + 1,
                Gradients::InBoth => count,
            },
            T::zero(),
        );
        let line = Line { x, y };
        let velocities = speeds.map(|[x, y]| Line { x, y });
        let Some(sorted) = sort.sort(&line, velocities.as_ref()) else {
            return not_a_number();
        };
        let places = match self.gradients {
            Gradients::Neither => Slopes::Neither,
            Gradients::InX => Slopes::InX(slopes),
            Gradients::InBoth => Slopes::InBoth(slopes),
        };
        let energies = if self.exponent == 1.0 {
            let velocities = velocities.as_ref();
            distances::sum(sorted, velocities, &self.weights, self.coefficients, places)
        } else {
            powers::sum(
                self.exponent,
                sorted,
                &self.weights,
                self.coefficients,
                places,
                powers,
            )
        };
        let derivative = velocities.map_or(0.0, |velocities| {
            if self.exponent < 1.0 && collide(sorted, &velocities, &self.weights, coincide) {
                return f64::INFINITY;
            }
            self.along(slopes, &velocities)
        });
        if self.gradients != Gradients::Neither {
            x.copy_from_slice(&slopes[..count_x]);
        }
        if self.gradients == Gradients::InBoth {
            y.copy_from_slice(&slopes[count_x..]);
        }
        DirectionSums {
            energies,
            derivative,
        }
    }

    /// The sum of weight times slope times velocity over all particles with a slope.
    fn along(&self, slopes: &[T], velocities: &Line<'_, T>) -> f64 {
        let count = match self.gradients {
            Gradients::InBoth => slopes.len(),
            _ => self.weights.counts[0],
        };
        let terms = slopes[..count].iter().enumerate().map(|(i, slope)| {
            let [u, w] = self.weights.weight(i);
            (u + w) * slope.into_f64() * velocities.at(i)
        });
        terms.sum()
    }
}

/// The sums where a position is not finite.
fn not_a_number() -> DirectionSums {
    DirectionSums {
        energies: LineEnergies {
            discrepancy: f64::NAN,
            x: f64::NAN,
            y: f64::NAN,
        },
        derivative: f64::NAN,
    }
}

/// Whether a particle of x and one of y at one place, both with a weight, have different velocities.
fn collide<T: Real>(
    sorted: Sorted<'_, T>,
    velocities: &Line<'_, T>,
    weights: &Weights<'_, T>,
    coincide: &impl Fn(usize, usize) -> bool,
) -> bool {
    let mut start = 0;
    while start < sorted.len() {
        let end = sorted.tied(start);
        let side = |side: usize| {
            let particles = (start..end).map(|place| sorted.particle(place));
            particles.filter(move |&particle| weights.weight(particle)[side] != 0.0)
        };
        let pairs = side(0).flat_map(|i| side(1).map(move |j| (i, j)));
        let mut colliding =
            pairs.filter(|&(i, j)| velocities.at(i) != velocities.at(j) && coincide(i, j));
        if end > start + 1 && colliding.next().is_some() {
            return true;
        }
        start = end;
    }
    false
}
