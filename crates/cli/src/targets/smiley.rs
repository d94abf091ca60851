//! The smiley, in three kinds of strokes.

use std::path::Path as FilePath;

use tiny_skia::{Color, LineCap, Paint, Path, PathBuilder, Pixmap, Stroke, Transform};

use super::{ImageDensity, Proportions, TargetError};

/// Side of the canvas in pixels, a multiple of the 100 cells of the density.
const SIDE: u32 = 400;

/// Width of the outline's and the mouth's stroke where the face is 1 wide; the eyes' is twice as wide.
const STROKE: f32 = 0.035;

/// The smiley's density; the face is within \[−½, ½\]².
pub(super) fn density() -> Result<ImageDensity, TargetError> {
    let canvas = draw();
    let darkness = |x: u32, y: u32| {
        let pixel = canvas.as_ref().and_then(|canvas| canvas.pixel(x, y));
        pixel.map_or(0.0, |pixel| 1.0 - f64::from(pixel.red()) / 255.0)
    };
    let density = ImageDensity::new([SIDE, SIDE], Proportions::Keep, darkness);
    density.ok_or_else(|| TargetError::Blank {
        path: FilePath::new("smiley").to_owned(),
    })
}

/// Black strokes on white.
fn draw() -> Option<Pixmap> {
    let mut canvas = Pixmap::new(SIDE, SIDE)?;
    canvas.fill(Color::WHITE);
    for (path, width) in [
        (PathBuilder::from_circle(0.0, 0.0, 0.44)?, STROKE),
        (eye(-0.15)?, 2.0 * STROKE),
        (eye(0.15)?, 2.0 * STROKE),
        (mouth()?, STROKE),
    ] {
        stroke(&mut canvas, &path, width);
    }
    Some(canvas)
}

/// A short upright stroke.
fn eye(x: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(x, 0.1);
    path.line_to(x, 0.19);
    path.finish()
}

/// An arc with its ends up.
fn mouth() -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(-0.25, -0.11);
    path.cubic_to(-0.15, -0.31, 0.15, -0.31, 0.25, -0.11);
    path.finish()
}

/// Strokes a path given in \[−½, ½\]² with y pointing up.
fn stroke(canvas: &mut Pixmap, path: &Path, width: f32) {
    let stroke = Stroke {
        width,
        line_cap: LineCap::Round,
        ..Stroke::default()
    };
    let side = SIDE as f32;
    let place = Transform::from_row(side, 0.0, 0.0, -side, side / 2.0, side / 2.0);
    let mut black = Paint::default();
    black.set_color(Color::BLACK);
    canvas.stroke_path(path, &black, &stroke, place, None);
}
