//! The panels of a figure of particles: their common window, how each is drawn, the legend.

use nalgebra::DMatrix;

use super::axes::{self, Axes, TickStyle};
use super::axis::{Axis, extent, is_drawable, widened};
use super::canvas::{Canvas, Color, Stroke};
use super::density::{self, LinePanel};
use super::grid::Grid;
use super::legend::{LegendEntry, Swatch};
use super::panel::{PARTICLES, Panel, Support, TARGET, coordinate};
use super::scatter;

/// Height / width of windows around the data, and of those that are given: the least and the most.
const ASPECTS: [f64; 2] = [0.55, 1.25];
const GIVEN_ASPECTS: [f64; 2] = [0.2, 2.0];

/// Panels to be drawn in one window.
pub(super) struct PanelLayout<'a> {
    panels: &'a [Panel<'a>],
    window: [f64; 4],
    dimension: usize,
    /// What the panels show on the line; empty from d = 2 on.
    on_line: Vec<LinePanel>,
    /// On the line, the density at the top of all panels; without it, each has its own.
    top: Option<f64>,
}

impl<'a> PanelLayout<'a> {
    /// The window is the one around everything if it is not given, or empty.
    pub(super) fn new(panels: &'a [Panel<'a>], window: Option<[f64; 4]>) -> Self {
        let given = window
            .filter(|w| w.iter().all(|&v| is_drawable(v)) && w[0] < w[1] && w[2] < w[3])
            .map(|window| (window, GIVEN_ASPECTS));
        let (window, aspects) = given.unwrap_or_else(|| (window_around(panels), ASPECTS));
        let dimension = panels.first().map_or(0, |panel| panel.particles.ncols());
        let (window, on_line) = if dimension == 1 {
            (window, LinePanel::all(panels, window[1] - window[0]))
        } else {
            (with_aspect(window, aspects), Vec::new())
        };
        Self {
            panels,
            window,
            dimension,
            on_line,
            top: None,
        }
    }

    /// The same on the line with one scale of densities: that of the highest, unless it stands out
    /// so far that the others would be flat.
    pub(super) fn on_one_scale(self) -> Self {
        let heights = self.on_line.iter().map(LinePanel::highest);
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

    /// Draws the panel of that index at the given place of the grid.
    pub(super) fn draw(&self, canvas: &mut Canvas, index: usize, grid: &Grid, place: usize) {
        match self.on_line.get(index) {
            Some(line) => self.draw_on_line(canvas, line, grid, place),
            None => self.draw_in_plane(canvas, index, grid, place),
        }
        let area = grid.area(place);
        axes::draw_panel_title(canvas, &self.panels[index].title, &area);
    }

    fn draw_in_plane(&self, canvas: &mut Canvas, index: usize, grid: &Grid, place: usize) {
        let [left, right, bottom, top] = self.window;
        let axes = Axes {
            area: grid.area(place),
            x: Axis::over(left, right),
            y: Axis::over(bottom, top),
        };
        scatter::draw(canvas, &axes, &self.panels[index]);
        let x_ticks = labels_if(grid.is_lowest(place));
        let y_ticks = labels_if(grid.is_leftmost(place));
        let reach = axes.draw_box(canvas, x_ticks, y_ticks);
        if grid.is_lowest(place) {
            axes.draw_x_label(canvas, "x₀");
        }
        if grid.is_leftmost(place) {
            axes.draw_y_label(canvas, "x₁", reach);
        }
    }

    fn draw_on_line(&self, canvas: &mut Canvas, line: &LinePanel, grid: &Grid, place: usize) {
        let top = self.top.unwrap_or_else(|| line.highest());
        let (y, y_ticks) = if top > 0.0 {
            (Axis::over(0.0, 1.15 * top), TickStyle::Labelled)
        } else {
            (Axis::over(0.0, 1.0), TickStyle::None)
        };
        let axes = Axes {
            area: grid.area(place),
            x: Axis::over(self.window[0], self.window[1]),
            y,
        };
        line.draw(canvas, &axes);
        let reach = axes.draw_box(canvas, labels_if(grid.is_lowest(place)), y_ticks);
        if grid.is_lowest(place) {
            axes.draw_x_label(canvas, "x₀");
        }
        if grid.is_leftmost(place) {
            // At the same place in every row, with ticks or without.
            axes.draw_y_label(canvas, "density", axes.area.x - 66.0);
        } else if y_ticks == TickStyle::Labelled {
            axes.draw_y_label(canvas, "", reach);
        }
    }

    pub(super) fn legend(&self) -> Vec<LegendEntry> {
        let bars = |color: Color, fill| {
            Swatch::Bar(color.opacity(fill), Stroke::solid(color, density::OUTLINE))
        };
        let (particles, target) = match self.dimension {
            1 => (
                bars(PARTICLES, density::FILL),
                bars(TARGET, density::TARGET_FILL),
            ),
            _ => (Swatch::Dot(PARTICLES), Swatch::Dot(TARGET)),
        };
        let label = |name: &str, points: &DMatrix<f64>| {
            if self.dimension > 1 && scatter::is_dense(points) {
                format!("{name} (density, log scale)")
            } else {
                name.to_owned()
            }
        };
        let particles_label = self
            .panels
            .first()
            .map_or_else(String::new, |panel| label("particles", panel.particles));
        let mut entries = vec![LegendEntry::new(particles, particles_label)];
        if self.on_line.iter().any(LinePanel::has_atoms) {
            entries.push(LegendEntry::new(
                Swatch::Stem(PARTICLES),
                "share of particles at one point",
            ));
        }
        if let Some(points) = self.panels.iter().find_map(|p| p.target) {
            entries.push(LegendEntry::new(target, label("target", points)));
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

fn labels_if(outermost: bool) -> TickStyle {
    if outermost {
        TickStyle::Labelled
    } else {
        TickStyle::Bare
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

/// The window, its shorter side made longer where height / width is beyond the bounds.
fn with_aspect([left, right, bottom, top]: [f64; 4], bounds: [f64; 2]) -> [f64; 4] {
    let (width, height) = (right - left, top - bottom);
    let wider = ((height / bounds[1] - width) / 2.0).max(0.0);
    let taller = ((width * bounds[0] - height) / 2.0).max(0.0);
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
