//! The panels of a figure of particles: their common window, how each is drawn, the legend.

use super::axes::{Axes, Ticks};
use super::axis::{Axis, extent, is_drawable, widened};
use super::canvas::{Canvas, Color, Stroke};
use super::grid::Grid;
use super::legend::{LegendEntry, Swatch};
use super::panel::{PARTICLES, Panel, Support, TARGET, coordinate};
use super::{density, scatter};

/// Panels to be drawn in one window.
pub(super) struct PanelLayout<'a> {
    panels: &'a [Panel<'a>],
    window: [f64; 4],
    dimension: usize,
    /// On the line, the density at the top of all panels; without it, each has its own.
    top: Option<f64>,
    has_atoms: bool,
}

impl<'a> PanelLayout<'a> {
    /// The window is the one around everything if it is not given, or empty.
    pub(super) fn new(panels: &'a [Panel<'a>], window: Option<[f64; 4]>) -> Self {
        let window = window
            .filter(|w| w.iter().all(|&v| is_drawable(v)) && w[0] < w[1] && w[2] < w[3])
            .unwrap_or_else(|| window_around(panels));
        let dimension = panels.first().map_or(0, |panel| panel.particles.ncols());
        let on_the_line = dimension == 1;
        let span = window[1] - window[0];
        let atoms = |panel: &Panel<'_>| density::has_atoms(panel, span);
        Self {
            panels,
            window: if on_the_line {
                window
            } else {
                with_bounded_aspect(window)
            },
            dimension,
            top: None,
            has_atoms: on_the_line && panels.iter().any(atoms),
        }
    }

    /// The same on the line with one scale of densities: that of the highest, unless it stands out
    /// so far that the others would be flat.
    pub(super) fn on_one_scale(self) -> Self {
        let span = self.window[1] - self.window[0];
        let heights = self
            .panels
            .iter()
            .map(|panel| density::highest(panel, span));
        let mut heights: Vec<f64> = heights.filter(|&height| height > 0.0).collect();
        heights.sort_by(f64::total_cmp);
        let median = heights.get(heights.len() / 2);
        let top = median.zip(heights.last()).map(|(m, h)| h.min(3.0 * m));
        Self { top, ..self }
    }

    pub(super) fn is_on_the_line(&self) -> bool {
        self.dimension == 1
    }

    /// Height of a panel, its width being 1.
    pub(super) fn aspect(&self) -> f64 {
        let [left, right, bottom, top] = self.window;
        if self.is_on_the_line() {
            0.8
        } else {
            (top - bottom) / (right - left)
        }
    }

    /// Draws a panel at the given place of the grid.
    pub(super) fn draw(&self, canvas: &mut Canvas, panel: &Panel<'_>, grid: &Grid, index: usize) {
        if self.is_on_the_line() {
            self.draw_on_line(canvas, panel, grid, index);
        } else {
            self.draw_in_plane(canvas, panel, grid, index);
        }
    }

    fn draw_in_plane(&self, canvas: &mut Canvas, panel: &Panel<'_>, grid: &Grid, index: usize) {
        let [left, right, bottom, top] = self.window;
        let axes = Axes {
            area: grid.area(index),
            x: Axis::over(left, right),
            y: Axis::over(bottom, top),
        };
        scatter::draw(canvas, &axes, panel);
        let x_ticks = labels_if(grid.is_lowest(index));
        let y_ticks = labels_if(grid.is_leftmost(index));
        let reach = axes.draw_box(canvas, x_ticks, y_ticks);
        axes.draw_title(canvas, &panel.title);
        if grid.is_lowest(index) {
            axes.draw_x_label(canvas, "x₀");
        }
        if grid.is_leftmost(index) {
            axes.draw_y_label(canvas, "x₁", reach);
        }
    }

    fn draw_on_line(&self, canvas: &mut Canvas, panel: &Panel<'_>, grid: &Grid, index: usize) {
        let x = Axis::over(self.window[0], self.window[1]);
        let top = self
            .top
            .unwrap_or_else(|| density::highest(panel, x.span()));
        let y_ticks = if top > 0.0 {
            Ticks::Labelled
        } else {
            Ticks::None
        };
        let axes = Axes {
            area: grid.area(index),
            x,
            y: Axis::over(0.0, if top > 0.0 { 1.15 * top } else { 1.0 }),
        };
        density::draw(canvas, &axes, panel);
        axes.draw_box(canvas, labels_if(grid.is_lowest(index)), y_ticks);
        axes.draw_title(canvas, &panel.title);
        if grid.is_lowest(index) {
            axes.draw_x_label(canvas, "x₀");
        }
        if grid.is_leftmost(index) {
            // At the same place in every row, with ticks or without.
            axes.draw_y_label(canvas, "density", axes.area.x - 66.0);
        }
    }

    pub(super) fn legend(&self) -> Vec<LegendEntry> {
        let bars = |color: Color, fill| {
            Swatch::Bar(color.opacity(fill), Stroke::solid(color, density::OUTLINE))
        };
        let (particles, target) = match self.dimension {
            1 => (bars(PARTICLES, density::FILL), bars(TARGET, 0.15)),
            _ => (Swatch::Dot(PARTICLES), Swatch::Dot(TARGET)),
        };
        let mut entries = vec![LegendEntry::new(particles, "particles")];
        if self.has_atoms {
            entries.push(LegendEntry::new(
                Swatch::Stem(PARTICLES),
                "share of particles at one point",
            ));
        }
        if self.panels.iter().any(|p| p.target.is_some()) {
            entries.push(LegendEntry::new(target, "target"));
        }
        if let Some(shape) = self.panels.iter().find_map(|p| p.support) {
            let swatch = match shape {
                _ if self.dimension == 1 => Swatch::Line(density::SUPPORT_STROKE),
                Support::Segment(..) => Swatch::Line(scatter::SUPPORT_STROKE),
                Support::Ball(_) | Support::Sphere(_) => Swatch::Ring(scatter::SUPPORT_STROKE),
            };
            entries.push(LegendEntry::new(
                swatch,
                support_label(shape, self.dimension),
            ));
        }
        entries
    }
}

