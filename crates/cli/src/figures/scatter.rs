//! A panel of points in the plane, the support's outline on top.

use std::collections::BTreeMap;

use nalgebra::DMatrix;

use super::axes::Axes;
use super::canvas::{Canvas, Color, Stroke};
use super::panel::{PARTICLES, Panel, SUPPORT, Support, TARGET};

pub(super) const SUPPORT_STROKE: Stroke = Stroke::solid(SUPPORT, 3.0);

/// Points of this share of all count as one atom if they fall onto one pixel.
const ATOM_SHARE: f64 = 0.05;
/// The least radius in pixels at which an atom is seen.
const ATOM_RADIUS: f64 = 7.0;

/// How points are drawn: size and opacity are relative to what suits their number.
#[derive(Clone, Copy)]
struct MarkerStyle {
    color: Color,
    size: f64,
    opacity: f64,
}

const ON_TOP: MarkerStyle = MarkerStyle {
    color: PARTICLES,
    size: 1.0,
    opacity: 1.0,
};
const BENEATH: MarkerStyle = MarkerStyle {
    color: TARGET,
    size: 1.0,
    opacity: 0.6,
};
const ALONE: MarkerStyle = MarkerStyle {
    color: TARGET,
    size: 1.1,
    opacity: 1.3,
};

pub(super) fn draw(canvas: &mut Canvas, axes: &Axes, panel: &Panel<'_>) {
    let Some(mut layer) = Canvas::layer(&axes.area) else {
        return;
    };
    if let Some(target) = panel.target {
        let style = if panel.is_of_target() { ALONE } else { BENEATH };
        draw_points(&mut layer, axes, target, style);
    }
    draw_points(&mut layer, axes, panel.particles, ON_TOP);
    if let Some(support) = panel.support {
        draw_support(&mut layer, axes, support);
    }
    canvas.draw_layer(&layer);
}

fn draw_points(layer: &mut Canvas, axes: &Axes, points: &DMatrix<f64>, style: MarkerStyle) {
    if points.ncols() < 2 {
        return;
    }
    let rows = points.column(0).into_iter().zip(points.column(1));
    let visible = axes.area.grown(ATOM_RADIUS);
    let places: Vec<(f64, f64)> = rows
        .filter_map(|(&x, &y)| axes.place(x, y))
        .filter(|&place| visible.contains(place))
        .collect();
    let room = axes.area.width * axes.area.height / places.len().max(1) as f64;
    let (radius, opacity) = dot_style(room.sqrt());
    let radius = style.size * radius;
    let color = style.color.opacity((style.opacity * opacity).min(0.9));
    for &place in &places {
        layer.dot(place, radius, color);
    }
    for atom in atoms(&places) {
        layer.dot(atom, ATOM_RADIUS.max(radius), style.color);
    }
}

/// Radius and opacity of dots at that distance in pixels if spread evenly, chosen by eye to show
/// where they are dense and where they are not.
fn dot_style(distance: f64) -> (f64, f64) {
    let root = distance.sqrt();
    (
        (0.8 * root).clamp(1.5, ATOM_RADIUS),
        (0.15 * root).clamp(0.25, 0.85),
    )
}

/// Means of the points on every pixel that holds at least a share [`ATOM_SHARE`] of all: there the
/// points hide each other, and one small dot would not show.
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

fn draw_support(layer: &mut Canvas, axes: &Axes, support: Support) {
    match support {
        Support::Ball(radius) | Support::Sphere(radius) => draw_outline(layer, axes, radius),
        Support::Segment(from, to) => {
            let places = (axes.place(from[0], from[1]), axes.place(to[0], to[1]));
            if let (Some(from), Some(to)) = places {
                layer.line(&[from, to], &SUPPORT_STROKE);
            }
        }
    }
}

/// The circle about 0, unless it is too small to be seen.
fn draw_outline(layer: &mut Canvas, axes: &Axes, radius: f64) {
    let pixels = radius / axes.x.span() * axes.area.width;
    if let Some(centre) = axes.place(0.0, 0.0)
        && (3.0..1e5).contains(&pixels)
    {
        layer.ring(centre, pixels, &SUPPORT_STROKE);
    }
}
