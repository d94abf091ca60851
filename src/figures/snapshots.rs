//! Particles at several times, side by side in one window.

use std::path::Path;

use nalgebra::DMatrix;

use super::axis::{Axis, extent, is_drawable, widened};
use super::canvas::{Canvas, Color, Pen};
use super::frame::{self, Frame, Ticks};
use super::grid::{Grid, Spacing};
use super::legend::{self, Entry, Swatch};
use super::save::{FigureError, save};
use super::{density, scatter};

pub(super) const PARTICLES: Color = Color::BLUE;
pub(super) const TARGET: Color = Color::GREY;
pub(super) const SUPPORT: Color = Color::VERMILLION;

/// Exact support of a measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Support {
    /// The ball of this radius about 0; an interval on the line.
    Ball(f64),
    /// The sphere of this radius about 0.
    Sphere(f64),
    /// The segment in the plane between two points.
    Segment([f64; 2], [f64; 2]),
}

impl Support {
    /// The smallest and the largest value of the first or second coordinate.
    pub(super) fn range(self, index: usize) -> [f64; 2] {
        match self {
            Self::Ball(radius) | Self::Sphere(radius) => [-radius, radius],
            Self::Segment(from, to) => [from[index], to[index]],
        }
    }
}

/// What one panel shows: particles at one time.
#[derive(Clone, Debug)]
pub struct Panel<'a> {
    /// Written above the panel, such as `t = 0.4`.
    pub title: String,
    /// N×d. Rows that are not finite are left out.
    pub particles: &'a DMatrix<f64>,
    /// Particles of the target, M×d, drawn in grey underneath.
    pub target: Option<&'a DMatrix<f64>>,
    /// Where the closed form of the flow has its mass at this time, outlined on top.
    pub support: Option<Support>,
}

