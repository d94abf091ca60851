//! Tests on pictures of every format, turned, damaged and forged ones.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use nalgebra::DMatrix;
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

fn parse(bytes: &[u8]) -> Result<ImageDensity, String> {
    let density = parse_image(bytes, Path::new("x.png"), Proportions::Keep);
    density.map_err(|error| error.to_string())
}

/// The density at the left and the right of a picture whose left half is black.
fn sides(bytes: &[u8]) -> [f64; 2] {
    // A filter of a tenth of a cell changes nothing; the background adds nearly the same to both.
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

/// Red and black of one fifth opacity are as dark as 2/3 and 1/5 of black: channels weigh the same.
#[test]
fn colours_and_transparency_are_shades() {
    for (shade, dark) in [
        ([255, 0, 0, 255], 2.0 / 3.0),
        ([0, 0, 0, 51], 0.2),
        ([0, 0, 0, 0], 0.0),
    ] {
        let picture = RgbaImage::from_fn(64, 64, |x, _| {
            Rgba(if x < 32 { [0, 0, 0, 255] } else { shade })
        });
        let [left, right] = sides(&encoded(picture, ImageFormat::Png));
        assert!(
            (left - right - (1.0 - dark)).abs() < 0.01,
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
        (
            &forged,
            "65536×65536 pixels are more than 10000 a side; save it smaller",
        ),
        (
            &white,
            "x.png: expected a picture with something darker than white",
        ),
    ];
    for (bytes, expected) in cases {
        let message = parse(bytes).expect_err(expected);
        assert!(message.contains(expected), "{message}");
    }
}

/// 64×48 pixels, all white but for 32×16 at the top left.
fn corner() -> RgbImage {
    RgbImage::from_fn(64, 48, |x, y| {
        Rgb([if x < 32 && y < 16 { 0 } else { 255 }; 3])
    })
}

/// Exif tags, big-endian, of which the only one is the orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let head = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";
    [&head[..], &[orientation, 0, 0, 0, 0, 0, 0]].concat()
}

/// A PNG with an additional chunk before the chunk of this kind.
fn with_chunk(png: &[u8], kind: [u8; 4], content: &[u8], before: [u8; 4]) -> Vec<u8> {
    let body = [&kind[..], content].concat();
    let length = (content.len() as u32).to_be_bytes();
    let chunk = [&length[..], &body, &crc32fast::hash(&body).to_be_bytes()].concat();
    let at = png
        .windows(4)
        .position(|four| *four == before)
        .expect("a chunk")
        - 4;
    [&png[..at], &chunk, &png[at..]].concat()
}

/// Tags as ImageMagick wrote them into text chunks.
fn raw_profile(kind: &str, tags: &[u8], packed: bool) -> Vec<u8> {
    let digits = tags.iter().fold(String::new(), |digits, byte| {
        digits + &format!("{byte:02x}")
    });
    let (first, second) = digits.split_at(20);
    let text = format!("\n{kind}\n{:8}\n{first}\n{second}\n", tags.len());
    let keyword = format!("Raw profile type {kind}\0");
    let mut chunk = keyword.into_bytes();
    if packed {
        chunk.push(0);
        let mut encoder = ZlibEncoder::new(chunk, Compression::fast());
        encoder.write_all(text.as_bytes()).expect("in memory");
        encoder.finish().expect("in memory")
    } else {
        [chunk, text.into_bytes()].concat()
    }
}

/// A JPEG with an APP1 segment after its start.
fn with_segment(jpeg: &[u8], content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, content, &jpeg[2..]].concat()
}

/// A simple lossless WebP as an extended one with an EXIF chunk.
fn with_riff_chunk(webp: &[u8], content: &[u8]) -> Vec<u8> {
    let chunk = |kind: &[u8], content: &[u8]| {
        let padding = vec![0; content.len() % 2];
        [
            kind,
            &(content.len() as u32).to_le_bytes(),
            content,
            &padding,
        ]
        .concat()
    };
    // Flags: Exif; then width and height minus one in three bytes each.
    let extended = chunk(b"VP8X", &[0x08, 0, 0, 0, 63, 0, 0, 47, 0, 0]);
    let body = [
        b"WEBP",
        &extended[..],
        &webp[12..],
        &chunk(b"EXIF", content),
    ]
    .concat();
    chunk(b"RIFF", &body)
}

/// Where the dark corner is once the picture is upright: the middle of its mass in a plane where the
/// longer side is 1.
fn middle(bytes: &[u8]) -> [f64; 2] {
    let density = parse(bytes).expect("a picture");
    let [width, height] = density.size();
    let density = density.density(0.1).expect("valid");
    let (rows, columns) = density.shape();
    // Without the background, which is below 0.03.
    let dark = density.map(|cell| f64::from(u8::from(cell > 0.5)));
    let mean = |place: &dyn Fn(usize, usize) -> f64| {
        let places = DMatrix::from_fn(rows, columns, place);
        places.dot(&dark) / dark.sum()
    };
    let place = |index: usize, cells: usize| (index as f64 + 0.5) / cells as f64 - 0.5;
    [
        mean(&|_, j| place(j, columns)) * width,
        mean(&|i, _| place(i, rows)) * height,
    ]
}

