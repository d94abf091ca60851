//! Tests of animations and of images, pixel by pixel.

use std::fs::{self, File};
use std::path::Path;

use ::gif::{ColorOutput, DecodeOptions, Repeat};
use nalgebra::DMatrix;

use super::super::*;
use super::{BLUE, GREY, figure, folder, matrix, panel, picture};

/// An animation as it is seen.
struct DecodedGif {
    width: usize,
    /// Red, green and blue of every frame's pixels, what was there before included.
    frames: Vec<Vec<[u8; 3]>>,
    delays: Vec<u16>,
}

impl DecodedGif {
    fn read(path: &Path) -> Self {
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::RGBA);
        let mut decoder = options.read_info(File::open(path).unwrap()).unwrap();
        let size = [decoder.width(), decoder.height()].map(usize::from);
        let (mut frames, mut delays) = (Vec::new(), Vec::new());
        let mut shown = vec![[0; 3]; size[0] * size[1]];
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            let [left, top, width] = [frame.left, frame.top, frame.width].map(usize::from);
            for (k, pixel) in frame.buffer.chunks_exact(4).enumerate() {
                if pixel[3] > 0 {
                    let place = (top + k / width) * size[0] + left + k % width;
                    shown[place].copy_from_slice(&pixel[..3]);
                }
            }
            delays.push(frame.delay);
            frames.push(shown.clone());
        }
        assert_eq!(decoder.repeat(), Repeat::Infinite);
        Self {
            width: size[0],
            frames,
            delays,
        }
    }

    fn at(&self, frame: usize, (x, y): (usize, usize)) -> [u8; 3] {
        self.frames[frame][y * self.width + x]
    }
}

#[test]
fn an_animation_shows_each_panel_in_turn() {
    let folder = folder();
    // A Dirac at a quarter of the window's width, then at three quarters, twice.
    let places = [[-1.0, 0.0], [1.0, 0.0], [1.0, 0.0]].map(|p| matrix(2, &p));
    let target = matrix(2, &[0.0, 1.0]);
    let panels = places.each_ref().map(|particles| Panel {
        target: Some(&target),
        support: None,
        ..panel(particles)
    });
    let window = Some([-2.0, 2.0, -2.0, 2.0]);
    draw_animation(&figure(&folder), "Animation", &panels, window).unwrap();
    let gif = DecodedGif::read(&figure(&folder));
    assert_eq!(gif.frames.len(), 3);
    assert_eq!(gif.delays, [100, 100, 150]);
    assert_eq!(gif.width, 544);
    // The panel is 480 pixels wide, from (52, 62) on.
    let [left, right, above] = [(172, 302), (412, 302), (292, 182)];
    let white = [255; 3];
    for (frame, colors) in [[BLUE, white], [white, BLUE], [white, BLUE]]
        .iter()
        .enumerate()
    {
        assert_eq!(gif.at(frame, left), colors[0], "frame {frame}");
        assert_eq!(gif.at(frame, right), colors[1], "frame {frame}");
        assert_eq!(gif.at(frame, above), GREY, "frame {frame}");
    }
}

#[test]
fn animations_are_small() {
    let folder = folder();
    let random = |i: usize, j: usize| ((i * 7919 + j * 104_729) as f64).sin() * 1e4;
    let clouds: Vec<DMatrix<f64>> = (1..=4)
        .map(|k| DMatrix::from_fn(6000, 2, |i, j| random(i, j + k).fract() * k as f64))
        .collect();
    let panels: Vec<Panel<'_>> = clouds.iter().map(panel).collect();
    draw_animation(&figure(&folder), "Animation", &panels, None).unwrap();
    let bytes = fs::metadata(figure(&folder)).unwrap().len();
    assert!(bytes < 4 * 100_000, "{bytes}");
}

#[test]
fn densities_keep_their_scale() {
    let folder = folder();
    let even = |width: f64| DMatrix::from_fn(1000, 1, |i, _| (i as f64 / 999.0 - 0.5) * width);
    let clouds = [even(1.0), even(2.0)];
    let panels = clouds.each_ref().map(|particles| Panel {
        support: None,
        ..panel(particles)
    });
    draw_animation(&figure(&folder), "", &panels, Some([-2.0, 2.0, 0.0, 1.0])).unwrap();
    let gif = DecodedGif::read(&figure(&folder));
    // Heights of the bars at 0.2, in the middle of the picture.
    let heights = [0, 1].map(|frame| {
        let bar = gif.at(frame, (320, 440));
        let below = (62..440).filter(|&y| gif.at(frame, (320, y)) == bar);
        below.count() as f64
    });
    assert!((heights[0] / heights[1] - 2.0).abs() < 0.1, "{heights:?}");
}

/// Twenty-six images of 2×2 pixels.
fn images() -> DMatrix<f64> {
    let mut images = DMatrix::from_element(26, 4, 0.5);
    images.set_row(0, &matrix(4, &[0.0, 0.2, 1.5, f64::NAN]).row(0));
    images[(24, 3)] = -3.0;
    images
}

fn image_panel(images: &DMatrix<f64>) -> ImagePanel<'_> {
    ImagePanel {
        title: "t = 5".to_owned(),
        images,
        height: 2,
        width: 2,
    }
}

