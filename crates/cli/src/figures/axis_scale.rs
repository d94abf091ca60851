//! How values are laid out along an axis.

/// How values are laid out along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisScale {
    /// Equal distances for equal differences.
    Linear,
    /// Equal distances for equal ratios; values that are not positive have no place.
    Log,
}

impl AxisScale {
    /// A place along the axis: equal differences of it are equal distances.
    pub(super) fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.log10(),
        }
    }

    /// The value at a place, the inverse of [`place`](Self::place).
    pub(super) fn value(self, place: f64) -> f64 {
        match self {
            Self::Linear => place,
            Self::Log => 10_f64.powf(place),
        }
    }
}
