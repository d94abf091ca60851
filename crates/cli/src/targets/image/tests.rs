//! Tests on pictures of every format, damaged ones and forged ones.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use proptest::prelude::*;

use super::*;

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .into()
        .write_to(&mut bytes, format)
        .expect("in memory");
    bytes.into_inner()
}

fn parse(bytes: &[u8]) -> Result<Ink, String> {
    parse_image(Cursor::new(bytes), Path::new("x.png")).map_err(|error| error.to_string())
}

/// Ink at the left and the right of a picture whose left half is black.
fn sides(bytes: &[u8]) -> [f64; 2] {
    // A blur of a tenth of a pixel changes nothing; the haze adds the same smooth ground to both.
    let density = parse(bytes)
        .expect("a picture")
        .density(0.1)
        .expect("valid");
    [density[(50, 48)], density[(50, 51)]]
}

#[test]
fn every_format_is_read() {
    let picture = RgbImage::from_fn(64, 64, |x, _| Rgb([if x < 32 { 0 } else { 255 }; 3]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let [left, right] = sides(&encoded(picture.clone(), format));
        assert!(
            (left - right - 1.0).abs() < 0.02,
            "{format:?}: {left} and {right}"
        );
    }
}

/// Red and half transparent black have 2/3 and 1/2 of black's ink: channels weigh the same.
#[test]
fn colours_and_transparency_are_shades() {
    for (shade, ink) in [
        ([255, 0, 0, 255], 2.0 / 3.0),
        ([0, 0, 0, 51], 0.2),
        ([0, 0, 0, 0], 0.0),
    ] {
        let picture = RgbaImage::from_fn(64, 64, |x, _| {
            Rgba(if x < 32 { [0, 0, 0, 255] } else { shade })
        });
        let [left, right] = sides(&encoded(picture, ImageFormat::Png));
        assert!(
            (left - right - (1.0 - ink)).abs() < 0.01,
            "{shade:?}: {left} and {right}"
        );
    }
}

#[test]
fn says_what_is_wrong() {
    let white = encoded(RgbImage::from_pixel(5, 5, Rgb([255; 3])), ImageFormat::Png);
    let black = encoded(RgbImage::new(50, 50), ImageFormat::Png);
    let mut forged = black.clone();
    forged[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let checksum = crc32fast::hash(&forged[12..29]);
    forged[29..33].copy_from_slice(&checksum.to_be_bytes());
    let cases: [(&[u8], &str); 5] = [
        (
            b"not a picture",
            "cannot read x.png as a PNG, JPEG or WebP image: ",
        ),
        (b"", "cannot read x.png as a PNG, JPEG or WebP image: "),
        (
            &black[..60],
            "cannot read x.png as a PNG, JPEG or WebP image: ",
        ),
        (&forged, "limit"),
        (&white, "x.png: expected ink"),
    ];
    for (bytes, expected) in cases {
        let message = parse(bytes).expect_err(expected);
        assert!(message.contains(expected), "{message}");
    }
    let error = read(Path::new("no/such.png"))
        .expect_err("there is none")
        .to_string();
    assert!(error.starts_with("cannot read no/such.png: "), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_give_ink_or_an_error(bytes: Vec<u8>, at: usize, byte: u8) {
        let _ = parse(&bytes);
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let mut damaged = encoded(RgbImage::new(9, 9), format);
            let at = at % damaged.len();
            damaged[at] = byte;
            let _ = parse(&damaged);
            damaged.truncate(at);
            let _ = parse(&[&damaged[..], &bytes].concat());
        }
    }
}
