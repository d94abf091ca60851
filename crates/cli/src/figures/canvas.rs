//! A picture being drawn, and the shapes that figures consist of.

use std::io;

use tiny_skia::{
    ColorU8, FillRule, FilterQuality, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap,
    PixmapPaint, PremultipliedColorU8, StrokeDash, Transform,
};

use super::font;

/// Red, green, blue and opacity.
#[derive(Clone, Copy)]
pub(super) struct Color(pub [u8; 4]);

impl Color {
    pub(super) const WHITE: Self = Self([255, 255, 255, 255]);
    /// Text.
    pub(super) const TEXT: Self = Self([34, 34, 34, 255]);
    /// Axes.
    pub(super) const FRAME: Self = Self([90, 90, 90, 255]);
    /// Grid lines.
    pub(super) const GRID: Self = Self([230, 230, 230, 255]);
    pub(super) const GREY: Self = Self([125, 125, 125, 255]);
    pub(super) const BLUE: Self = Self([0, 114, 178, 255]);
    pub(super) const VERMILLION: Self = Self([213, 94, 0, 255]);
    pub(super) const GREEN: Self = Self([0, 158, 115, 255]);
    pub(super) const PURPLE: Self = Self([204, 121, 167, 255]);
    pub(super) const ORANGE: Self = Self([230, 159, 0, 255]);
    pub(super) const SKY: Self = Self([86, 180, 233, 255]);

    /// The same colour at the given opacity in [0, 1].
    pub(super) fn opacity(self, opacity: f64) -> Self {
        let [red, green, blue, _] = self.0;
        Self([red, green, blue, (opacity * 255.0).round() as u8])
    }

    pub(super) fn rgb(self) -> [u8; 3] {
        let [red, green, blue, _] = self.0;
        [red, green, blue]
    }

    fn premultiplied(self) -> PremultipliedColorU8 {
        let [red, green, blue, alpha] = self.0;
        ColorU8::from_rgba(red, green, blue, alpha).premultiply()
    }

    fn paint(self) -> Paint<'static> {
        let [red, green, blue, alpha] = self.0;
        let mut paint = Paint::default();
        paint.set_color_rgba8(red, green, blue, alpha);
        paint
    }
}

/// How a line is drawn: colour, width in pixels, and the lengths of dashes and gaps (empty if
/// the line is solid).
#[derive(Clone, Copy)]
pub(super) struct Stroke {
    pub color: Color,
    pub width: f64,
    pub dashes: &'static [f32],
}

impl Stroke {
    pub(super) const fn solid(color: Color, width: f64) -> Self {
        Self {
            color,
            width,
            dashes: &[],
        }
    }
}

/// A rectangle in pixels, y pointing down.
#[derive(Clone, Copy)]
pub(super) struct Area {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Area {
    pub(super) fn right(&self) -> f64 {
        self.x + self.width
    }

    pub(super) fn bottom(&self) -> f64 {
        self.y + self.height
    }

    pub(super) fn contains(&self, (x, y): (f64, f64)) -> bool {
        (self.x..=self.right()).contains(&x) && (self.y..=self.bottom()).contains(&y)
    }

    /// The same rectangle, larger by `by` pixels on every side.
    pub(super) fn grown(&self, by: f64) -> Self {
        Self {
            x: self.x - by,
            y: self.y - by,
            width: self.width + 2.0 * by,
            height: self.height + 2.0 * by,
        }
    }
}

/// Which point of a line of text is given.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Left,
    Middle,
    Right,
}

/// A picture, or a layer over a part of it that uses the picture's coordinates.
pub(super) struct Canvas {
    pixels: Pixmap,
    origin: (f64, f64),
}

impl Canvas {
    /// A white picture; `None` if it is empty or too large to hold.
    pub(super) fn new(width: f64, height: f64) -> Option<Self> {
        let mut canvas = Self {
            pixels: Pixmap::new(width.round() as u32, height.round() as u32)?,
            origin: (0.0, 0.0),
        };
        canvas.pixels.fill(tiny_skia::Color::WHITE);
        Some(canvas)
    }

    /// A transparent layer over `area`, in the same coordinates: it clips what is drawn on it to that
    /// area.
    pub(super) fn layer(area: &Area) -> Option<Self> {
        let pixels = Pixmap::new(area.width.round() as u32, area.height.round() as u32)?;
        let origin = (area.x.round(), area.y.round());
        Some(Self { pixels, origin })
    }

    /// Draws a layer onto the picture.
    pub(super) fn draw_layer(&mut self, layer: &Self) {
        let (x, y) = layer.origin;
        self.pixels.draw_pixmap(
            (x - self.origin.0) as i32,
            (y - self.origin.1) as i32,
            layer.pixels.as_ref(),
            &PixmapPaint::default(),
            Transform::identity(),
            None,
        );
    }

    pub(super) fn width(&self) -> f64 {
        f64::from(self.pixels.width())
    }

