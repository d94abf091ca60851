//! Where the panels of a figure go: rows and columns of equal areas.

use super::canvas::Area;

/// The figure's width in pixels when its panels fill it.
const WIDTH: f64 = 1600.0;

/// Room kept free around and between the panels, in pixels.
pub(super) struct Spacing {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    pub columns: f64,
    pub rows: f64,
}

pub(super) struct Grid {
    spacing: Spacing,
    count: usize,
    columns: usize,
    panel: (f64, f64),
}

impl Grid {
    /// Shares `count` panels out evenly over as few rows as `most_columns` allows. Panels are
    /// `aspect` times as high as wide, and at most `widest` wide.
    pub(super) fn new(
        count: usize,
        most_columns: usize,
        spacing: Spacing,
        widest: f64,
        aspect: f64,
    ) -> Self {
        let rows = count.div_ceil(most_columns);
        let columns = count.div_ceil(rows);
        let gaps = spacing.left + spacing.right + (columns - 1) as f64 * spacing.columns;
        let width = ((WIDTH - gaps) / columns as f64).min(widest).floor();
        Self {
            spacing,
            count,
            columns,
            panel: (width, (width * aspect).round()),
        }
    }

    pub(super) fn width(&self) -> f64 {
        let last = self.area(self.columns - 1);
        // Whole rows of panels fill the figure up to what rounding left over.
        let width = last.right() + self.spacing.right;
        if WIDTH - width < self.columns as f64 {
            WIDTH
        } else {
            width
        }
    }

    pub(super) fn height(&self) -> f64 {
        self.area(self.count - 1).bottom() + self.spacing.bottom
    }

    pub(super) fn area(&self, index: usize) -> Area {
        let (width, height) = self.panel;
        let (row, column) = (index / self.columns, index % self.columns);
        Area {
            x: self.spacing.left + column as f64 * (width + self.spacing.columns),
            y: self.spacing.top + row as f64 * (height + self.spacing.rows),
            width,
            height,
        }
    }

    pub(super) fn is_leftmost(&self, index: usize) -> bool {
        index.is_multiple_of(self.columns)
    }

    /// Whether no panel is below this one.
    pub(super) fn is_lowest(&self, index: usize) -> bool {
        index + self.columns >= self.count
    }
}