/// The eight orientations of the Exif standard: the row and column 0 of the stored picture are top and
/// left, top and right, bottom and right, bottom and left, left and top, right and top, right and
/// bottom, left and bottom of the upright one.
#[test]
fn orientation_tags_turn_pictures_upright() {
    // The corner's middle in units of the longer side, from the picture's: 16/64 and 16/64.
    let (near, far) = (-0.25, 0.25);
    let upright = [
        [near, far],
        [far, far],
        [far, near],
        [near, near],
        [near, far],
        [far, far],
        [far, near],
        [near, near],
    ];
    let png = encoded(corner(), ImageFormat::Png);
    let jpeg = encoded(corner(), ImageFormat::Jpeg);
    let webp = encoded(corner(), ImageFormat::WebP);
    for (tag, expected) in (1..).zip(upright) {
        let tags = exif(tag);
        let prefixed = [b"Exif\0\0", &tags[..]].concat();
        let files = [
            with_chunk(&png, *b"eXIf", &tags, *b"IDAT"),
            with_chunk(&png, *b"eXIf", &tags, *b"IEND"),
            with_chunk(&png, *b"eXIf", &prefixed, *b"IDAT"),
            with_chunk(
                &png,
                *b"tEXt",
                &raw_profile("exif", &prefixed, false),
                *b"IDAT",
            ),
            with_chunk(
                &png,
                *b"zTXt",
                &raw_profile("APP1", &prefixed, true),
                *b"IEND",
            ),
            with_segment(&jpeg, &prefixed),
            with_riff_chunk(&webp, &tags),
            with_riff_chunk(&webp, &prefixed),
        ];
        for (index, file) in files.iter().enumerate() {
            let size = if tag < 5 { [1.0, 0.75] } else { [0.75, 1.0] };
            assert_eq!(
                parse(file).expect("a picture").size(),
                size,
                "{tag}, {index}"
            );
            let middle = middle(file);
            for axis in 0..2 {
                let error = (middle[axis] - expected[axis]).abs();
                assert!(
                    error < 0.012,
                    "{tag}, {index}: {middle:?}, not {expected:?}"
                );
            }
        }
    }
    for (unknown, tags) in [(0, exif(0)), (9, exif(9)), (1, vec![1, 2, 3])] {
        let file = with_chunk(&png, *b"eXIf", &tags, *b"IDAT");
        assert_eq!(
            parse(&file).expect("a picture").size(),
            [1.0, 0.75],
            "{unknown}"
        );
    }
}

/// Palettes, grey with alpha, 1 and 16 bits: the same picture.
#[test]
fn depths_and_colours_are_the_same_picture() {
    let picture = DynamicImage::from(corner());
    let plain = parse(&encoded(corner(), ImageFormat::Png)).expect("a picture");
    for other in [
        DynamicImage::from(picture.to_luma8()),
        DynamicImage::from(picture.to_luma16()),
        DynamicImage::from(picture.to_luma_alpha8()),
        DynamicImage::from(picture.to_luma_alpha16()),
        DynamicImage::from(picture.to_rgba8()),
        DynamicImage::from(picture.to_rgb16()),
    ] {
        let bytes = encoded(other, ImageFormat::Png);
        assert_eq!(parse(&bytes).as_ref(), Ok(&plain));
    }
}

/// The header of a CMYK JPEG with Adobe's mark 0 is accepted, without it or with mark 2 (YCCK) not.
#[test]
fn colours_that_may_be_inverted_are_refused() {
    let start = [0xff, 0xd8];
    let frame = [
        0xff, 0xc0, 0, 20, 8, 0, 9, 0, 9, 4, 1, 17, 0, 2, 17, 0, 3, 17, 0, 4, 17, 0,
    ];
    let adobe = |transform| {
        [
            &[0xff, 0xee, 0, 14][..],
            b"Adobe\0\x64\0\0\0\0",
            &[transform],
        ]
        .concat()
    };
    let plain = [&start[..], &adobe(0), &frame].concat();
    assert!(!is_unclear_cmyk(&plain));
    for jpeg in [
        [&start[..], &frame].concat(),
        [&start[..], &adobe(2), &frame].concat(),
        [
            &start[..],
            &[0xff, 0xe0, 0, 4, 0, 0, 0xff],
            &adobe(2),
            &frame,
        ]
        .concat(),
    ] {
        assert!(is_unclear_cmyk(&jpeg));
        let message = parse(&jpeg).expect_err("unclear");
        assert!(
            message.contains("CMYK that may be inverted; save it with RGB"),
            "{message}"
        );
    }
    assert!(!is_unclear_cmyk(&encoded(corner(), ImageFormat::Jpeg)));
    for length in 0..plain.len() {
        assert!(!is_unclear_cmyk(&plain[..length]));
    }
}

#[test]
fn animations_and_other_formats_are_named() {
    let png = encoded(corner(), ImageFormat::Png);
    let control = with_chunk(&png, *b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0], *b"IDAT");
    let animation = parse(&control).expect_err("an animation");
    assert!(
        animation.contains("it is an animation; save the frame"),
        "{animation}"
    );
    let gif = parse(b"GIF89a\x01\0\x01\0\0\0\0;").expect_err("no GIF");
    assert!(gif.contains("it is a Gif file"), "{gif}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_give_a_density_or_an_error(bytes: Vec<u8>, at: usize, byte: u8) {
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