fn labels_if(outermost: bool) -> Ticks {
    if outermost {
        Ticks::Labelled
    } else {
        Ticks::Bare
    }
}

/// The first two coordinates' ranges over all that is shown, with a little room.
fn window_around(panels: &[Panel<'_>]) -> [f64; 4] {
    let range = |index| {
        let values = panels.iter().flat_map(|panel| {
            let edges = panel.support.into_iter().flat_map(move |s| s.range(index));
            let edges = edges.filter(|&edge| is_drawable(edge));
            let clouds = [Some(panel.particles), panel.target].into_iter().flatten();
            edges.chain(clouds.flat_map(move |points| coordinate(points, index)))
        });
        let (min, max) = extent(values).unwrap_or((-1.0, 1.0));
        let (min, max) = widened(min, max);
        let room = 0.07 * (max - min);
        (min - room, max + room)
    };
    let ((left, right), (bottom, top)) = (range(0), range(1));
    [left, right, bottom, top]
}

/// The window, its shorter side made longer where panels would be too flat or too tall.
fn with_bounded_aspect([left, right, bottom, top]: [f64; 4]) -> [f64; 4] {
    let (width, height) = (right - left, top - bottom);
    let wider = ((height / 1.25 - width) / 2.0).max(0.0);
    let taller = ((width * 0.55 - height) / 2.0).max(0.0);
    [left - wider, right + wider, bottom - taller, top + taller]
}

fn support_label(support: Support, dimension: usize) -> String {
    let exact = match support {
        Support::Sphere(_) if dimension > 1 => "exact support, a sphere",
        _ => "exact support",
    };
    if dimension <= 2 {
        exact.to_owned()
    } else {
        format!("{exact} (first two of {dimension} coordinates)")
    }
}
