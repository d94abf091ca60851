//! Particles in motion: a frame of an animated GIF for every panel.

use std::io;
use std::path::Path;

use gif::EncodingError;

use super::canvas::Canvas;
use super::gif::{Animation, delays};
use super::palette::Palette;
use super::panel::Panel;
use super::panel_layout::PanelLayout;
use super::save::{FigureError, write};
use super::snapshots::{grid, paint};

/// Greatest width and height in pixels of the panel, before the picture is halved.
const PANEL_WIDTH: f64 = 960.0;
const PANEL_HEIGHT: f64 = 1200.0;

/// Draws one panel after the other in the same window and writes an animated GIF at most 544 pixels
/// wide, which plays forever: about six seconds, the last of the panels held for one and a half.
///
/// What the panels show and what `window` means is as in [`draw_snapshots`](super::draw_snapshots).
/// On the line all frames have one scale of densities; peaks of more than three times the usual
/// height are cut off.
///
/// # Errors
///
/// [`FigureError`] if there are no panels or if the file cannot be written.
pub fn draw_animation(
    path: &Path,
    title: &str,
    panels: &[Panel<'_>],
    window: Option<[f64; 4]>,
) -> Result<(), FigureError> {
    let layout = PanelLayout::new(panels, window).on_one_scale();
    let width = PANEL_WIDTH.min(PANEL_HEIGHT / layout.aspect());
    let grid = grid(&layout, 1, width);
    let frames =
        (0..panels.len()).map(|index| paint(title, &layout, index..index + 1, &grid)?.halved());
    save_animation(path, frames, Palette::of_figures())
}

/// Writes pictures of one size as an animation; a picture that is `None` was too large to hold.
pub(super) fn save_animation(
    path: &Path,
    pictures: impl ExactSizeIterator<Item = Option<Canvas>>,
    palette: Palette,
) -> Result<(), FigureError> {
    let failed = |error: EncodingError| FigureError::Write {
        path: path.to_owned(),
        source: io::Error::other(error),
    };
    let panels = pictures.len();
    let mut pictures = pictures.zip(delays(panels)).peekable();
    let too_large = || FigureError::TooLarge {
        path: path.to_owned(),
        panels,
    };
    let first = pictures.peek().ok_or_else(|| FigureError::Empty {
        path: path.to_owned(),
    })?;
    let size = first.0.as_ref().and_then(gif_size).ok_or_else(too_large)?;
    let mut animation = Animation::new(size, palette).map_err(failed)?;
    for (picture, delay) in pictures {
        let picture = picture.ok_or_else(too_large)?;
        animation.push(&picture, delay).map_err(failed)?;
    }
    let bytes = animation.finish().map_err(failed)?;
    write(&bytes, path)
}

fn gif_size(picture: &Canvas) -> Option<(u16, u16)> {
    let (width, height) = picture.size();
    Some((width.try_into().ok()?, height.try_into().ok()?))
}
