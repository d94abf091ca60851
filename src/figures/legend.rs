//! Legends: a row under a figure, or a box in the emptiest corner of a panel.

use super::canvas::{Anchor, Area, Canvas, Color, Pen};
use super::font;
use super::frame::LABEL_SIZE;

const BOX_SIZE: f64 = 21.0;
const SWATCH: f64 = 44.0;
const GAP: f64 = 12.0;

/// The sample of ink that stands before a legend's text.
#[derive(Clone, Copy)]
pub(super) enum Swatch {
    Dot(Color),
    Ring(Pen),
    Bar(Color, Pen),
    Stem(Color),
    Line(Pen),
}

pub(super) struct Entry {
    pub swatch: Swatch,
    pub label: String,
}

impl Entry {
    pub(super) fn new(swatch: Swatch, label: impl Into<String>) -> Self {
        let label = label.into();
        Self { swatch, label }
    }

    fn draw(&self, canvas: &mut Canvas, (x, y): (f64, f64), size: f64) {
        self.swatch.draw(canvas, (x, y));
        let start = x + SWATCH + GAP;
        let baseline = y + size * font::CAP_HEIGHT / 2.0;
        canvas.text(&self.label, (start, baseline), size, Anchor::Left);
    }

    fn width(&self, size: f64) -> f64 {
        SWATCH + GAP + font::width(&self.label, size)
    }
}

impl Swatch {
    /// Draws the sample, its left end in the middle of its height at `(x, y)`.
    fn draw(self, canvas: &mut Canvas, (x, y): (f64, f64)) {
        let middle = (x + SWATCH / 2.0, y);
        match self {
            Self::Dot(color) => canvas.dot(middle, 7.0, color),
            Self::Ring(pen) => canvas.ring(middle, 11.0, &pen),
            Self::Line(pen) => canvas.line(&[(x, y), (x + SWATCH, y)], &pen),
            Self::Stem(color) => {
                canvas.line(
                    &[(middle.0, y + 13.0), (middle.0, y - 6.0)],
                    &Pen::solid(color, 4.0),
                );
                canvas.dot((middle.0, y - 6.0), 6.0, color);
            }
            Self::Bar(fill, pen) => {
                let (top, bottom, right) = (y - 9.0, y + 9.0, x + SWATCH);
                let area = Area {
                    x,
                    y: top,
                    width: SWATCH,
                    height: bottom - top,
                };
                canvas.rectangle(&area, fill);
                canvas.line(
                    &[(x, bottom), (x, top), (right, top), (right, bottom)],
                    &pen,
                );
            }
        }
    }
}

/// Draws the entries side by side, centred at the height `y` of the figure.
pub(super) fn draw_row(canvas: &mut Canvas, entries: &[Entry], y: f64) {
    const BETWEEN: f64 = 48.0;
    let needed = |size| -> f64 {
        let widths = entries.iter().map(|e| e.width(size) + BETWEEN);
        widths.sum::<f64>() - BETWEEN
    };
    let room = canvas.width() - 40.0;
    let size = LABEL_SIZE * (room / needed(LABEL_SIZE)).min(1.0);
    let mut x = (canvas.width() - needed(size)) / 2.0;
    for entry in entries {
        entry.draw(canvas, (x, y), size);
        x += entry.width(size) + BETWEEN;
    }
}

/// Draws the entries below each other in that corner of `area` which hides the fewest of the
/// `points` drawn there.
pub(super) fn draw_box(canvas: &mut Canvas, entries: &[Entry], area: &Area, points: &[(f64, f64)]) {
    const LINE: f64 = 33.0;
    const MARGIN: f64 = 14.0;
    let widest = entries
        .iter()
        .map(|e| e.width(BOX_SIZE))
        .fold(0.0, f64::max);
    let size = (widest + 2.0 * GAP, entries.len() as f64 * LINE + GAP);
    let hidden = |corner: &Area| points.iter().filter(|&&p| corner.contains(p)).count();
    let corners = corners(&area.grown(-MARGIN), size);
    let Some(place) = corners.into_iter().min_by_key(|c| hidden(&c.grown(6.0))) else {
        return;
    };
    canvas.rectangle(&place.grown(1.0), Color::GRID);
    canvas.rectangle(&place, Color::WHITE);
    for (k, entry) in entries.iter().enumerate() {
        let y = place.y + GAP / 2.0 + (k as f64 + 0.5) * LINE;
        entry.draw(canvas, (place.x + GAP, y), BOX_SIZE);
    }
}

/// Boxes of that size in the corners of `area`, the one to prefer first.
fn corners(area: &Area, (width, height): (f64, f64)) -> [Area; 4] {
    let (left, right) = (area.x, area.right() - width);
    let (top, bottom) = (area.y, area.bottom() - height);
    [(right, top), (left, top), (right, bottom), (left, bottom)].map(|(x, y)| Area {
        x,
        y,
        width,
        height,
    })
}
