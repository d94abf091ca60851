//! Pictures of a run: particles at several times, side by side or in motion, and metrics over time.
//!
//! Everything is drawn by `tiny-skia`, text included: its glyphs are outlines from an embedded
//! subset of DejaVu Sans, so pictures are the same on machines without any fonts. The plotting
//! library tried first, kuva 0.6, rounds windows outwards, joins curves across the gaps that log
//! axes call for, puts points on whole pixels and has the last word on the size of panels; these
//! are what the figures here are about.
//!
//! Colours are those of Okabe and Ito, which colour-blind readers can distinguish.

mod animation;
mod axes;
mod axis;
mod axis_scale;
mod canvas;
mod density;
mod font;
mod gif;
mod grid;
mod images;
mod legend;
mod metrics;
mod palette;
mod panel;
mod panel_layout;
mod point_density;
mod save;
mod scatter;
mod snapshots;
mod ticks;

pub use animation::draw_animation;
pub use axis_scale::AxisScale;
pub(crate) use font::name_in_title;
pub use images::{ImagePanel, draw_image_animation, draw_image_grid};
pub use metrics::{Curve, MetricPanel, ReferenceLevel, draw_metrics};
pub use panel::{Panel, Support};
pub use save::FigureError;
pub use snapshots::draw_snapshots;

#[cfg(test)]
mod tests;
