//! A panel of particles on the line: their histogram as a density, and a stem for every atom.

use std::ptr;
use std::rc::Rc;

use nalgebra::DMatrix;

use super::axes::Axes;
use super::canvas::{Canvas, Color, Stroke};
use super::panel::{PARTICLES, Panel, SUPPORT, TARGET, coordinate};

/// Opacity of the histogram's bars.
pub(super) const FILL: f64 = 0.3;
/// The same for a target beneath particles.
pub(super) const TARGET_FILL: f64 = 0.15;
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

/// A panel's particles and target as densities on the line.
pub(super) struct LinePanel {
    particles: LineDistribution,
    target: Option<Rc<LineDistribution>>,
    /// Whether there is nothing but the target to show.
    is_of_target: bool,
    support: Option<[f64; 2]>,
}

impl LinePanel {
    /// Those of all panels, for an axis of that span.
    pub(super) fn all(panels: &[Panel<'_>], span: f64) -> Vec<Self> {
        // Most panels share one target, and a large one takes long to sort.
        let mut last: Option<(&DMatrix<f64>, Rc<LineDistribution>)> = None;
        let mut line_panels = Vec::with_capacity(panels.len());
        for panel in panels {
            let target = panel.target.map(|target| match &last {
                Some((points, distribution)) if ptr::eq(*points, target) => distribution.clone(),
                _ => Rc::new(LineDistribution::of(target, span)),
            });
            last = panel.target.zip(target.clone());
            line_panels.push(Self {
                particles: LineDistribution::of(panel.particles, span),
                target,
                is_of_target: panel.is_of_target(),
                support: panel.support.map(|support| support.range(0)),
            });
        }
        line_panels
    }

    /// The highest density; 0 if there are only atoms.
    pub(super) fn highest(&self) -> f64 {
        let target = self.target.as_ref().map_or(0.0, |target| target.highest());
        self.particles.highest().max(target)
    }

    /// Whether some of the particles are drawn as stems.
    pub(super) fn has_atoms(&self) -> bool {
        !self.particles.atoms.is_empty()
    }

    /// Draws everything inside the axes.
    pub(super) fn draw(&self, canvas: &mut Canvas, axes: &Axes) {
        let Some(mut layer) = Canvas::layer(&axes.area) else {
            return;
        };
        if let Some(target) = &self.target {
            let fill = if self.is_of_target { FILL } else { TARGET_FILL };
            target.draw(&mut layer, axes, TARGET, fill);
        }
        self.particles.draw(&mut layer, axes, PARTICLES, FILL);
        if let Some(support) = self.support {
            draw_edges(&mut layer, axes, support);
        }
        canvas.draw_layer(&layer);
    }
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
        values.sort_unstable_by(f64::total_cmp);
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
