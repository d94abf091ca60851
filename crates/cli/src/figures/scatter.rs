//! A panel of points in the plane, the support's outline on top.

use std::collections::BTreeMap;

use nalgebra::DMatrix;

use super::axes::Axes;
use super::canvas::{Area, Canvas, Color, Stroke};
use super::panel::{PARTICLES, Panel, SUPPORT, Support, TARGET};
use super::point_density;

pub(super) const SUPPORT_STROKE: Stroke = Stroke::solid(SUPPORT, 3.0);

/// From this number on points are drawn as a density.
const DENSE: usize = 20_000;

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
    let radius = if is_dense(points) {
        let opacity = style.opacity.min(1.0);
        point_density::draw(layer, &axes.area, &places, style.color, opacity);
        ATOM_RADIUS
    } else {
        draw_dots(layer, &axes.area, &places, style)
    };
    for atom in atoms(&places, &visible) {
        layer.dot(atom, ATOM_RADIUS.max(radius), style.color);
    }
}

/// Whether there are too many points to draw each: dots would hide each other and take long.
pub(super) fn is_dense(points: &DMatrix<f64>) -> bool {
    points.nrows() >= DENSE
}

/// Returns the radius of the dots.
fn draw_dots(layer: &mut Canvas, area: &Area, places: &[(f64, f64)], style: MarkerStyle) -> f64 {
    let room = area.width * area.height / places.len().max(1) as f64;
    let (radius, opacity) = dot_style(room.sqrt());
    let radius = style.size * radius;
    let color = style.color.opacity((style.opacity * opacity).min(0.9));
    for &place in places {
        layer.dot(place, radius, color);
    }
    radius
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
/// points hide each other, and one small dot would not show. All points are in `area`.
fn atoms(points: &[(f64, f64)], area: &Area) -> Vec<(f64, f64)> {
    let columns = area.width.ceil() as usize + 2;
    let rows = area.height.ceil() as usize + 2;
    let pixel = |(x, y): (f64, f64)| {
        let (column, row) = ((x - area.x).round(), (y - area.y).round());
        row as usize * columns + column as usize
    };
    let mut counts = vec![0_u32; columns * rows];
    for &point in points {
        counts[pixel(point)] += 1;
    }

    let least = ATOM_SHARE * points.len() as f64;
    let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for &(x, y) in points {
        let pixel = pixel((x, y));
        if f64::from(counts[pixel]) >= least {
            let (sum_x, sum_y) = sums.entry(pixel).or_default();
            *sum_x += x;
            *sum_y += y;
        }
    }
    let mean = |(pixel, (x, y)): (usize, (f64, f64))| {
        let count = f64::from(counts[pixel]);
        (x / count, y / count)
    };
    sums.into_iter().map(mean).collect()
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
