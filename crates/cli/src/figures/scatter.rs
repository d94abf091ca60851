//! A panel of points in the plane, the support's outline on top.

use std::collections::BTreeMap;

use nalgebra::DMatrix;

use super::canvas::{Canvas, Color, Pen};
use super::frame::Frame;
use super::panel::{PARTICLES, Panel, SUPPORT, Support, TARGET};

pub(super) const SUPPORT_PEN: Pen = Pen::solid(SUPPORT, 3.0);

/// Points of this share of all count as one atom if they fall onto one pixel.
const ATOM_SHARE: f64 = 0.05;
/// The least radius in pixels at which an atom is seen.
const ATOM_RADIUS: f64 = 7.0;

/// How points are drawn: size and opacity are relative to what suits their number.
#[derive(Clone, Copy)]
struct Marks {
    color: Color,
    size: f64,
    opacity: f64,
}

const ON_TOP: Marks = Marks {
    color: PARTICLES,
    size: 1.0,
    opacity: 1.0,
};
const BENEATH: Marks = Marks {
    color: TARGET,
    size: 1.0,
    opacity: 0.6,
};
const ALONE: Marks = Marks {
    color: TARGET,
    size: 1.1,
    opacity: 1.3,
};

pub(super) fn draw(canvas: &mut Canvas, frame: &Frame, panel: &Panel<'_>) {
    let Some(mut sheet) = Canvas::sheet(&frame.area) else {
        return;
    };
    if let Some(target) = panel.target {
        let marks = if panel.is_of_target() { ALONE } else { BENEATH };
        draw_points(&mut sheet, frame, target, marks);
    }
    draw_points(&mut sheet, frame, panel.particles, ON_TOP);
    if let Some(support) = panel.support {
        draw_support(&mut sheet, frame, support);
    }
    canvas.paste(&sheet);
}

fn draw_points(sheet: &mut Canvas, frame: &Frame, points: &DMatrix<f64>, marks: Marks) {
    if points.ncols() < 2 {
        return;
    }
    let rows = points.column(0).into_iter().zip(points.column(1));
    let visible = frame.area.grown(ATOM_RADIUS);
    let places: Vec<(f64, f64)> = rows
        .filter_map(|(&x, &y)| frame.place(x, y))
        .filter(|&place| visible.contains(place))
        .collect();
    let room = frame.area.width * frame.area.height / places.len().max(1) as f64;
    let (radius, opacity) = dot_style(room.sqrt());
    let radius = marks.size * radius;
    let color = marks.color.opacity((marks.opacity * opacity).min(0.9));
    for &place in &places {
        sheet.dot(place, radius, color);
    }
    for atom in atoms(&places) {
        sheet.dot(atom, ATOM_RADIUS.max(radius), marks.color);
    }
}

/// Radius and opacity of dots that have so many pixels to themselves, if spread evenly: found by
/// eye, to show them where they are dense and where they are not.
fn dot_style(distance: f64) -> (f64, f64) {
    let root = distance.sqrt();
    (
        (0.8 * root).clamp(1.5, ATOM_RADIUS),
        (0.15 * root).clamp(0.25, 0.85),
    )
}

/// Middles of the pixels' worth of points that hold a good share of them all: at such places the
/// points hide each other, and one dot would not show.
fn atoms(places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut pixels: BTreeMap<(i64, i64), (usize, f64, f64)> = BTreeMap::new();
    for &(x, y) in places {
        let pixel = pixels.entry((x.round() as i64, y.round() as i64));
        let (count, sum_x, sum_y) = pixel.or_default();
        *count += 1;
        *sum_x += x;
        *sum_y += y;
    }
    let least = ATOM_SHARE * places.len() as f64;
    let heavy = pixels.into_values().filter(|p| p.0 as f64 >= least);
    heavy
        .map(|(count, x, y)| (x / count as f64, y / count as f64))
        .collect()
}

fn draw_support(sheet: &mut Canvas, frame: &Frame, support: Support) {
    match support {
        Support::Ball(radius) | Support::Sphere(radius) => draw_outline(sheet, frame, radius),
        Support::Segment(from, to) => {
            let places = (frame.place(from[0], from[1]), frame.place(to[0], to[1]));
            if let (Some(from), Some(to)) = places {
                sheet.line(&[from, to], &SUPPORT_PEN);
            }
        }
    }
}

/// The circle about 0; nothing where it would be a speck.
fn draw_outline(sheet: &mut Canvas, frame: &Frame, radius: f64) {
    let pixels = radius / frame.x.span() * frame.area.width;
    if let Some(centre) = frame.place(0.0, 0.0)
        && (3.0..1e5).contains(&pixels)
    {
        sheet.ring(centre, pixels, &SUPPORT_PEN);
    }
}
