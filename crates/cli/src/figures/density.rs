//! A panel of particles on the line: their histogram as a density, and a stem for every atom.

use nalgebra::DMatrix;

use super::axes::Axes;
use super::canvas::{Canvas, Color, Stroke};
use super::panel::{PARTICLES, Panel, SUPPORT, TARGET, coordinate};

/// Opacity of the histogram's bars.
pub(super) const FILL: f64 = 0.3;
/// Width in pixels of the histogram's outline.
pub(super) const OUTLINE: f64 = 2.5;
pub(super) const SUPPORT_STROKE: Stroke = Stroke {
    color: SUPPORT,
    width: 3.0,
    dashes: &[11.0, 6.0],
};

/// Particles are an atom if they are at least this share of all and their distances are at most
/// `ATOM_GAP` of the window.
const ATOM_SHARE: f64 = 0.05;
const ATOM_GAP: f64 = 1e-7;

/// The highest density in the panel over an axis of that span; 0 if there are only atoms.
pub(super) fn highest(panel: &Panel<'_>, span: f64) -> f64 {
    let clouds = [Some(panel.particles), panel.target].into_iter().flatten();
    let heights = clouds.map(|points| LineDistribution::of(points, span).highest());
    heights.fold(0.0, f64::max)
}

/// Whether some of the panel's particles are drawn as stems.
pub(super) fn has_atoms(panel: &Panel<'_>, span: f64) -> bool {
    !LineDistribution::of(panel.particles, span).atoms.is_empty()
}

/// Draws everything inside the axes.
pub(super) fn draw(canvas: &mut Canvas, axes: &Axes, panel: &Panel<'_>) {
    let Some(mut layer) = Canvas::layer(&axes.area) else {
        return;
    };
    let span = axes.x.span();
    if let Some(target) = panel.target {
        let fill = if panel.is_of_target() { FILL } else { 0.15 };
        LineDistribution::of(target, span).draw(&mut layer, axes, TARGET, fill);
    }
    LineDistribution::of(panel.particles, span).draw(&mut layer, axes, PARTICLES, FILL);
    if let Some(support) = panel.support {
        draw_edges(&mut layer, axes, support.range(0));
    }
    canvas.draw_layer(&layer);
}

/// Particles on the line as atoms and the histogram of the rest.
struct LineDistribution {
    /// Place and share of all particles.
    atoms: Vec<(f64, f64)>,
    /// Edges and density of the histogram's bins.
    bins: Vec<(f64, f64, f64)>,
}

impl LineDistribution {
    fn of(points: &DMatrix<f64>, span: f64) -> Self {
        let mut values: Vec<f64> = coordinate(points, 0).collect();
        values.sort_by(f64::total_cmp);
        let count = values.len() as f64;
        let (mut atoms, mut rest) = (Vec::new(), Vec::new());
        for cluster in values.chunk_by(|a, b| b - a <= ATOM_GAP * span) {
            let share = cluster.len() as f64 / count;
            if share >= ATOM_SHARE {
                atoms.push((cluster[cluster.len() / 2], share));
            } else {
                rest.extend_from_slice(cluster);
            }
        }
        let bins = histogram(&rest, count, span);
        Self { atoms, bins }
    }

    fn highest(&self) -> f64 {
        self.bins.iter().map(|b| b.2).fold(0.0, f64::max)
    }

    fn draw(&self, layer: &mut Canvas, axes: &Axes, color: Color, fill: f64) {
        let bottom = axes.area.bottom();
        let mut steps = Vec::new();
        for &(from, to, density) in &self.bins {
            let corners = (axes.place(from, density), axes.across(to));
            let (Some((left, top)), Some(right)) = corners else {
                continue;
            };
            steps.extend([(left, top), (right, top)]);
        }
        let (Some(&first), Some(&last)) = (steps.first(), steps.last()) else {
            return self.draw_atoms(layer, axes, color);
        };
        steps.insert(0, (first.0, bottom));
        steps.push((last.0, bottom));
        layer.polygon(&steps, color.opacity(fill));
        layer.line(&steps, &Stroke::solid(color, OUTLINE));
        self.draw_atoms(layer, axes, color);
    }

    fn draw_atoms(&self, layer: &mut Canvas, axes: &Axes, color: Color) {
        let bottom = axes.area.bottom();
        for &(value, share) in &self.atoms {
            let Some(x) = axes.across(value) else {
                continue;
            };
            let top = (x, bottom - 0.88 * share * axes.area.height);
            layer.line(&[(x, bottom), top], &Stroke::solid(color, 4.0));
            layer.dot(top, 8.0, color);
        }
    }
}

/// Bins over the range of the sorted values, their width by the rule of Freedman and Diaconis.
/// Densities are those of these values among `count`.
fn histogram(sorted: &[f64], count: f64, span: f64) -> Vec<(f64, f64, f64)> {
    let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else {
        return Vec::new();
    };
    let quartiles = sorted[sorted.len() * 3 / 4] - sorted[sorted.len() / 4];
    let rule = 2.0 * quartiles / (sorted.len() as f64).cbrt();
    let range = (max - min).max(1e-3 * span);
    let bins = (range / rule.max(range / 300.0)).ceil().max(1.0);
    let width = range / bins;
    let mut tally = vec![0_usize; bins as usize];
    for value in sorted {
        let bin = ((value - min) / width) as usize;
        tally[bin.min(bins as usize - 1)] += 1;
    }
    let edge = |k: usize| min + k as f64 * width;
    let bars = tally.iter().enumerate();
    bars.map(|(k, &n)| (edge(k), edge(k + 1), n as f64 / (count * width)))
        .collect()
}

/// Marks the interval about 0, unless it is too small to be seen.
fn draw_edges(layer: &mut Canvas, axes: &Axes, [from, to]: [f64; 2]) {
    let ends = (axes.across(from), axes.across(to));
    let (Some(left), Some(right)) = ends else {
        return;
    };
    if right - left < 3.0 {
        return;
    }
    let (top, bottom) = (axes.area.y, axes.area.bottom());
    for x in [left, right] {
        layer.line(&[(x, bottom), (x, top)], &SUPPORT_STROKE);
    }
    layer.line(
        &[(left, bottom - 3.0), (right, bottom - 3.0)],
        &Stroke::solid(SUPPORT, 6.0),
    );
}
