//! Curves over time in panels side by side.

use std::path::Path;

use super::axes::{self, Axes, TickStyle};
use super::axis::Axis;
use super::axis_scale::AxisScale;
use super::canvas::{Area, Canvas, Color, Stroke};
use super::grid::{Grid, Spacing};
use super::legend::{self, LegendEntry, Swatch};
use super::save::{FigureError, save};

/// One curve: its points in the order in which they are joined.
#[derive(Clone, Debug)]
pub struct Curve<'a> {
    /// What the legend says.
    pub label: String,
    /// Horizontal positions, usually times.
    pub x: &'a [f64],
    /// Values. Where one is not finite, or not positive on a log axis, the curve has a gap.
    pub y: &'a [f64],
}

/// A level that curves are to be compared with, drawn across the panel.
#[derive(Clone, Debug)]
pub struct ReferenceLevel {
    /// What the legend says.
    pub label: String,
    /// The level, in the units of the panel's y axis.
    pub value: f64,
}

/// One panel of [`draw_metrics`].
#[derive(Clone, Debug)]
pub struct MetricPanel<'a> {
    /// Written above the panel.
    pub title: String,
    /// Written under the horizontal axis.
    pub x_label: String,
    /// Written beside the vertical axis.
    pub y_label: String,
    /// How horizontal positions are laid out.
    pub x_scale: AxisScale,
    /// How values are laid out.
    pub y_scale: AxisScale,
    /// The curves, drawn one over the other in this order.
    pub curves: Vec<Curve<'a>>,
    /// A level to compare the curves with.
    pub reference: Option<ReferenceLevel>,
}

/// Okabe and Ito's colours, each with dashes of its own so that they survive a grey printer.
const CURVE_STROKES: [Stroke; 6] = [
    curve_stroke(Color::BLUE, &[]),
    curve_stroke(Color::VERMILLION, &[15.0, 7.0]),
    curve_stroke(Color::GREEN, &[15.0, 5.0, 4.0, 5.0]),
    curve_stroke(Color::PURPLE, &[4.0, 5.0]),
    curve_stroke(Color::SKY, &[24.0, 6.0]),
    curve_stroke(Color::ORANGE, &[24.0, 5.0, 4.0, 5.0, 4.0, 5.0]),
];

const REFERENCE_STROKE: Stroke = Stroke {
    color: Color::GREY,
    width: 2.5,
    dashes: &[7.0, 5.0],
};

const fn curve_stroke(color: Color, dashes: &'static [f32]) -> Stroke {
    Stroke {
        color,
        width: 3.5,
        dashes,
    }
}

/// Height of the labels below a panel, with a little room.
const BELOW_AXIS: f64 = 92.0;

