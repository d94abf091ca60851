//! Whether the precision of a flow suffices for its data and its time steps.

use nalgebra::DMatrix;
use rieszflow_numerics::Real;

use super::Problem;
use crate::config::{Config, Precision};
use crate::numbers::rounded;
use crate::setting::Phrase;

/// The least spread of particles, in units in the last place of their coordinates.
const FINE_SPREAD: f64 = 1000.0;

/// The least displacement in a time step, in the same units; it is rounded in every step.
const FINE_STEP: f64 = 100.0;

/// The unit in the last place of `x`: the distance to the next number of this precision.
fn unit_in_the_last_place<T: Real>(x: f64) -> f64 {
    if x == 0.0 {
        return 0.0;
    }
    x.abs().log2().floor().exp2() * T::epsilon().into_f64()
}

impl Config {
    /// What is lost because numbers are rounded, and the setting to change; `None` if that is nothing to
    /// speak of.
    pub(crate) fn rounding(&self, problem: &Problem) -> Option<Phrase> {
        lost_in_files(problem).or_else(|| match self.precision {
            Precision::F32 => self.lost::<f32>(problem),
            Precision::F64 => self.lost::<f64>(problem),
        })
    }

    /// Of what the flow computes with.
    fn lost<T: Real>(&self, problem: &Problem) -> Option<Phrase> {
        let start: DMatrix<f64> = problem.origin.centre(&problem.start);
        let target = problem.target.as_ref();
        let target = target.map(|target| problem.origin.centre(&target.points));
        let spread = target
            .as_ref()
            .and_then(|target| spread_lost::<T>(&start, target));
        let lost = spread.or_else(|| self.step_lost::<T>(&start, target.as_ref()))?;
        let phrase = Phrase::from(lost).text("; ");
        Some(match self.precision {
            Precision::F32 => phrase.text("use ").setting("precision").text(" f64"),
            Precision::F64 => phrase.text("take a larger ").setting("tau"),
        })
    }

    /// A time step that hardly moves the particles.
    fn step_lost<T: Real>(
        &self,
        start: &DMatrix<f64>,
        target: Option<&DMatrix<f64>>,
    ) -> Option<String> {
        let tau = self.tau.sizes().fold(f64::INFINITY, f64::min);
        let r = self.exponent;
        let distance = target.map_or(1.0, |target| mean_square_distance(start, target).sqrt());
        // The force of all mass at that distance, and the way of a Dirac that spreads.
        let step = (tau * r * distance.powf(r - 1.0)).max(tau.powf(1.0 / (2.0 - r)));
        let (size, unit) = largest::<T>(start.amax());
        (step < FINE_STEP * unit).then(|| {
            let (tau, step, unit) = (rounded(tau, 3), rounded(step, 2), rounded(unit, 2));
            let apart = format!("numbers as large as {size} are {unit} apart");
            format!("a time step of {tau} moves particles by about {step}, and {apart}")
        })
    }
}

/// Files hold double precision where the data is.
fn lost_in_files(problem: &Problem) -> Option<Phrase> {
    let target = problem.target.as_ref()?;
    let lost = spread_lost::<f64>(&problem.start, &target.points)?;
    let remedy = "; subtract a constant from the coordinates before they are written to the file";
    Some(Phrase::from(lost).text(remedy))
}

/// `size` for people and its unit in the last place.
fn largest<T: Real>(size: f64) -> (String, f64) {
    (rounded(size, 2), unit_in_the_last_place::<T>(size))
}

/// The start or the target, if it spreads over few numbers of this precision.
fn spread_lost<T: Real>(start: &DMatrix<f64>, target: &DMatrix<f64>) -> Option<String> {
    let (size, unit) = largest::<T>(start.amax().max(target.amax()));
    let spreads = [("start", spread(start)), ("target", spread(target))];
    let (name, spread) = spreads
        .into_iter()
        .find(|(_, spread)| *spread > 0.0 && *spread < FINE_SPREAD * unit)?;
    let [spread, unit] = [spread, unit].map(|x| rounded(x, 2));
    let apart = format!("numbers as large as {size} are {unit} apart");
    Some(format!("the {name} spreads by {spread}, and {apart}"))
}

/// The root mean square distance of points from their mean; exactly 0 if they coincide.
fn spread(points: &DMatrix<f64>) -> f64 {
    let coincide = points
        .column_iter()
        .all(|column| column.min() == column.max());
    if coincide {
        return 0.0;
    }
    points
        .column_iter()
        .map(|column| column.variance())
        .sum::<f64>()
        .sqrt()
}

/// The mean of |x−y|² over all pairs.
fn mean_square_distance(start: &DMatrix<f64>, target: &DMatrix<f64>) -> f64 {
    let coordinates = start.column_iter().zip(target.column_iter());
    coordinates
        .map(|(x, y)| (x.mean() - y.mean()).powi(2) + x.variance() + y.variance())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_in_the_last_place_are_the_distances_to_the_next_number() {
        for x in [1.0_f32, 1.5, 4096.25, 5.1e6, 3e-5, 16_777_216.0] {
            let next = f64::from(x.next_up()) - f64::from(x);
            assert_eq!(unit_in_the_last_place::<f32>(f64::from(x)), next, "{x}");
        }
        assert_eq!(unit_in_the_last_place::<f64>(-1e16), 2.0);
        assert_eq!(unit_in_the_last_place::<f32>(0.0), 0.0);
    }
}
