//! Text as outlines of the embedded font.

use std::sync::LazyLock;

use tiny_skia::{Path, PathBuilder};
use ttf_parser::{Face, GlyphId, OutlineBuilder};

/// Height of a capital letter, as a fraction of the font size.
pub(super) const CAP_HEIGHT: f64 = 0.73;

static FACE: LazyLock<Face<'static>> = LazyLock::new(|| {
    Face::parse(include_bytes!("font/DejaVuSans-subset.ttf"), 0)
        .expect("the embedded font is well formed")
});

/// Width in pixels of `text` set at `size` pixels.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(|c| advance(glyph(c))).sum::<f64>() * scale(size)
}

/// The largest size up to `size` at which `text` is at most `room` pixels wide.
pub(super) fn fitted(text: &str, size: f64, room: f64) -> f64 {
    size * (room / width(text, size).max(1.0)).min(1.0)
}

/// Outline of `text` with its baseline starting at the origin, y pointing down; `None` if it has
/// no ink.
pub(super) fn outline(text: &str, size: f64) -> Option<Path> {
    let mut pen = Pen {
        path: PathBuilder::new(),
        x: 0.0,
        scale: scale(size),
    };
    for character in text.chars() {
        let id = glyph(character);
        FACE.outline_glyph(id, &mut pen);
        pen.x += advance(id) * pen.scale;
    }
    pen.path.finish()
}

/// Characters the font lacks become its empty box, glyph 0.
fn glyph(character: char) -> GlyphId {
    FACE.glyph_index(character).unwrap_or_default()
}

fn advance(id: GlyphId) -> f64 {
    f64::from(FACE.glyph_hor_advance(id).unwrap_or(0))
}

fn scale(size: f64) -> f64 {
    size / f64::from(FACE.units_per_em())
}

/// Receives one glyph's outline in font units and adds it to the path in pixels.
struct Pen {
    path: PathBuilder,
    x: f64,
    scale: f64,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        let right = self.x + f64::from(x) * self.scale;
        let down = -f64::from(y) * self.scale;
        (right as f32, down as f32)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
