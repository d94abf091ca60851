//! Tests of the reader on files built by hand, cut short and forged.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

/// Two images of one row and three columns.
const FILE: [u8; 22] = [
    0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 51, 102, 153, 204, 255,
];

fn parse(bytes: &[u8], count: usize) -> Result<DMatrix<f64>, String> {
    let images = parse_idx(bytes, Path::new("x.idx"), count);
    images
        .map(|images| images.pixels)
        .map_err(|error| error.to_string())
}

#[test]
fn knows_rows_and_columns() {
    let images = parse_idx(&FILE, Path::new("x.idx"), 2).expect("valid");
    assert_eq!((images.rows, images.columns), (1, 3));
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

#[test]
fn reads_the_first_images_plain_and_compressed() {
    let expected = DMatrix::from_row_slice(2, 3, &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
    for bytes in [FILE.to_vec(), compressed(&FILE)] {
        assert_eq!(parse(&bytes, 2), Ok(expected.clone()));
        assert_eq!(parse(&bytes, 1), Ok(expected.rows(0, 1).into_owned()));
    }
}

#[test]
fn says_what_is_expected() {
    let forged = |at: usize, bytes: [u8; 4]| {
        let mut file = FILE;
        file[at..at + 4].copy_from_slice(&bytes);
        file.to_vec()
    };
    let packed = compressed(&FILE);
    let cases = [
        (
            forged(0, [0, 0, 8, 1]),
            2,
            "x.idx, byte 0: expected the magic number 0x00000803 of IDX images, not 0x00000801",
        ),
        (
            FILE[..20].to_vec(),
            2,
            "byte 16: expected 6 bytes of 2 images of 1×3, not 4 until the end",
        ),
        (
            FILE[..10].to_vec(),
            2,
            "byte 8: expected 4 bytes of the dimensions, not 2",
        ),
        (
            Vec::new(),
            2,
            "byte 0: expected 4 bytes of the magic number, not 0",
        ),
        (
            FILE.to_vec(),
            3,
            "byte 4: expected at least one image, and the 3 that are asked for, not 2",
        ),
        (FILE.to_vec(), 0, "byte 4: expected at least one image"),
        (
            forged(4, [0; 4]),
            1,
            "byte 4: expected at least one image, and the 1 that are asked for, not 0",
        ),
        (
            forged(8, [0; 4]),
            2,
            "byte 8: expected 2 images of 1 to 100000000 pixels in all, not 0×3 each",
        ),
        (forged(8, [255; 4]), 2, "byte 8"),
        (
            forged(8, [1, 0, 0, 0]),
            1,
            "byte 16: expected 50331648 bytes",
        ),
        (packed[..packed.len() - 12].to_vec(), 2, "cannot read x.idx"),
    ];
    for (bytes, count, expected) in cases {
        let message = parse(&bytes, count).expect_err(expected);
        assert!(
            message.contains(expected),
            "{message}\nshould say: {expected}"
        );
    }
}

#[test]
fn names_a_file_that_is_not_there() {
    let error = read_idx(Path::new("no/such.idx"), 1)
        .expect_err("there is none")
        .to_string();
    assert!(error.starts_with("cannot read no/such.idx: "), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_give_numbers_between_0_and_1_or_an_error(
        bytes: Vec<u8>,
        axes: [u8; 3],
        count in 0_usize..5,
    ) {
        let [images, height, width] = axes.map(|axis| [0, 0, 0, axis % 4]);
        let header = [[0, 0, 8, 3], images, height, width].concat();
        let file = [header, bytes.clone()].concat();
        let gzipped = [&GZIP[..], &bytes].concat();
        for bytes in [&bytes, &gzipped, &file, &compressed(&file)] {
            if let Ok(images) = parse(bytes, count) {
                prop_assert_eq!(images.nrows(), count);
                prop_assert!(images.iter().all(|number| (0.0..=1.0).contains(number)));
            }
        }
    }
}
