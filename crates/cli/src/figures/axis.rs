//! One axis of a plot: its range and its scale.

use super::axis_scale::AxisScale;
use super::ticks::{self, Ticks};

/// Larger values are treated as infinite: their differences might be.
const HUGE: f64 = 1e100;

#[derive(Clone, Copy)]
pub(super) struct Axis {
    scale: AxisScale,
    min: f64,
    max: f64,
}

impl Axis {
    /// A linear axis over exactly this range.
    pub(super) fn over(min: f64, max: f64) -> Self {
        let scale = AxisScale::Linear;
        Self { scale, min, max }
    }

    /// An axis with a little room around those values that have a place on it.
    pub(super) fn around(values: impl Iterator<Item = f64>, scale: AxisScale) -> Self {
        let shown =
            values.filter(|&v| is_drawable(v) && (scale == AxisScale::Linear || v > 1.0 / HUGE));
        let places = shown.map(|v| scale.place(v));
        let (min, max) = extent(places).unwrap_or((0.0, 1.0));
        let room = 0.05 * (max - min);
        let (min, max) = widened(min - room, max + room);
        Self {
            scale,
            min: scale.value(min),
            max: scale.value(max),
        }
    }

    /// Where `value` lies between the axis's ends, 0 to 1 inside; `None` if it has no place.
    pub(super) fn fraction(&self, value: f64) -> Option<f64> {
        let [min, max, at] = [self.min, self.max, value].map(|v| self.scale.place(v));
        let fraction = (at - min) / (max - min);
        fraction.is_finite().then_some(fraction)
    }

    pub(super) fn span(&self) -> f64 {
        self.max - self.min
    }

    /// About `count` labelled ticks, see [`ticks::ticks`].
    pub(super) fn ticks(&self, count: f64) -> Ticks {
        ticks::ticks(self.min, self.max, self.scale, count)
    }

    /// Values that get a short mark without a label.
    pub(super) fn minor_ticks(&self) -> Vec<f64> {
        ticks::minor_ticks(self.min, self.max, self.scale)
    }
}

/// Whether a value can be given a place; NaN cannot.
pub(super) fn is_drawable(value: f64) -> bool {
    value.abs() < HUGE
}

/// Smallest and largest of the values.
pub(super) fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |extent, v| {
        let (min, max) = extent.unwrap_or((v, v));
        Some((v.min(min), v.max(max)))
    })
}

/// The range itself, or one around it if it is too narrow to be resolved.
pub(super) fn widened(min: f64, max: f64) -> (f64, f64) {
    let size = min.abs().max(max.abs());
    if max - min > 1e-9 * size {
        return (min, max);
    }
    let half = if size > 0.0 { 0.25 * size } else { 0.5 };
    (min - half, max + half)
}
