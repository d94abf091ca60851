//! Tests of whole figures: sizes, colours, unusual data.

mod animations;
mod curves;

use std::fs;
use std::path::{Path, PathBuf};

use nalgebra::DMatrix;
use tempfile::TempDir;
use tiny_skia::Pixmap;

use super::*;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The file that tests draw to.
fn figure(folder: &TempDir) -> PathBuf {
    folder.path().join("figure.png")
}

fn panel(particles: &DMatrix<f64>) -> Panel<'_> {
    Panel {
        title: "t = 0.5".to_owned(),
        particles,
        target: None,
        support: Some(Support::Ball(0.5)),
    }
}

fn picture(path: &Path) -> Pixmap {
    Pixmap::decode_png(&fs::read(path).unwrap()).unwrap()
}

/// The matrix with that many columns and these entries, row by row.
fn matrix(columns: usize, entries: &[f64]) -> DMatrix<f64> {
    DMatrix::from_row_slice(entries.len() / columns, columns, entries)
}

/// How many pixels have about this colour.
fn count(picture: &Pixmap, [red, green, blue]: [u8; 3]) -> usize {
    let close = |a: u8, b: u8| a.abs_diff(b) < 12;
    let pixels = picture.pixels().iter();
    pixels
        .filter(|p| close(p.red(), red) && close(p.green(), green) && close(p.blue(), blue))
        .count()
}

const GREY: [u8; 3] = [125, 125, 125];
const BLUE: [u8; 3] = [0, 114, 178];
const VERMILLION: [u8; 3] = [213, 94, 0];

#[test]
fn snapshots_fill_rows_of_four() {
    let folder = folder();
    let particles = DMatrix::from_fn(200, 2, |i, j| ((7 * i + 3 * j) as f64).sin() / 2.0);
    for (count, rows) in [(4, 1), (8, 2), (9, 3)] {
        let panels = vec![panel(&particles); count];
        draw_snapshots(&figure(&folder), "Snapshots", &panels, None).unwrap();
        let picture = picture(&figure(&folder));
        assert_eq!(picture.width(), 1600);
        let columns = count / rows;
        let high = rows as u32 * 1600 / columns as u32;
        assert!(
            (high - 200..high + 400).contains(&picture.height()),
            "{}",
            picture.height()
        );
    }
}

#[test]
fn a_dirac_and_the_support_can_be_seen() {
    let folder = folder();
    for dimension in [1, 2, 10] {
        let particles = DMatrix::zeros(2000, dimension);
        let mut dirac = panel(&particles);
        let sizes = [0.0, 0.5].map(|radius| {
            dirac.support = Some(Support::Sphere(radius));
            draw_snapshots(&figure(&folder), "Dirac", &[dirac.clone()], None).unwrap();
            let picture = picture(&figure(&folder));
            (count(&picture, BLUE), count(&picture, VERMILLION))
        });
        // Beyond what the legend shows of them.
        assert!(sizes[0].0 > 250, "d = {dimension}: {sizes:?}");
        assert!(sizes[1].1 > sizes[0].1 + 1000, "d = {dimension}: {sizes:?}");
    }
}

#[test]
fn equal_lengths_look_equal() {
    let folder = folder();
    let particles = matrix(2, &[-1.0, -1.0, 1.0, 1.0]);
    let mut square = panel(&particles);
    square.support = Some(Support::Ball(0.8));
    for window in [
        None,
        Some([-2.0, 2.0, -1.0, 1.0]),
        Some([-1.0, 1.0, -3.0, 3.0]),
    ] {
        draw_snapshots(&figure(&folder), "", &[square.clone()], window).unwrap();
        let picture = picture(&figure(&folder));
        let (width, legend) = (picture.width() as usize, picture.height() as usize - 100);
        let ring: Vec<usize> = (0..width * legend)
            .filter(|&k| picture.pixels()[k].red() > 190 && picture.pixels()[k].blue() < 40)
            .collect();
        let extent = |places: &mut dyn Iterator<Item = usize>| {
            let (min, max) = places.fold((usize::MAX, 0), |(a, b), p| (a.min(p), b.max(p)));
            max - min
        };
        let across = extent(&mut ring.iter().map(|k| k % width));
        let down = extent(&mut ring.iter().map(|k| k / width));
        assert!(
            across > 100 && across.abs_diff(down) <= 2,
            "{across} × {down}"
        );
    }
}

