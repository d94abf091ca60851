//! Points with weights, whole or in blocks of rows.

use std::ops::Range;

use nalgebra::DMatrix;
use rieszflow_flows::{Measure, Points};
use rieszflow_numerics::Real;

use crate::line::Atoms;

/// Points with weights of sum 1.
pub struct Weighted<T> {
    /// N×d.
    pub points: DMatrix<T>,
    /// `None` if all are 1/N.
    pub weights: Option<Vec<T>>,
    /// 1 − Σwᵢ², the mass of pairs of distinct rows.
    pub distinct: f64,
}

impl<T: Real> Weighted<T> {
    /// The points with the given weights or equal ones.
    pub fn new(points: DMatrix<T>, weights: Option<Vec<f64>>) -> Self {
        let squares = match &weights {
            Some(weights) => weights.iter().map(|w| w * w).sum(),
            None => 1.0 / points.nrows() as f64,
        };
        Self {
            points,
            weights: weights.map(|weights| weights.into_iter().map(T::from_f64).collect()),
            distinct: 1.0 - squares,
        }
    }

    /// All points as a measure.
    pub fn measure(&self) -> Measure<'_, T> {
        self.block(0..self.points.nrows()).0
    }

    /// The rows in `rows` as a measure, and the factor that gives it the mass they have.
    pub fn block(&self, rows: Range<usize>) -> (Measure<'_, T>, f64) {
        let points = Points::from(&self.points).rows(rows.clone());
        if let Some(weights) = &self.weights {
            return (Measure::weighted(points, &weights[rows]), 1.0);
        }
        let part = rows.len() as f64 / self.points.nrows() as f64;
        (Measure::uniform(points), part)
    }

    /// The rows in blocks of at most `side`.
    pub fn blocks(&self, side: usize) -> impl Iterator<Item = Range<usize>> + use<T> {
        let count = self.points.nrows();
        (0..count)
            .step_by(side)
            .map(move |start| start..count.min(start + side))
    }

    /// The points, which are on the line, in double precision.
    pub fn atoms(&self, distinct: f64) -> Atoms {
        let count = self.points.nrows();
        let equal = || vec![1.0 / count as f64; count];
        let weights = self.weights.as_ref();
        Atoms {
            points: self.points.iter().map(|x| x.into_f64()).collect(),
            weights: weights.map_or_else(equal, |w| w.iter().map(|w| w.into_f64()).collect()),
            distinct,
        }
    }
}
