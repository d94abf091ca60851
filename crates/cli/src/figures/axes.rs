//! The axes around one panel.

use super::axis::Axis;
use super::canvas::{Anchor, Area, Canvas, Color, Stroke};
use super::font;
use super::ticks::Ticks;

/// Font sizes in pixels, of figures that are shown at about half their width.
pub(super) const TITLE_SIZE: f64 = 32.0;
pub(super) const PANEL_TITLE_SIZE: f64 = 26.0;
pub(super) const LABEL_SIZE: f64 = 24.0;
const TICK_SIZE: f64 = 21.0;

const TICK_LENGTH: f64 = 8.0;
const LABEL_GAP: f64 = 6.0;
/// Pixels of an axis per labelled tick.
const TICK_SPACING: f64 = 85.0;
/// How far labels under the horizontal axis may stick out; the next panel's begin not far away.
const OVERHANG: f64 = 12.0;

/// How much of an axis is drawn beside its line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TickStyle {
    None,
    Bare,
    Labelled,
}

/// A panel's area together with the axes that give points their place in it.
pub(super) struct Axes {
    pub area: Area,
    pub x: Axis,
    pub y: Axis,
}

impl Axes {
    /// Where a point goes, in pixels; `None` if it has no place on the axes.
    pub(super) fn place(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        Some((self.across(x)?, self.down(y)?))
    }

    pub(super) fn across(&self, x: f64) -> Option<f64> {
        Some(self.area.x + self.x.fraction(x)? * self.area.width)
    }

    pub(super) fn down(&self, y: f64) -> Option<f64> {
        Some(self.area.bottom() - self.y.fraction(y)? * self.area.height)
    }

    pub(super) fn draw_grid(&self, canvas: &mut Canvas) {
        let stroke = Stroke::solid(Color::GRID, 1.5);
        for x in self
            .x_ticks()
            .marks
            .iter()
            .filter_map(|t| self.across(t.value))
        {
            canvas.line(&[(x, self.area.y), (x, self.area.bottom())], &stroke);
        }
        for y in self
            .y_ticks()
            .marks
            .iter()
            .filter_map(|t| self.down(t.value))
        {
            canvas.line(&[(self.area.x, y), (self.area.right(), y)], &stroke);
        }
    }

    /// Draws the box and its ticks. Returns how far the y axis's labels reach to the left, the
    /// place for the axis's own label.
    pub(super) fn draw_box(&self, canvas: &mut Canvas, x: TickStyle, y: TickStyle) -> f64 {
        if x != TickStyle::None {
            self.draw_x_ticks(canvas, x == TickStyle::Labelled);
        }
        let reach = if y == TickStyle::None {
            0.0
        } else {
            self.draw_y_ticks(canvas, y == TickStyle::Labelled)
        };
        let Area { x, y, .. } = self.area;
        let (right, bottom) = (self.area.right(), self.area.bottom());
        let corners = [(x, y), (right, y), (right, bottom), (x, bottom), (x, y)];
        let closed = [&corners[..], &corners[1..2]].concat();
        canvas.line(&closed, &Stroke::solid(Color::FRAME, 2.0));
        self.area.x - reach
    }

    /// Writes the label under the x axis, and at its right end what the ticks' labels leave out.
    pub(super) fn draw_x_label(&self, canvas: &mut Canvas, label: &str) {
        let ticks = TICK_LENGTH + LABEL_GAP + TICK_SIZE * font::CAP_HEIGHT;
        let baseline = self.area.bottom() + ticks + 14.0 + LABEL_SIZE * font::CAP_HEIGHT;
        for text in label_line(label, &self.x_ticks().note, self.area.width) {
            let start = (self.area.x + text.start, baseline);
            canvas.text(text.text, start, text.size, Anchor::Left);
        }
    }

    /// Writes the label beside the y axis, and at its upper end what the ticks' labels leave out;
    /// `left` is how far other labels reach already.
    pub(super) fn draw_y_label(&self, canvas: &mut Canvas, label: &str, left: f64) {
        for text in label_line(label, &self.y_ticks().note, self.area.height) {
            let start = (left - 14.0, self.area.bottom() - text.start);
            canvas.text_upwards(text.text, start, text.size);
        }
    }