#[test]
fn pixels_of_images_are_exact() {
    let folder = folder();
    let images = images();
    draw_image_grid(&figure(&folder), "", &[image_panel(&images)]).unwrap();
    let picture = picture(&figure(&folder));
    // Three times enlarged; five images of six pixels and gutters of two, from (20, 86) on.
    assert_eq!(picture.width(), 20 + 5 * 6 + 4 * 2 + 20);
    let at = |x: u32, y: u32| {
        let pixel = picture.pixel(20 + x, 86 + y).unwrap();
        [pixel.red(), pixel.green(), pixel.blue()]
    };
    for (dx, dy) in [(0, 0), (2, 2)] {
        assert_eq!(at(dx, dy), [0; 3]);
        assert_eq!(at(3 + dx, dy), [51; 3]);
        assert_eq!(at(dx, 3 + dy), [255; 3]);
        assert_eq!(at(3 + dx, 3 + dy), [213, 94, 0]);
    }
    assert_eq!(at(6, 0), [255; 3], "a gutter");
    assert_eq!(at(8, 0), [128; 3], "the second image");
    assert_eq!(at(37, 37), [0; 3], "the last pixel of the last image");
    assert_eq!(at(38, 37), [255; 3], "the margin");
}

#[test]
fn images_need_not_be_square() {
    let folder = folder();
    // 3 rows of 2 pixels; the pixel in row 2, column 1 is white in all, and black in the last.
    let mut images = DMatrix::from_element(4, 6, 0.2);
    images.column_mut(5).fill(1.0);
    images[(3, 5)] = 0.0;
    let panel = ImagePanel {
        height: 3,
        ..image_panel(&images)
    };
    draw_image_grid(&figure(&folder), "", &[panel.clone(), panel.clone()]).unwrap();
    let picture = picture(&figure(&folder));
    // Two panels of 2×2 images of 2·3 by 3·3 pixels, with gutters of two and a gap of 14.
    assert_eq!(picture.width(), 20 + 2 * (2 * 6 + 2) + 14 + 20);
    assert_eq!(picture.height(), 52 + 34 + (2 * 9 + 2) + 20);
    let at = |x: u32, y: u32| picture.pixel(20 + x, 86 + y).unwrap().red();
    assert_eq!([at(5, 8), at(2, 8), at(5, 5)], [255, 51, 51]);
    assert_eq!(at(8 + 5, 11 + 8), 0, "the last image");
    assert_eq!(
        at(14 + 14 + 8 + 5, 11 + 8),
        0,
        "the last image of the second panel"
    );

    draw_image_animation(&figure(&folder), "", &[panel]).unwrap();
    let gif = DecodedGif::read(&figure(&folder));
    // Eight times enlarged.
    assert_eq!(gif.at(0, (20 + 12, 86 + 20)), [255; 3]);
    assert_eq!(gif.at(0, (20 + 18 + 12, 86 + 26 + 20)), [0; 3]);
}

#[test]
fn many_panels_of_images_fit_into_one_figure() {
    let folder = folder();
    let images = DMatrix::zeros(25, 28 * 28);
    let panel = ImagePanel {
        title: "t = 48000".to_owned(),
        images: &images,
        height: 28,
        width: 28,
    };
    for (panels, zoom, columns) in [(1, 3, 1), (8, 3, 4), (12, 2, 4), (50, 1, 10)] {
        draw_image_grid(&figure(&folder), "Digits", &vec![panel.clone(); panels]).unwrap();
        let width = 26 + columns * (5 * 28 * zoom + 8 + 14);
        assert_eq!(picture(&figure(&folder)).width(), width, "{panels} panels");
        assert!(width <= 1800);
    }
}

#[test]
fn images_are_animated() {
    let folder = folder();
    let (first, last) = (images(), DMatrix::zeros(3, 4));
    let panels = [image_panel(&first), image_panel(&first), image_panel(&last)];
    draw_image_animation(&figure(&folder), "Images", &panels).unwrap();
    let gif = DecodedGif::read(&figure(&folder));
    assert_eq!(gif.frames.len(), 3);
    // Eight times enlarged: the second pixel of the first image, then the second image.
    let [inside, next] = [(20 + 15, 86), (20 + 18, 86)];
    for (frame, expected) in [[51, 128], [51, 128], [0, 0]].into_iter().enumerate() {
        for (place, grey) in [inside, next].into_iter().zip(expected) {
            let shown = gif.at(frame, place);
            assert!(shown.iter().all(|c| c.abs_diff(grey) <= 2), "{shown:?}");
        }
    }
    assert_eq!(
        gif.at(2, (20 + 2 * 18, 86 + 18)),
        [255; 3],
        "no image any more"
    );
}

#[test]
fn rows_that_are_no_images_are_refused() {
    let folder = folder();
    let images = DMatrix::zeros(3, 5);
    for (height, width) in [(0, 5), (2, 2), (3, 2), (2, usize::MAX), (0, 0)] {
        let panel = ImagePanel {
            height,
            width,
            ..image_panel(&images)
        };
        let error = draw_image_grid(&figure(&folder), "", std::slice::from_ref(&panel));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("not 5"), "{error}");
        draw_image_animation(&figure(&folder), "", &[panel]).unwrap_err();
    }
    let none = DMatrix::zeros(0, 4);
    draw_image_grid(&figure(&folder), "", &[image_panel(&none)]).unwrap();
    draw_image_animation(&figure(&folder), "", &[image_panel(&none)]).unwrap();
}