#[test]
fn windows_keep_their_proportions() {
    let folder = folder();
    let particles = matrix(2, &[0.0, 0.0]);
    for (height, expected) in [(0.25, 0.25), (1.0, 1.0), (1.9, 1.9), (0.1, 0.2), (9.0, 2.0)] {
        let window = Some([-1.0, 1.0, -height, height]);
        for count in [1, 8] {
            let panels = vec![panel(&particles); count];
            draw_snapshots(&figure(&folder), "", &panels, window).unwrap();
            let picture = picture(&figure(&folder));
            let [across, down] = box_size(&picture);
            let aspect = f64::from(down) / f64::from(across);
            assert!(
                (aspect / expected - 1.0).abs() < 0.03,
                "{height}: {across}×{down}"
            );
            assert!(across > 150, "{across} pixels wide");
        }
    }
}

/// Width and height of the first panel's box, found by the colour of its lines.
fn box_size(picture: &Pixmap) -> [u32; 2] {
    let line = |x: u32, y: u32| {
        let pixel = picture.pixel(x, y).unwrap();
        [pixel.red(), pixel.green(), pixel.blue()]
            .iter()
            .all(|c| c.abs_diff(90) < 3)
    };
    // Just below the box's upper left corner.
    let (left, top) = (104, 124);
    let right = (left + 20..picture.width())
        .find(|&x| line(x, top + 10))
        .unwrap();
    let bottom = (top + 20..picture.height())
        .find(|&y| line(left + 10, y))
        .unwrap();
    [right - left, bottom - top]
}

#[test]
fn many_points_are_drawn_as_a_density() {
    let folder = folder();
    // Three fourths of a million points in the left half, a fourth in the right one, each on a
    // low-discrepancy sequence; a twentieth of them all at one place.
    let place = |i: usize, j: usize| (i as f64 * [0.754_877_666, 0.569_840_291][j]).fract();
    let particles = DMatrix::from_fn(1_000_000, 2, |i, j| match (i % 20, j) {
        (0, _) => 0.5,
        (k, 0) => 0.5 * place(i, 0) + if k < 15 { 0.0 } else { 0.5 },
        _ => place(i, 1),
    });
    let panel = Panel {
        support: None,
        ..panel(&particles)
    };
    let window = Some([0.0, 1.0, 0.0, 1.0]);
    draw_snapshots(&figure(&folder), "", &[panel], window).unwrap();
    let picture = picture(&figure(&folder));
    let shade = |x: u32, y: u32| {
        let pixels = (0..40).flat_map(|i| (0..40).map(move |j| (x + i, y + j)));
        let red = pixels.map(|(x, y)| f64::from(picture.pixel(x, y).unwrap().red()));
        red.sum::<f64>() / 1600.0
    };
    // The panel is 720 pixels wide, from (104, 124) on.
    let [left, right] = [shade(254, 300), shade(634, 300)];
    assert!(
        left > 10.0 && right > left + 10.0 && right < 245.0,
        "{left} {right}"
    );
    // The atom's dot.
    let atom = picture.pixel(104 + 360, 124 + 360).unwrap();
    assert_eq!([atom.red(), atom.green(), atom.blue()], BLUE);
}

#[test]
fn axes_far_from_the_origin_note_their_offset_once() {
    let folder = folder();
    let near = DMatrix::from_fn(200, 2, |i, j| ((7 * i + 3 * j) as f64).sin() * 10.0);
    let far = near.map(|x| x + 5e6);
    let [near, far] = [near, far].map(|particles| {
        let panel = Panel {
            support: None,
            ..panel(&particles)
        };
        draw_snapshots(&figure(&folder), "", &[panel], None).unwrap();
        picture(&figure(&folder))
    });
    // The same picture but for the two notes, which lie left of and below the panel.
    let differs = |x: u32, y: u32| near.pixel(x, y) != far.pixel(x, y);
    let pixels = (0..near.height()).flat_map(|y| (0..near.width()).map(move |x| (x, y)));
    let different: Vec<_> = pixels.filter(|&(x, y)| differs(x, y)).collect();
    let [width, height] = box_size(&near);
    let [beside, below] = [
        different
            .iter()
            .filter(|&&(x, y)| x < 60 && y < 124 + height)
            .count(),
        different
            .iter()
            .filter(|&&(x, y)| x > 104 + width / 2 && y > 124 + height + 30)
            .count(),
    ];
    assert!(beside > 100 && below > 100, "{beside} {below}");
    let elsewhere = different.len() - beside - below;
    assert!(elsewhere < 300, "{elsewhere}");
}

