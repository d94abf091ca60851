//! Many points in the plane as a density: their number per cell, on a logarithmic scale.

use super::canvas::{Area, Canvas, Color};

/// Side of a cell in pixels.
const CELL: usize = 4;

/// Opacity of a cell with a single point, if another has many.
const FAINTEST: f64 = 0.15;

/// Draws the points in `area`; the cell with the most points has the given opacity.
pub(super) fn draw(
    layer: &mut Canvas,
    area: &Area,
    points: &[(f64, f64)],
    color: Color,
    opacity: f64,
) {
    let cells = |length: f64| (length / CELL as f64).ceil() as usize;
    let (columns, rows) = (cells(area.width), cells(area.height));
    let mut counts = vec![0_u32; columns * rows];
    for &point in points.iter().filter(|&&point| area.contains(point)) {
        let column = (point.0 - area.x) as usize / CELL;
        let row = (point.1 - area.y) as usize / CELL;
        counts[row.min(rows - 1) * columns + column.min(columns - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let shades: Vec<Color> = counts
        .iter()
        .map(|&count| color.opacity(opacity * share(count, most)))
        .collect();
    layer.draw_cells((area.x, area.y), CELL, columns, &shades);
}

/// Where a count lies between none and most, 0 to 1.
fn share(count: u32, most: u32) -> f64 {
    if count == 0 {
        return 0.0;
    }
    let level = f64::from(count).ln_1p() / f64::from(most).ln_1p();
    FAINTEST + (1.0 - FAINTEST) * level
}
