//! A target measured by sliced sums, for very many particles.

use nalgebra::{DMatrix, RowDVector};
use rieszflow_analytic::Error;
use rieszflow_flows::{Measure, Points, RieszKernel, SlicedEnergies, SlicedSums, Slicing};
use rieszflow_numerics::Real;

use super::mmd::discrepancy;
use super::{Measurement, Origin, ReferenceMeasure};
use crate::config::{Config, Precision};
use crate::files::particles::Particles;

/// The target that the flow approaches.
pub(super) struct SlicedTarget {
    points: DMatrix<f64>,
    measured: Measured,
    /// −E(ν).
    size: f64,
}

/// The target in the precision of the run.
enum Measured {
    Single(SlicedSide<f32>),
    Double(SlicedSide<f64>),
}

impl Measured {
    fn energies(&self, particles: &DMatrix<f64>) -> SlicedEnergies {
        match self {
            Self::Single(side) => side.energies(particles),
            Self::Double(side) => side.energies(particles),
        }
    }

    fn own_energy(&self) -> f64 {
        match self {
            Self::Single(side) => side.sums.self_energy(side.measure()),
            Self::Double(side) => side.sums.self_energy(side.measure()),
        }
    }
}

/// The atoms, moved to 0 by their mean, and the sums.
struct SlicedSide<T: Real> {
    sums: SlicedSums<T>,
    origin: Origin,
    points: DMatrix<T>,
    weights: Option<Vec<T>>,
}

impl<T: Real> SlicedSide<T> {
    fn new(config: &Config, target: &Particles) -> Result<Self, rieszflow_flows::Error> {
        let kernel = RieszKernel::new(config.exponent)?;
        let slicing = Slicing {
            seed: config.seed,
            ..Slicing::new(config.direction_count())
        };
        let columns = target.points.column_iter().map(|column| column.mean());
        let origin = Origin::at(RowDVector::from_iterator(target.points.ncols(), columns));
        let weights = target.weights.as_ref();
        Ok(Self {
            sums: SlicedSums::new(kernel, slicing)?,
            points: origin.centre(&target.points),
            weights: weights.map(|weights| weights.iter().copied().map(T::from_f64).collect()),
            origin,
        })
    }

    fn measure(&self) -> Measure<'_, T> {
        let points = Points::from(&self.points);
        match &self.weights {
            Some(weights) => Measure::weighted(points, weights),
            None => Measure::uniform(points),
        }
    }

    fn energies(&self, particles: &DMatrix<f64>) -> SlicedEnergies {
        let particles = self.origin.centre::<T>(particles);
        let x = Measure::uniform(Points::from(&particles));
        self.sums.energies(x, self.measure())
    }
}

impl SlicedTarget {
    pub(super) fn new(config: &Config, target: &Particles) -> Result<Self, rieszflow_flows::Error> {
        let measured = match config.precision {
            Precision::F32 => Measured::Single(SlicedSide::new(config, target)?),
            Precision::F64 => Measured::Double(SlicedSide::new(config, target)?),
        };
        Ok(Self {
            points: target.points.clone(),
            size: 0.5 * measured.own_energy(),
            measured,
        })
    }

    fn measurement(&self, energies: &SlicedEnergies, count: usize) -> Measurement {
        let interaction = -0.5 * energies.x;
        // D² has a small error, which F would not have with an E(ν) of its own in each time step.
        let functional = energies.discrepancy + self.size;
        Measurement {
            discrepancy: Some(discrepancy(functional, interaction, -self.size, count)),
            functional: Some(functional),
            interaction: Some(interaction),
            scale: None,
            discrepancy_target: None,
        }
    }
}

impl ReferenceMeasure for SlicedTarget {
    fn name(&self) -> &'static str {
        "target"
    }

    fn compare(&self, _: u64, particles: &DMatrix<f64>) -> Result<Measurement, Error> {
        Ok(self.measurement(&self.measured.energies(particles), particles.nrows()))
    }

    fn compare_energies(&self, energies: &SlicedEnergies, count: usize) -> Option<Measurement> {
        Some(self.measurement(energies, count))
    }

    fn has_target(&self) -> bool {
        true
    }

    fn sampling_floor(&self, count: usize) -> Option<f64> {
        Some(self.size / count as f64)
    }

    fn size(&self) -> f64 {
        self.size
    }

    fn target(&self) -> Option<&DMatrix<f64>> {
        Some(&self.points)
    }
}