/// Draws the particles of all panels in one window and writes a PNG of up to 1600 pixels' width,
/// four panels to a row.
///
/// On the line (d = 1) a panel shows the density of its particles; from d = 2 on the first two
/// coordinates. Particles that share a place stand out as a larger dot, on the line as a stem as
/// high as their share of the mass. `window` is `[x0 from, x0 to, x1 from, x1 to]`, by default
/// whatever holds everything (also if that one is empty); on the line only its first two numbers count.
///
/// # Errors
///
/// [`FigureError`] if there are no panels, too many for a picture, or if the file cannot be
/// written.
pub fn draw_snapshots(
    path: &Path,
    title: &str,
    panels: &[Panel<'_>],
    window: Option<[f64; 4]>,
) -> Result<(), FigureError> {
    let Some(first) = panels.first() else {
        return Err(FigureError::Empty {
            path: path.to_owned(),
        });
    };
    let on_the_line = first.particles.ncols() == 1;
    let window = window
        .filter(|w| w.iter().all(|&v| is_drawable(v)) && w[0] < w[1] && w[2] < w[3])
        .unwrap_or_else(|| window_around(panels));
    let (window, grid) = if on_the_line {
        (window, line_grid(panels.len()))
    } else {
        let window = shapely(window);
        (window, plane_grid(panels.len(), window))
    };
    let canvas = Canvas::new(grid.width(), grid.height());
    let mut canvas = canvas.ok_or_else(|| FigureError::TooLarge {
        path: path.to_owned(),
        panels: panels.len(),
    })?;
    frame::draw_figure_title(&mut canvas, title);
    let mut has_atoms = false;
    for (index, panel) in panels.iter().enumerate() {
        if on_the_line {
            has_atoms |= draw_on_line(&mut canvas, panel, &grid, index, window);
        } else {
            draw_in_plane(&mut canvas, panel, &grid, index, window);
        }
    }
    let bottom = canvas.height() - 34.0;
    legend::draw_row(&mut canvas, &legend_of(panels, has_atoms), bottom);
    save(&canvas, path)
}

fn plane_grid(count: usize, [left, right, bottom, top]: [f64; 4]) -> Grid {
    let spacing = Spacing {
        left: 104.0,
        right: 24.0,
        top: 124.0,
        bottom: 142.0,
        columns: 28.0,
        rows: 64.0,
    };
    Grid::new(count, 4, spacing, 720.0, (top - bottom) / (right - left))
}

fn line_grid(count: usize) -> Grid {
    let spacing = Spacing {
        left: 112.0,
        right: 24.0,
        top: 124.0,
        bottom: 142.0,
        columns: 76.0,
        rows: 72.0,
    };
    Grid::new(count, 4, spacing, 720.0, 0.8)
}

fn draw_in_plane(
    canvas: &mut Canvas,
    panel: &Panel<'_>,
    grid: &Grid,
    index: usize,
    window: [f64; 4],
) {
    let [left, right, bottom, top] = window;
    let frame = Frame {
        area: grid.area(index),
        x: Axis::over(left, right),
        y: Axis::over(bottom, top),
    };
    scatter::draw(canvas, &frame, panel);
    let x_ticks = labels_if(grid.is_lowest(index));
    let y_ticks = labels_if(grid.is_leftmost(index));
    let reach = frame.draw_box(canvas, x_ticks, y_ticks);
    frame.draw_title(canvas, &panel.title);
    if grid.is_lowest(index) {
        frame.draw_x_label(canvas, "x₀");
    }
    if grid.is_leftmost(index) {
        frame.draw_y_label(canvas, "x₁", reach);
    }
}

/// Returns whether the panel shows atoms.
fn draw_on_line(
    canvas: &mut Canvas,
    panel: &Panel<'_>,
    grid: &Grid,
    index: usize,
    window: [f64; 4],
) -> bool {
    let x = Axis::over(window[0], window[1]);
    let drawn = density::draw(canvas, grid.area(index), x, panel);
    let y_ticks = if drawn.has_density {
        Ticks::Labelled
    } else {
        Ticks::None
    };
    let frame = drawn.frame;
    frame.draw_box(canvas, labels_if(grid.is_lowest(index)), y_ticks);
    frame.draw_title(canvas, &panel.title);
    if grid.is_lowest(index) {
        frame.draw_x_label(canvas, "x₀");
    }
    if grid.is_leftmost(index) {
        // Beside ticks or none, at the same place in every row.
        frame.draw_y_label(canvas, "density", frame.area.x - 66.0);
    }
    drawn.has_atoms
}

fn labels_if(outermost: bool) -> Ticks {
    if outermost {
        Ticks::Labelled
    } else {
        Ticks::Bare
    }
}

/// The finite values of one coordinate; none if the matrix has fewer.
pub(super) fn coordinate(points: &DMatrix<f64>, index: usize) -> impl Iterator<Item = f64> {
    let columns = points.column_iter().skip(index).take(1);
    columns
        .flat_map(|c| c.into_iter().copied())
        .filter(|&v| is_drawable(v))
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
fn shapely([left, right, bottom, top]: [f64; 4]) -> [f64; 4] {
    let (width, height) = (right - left, top - bottom);
    let wider = ((height / 1.25 - width) / 2.0).max(0.0);
    let taller = ((width * 0.55 - height) / 2.0).max(0.0);
    [left - wider, right + wider, bottom - taller, top + taller]
}

fn legend_of(panels: &[Panel<'_>], has_atoms: bool) -> Vec<Entry> {
    let dimension = panels[0].particles.ncols();
    let bars =
        |color: Color, fill| Swatch::Bar(color.opacity(fill), Pen::solid(color, density::OUTLINE));
    let (particles, target) = match dimension {
        1 => (bars(PARTICLES, density::FILL), bars(TARGET, 0.15)),
        _ => (Swatch::Dot(PARTICLES), Swatch::Dot(TARGET)),
    };
    let mut entries = vec![Entry::new(particles, "particles")];
    if has_atoms {
        entries.push(Entry::new(
            Swatch::Stem(PARTICLES),
            "share of particles at one point",
        ));
    }
    if panels.iter().any(|p| p.target.is_some()) {
        entries.push(Entry::new(target, "target"));
    }
    if let Some(shape) = panels.iter().find_map(|p| p.support) {
        let swatch = match shape {
            _ if dimension == 1 => Swatch::Line(density::SUPPORT_PEN),
            Support::Segment(..) => Swatch::Line(scatter::SUPPORT_PEN),
            Support::Ball(_) | Support::Sphere(_) => Swatch::Ring(scatter::SUPPORT_PEN),
        };
        entries.push(Entry::new(swatch, support_label(shape, dimension)));
    }
    entries
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
