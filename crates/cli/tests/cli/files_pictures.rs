//! Photos with an orientation tag flow like the upright picture, and what is no still picture is refused.

use std::fs;
use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageFormat, Luma};

use crate::npz;
use crate::sandbox::{Sandbox, read};

const FLOW: &str = "--target-particles 200 --particles 10 --scheme particle --tau 0.5 --time 1 \
                    --no-plots --quiet --force --out run";

fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture: DynamicImage = picture.into();
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("in memory");
    bytes.into_inner()
}

/// The PNG with an additional chunk after its header.
fn with_chunk(png: &[u8], kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let body = [&kind[..], content].concat();
    let length = (content.len() as u32).to_be_bytes();
    let checksum = crc32fast::hash(&body).to_be_bytes();
    [&png[..33], &length, &body, &checksum, &png[33..]].concat()
}

#[test]
fn turned_pictures_flow_like_upright_ones() {
    let sandbox = Sandbox::new();
    // Dark at the top left.
    let dark = |x: u32, y: u32| Luma([if x < 30 && y < 10 { 0_u8 } else { 255 }]);
    let upright = GrayImage::from_fn(60, 40, dark);
    // Tag 3: the first row is at the bottom, the first column at the right. Tag 6: the first row is at
    // the right, the first column at the top.
    let half = GrayImage::from_fn(60, 40, |x, y| dark(59 - x, 39 - y));
    let quarter = GrayImage::from_fn(40, 60, |x, y| dark(59 - y, x));
    let tags = |orientation: u8| {
        let head = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0";
        [&head[..], &[orientation, 0, 0, 0, 0, 0, 0, 0]].concat()
    };
    let mut jpeg = Cursor::new(Vec::new());
    let picture = DynamicImage::from(half.clone());
    let written = picture.write_to(&mut jpeg, ImageFormat::Jpeg);
    written.expect("in memory");
    let jpeg = jpeg.into_inner();
    let segment = [&[0xff, 0xe1, 0, 34][..], b"Exif\0\0", &tags(3)].concat();
    let files = [
        png(upright),
        with_chunk(&png(half), *b"eXIf", &tags(3)),
        with_chunk(&png(quarter), *b"eXIf", &tags(6)),
        [&jpeg[..2], &segment, &jpeg[2..]].concat(),
    ];
    let results = files.map(|file| {
        fs::write(sandbox.path("t.png"), file).expect("a file");
        sandbox
            .run(&format!("mmd --target image:t.png {FLOW}"))
            .good();
        // The ink has x from 0 to 30 of 60 and y from 0 to 10 of 60 below the top at 40/120.
        let [x, y] = mean_of_target(&sandbox);
        assert!(
            (x + 0.25).abs() < 0.03 && (y - 0.25).abs() < 0.03,
            "{x}, {y}"
        );
        read(&sandbox.path("run/final.csv"))
    });
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}

/// Coordinate k of the target's particles in the run's folder.
fn coordinates(sandbox: &Sandbox, k: usize) -> Vec<f64> {
    let target = npz::npy(&fs::read(sandbox.path("run/target.npy")).expect("a file"));
    target.data.into_iter().skip(k).step_by(2).collect()
}

fn mean_of_target(sandbox: &Sandbox) -> [f64; 2] {
    [0, 1].map(|k| {
        let numbers = coordinates(sandbox, k);
        numbers.iter().sum::<f64>() / numbers.len() as f64
    })
}

/// A disc in a picture four times as wide as high: equal spread in both directions, or, as in the paper,
/// four times as high as wide.
#[test]
fn pictures_keep_their_proportions_unless_the_papers_are_asked_for() {
    let sandbox = Sandbox::new();
    let disc = GrayImage::from_fn(400, 100, |x, y| {
        let inside = (f64::from(x) - 99.5).hypot(f64::from(y) - 49.5) < 40.0;
        Luma([if inside { 0 } else { 255 }])
    });
    fs::write(sandbox.path("t.png"), png(disc)).expect("a file");
    for (preset, ratio) in [("", 1.0), ("--preset paper", 4.0)] {
        let command = format!("mmd --target image:t.png {preset} {FLOW}");
        sandbox.run(&command).good();
        let [x, y] = mean_of_target(&sandbox);
        assert!(
            (x + 0.25).abs() < 0.03 && y.abs() < 0.03 * ratio,
            "{x}, {y}"
        );
        let [x, y] = [0, 1].map(|k| interquartile_range(coordinates(&sandbox, k)));
        assert!((y / x / ratio - 1.0).abs() < 0.2, "{x}, {y}");
    }
}

/// Half of the mass lies within, so that the little ink between the strokes does not count.
fn interquartile_range(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[3 * numbers.len() / 4] - numbers[numbers.len() / 4]
}

#[test]
fn animations_and_other_kinds_are_refused_by_name() {
    let sandbox = Sandbox::new();
    let still = png(GrayImage::new(9, 9));
    let animation = with_chunk(&still, *b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]);
    for (bytes, word) in [
        (&animation[..], "an animation"),
        (b"GIF89a\x01\0\x01\0\0\0\0;", "Gif"),
        (b"BM....", "Bmp"),
        (&still[..50], "PNG, JPEG or WebP"),
        (b"<svg/>", "PNG, JPEG or WebP"),
    ] {
        fs::write(sandbox.path("t.png"), bytes).expect("a file");
        let said = sandbox.run(&format!("mmd --target image:t.png {FLOW}"));
        said.refused(&["t.png", word]);
        assert!(!sandbox.path("run").exists());
    }
}
