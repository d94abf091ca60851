//! Text as outlines of the embedded font.

use std::sync::LazyLock;

use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::outline::{DrawSettings, OutlineGlyphCollection, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider};
use tiny_skia::{Path, PathBuilder};

/// Height of a capital letter, as a fraction of the font size.
pub(super) const CAP_HEIGHT: f64 = 0.73;

/// The tables of the embedded font that text needs. Lengths are in font units.
struct Font {
    charmap: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    outlines: OutlineGlyphCollection<'static>,
    units_per_em: f64,
}

static FONT: LazyLock<Font> = LazyLock::new(|| {
    let font = FontRef::new(include_bytes!("font/DejaVuSans-subset.ttf"))
        .expect("the embedded font is well formed");
    let (size, location) = (Size::unscaled(), LocationRef::default());
    Font {
        charmap: font.charmap(),
        metrics: font.glyph_metrics(size, location),
        outlines: font.outline_glyphs(),
        units_per_em: f64::from(font.metrics(size, location).units_per_em),
    }
});

/// Width in pixels of `text` set at `size` pixels.
pub(super) fn width(text: &str, size: f64) -> f64 {
    glyphs(text).map(advance).sum::<f64>() * scale(size)
}

/// The largest size up to `size` at which `text` is at most `room` pixels wide.
pub(super) fn fitted(text: &str, size: f64, room: f64) -> f64 {
    size * (room / width(text, size).max(1.0)).min(1.0)
}

/// Outline of `text` with its baseline starting at the origin, y pointing down; `None` if there is
/// nothing to fill, as in a space.
pub(super) fn outline(text: &str, size: f64) -> Option<Path> {
    let mut path = TextPath {
        path: PathBuilder::new(),
        x: 0.0,
        scale: scale(size),
    };
    for id in glyphs(text) {
        if let Some(glyph) = FONT.outlines.get(id) {
            let settings = DrawSettings::unhinted(Size::unscaled(), LocationRef::default());
            glyph
                .draw(settings, &mut path)
                .expect("the embedded font's outlines are well formed");
        }
        path.x += advance(id) * path.scale;
    }
    path.path.finish()
}

/// The glyphs of a text, characters that the font lacks replaced by one `…`.
fn glyphs(text: &str) -> impl Iterator<Item = GlyphId> {
    let glyphs = text.chars().map(|character| FONT.charmap.map(character));
    glyphs
        .scan(false, |lacking, glyph| {
            let repeated = *lacking && glyph.is_none();
            *lacking = glyph.is_none();
            Some(
                glyph
                    .or_else(|| FONT.charmap.map('…'))
                    .filter(|_| !repeated),
            )
        })
        .flatten()
}

/// Most characters of a name in a title.
const LONGEST_NAME: usize = 32;

/// A name as titles show it, shortened in the middle if it is long; `None` if the font lacks one of
/// its characters.
pub(crate) fn name_in_title(name: &str) -> Option<String> {
    if !name.chars().all(|c| FONT.charmap.map(c).is_some()) {
        return None;
    }
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= LONGEST_NAME {
        return Some(name.to_owned());
    }
    let start = &characters[..LONGEST_NAME / 2];
    let end = &characters[characters.len() + 1 - LONGEST_NAME / 2..];
    Some(start.iter().chain(&['…']).chain(end).collect())
}

fn advance(id: GlyphId) -> f64 {
    f64::from(FONT.metrics.advance_width(id).unwrap_or(0.0))
}

/// Pixels per font unit.
fn scale(size: f64) -> f64 {
    size / FONT.units_per_em
}

/// Takes one glyph's outline after the other in font units and appends it in pixels.
struct TextPath {
    path: PathBuilder,
    /// Where the present glyph starts.
    x: f64,
    scale: f64,
}

impl TextPath {
    fn pixels(&self, x: f32, y: f32) -> (f32, f32) {
        let right = self.x + f64::from(x) * self.scale;
        let down = -f64::from(y) * self.scale;
        (right as f32, down as f32)
    }
}

impl OutlinePen for TextPath {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.pixels(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.pixels(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.pixels(x1, y1), self.pixels(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let [first, second, end] = [(x1, y1), (x2, y2), (x, y)].map(|(x, y)| self.pixels(x, y));
        self.path
            .cubic_to(first.0, first.1, second.0, second.1, end.0, end.1);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_shortened_in_the_middle() {
        let short = "größe_Размер_κλίμακα_ước.csv";
        assert_eq!(name_in_title(short).as_deref(), Some(short));
        let decomposed = "gro\u{308}ße.csv";
        assert_eq!(name_in_title(decomposed).as_deref(), Some(decomposed));
        let long = format!("measurements{}of_2024.csv", "_and_more".repeat(20));
        let shown = name_in_title(&long).unwrap();
        assert_eq!(shown, "measurements_and…moreof_2024.csv");
        assert_eq!(shown.chars().count(), LONGEST_NAME);
    }

    #[test]
    fn names_with_other_characters_are_left_out() {
        for name in ["目标数据 größe.csv", "a\tb.csv", "🎯.npy", "\u{fffd}.csv"] {
            assert_eq!(name_in_title(name), None, "{name}");
        }
    }

    #[test]
    fn no_text_shows_an_empty_box() {
        let size = 20.0;
        assert_eq!(width("目标数据.csv", size), width("….csv", size));
        assert_eq!(width("a\nb 目 目", size), width("a…b … …", size));
        for text in ["目标", "\u{0}", "🎯"] {
            assert_eq!(outline(text, size), outline("…", size), "{text:?}");
        }
    }
}