/// Draws the panels and writes a PNG of up to 1600 pixels' width, three panels to a row.
///
/// # Errors
///
/// [`FigureError`] if there are no panels, too many for a picture, or if the file cannot be
/// written.
pub fn draw_metrics(
    path: &Path,
    title: &str,
    panels: &[MetricPanel<'_>],
) -> Result<(), FigureError> {
    if panels.is_empty() {
        return Err(FigureError::Empty {
            path: path.to_owned(),
        });
    }
    let mut grid = grid_above(panels.len(), 0.0);
    let mut numbered = panels.iter().enumerate();
    let inside = numbered.all(|(index, panel)| panel.has_place_inside(grid.area(index)));
    if !inside {
        let heights = panels.iter().map(|p| legend::height_below(&p.legend()));
        grid = grid_above(panels.len(), heights.fold(0.0, f64::max));
    }
    let canvas = Canvas::new(grid.width(), grid.height());
    let mut canvas = canvas.ok_or_else(|| FigureError::TooLarge {
        path: path.to_owned(),
        panels: panels.len(),
    })?;
    axes::draw_figure_title(&mut canvas, title);
    for (index, panel) in panels.iter().enumerate() {
        panel.draw(&mut canvas, grid.area(index), inside);
    }
    save(&canvas, path)
}

/// Room for `count` panels, each above a legend of height `below`.
fn grid_above(count: usize, below: f64) -> Grid {
    let spacing = Spacing {
        left: 138.0,
        right: 30.0,
        top: 118.0,
        bottom: BELOW_AXIS + below,
        columns: 144.0,
        rows: 150.0 + below,
    };
    let aspect = if count < 3 { 0.62 } else { 0.85 };
    Grid::new(count, 3, spacing, 900.0, aspect)
}

impl MetricPanel<'_> {
    fn draw(&self, canvas: &mut Canvas, area: Area, inside: bool) {
        let axes = self.axes(area);
        axes.draw_grid(canvas);
        self.draw_reference(canvas, &axes);
        for (curve, stroke) in self.curves.iter().zip(CURVE_STROKES.iter().cycle()) {
            for piece in &pieces(curve, &axes) {
                draw_piece(canvas, piece, stroke);
            }
        }
        let reach = axes.draw_box(canvas, TickStyle::Labelled, TickStyle::Labelled);
        axes::draw_panel_title(canvas, &self.title, &area);
        axes.draw_x_label(canvas, &self.x_label);
        axes.draw_y_label(canvas, &self.y_label, reach);
        let entries = self.legend();
        let place = if inside {
            self.place_inside(&entries, area)
        } else {
            Some(legend::box_below(&entries, &area, BELOW_AXIS))
        };
        if let Some(place) = place.filter(|_| !entries.is_empty()) {
            legend::draw_box(canvas, &entries, &place);
        }
    }

    fn axes(&self, area: Area) -> Axes {
        Axes {
            area,
            x: Axis::around(self.positions(), self.x_scale),
            y: Axis::around(self.levels(), self.y_scale),
        }
    }

    /// Whether there is a free place for the legend, if any, within the panel.
    fn has_place_inside(&self, area: Area) -> bool {
        let entries = self.legend();
        entries.is_empty() || self.place_inside(&entries, area).is_some()
    }

    fn place_inside(&self, entries: &[LegendEntry], area: Area) -> Option<Area> {
        legend::free_box(entries, &area, &self.drawn(&self.axes(area)))
    }

    /// Points along all that is drawn, close enough together to find what it meets.
    fn drawn(&self, axes: &Axes) -> Vec<(f64, f64)> {
        let curves = self.curves.iter().flat_map(|curve| pieces(curve, axes));
        curves
            .chain(self.reference_line(axes))
            .flat_map(|piece| samples_along(&piece))
            .collect()
    }

    /// Horizontal positions of all points that are shown.
    fn positions(&self) -> impl Iterator<Item = f64> {
        let points = self.curves.iter().flat_map(|c| c.x.iter().zip(c.y));
        let shown = points.filter(|(_, y)| y.is_finite());
        shown.map(|(&x, _)| x)
    }

    fn levels(&self) -> impl Iterator<Item = f64> {
        let values = self.curves.iter().flat_map(|c| c.x.iter().zip(c.y));
        let shown = values.filter(|(x, _)| x.is_finite()).map(|(_, &y)| y);
        shown.chain(self.reference.iter().map(|r| r.value))
    }

    fn draw_reference(&self, canvas: &mut Canvas, axes: &Axes) {
        if let Some(line) = self.reference_line(axes) {
            canvas.line(&line, &REFERENCE_STROKE);
        }
    }

    fn reference_line(&self, axes: &Axes) -> Option<Vec<(f64, f64)>> {
        let y = axes.down(self.reference.as_ref()?.value)?;
        Some(vec![(axes.area.x, y), (axes.area.right(), y)])
    }

    fn legend(&self) -> Vec<LegendEntry> {
        let curves = self.curves.iter().zip(CURVE_STROKES.iter().cycle());
        let references = self.reference.iter().map(|r| (&r.label, &REFERENCE_STROKE));
        curves
            .map(|(curve, stroke)| (&curve.label, stroke))
            .chain(references)
            .filter(|(label, _)| !label.is_empty())
            .map(|(label, &stroke)| LegendEntry::new(Swatch::Line(stroke), label.as_str()))
            .collect()
    }
}

/// The curve in pixels, cut where a point has no place.
fn pieces(curve: &Curve<'_>, axes: &Axes) -> Vec<Vec<(f64, f64)>> {
    let places: Vec<_> = curve
        .x
        .iter()
        .zip(curve.y)
        .map(|(&x, &y)| axes.place(x, y))
        .collect();
    places
        .split(Option::is_none)
        .map(|piece| piece.iter().copied().flatten().collect())
        .collect()
}

fn draw_piece(canvas: &mut Canvas, piece: &[(f64, f64)], stroke: &Stroke) {
    match piece {
        [alone] => canvas.dot(*alone, 1.5 * stroke.width, stroke.color),
        _ => canvas.line(piece, stroke),
    }
}

/// Points along the curve, close enough together to find what it meets.
fn samples_along(piece: &[(f64, f64)]) -> Vec<(f64, f64)> {
    const APART: f64 = 8.0;
    let between = |a: (f64, f64), b: (f64, f64)| {
        let count = ((b.0 - a.0).hypot(b.1 - a.1) / APART).ceil();
        (0..count as usize).map(move |k| {
            let s = k as f64 / count;
            (a.0 + s * (b.0 - a.0), a.1 + s * (b.1 - a.1))
        })
    };
    let inner = piece.windows(2).flat_map(|pair| between(pair[0], pair[1]));
    inner.chain(piece.last().copied()).collect()
}
