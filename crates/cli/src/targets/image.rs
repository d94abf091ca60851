//! Picture files as densities.

mod chunks;

use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{
    DynamicImage, GenericImageView, ImageDecoder, ImageError, ImageFormat, Limits, guess_format,
};

use super::{ImageDensity, Proportions, TargetError};
use chunks::{is_unclear_cmyk, png_exif, without_prefix};

/// Most pixels a side.
const LONGEST_SIDE: u32 = 10_000;

/// Most memory for decoding, in bytes.
const MOST_MEMORY: u64 = 512 << 20;

/// Reads a picture (PNG, JPEG or WebP, told by its content) from the bytes of a file; `path` is for
/// messages.
///
/// The picture is turned upright by its orientation tag. The channels are averaged and inverted;
/// transparent pixels show a white ground.
///
/// # Errors
/// [`TargetError::Image`] if the bytes are no such picture, are damaged, or hold an animation, CMYK
/// colours that may be inverted, or a picture with more than 10,000 pixels a side or that takes more
/// than 512 MiB to decode;
/// [`TargetError::Blank`] if it is white.
pub fn parse_image(
    bytes: &[u8],
    path: &Path,
    proportions: Proportions,
) -> Result<ImageDensity, TargetError> {
    let picture = decode(bytes).map_err(|reason| TargetError::Image {
        path: path.to_owned(),
        reason,
    })?;
    let (width, height) = picture.dimensions();
    let darkness = |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0.map(f64::from);
        alpha / 255.0 * (1.0 - (red + green + blue) / 765.0)
    };
    let density = ImageDensity::new([width, height], proportions, darkness);
    density.ok_or_else(|| TargetError::Blank {
        path: path.to_owned(),
    })
}

/// The upright picture, or why there is none.
fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    let said = |error: ImageError| error.to_string();
    match guess_format(bytes).map_err(said)? {
        ImageFormat::Png => {
            let decoder = PngDecoder::with_limits(Cursor::new(bytes), Limits::default());
            let decoder = decoder.map_err(said)?;
            refuse_animation(decoder.is_apng().map_err(said)?)?;
            upright(decoder, png_exif(bytes).as_deref())
        }
        ImageFormat::WebP => {
            let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(said)?;
            refuse_animation(decoder.has_animation())?;
            let exif = decoder.exif_metadata().map_err(said)?;
            upright(decoder, exif.as_deref())
        }
        ImageFormat::Jpeg if is_unclear_cmyk(bytes) => {
            Err("its colours are CMYK that may be inverted; save it with RGB colours".to_owned())
        }
        ImageFormat::Jpeg => {
            let mut decoder = JpegDecoder::new(Cursor::new(bytes)).map_err(said)?;
            let exif = decoder.exif_metadata().map_err(said)?;
            upright(decoder, exif.as_deref())
        }
        other => Err(format!("it is a {other:?} file")),
    }
}

fn refuse_animation(animated: bool) -> Result<(), String> {
    if animated {
        return Err("it is an animation; save the frame that is meant".to_owned());
    }
    Ok(())
}

/// Decodes the pixels and turns them by the orientation in the Exif tags.
fn upright(mut decoder: impl ImageDecoder, exif: Option<&[u8]>) -> Result<DynamicImage, String> {
    let (width, height) = decoder.dimensions();
    if width.max(height) > LONGEST_SIDE {
        return Err(format!(
            "{width}×{height} pixels are more than {LONGEST_SIDE} a side; save it smaller"
        ));
    }
    if decoder.total_bytes() > MOST_MEMORY {
        return Err("it takes more than 512 MiB of memory; save it smaller".to_owned());
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    let limited = decoder.set_limits(limits);
    let decoded = limited.and_then(|()| DynamicImage::from_decoder(decoder));
    let mut picture = decoded.map_err(|error| error.to_string())?;
    let orientation = exif
        .map(without_prefix)
        .and_then(Orientation::from_exif_chunk);
    picture.apply_orientation(orientation.unwrap_or(Orientation::NoTransforms));
    Ok(picture)
}

#[cfg(test)]
mod tests;
