//! Legends: a row under a figure, or a box where a panel is empty, or below it.

use super::axes::LABEL_SIZE;
use super::canvas::{Anchor, Area, Canvas, Color, Stroke};
use super::font;

const BOX_SIZE: f64 = 21.0;
const SWATCH: f64 = 44.0;
const GAP: f64 = 12.0;

/// The symbol before a legend's text.
#[derive(Clone, Copy)]
pub(super) enum Swatch {
    Dot(Color),
    Ring(Stroke),
    Bar(Color, Stroke),
    Stem(Color),
    Line(Stroke),
}

pub(super) struct LegendEntry {
    pub swatch: Swatch,
    pub label: String,
}

impl LegendEntry {
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
    /// Draws the symbol, its left end in the middle of its height at `(x, y)`.
    fn draw(self, canvas: &mut Canvas, (x, y): (f64, f64)) {
        let middle = (x + SWATCH / 2.0, y);
        match self {
            Self::Dot(color) => canvas.dot(middle, 7.0, color),
            Self::Ring(stroke) => canvas.ring(middle, 11.0, &stroke),
            Self::Line(stroke) => canvas.line(&[(x, y), (x + SWATCH, y)], &stroke),
            Self::Stem(color) => {
                canvas.line(
                    &[(middle.0, y + 13.0), (middle.0, y - 6.0)],
                    &Stroke::solid(color, 4.0),
                );
                canvas.dot((middle.0, y - 6.0), 6.0, color);
            }
            Self::Bar(fill, stroke) => {
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
                    &stroke,
                );
            }
        }
    }
}

/// Draws the entries side by side, centred at the height `y` of the figure.
pub(super) fn draw_row(canvas: &mut Canvas, entries: &[LegendEntry], y: f64) {
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

/// Lines of text in a box, and what is kept free around them.
const LINE: f64 = 33.0;
const MARGIN: f64 = 14.0;

/// The box for the entries below each other in `area` that covers no point of those drawn there,
/// in a corner if there is one free, else at the middle of an edge.
pub(super) fn free_box(
    entries: &[LegendEntry],
    area: &Area,
    points: &[(f64, f64)],
) -> Option<Area> {
    let size = box_size(entries);
    let covers = |place: &Area| points.iter().any(|&point| place.contains(point));
    let room = area.grown(-MARGIN);
    places(&room, size)
        .into_iter()
        .find(|place| fits(place, &room) && !covers(&place.grown(6.0)))
}

/// How much height a box for the entries takes below a panel.
pub(super) fn height_below(entries: &[LegendEntry]) -> f64 {
    box_size(entries).1 + MARGIN
}

/// The box for the entries `gap` pixels below `area`, centred.
pub(super) fn box_below(entries: &[LegendEntry], area: &Area, gap: f64) -> Area {
    let (width, height) = box_size(entries);
    Area {
        x: area.x + (area.width - width) / 2.0,
        y: area.bottom() + gap,
        width,
        height,
    }
}

/// Draws the entries below each other in their box.
pub(super) fn draw_box(canvas: &mut Canvas, entries: &[LegendEntry], place: &Area) {
    canvas.rectangle(&place.grown(1.0), Color::GRID);
    canvas.rectangle(place, Color::WHITE);
    for (k, entry) in entries.iter().enumerate() {
        let y = place.y + GAP / 2.0 + (k as f64 + 0.5) * LINE;
        entry.draw(canvas, (place.x + GAP, y), BOX_SIZE);
    }
}

fn box_size(entries: &[LegendEntry]) -> (f64, f64) {
    let widths = entries.iter().map(|e| e.width(BOX_SIZE));
    let widest = widths.fold(0.0, f64::max);
    (widest + 2.0 * GAP, entries.len() as f64 * LINE + GAP)
}

fn fits(place: &Area, room: &Area) -> bool {
    place.width <= room.width && place.height <= room.height
}

/// Boxes of that size in the corners and at the edges of `area`, the one to prefer first.
fn places(area: &Area, (width, height): (f64, f64)) -> [Area; 8] {
    let (left, right) = (area.x, area.right() - width);
    let (top, bottom) = (area.y, area.bottom() - height);
    let (centre, middle) = (f64::midpoint(left, right), f64::midpoint(top, bottom));
    [
        (right, top),
        (left, top),
        (right, bottom),
        (left, bottom),
        (right, middle),
        (centre, top),
        (centre, bottom),
        (left, middle),
    ]
    .map(|(x, y)| Area {
        x,
        y,
        width,
        height,
    })
}