#[test]
fn unusual_particles_are_drawn() {
    let folder = folder();
    let (nan, infinity) = (f64::NAN, f64::INFINITY);
    let odd = [
        DMatrix::zeros(0, 0),
        DMatrix::zeros(0, 1),
        DMatrix::zeros(0, 2),
        DMatrix::zeros(5, 0),
        matrix(1, &[0.3]),
        matrix(2, &[0.3, -2.0]),
        matrix(1, &[nan, 1.0, infinity, 2.0]),
        matrix(2, &[nan, 1.0, 0.0, infinity, 1.0, 2.0]),
        matrix(3, &[nan, nan, nan]),
        matrix(2, &[f64::MAX, f64::MIN, 0.0, 1.0]),
        matrix(2, &[1e15, 1e15, 1e15, 1e15]),
        matrix(2, &[1e-300, 0.0, 0.0, 1e-300]),
    ];
    let windows = [
        None,
        Some([nan; 4]),
        Some([1.0, -1.0, 0.0, 1.0]),
        Some([3.0, 4.0, 3.0, 9.0]),
    ];
    for particles in &odd {
        let mut odd = panel(particles);
        odd.target = Some(particles);
        for radius in [0.5, 0.0, -1.0, nan, infinity] {
            odd.support = Some(Support::Ball(radius));
            draw_snapshots(&figure(&folder), "Odd", &[odd.clone()], None).unwrap();
        }
        for window in windows {
            draw_snapshots(&figure(&folder), "Odd", &[odd.clone()], window).unwrap();
        }
        assert!(picture(&figure(&folder)).height() > 300);
        draw_animation(&figure(&folder), "Odd", &[odd.clone(), odd], None).unwrap();
    }
}

#[test]
fn a_target_alone_stands_out() {
    let folder = folder();
    let target = DMatrix::from_fn(2000, 2, |i, j| ((7 * i + 3 * j) as f64).sin());
    let none = DMatrix::zeros(0, 2);
    let far = matrix(2, &[9.0, 9.0]);
    let grey = |particles: &DMatrix<f64>| {
        let panel = Panel {
            target: Some(&target),
            support: None,
            ..panel(particles)
        };
        let window = Some([-1.1, 1.1, -1.1, 1.1]);
        draw_snapshots(&figure(&folder), "", &[panel], window).unwrap();
        count(&picture(&figure(&folder)), GREY)
    };
    let (alone, beneath) = (grey(&none), grey(&far));
    assert!(alone > 2 * beneath, "{alone} against {beneath}");
}

#[test]
fn failures_name_the_file() {
    let folder = folder();
    let particles = DMatrix::zeros(1, 2);
    let panels = [panel(&particles)];
    let missing = folder.path().join("missing").join("figure.png");
    for error in [
        draw_snapshots(&missing, "", &panels, None).unwrap_err(),
        draw_snapshots(&missing, "", &[], None).unwrap_err(),
        draw_metrics(&missing, "", &[]).unwrap_err(),
        draw_animation(&missing, "", &panels, None).unwrap_err(),
        draw_animation(&missing, "", &[], None).unwrap_err(),
        draw_image_grid(&missing, "", &[]).unwrap_err(),
        draw_image_animation(&missing, "", &[]).unwrap_err(),
    ] {
        assert!(error.to_string().contains("missing"), "{error}");
    }
    fs::create_dir(figure(&folder)).unwrap();
    let error = draw_snapshots(&figure(&folder), "", &panels, None).unwrap_err();
    assert!(matches!(error, FigureError::Write { .. }), "{error}");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "the temporary file stayed"
    );
}
