//! Finds measurements that no approximation of a flow can have.
//!
//! The flow decreases F, a backward step cannot raise it, and from an exact measure the particles
//! cannot be much farther than a single point is. What noise and training may add is allowed for.

use std::cell::RefCell;
use std::rc::Rc;

use rieszflow_flows::scheme::StepReport;
use rieszflow_flows::{Observer, ObserverError, State};

use super::Table;
use crate::config::SchemeKind;
use crate::experiments::ReferenceMeasure;
use crate::folder::Row;
use crate::numbers::rounded;

/// Allowed for sampling: this many times the mean D² of as many independent draws.
const NOISE: f64 = 10.0;

/// Allowed for training: this part of the distance that is left.
const PART: f64 = 0.1;

/// The largest D² to an exact measure, in units of that of a single draw from it.
const FARTHEST: f64 = 10.0;

/// A D² below this is that of particles that have hardly left their start.
const LEAST: f64 = 1e-9;

/// A time step with an impossible result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Implausible {
    /// The time step, from 1.
    pub(crate) step: u64,
    /// The flow time it started from.
    pub(crate) time: f64,
    /// What cannot be.
    pub(crate) reason: String,
}

/// The first time step with an impossible result, if there was one.
pub(crate) type Verdict = Rc<RefCell<Option<Implausible>>>;

/// Compares each row of measurements with the one before it and with the start.
///
/// A neural flow, or one towards a target, is stopped. A particle flow of an energy without a target
/// goes on: it may leave the exact measure for a while, as for r < 1, where its forces are unbounded.
pub(crate) struct Plausibility {
    pub(crate) scheme: SchemeKind,
    pub(crate) bounds: Bounds,
    /// F at the start.
    pub(crate) start: f64,
    pub(crate) table: Table,
    /// Set if the flow is to stop.
    pub(crate) verdict: Verdict,
    /// Set if the flow goes on all the same.
    pub(crate) warning: Verdict,
}

/// How far measurements may be off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The mean D² of a single draw from the reference.
    size: f64,
    /// The mean D² of as many draws as there are particles, times what is allowed for.
    noise: f64,
    /// The least value of F, if the reference is a target.
    least: Option<f64>,
}

impl Bounds {
    /// For `count` particles that are measured against `reference` with sums over pairs that have an error
    /// of this part of them.
    pub(crate) fn new(reference: &dyn ReferenceMeasure, count: usize, error: f64) -> Self {
        let size = reference.size();
        Self {
            size,
            noise: (NOISE / count as f64 + error) * size,
            // F = D² − E(ν), and the size of a target is −E(ν).
            least: reference.has_target().then_some(size),
        }
    }

    /// How far F may rise above `functional`.
    fn rise(&self, functional: f64) -> f64 {
        self.noise + PART * (functional - self.least.unwrap_or(0.0)).abs()
    }

    /// Why `row` is impossible after a time step from F = `before`, in a flow from F = `start`.
    fn fault(&self, scheme: SchemeKind, start: f64, before: f64, row: &Row) -> Option<String> {
        let rises = |from: f64| row.functional - from > self.rise(from);
        let numbers = |from: f64| [from, row.functional].map(|f| rounded(f, 4));
        if scheme == SchemeKind::Backward && rises(before) {
            let [from, to] = numbers(before);
            return Some(format!(
                "the functional rises from {from} to {to}, which no step of the backward scheme does"
            ));
        }
        if self.least.is_some() && rises(start) {
            let [from, to] = numbers(start);
            return Some(format!(
                "the functional is {to}, above its value {from} at the start, and the flow decreases it"
            ));
        }
        let discrepancy = row.discrepancy.filter(|_| self.least.is_none())?;
        (discrepancy > FARTHEST * self.size + LEAST).then(|| {
            let [discrepancy, single] = [discrepancy, self.size].map(|d| rounded(d, 4));
            format!(
                "D² to the exact measure is {discrepancy}, while that of a single point is {single}"
            )
        })
    }
}

impl Plausibility {
    /// Looks at the last of the rows.
    fn look_at(&self, rows: &[Row]) {
        let Some((row, earlier)) = rows.split_last() else {
            return;
        };
        let before = earlier.last().map_or(self.start, |row| row.functional);
        let fault = self.bounds.fault(self.scheme, self.start, before, row);
        let stops = self.scheme.is_neural() || self.bounds.least.is_some();
        let verdict = if stops { &self.verdict } else { &self.warning };
        let is_first = verdict.borrow().is_none();
        if let Some(reason) = fault.filter(|_| is_first) {
            let time = earlier.last().map_or(0.0, |row| row.time);
            let step = row.step;
            verdict.replace(Some(Implausible { step, time, reason }));
        }
    }
}

impl<T> Observer<T> for Plausibility {
    fn start(&mut self, _: &State<T>) -> Result<(), ObserverError> {
        let table = self.table.borrow();
        (1..=table.len()).for_each(|rows| self.look_at(&table[..rows]));
        Ok(())
    }

    fn step(&mut self, _: &State<T>, _: &StepReport) -> Result<(), ObserverError> {
        self.look_at(&self.table.borrow());
        Ok(())
    }

    fn wants_to_stop(&self) -> bool {
        self.verdict.borrow().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(functional: f64, discrepancy: f64) -> Row {
        Row {
            step: 2,
            time: 0.2,
            functional,
            discrepancy: Some(discrepancy),
            discrepancy_u: None,
            loss: None,
            seconds: 0.0,
            iterations: None,
            scale: None,
            interaction: None,
            discrepancy_target: None,
        }
    }

    /// A target with E(ν) = −½ and 1000 particles: noise up to 10·½/1000 is allowed for.
    #[test]
    fn a_functional_that_rises_is_impossible() {
        let bounds = Bounds {
            size: 0.5,
            noise: 0.005,
            least: Some(0.5),
        };
        let fault = |scheme, before, after| bounds.fault(scheme, 3.0, before, &row(after, 0.0));
        assert_eq!(fault(SchemeKind::Backward, 1.0, 1.04), None);
        let fault_backward = fault(SchemeKind::Backward, 1.0, 1.2).expect("a fault");
        assert!(fault_backward.contains("from 1 to 1.2"), "{fault_backward}");
        // Explicit steps pass the target, but do not leave what they started from.
        assert_eq!(fault(SchemeKind::Particle, 1.0, 1.2), None);
        let fault_particle = fault(SchemeKind::Particle, 1.0, 75.0).expect("a fault");
        assert!(
            fault_particle.contains("is 75, above its value 3"),
            "{fault_particle}"
        );
        // Near the target only the noise counts.
        assert_eq!(fault(SchemeKind::Backward, 0.5001, 0.503), None);
        assert!(fault(SchemeKind::Backward, 0.5001, 0.52).is_some());
    }

    #[test]
    fn particles_far_from_an_exact_measure_are_impossible() {
        let bounds = Bounds {
            size: 0.4,
            noise: 0.004,
            least: None,
        };
        let fault =
            |discrepancy| bounds.fault(SchemeKind::Forward, 0.0, -0.1, &row(-9.0, discrepancy));
        assert_eq!(fault(0.5), None);
        assert!(fault(5.0).expect("a fault").contains("is 5"));
    }
}
