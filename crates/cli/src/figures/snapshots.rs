//! Particles at several times, side by side in one window.

use std::ops::Range;
use std::path::Path;

use super::canvas::Canvas;
use super::grid::{Grid, Spacing};
use super::panel::Panel;
use super::panel_layout::PanelLayout;
use super::save::{FigureError, save};
use super::{axes, legend};

/// Draws the particles of all panels in one window and writes a PNG of up to 1600 pixels' width,
/// four panels to a row; two if they are flat, eight if they are tall.
///
/// On the line (d = 1) a panel shows the density of its particles; from d = 2 on the first two
/// coordinates. Particles that share a place stand out as a larger dot, on the line as a stem as
/// high as their share of the mass. `window` is `[x0 from, x0 to, x1 from, x1 to]`, by default
/// the
/// one around everything (also if that one is empty); on the line only its first two numbers count.
///
/// # Errors
///
/// [`FigureError`] if there are no panels, too many for a picture, or if the file cannot be
/// written.
pub fn draw_snapshots(
    path: &Path,
    title: &str,
    panels: &[Panel<'_>],
    window: Option<[f64; 4]>,
) -> Result<(), FigureError> {
    if panels.is_empty() {
        return Err(FigureError::Empty {
            path: path.to_owned(),
        });
    }
    let layout = PanelLayout::new(panels, window);
    let grid = grid(&layout, panels.len(), 720.0);
    let canvas = paint(title, &layout, 0..panels.len(), &grid);
    let canvas = canvas.ok_or_else(|| FigureError::TooLarge {
        path: path.to_owned(),
        panels: panels.len(),
    })?;
    save(&canvas, path)
}

/// Room for `count` of the layout's panels, each at most `widest` pixels wide.
pub(super) fn grid(layout: &PanelLayout<'_>, count: usize, widest: f64) -> Grid {
    let (left, columns, rows) = if layout.is_on_the_line() {
        (112.0, 76.0, 72.0)
    } else {
        (104.0, 28.0, 64.0)
    };
    let spacing = Spacing {
        left,
        right: 24.0,
        top: 124.0,
        bottom: 142.0,
        columns,
        rows,
    };
    Grid::new(
        count,
        most_columns(layout.aspect()),
        spacing,
        widest,
        layout.aspect(),
    )
}

/// Most panels in a row, so that very flat and very tall ones are of a readable size.
fn most_columns(aspect: f64) -> usize {
    if aspect < 0.45 {
        2
    } else if aspect <= 1.8 {
        4
    } else {
        8
    }
}

/// Draws the layout's panels of those indices under a title; `None` if they are too large for a
/// picture.
pub(super) fn paint(
    title: &str,
    layout: &PanelLayout<'_>,
    panels: Range<usize>,
    grid: &Grid,
) -> Option<Canvas> {
    let mut canvas = Canvas::new(grid.width(), grid.height())?;
    axes::draw_figure_title(&mut canvas, title);
    for (place, index) in panels.enumerate() {
        layout.draw(&mut canvas, index, grid, place);
    }
    let bottom = canvas.height() - 34.0;
    legend::draw_row(&mut canvas, &layout.legend(), bottom);
    Some(canvas)
}
