//! `snapshots.png` and `metrics.png`: what the flow looks like, and how far it is from the exact one.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use rieszflow_autodiff::Real;
use rieszflow_flows::{Observer, ObserverError, Outcome, State};

use super::{Row, Saved, Table};
use crate::experiments::Exact;
use crate::figures::{
    Curve, FigureError, MetricPanel, Panel, Reference, Scale, draw_metrics, draw_snapshots,
};
use crate::numbers::plain;

/// At most so many snapshots are drawn.
const PANELS: usize = 8;

/// Draws the figures when the flow has ended.
pub(crate) struct Plots {
    folder: PathBuf,
    title: String,
    exact: Rc<dyn Exact>,
    table: Table,
    saved: Saved,
}

impl Plots {
    pub(crate) fn new(
        folder: &Path,
        title: String,
        exact: Rc<dyn Exact>,
        table: Table,
        saved: Saved,
    ) -> Self {
        Self {
            folder: folder.to_owned(),
            title,
            exact,
            table,
            saved,
        }
    }

    fn draw_snapshots(&self) -> Result<(), FigureError> {
        let saved = self.saved.borrow();
        let panels: Vec<Panel<'_>> = spread(saved.len(), PANELS)
            .map(|index| &saved[index])
            .map(|snapshot| Panel {
                title: format!("t = {}", plain(snapshot.time)),
                particles: &snapshot.particles,
                target: None,
                support: Some(self.exact.support(snapshot.step)),
            })
            .collect();
        draw_snapshots(
            &self.folder.join("snapshots.png"),
            &self.title,
            &panels,
            None,
        )
    }

    fn draw_metrics(&self) -> Result<(), FigureError> {
        let table = self.table.borrow();
        let column = |value: fn(&Row) -> f64| table.iter().map(value).collect::<Vec<f64>>();
        let time = column(|row| row.time);
        let discrepancy = column(|row| row.discrepancy);
        let functional = column(|row| row.functional);
        let scales = table.iter().filter_map(|row| row.scale);
        let (exact, measured): (Vec<f64>, Vec<f64>) =
            scales.map(|scale| (scale.exact, scale.measured)).unzip();
        let curve = |label: &str, y| Curve {
            label: label.to_owned(),
            x: &time,
            y,
        };
        let panel = |title: &str, y_label: &str, y_scale, curves| MetricPanel {
            title: title.to_owned(),
            x_label: "flow time t".to_owned(),
            y_label: y_label.to_owned(),
            x_scale: Scale::Linear,
            y_scale,
            curves,
            reference: None,
        };
        let count = self.saved.borrow()[0].particles.nrows();
        let distance = MetricPanel {
            reference: Some(Reference {
                label: format!("mean of {count} independent draws at the end"),
                value: self.exact.sampling_floor(count),
            }),
            ..panel(
                "Squared discrepancy to the exact measure",
                "D²",
                Scale::Log,
                vec![curve("D² (V-statistic)", &discrepancy)],
            )
        };
        let beside = if exact.is_empty() {
            let curves = vec![curve("F of the particles", &functional)];
            panel("Functional", "F", Scale::Linear, curves)
        } else {
            let curves = vec![curve("exact", &exact), curve("measured", &measured)];
            panel("Scale of the measure", "scale c", Scale::Linear, curves)
        };
        let panels = [distance, beside];
        draw_metrics(&self.folder.join("metrics.png"), &self.title, &panels)
    }
}

/// `most` of `count` indices, evenly spread, with the first and the last.
fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let shown = count.min(most);
    (0..shown).map(move |i| {
        if shown < 2 {
            0
        } else {
            i * (count - 1) / (shown - 1)
        }
    })
}

impl<T: Real> Observer<T> for Plots {
    fn finish(&mut self, _: &State<T>, _: &Outcome) -> Result<(), ObserverError> {
        self.draw_snapshots()?;
        if !self.table.borrow().is_empty() {
            self.draw_metrics()?;
        }
        Ok(())
    }
}