    pub(super) fn height(&self) -> f64 {
        f64::from(self.pixels.height())
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> (u32, u32) {
        (self.pixels.width(), self.pixels.height())
    }

    /// Red, green and blue of each pixel, row by row.
    pub(super) fn colors(&self) -> impl Iterator<Item = [u8; 3]> {
        let pixels = self.pixels.pixels().iter();
        pixels.map(|pixel| [pixel.red(), pixel.green(), pixel.blue()])
    }

    /// The picture at half its size, every pixel the mean of four; `None` if nothing is left.
    pub(super) fn halved(&self) -> Option<Self> {
        let (width, height) = self.size();
        let mut half = Self::new(f64::from(width / 2), f64::from(height / 2))?;
        let paint = PixmapPaint {
            quality: FilterQuality::Bilinear,
            ..PixmapPaint::default()
        };
        let scale = Transform::from_scale(0.5, 0.5);
        half.pixels
            .draw_pixmap(0, 0, self.pixels.as_ref(), &paint, scale, None);
        Some(half)
    }

    pub(super) fn encode(&self) -> io::Result<Vec<u8>> {
        self.pixels.encode_png().map_err(io::Error::other)
    }

    pub(super) fn rectangle(&mut self, area: &Area, color: Color) {
        let (x, y, width, height) = (area.x, area.y, area.width, area.height);
        let rectangle = tiny_skia::Rect::from_xywh(x as f32, y as f32, width as f32, height as f32);
        if let Some(rectangle) = rectangle {
            self.fill(&PathBuilder::from_rect(rectangle), color, self.shift());
        }
    }

    /// Fills a square of whole pixels with an opaque colour.
    pub(super) fn block(&mut self, (x, y): (usize, usize), side: usize, color: Color) {
        let width = self.pixels.width() as usize;
        let color = color.premultiplied();
        let rows = self.pixels.pixels_mut().chunks_exact_mut(width);
        for row in rows.skip(y).take(side) {
            row.iter_mut().skip(x).take(side).for_each(|p| *p = color);
        }
    }

    /// Fills squares of `side` pixels, row by row from the given corner, `columns` to a row.
    pub(super) fn draw_cells(
        &mut self,
        (x, y): (f64, f64),
        side: usize,
        columns: usize,
        colors: &[Color],
    ) {
        let rows = colors.len() / columns.max(1);
        let Some(mut cells) = Pixmap::new(columns as u32, rows as u32) else {
            return;
        };
        for (pixel, color) in cells.pixels_mut().iter_mut().zip(colors) {
            *pixel = color.premultiplied();
        }
        let place = Transform::from_scale(side as f32, side as f32)
            .post_translate(x as f32, y as f32)
            .post_concat(self.shift());
        let paint = PixmapPaint::default();
        self.pixels
            .draw_pixmap(0, 0, cells.as_ref(), &paint, place, None);
    }

    pub(super) fn line(&mut self, points: &[(f64, f64)], stroke: &Stroke) {
        if let Some(path) = polyline(points) {
            self.stroke(&path, stroke);
        }
    }

    pub(super) fn polygon(&mut self, points: &[(f64, f64)], color: Color) {
        if let Some(path) = polyline(points) {
            self.fill(&path, color, self.shift());
        }
    }

    pub(super) fn dot(&mut self, (x, y): (f64, f64), radius: f64, color: Color) {
        if let Some(path) = PathBuilder::from_circle(x as f32, y as f32, radius as f32) {
            self.fill(&path, color, self.shift());
        }
    }

    pub(super) fn ring(&mut self, (x, y): (f64, f64), radius: f64, stroke: &Stroke) {
        if let Some(path) = PathBuilder::from_circle(x as f32, y as f32, radius as f32) {
            self.stroke(&path, stroke);
        }
    }

    /// Writes `text` with the anchor's point of its baseline at `(x, y)`.
    pub(super) fn text(&mut self, text: &str, (x, y): (f64, f64), size: f64, anchor: Anchor) {
        let start = -Self::before(text, size, anchor);
        let place = Transform::from_translate((x + start) as f32, y as f32);
        self.letters(text, size, place.post_concat(self.shift()));
    }

    /// Writes `text` upwards, its baseline beginning at `(x, y)`.
    pub(super) fn text_upwards(&mut self, text: &str, (x, y): (f64, f64), size: f64) {
        let place = Transform::from_rotate(-90.0).post_translate(x as f32, y as f32);
        self.letters(text, size, place.post_concat(self.shift()));
    }

    /// The width of the text before its anchor.
    fn before(text: &str, size: f64, anchor: Anchor) -> f64 {
        match anchor {
            Anchor::Left => 0.0,
            Anchor::Middle => font::width(text, size) / 2.0,
            Anchor::Right => font::width(text, size),
        }
    }

    fn letters(&mut self, text: &str, size: f64, place: Transform) {
        if let Some(path) = font::outline(text, size) {
            self.fill(&path, Color::TEXT, place);
        }
    }

    fn shift(&self) -> Transform {
        Transform::from_translate(-self.origin.0 as f32, -self.origin.1 as f32)
    }

    fn fill(&mut self, path: &Path, color: Color, place: Transform) {
        self.pixels
            .fill_path(path, &color.paint(), FillRule::Winding, place, None);
    }

    fn stroke(&mut self, path: &Path, stroke: &Stroke) {
        let outline = tiny_skia::Stroke {
            width: stroke.width as f32,
            line_cap: LineCap::Butt,
            line_join: LineJoin::Round,
            dash: StrokeDash::new(stroke.dashes.to_vec(), 0.0),
            ..tiny_skia::Stroke::default()
        };
        self.pixels
            .stroke_path(path, &stroke.color.paint(), &outline, self.shift(), None);
    }
}

fn polyline(points: &[(f64, f64)]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (k, &(x, y)) in points.iter().enumerate() {
        if k == 0 {
            path.move_to(x as f32, y as f32);
        } else {
            path.line_to(x as f32, y as f32);
        }
    }
    path.finish()
}
