//! What the decoders do not tell of a picture: Exif tags anywhere in a PNG, and colours of a JPEG that
//! cannot be told apart from their negatives.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::ZlibDecoder;

/// Most bytes of tags that are unpacked.
const MOST_BYTES: u64 = 1 << 20;

/// What some programs write before Exif tags.
const PREFIX: &[u8] = b"Exif\0\0";

/// The Exif tags without what some programs write before them.
pub(super) fn without_prefix(tags: &[u8]) -> &[u8] {
    tags.strip_prefix(PREFIX).unwrap_or(tags)
}

/// The Exif tags of a PNG: in a chunk `eXIf`, which may stand before or after the pixels, or as
/// hexadecimal digits in a text chunk, where programs wrote them before there was such a chunk.
pub(super) fn png_exif(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    // After the signature come chunks: length, type, content, checksum.
    let mut rest = bytes.get(8..)?;
    let mut as_text = None;
    while let Some(length) = rest.first_chunk().copied().map(u32::from_be_bytes) {
        let length = length as usize;
        let Some(content) = rest.get(8..length.saturating_add(8)) else {
            break;
        };
        match &rest[4..8] {
            b"eXIf" => return Some(Cow::Borrowed(content)),
            b"tEXt" | b"zTXt" => as_text = as_text.or_else(|| raw_profile(content)),
            _ => {}
        }
        rest = rest.get(length.saturating_add(12)..).unwrap_or_default();
    }
    as_text.map(Cow::Owned)
}

/// The tags in a text chunk: a keyword, a zero byte, and if compressed the method (0); then a line with
/// the kind, one with the length, and lines of hexadecimal digits.
fn raw_profile(chunk: &[u8]) -> Option<Vec<u8>> {
    let keyword = chunk.split(|&byte| byte == 0).next()?;
    if keyword != b"Raw profile type exif" && keyword != b"Raw profile type APP1" {
        return None;
    }
    let content = &chunk[keyword.len() + 1..];
    let mut text = String::new();
    match content.strip_prefix(b"\0") {
        Some(packed) => {
            // What comes before a fault counts, as it does where nothing is packed.
            let mut unpacked = Vec::new();
            let _ = ZlibDecoder::new(packed)
                .take(MOST_BYTES)
                .read_to_end(&mut unpacked);
            text.extend(unpacked.into_iter().map(char::from));
        }
        None => text.extend(content.iter().map(|&byte| char::from(byte))),
    }
    let digits: Vec<u32> = text
        .lines()
        .skip_while(|line| line.is_empty())
        .skip(2)
        .flat_map(|line| line.chars().filter_map(|digit| digit.to_digit(16)))
        .collect();
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| (pair[0] * 16 + pair[1]) as u8)
            .collect(),
    )
}

/// Whether a JPEG has four channels (CMYK) without the mark of Adobe's plain CMYK. Such pictures may
/// be meant as they are or as their negatives.
pub(super) fn is_unclear_cmyk(jpeg: &[u8]) -> bool {
    let mut rest = jpeg.get(2..).unwrap_or_default();
    let mut plain = false;
    // Segments: 0xff, the kind, the length with its own two bytes, content.
    while let [0xff, kind, high, low, ..] = *rest {
        if kind == 0xff {
            rest = &rest[1..];
            continue;
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        let content = rest.get(4..length + 2).unwrap_or_default();
        match kind {
            // APP14: the name, five bytes of version and flags, and the transform.
            0xee if content.starts_with(b"Adobe") => plain = content.get(11) == Some(&0),
            // Frames: precision, height, width, number of channels.
            0xc0..=0xcf if ![0xc4, 0xc8, 0xcc].contains(&kind) => {
                return content.get(5) == Some(&4) && !plain;
            }
            _ => {}
        }
        rest = rest.get(length + 2..).unwrap_or_default();
    }
    false
}
