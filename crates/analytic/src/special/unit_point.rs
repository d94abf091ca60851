//! A point of the unit interval, precise at both ends.

/// A point x of the unit interval together with its complement y = 1 − x, each held to full
/// relative precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitPoint {
    /// x.
    pub x: f64,
    /// 1 − x.
    pub complement: f64,
}

impl UnitPoint {
    /// The point x, with the complement that subtraction gives.
    pub fn new(x: f64) -> Self {
        Self {
            x,
            complement: 1.0 - x,
        }
    }

    pub(super) fn mirrored(self) -> Self {
        Self {
            x: self.complement,
            complement: self.x,
        }
    }
}