    fn x_ticks(&self) -> Ticks {
        self.x.ticks(self.area.width / TICK_SPACING)
    }

    fn y_ticks(&self) -> Ticks {
        self.y.ticks(self.area.height / TICK_SPACING)
    }

    fn draw_x_ticks(&self, canvas: &mut Canvas, labelled: bool) {
        let bottom = self.area.bottom();
        let baseline = bottom + TICK_LENGTH + LABEL_GAP + TICK_SIZE * font::CAP_HEIGHT;
        for tick in self.x_ticks().marks {
            let Some(x) = self.across(tick.value) else {
                continue;
            };
            canvas.line(&[(x, bottom), (x, bottom + TICK_LENGTH)], &tick_stroke());
            let half = font::width(&tick.label, TICK_SIZE) / 2.0 - OVERHANG;
            let fits = x - half >= self.area.x && x + half <= self.area.right();
            if labelled && fits {
                canvas.text(&tick.label, (x, baseline), TICK_SIZE, Anchor::Middle);
            }
        }
        for x in self.x.minor_ticks().iter().filter_map(|&v| self.across(v)) {
            canvas.line(
                &[(x, bottom), (x, bottom + TICK_LENGTH / 2.0)],
                &tick_stroke(),
            );
        }
    }

    /// Returns the width taken left of the axis.
    fn draw_y_ticks(&self, canvas: &mut Canvas, labelled: bool) -> f64 {
        let left = self.area.x;
        let mut widest: f64 = 0.0;
        for tick in self.y_ticks().marks {
            let Some(y) = self.down(tick.value) else {
                continue;
            };
            canvas.line(&[(left, y), (left - TICK_LENGTH, y)], &tick_stroke());
            if labelled {
                let at = (
                    left - TICK_LENGTH - LABEL_GAP,
                    y + TICK_SIZE * font::CAP_HEIGHT / 2.0,
                );
                canvas.text(&tick.label, at, TICK_SIZE, Anchor::Right);
                widest = widest.max(font::width(&tick.label, TICK_SIZE));
            }
        }
        for y in self.y.minor_ticks().iter().filter_map(|&v| self.down(v)) {
            canvas.line(&[(left, y), (left - TICK_LENGTH / 2.0, y)], &tick_stroke());
        }
        TICK_LENGTH + LABEL_GAP + widest
    }
}

/// A text along an axis.
struct PlacedText<'a> {
    text: &'a str,
    /// Pixels from the axis's beginning.
    start: f64,
    size: f64,
}

/// The label in the middle of an axis and the note at its end; the label at the beginning if they
/// would meet.
fn label_line<'a>(label: &'a str, note: &'a str, length: f64) -> [PlacedText<'a>; 2] {
    const GAP: f64 = 12.0;
    let label_size = font::fitted(label, LABEL_SIZE, 1.2 * length);
    let label_width = font::width(label, label_size);
    let note_size = font::fitted(
        note,
        TICK_SIZE,
        length - label_width.min(0.5 * length) - GAP,
    );
    let note_start = length - font::width(note, note_size);
    let centred = (length - label_width) / 2.0;
    let meet = !note.is_empty() && centred + label_width + GAP > note_start;
    [
        PlacedText {
            text: label,
            start: if meet { 0.0 } else { centred },
            size: label_size,
        },
        PlacedText {
            text: note,
            start: note_start,
            size: note_size,
        },
    ]
}

fn tick_stroke() -> Stroke {
    Stroke::solid(Color::FRAME, 2.0)
}

/// Writes the figure's title across its top.
pub(super) fn draw_figure_title(canvas: &mut Canvas, title: &str) {
    let size = font::fitted(title, TITLE_SIZE, canvas.width() - 40.0);
    let middle = canvas.width() / 2.0;
    canvas.text(title, (middle, 44.0), size, Anchor::Middle);
}

/// Writes a panel's title above its area.
pub(super) fn draw_panel_title(canvas: &mut Canvas, title: &str, area: &Area) {
    let size = font::fitted(title, PANEL_TITLE_SIZE, area.width);
    let middle = area.x + area.width / 2.0;
    canvas.text(title, (middle, area.y - 14.0), size, Anchor::Middle);
}
