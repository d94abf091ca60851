//! Tests of curves over time.

use super::super::*;
use super::{BLUE, count, figure, folder, picture};

fn metric<'a>(x: &'a [f64], y: &'a [f64], y_scale: AxisScale) -> MetricPanel<'a> {
    let label = "measured".to_owned();
    MetricPanel {
        title: "Discrepancy".to_owned(),
        x_label: "time t".to_owned(),
        y_label: "D²".to_owned(),
        x_scale: AxisScale::Linear,
        y_scale,
        curves: vec![Curve { label, x, y }],
        reference: Some(ReferenceLevel {
            label: "sampling floor".to_owned(),
            value: 0.1,
        }),
    }
}

#[test]
fn metrics_stand_side_by_side() {
    let folder = folder();
    let (x, y) = ([0.0, 1.0, 2.0], [1.0, 0.5, 0.2]);
    let panels = vec![metric(&x, &y, AxisScale::Log); 3];
    draw_metrics(&figure(&folder), "Metrics", &panels).unwrap();
    let picture = picture(&figure(&folder));
    assert_eq!(picture.width(), 1600);
    assert!(
        (450..650).contains(&picture.height()),
        "{}",
        picture.height()
    );
    assert!(count(&picture, BLUE) > 3000);
}

#[test]
fn legends_cover_no_curve() {
    let folder = folder();
    let x: Vec<f64> = (0..40).map(f64::from).collect();
    let falling: Vec<f64> = x.iter().map(|t| (-t / 4.0).exp() + 0.1).collect();
    let everywhere: Vec<f64> = x.iter().map(|t| 0.1 + 0.9 * (t % 2.0)).collect();
    let drawn = |y: &[f64], label: &str| {
        let mut panel = metric(&x, y, AxisScale::Log);
        panel.curves[0].label = label.to_owned();
        panel.reference.as_mut().unwrap().label = label.to_owned();
        draw_metrics(&figure(&folder), "", &[panel]).unwrap();
        let picture = picture(&figure(&folder));
        (picture.height(), count(&picture, BLUE))
    };
    // The swatch adds to what is seen of the curve, and takes nothing away.
    let (height, curve) = drawn(&falling, "");
    let (beside, with_legend) = drawn(&falling, "a label of some length");
    assert_eq!(beside, height);
    assert!(with_legend > curve + 50, "{with_legend} against {curve}");
    let (_, curve) = drawn(&everywhere, "");
    let (below, with_legend) = drawn(&everywhere, "a label of some length");
    assert!(below > height + 60, "{below} against {height}");
    assert!(with_legend > curve + 50, "{with_legend} against {curve}");
}

#[test]
fn log_axes_leave_gaps() {
    let folder = folder();
    let x: Vec<f64> = (0..9).map(f64::from).collect();
    let ink = |y: &[f64]| {
        let mut panel = metric(&x, y, AxisScale::Log);
        panel.curves[0].label.clear();
        draw_metrics(&figure(&folder), "", &[panel]).unwrap();
        count(&picture(&figure(&folder)), BLUE)
    };
    let whole = ink(&[1.0; 9]);
    let broken = ink(&[1.0, 1.0, 1.0, 0.0, -1.0, f64::NAN, 1.0, 1.0, 1.0]);
    assert!(
        broken < whole * 6 / 10 && broken > whole * 4 / 10,
        "{broken} of {whole}"
    );
}

#[test]
fn unusual_metrics_are_drawn() {
    let folder = folder();
    let tails = [
        vec![],
        vec![1.0],
        vec![0.0, 0.0],
        vec![-1.0, -2.0],
        vec![f64::NAN, f64::INFINITY],
        vec![f64::MAX, f64::MIN_POSITIVE, 5e-324],
        vec![1e99, 1e-99],
        vec![1.0, 1.0 + 1e-15],
        vec![0.3, 0.30001, 0.7],
    ];
    for y in &tails {
        for scale in [AxisScale::Linear, AxisScale::Log] {
            let mut panel = metric(&[0.0, 1.0], y, scale);
            draw_metrics(&figure(&folder), "Odd", &[panel.clone()]).unwrap();
            panel.x_scale = scale;
            panel.reference = None;
            draw_metrics(&figure(&folder), "Odd", &[panel]).unwrap();
        }
    }
    let no_curves = MetricPanel {
        curves: vec![],
        ..metric(&[], &[], AxisScale::Log)
    };
    draw_metrics(&figure(&folder), "Odd", &[no_curves]).unwrap();
}
