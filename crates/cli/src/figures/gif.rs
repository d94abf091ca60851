//! Writes pictures as an animated GIF that stores of each only what changed.

use std::ops::Range;

use gif::{DisposalMethod, Encoder, EncodingError, Frame, Repeat};

use super::canvas::Canvas;
use super::palette::{Palette, UNCHANGED};

/// How long the pictures before the last are shown in all, in hundredths of a second.
const DURATION: usize = 450;
/// How long the last picture is held.
const HOLD: u16 = 150;

/// An animation under construction, played forever.
pub(super) struct Animation {
    encoder: Encoder<Vec<u8>>,
    palette: Palette,
    size: (u16, u16),
    /// The colours shown now.
    shown: Vec<u8>,
}

impl Animation {
    /// An animation without pictures, all of which will have this size.
    pub(super) fn new(size: (u16, u16), palette: Palette) -> Result<Self, EncodingError> {
        let mut encoder = Encoder::new(Vec::new(), size.0, size.1, &palette.bytes())?;
        encoder.set_repeat(Repeat::Infinite)?;
        Ok(Self {
            encoder,
            palette,
            size,
            shown: Vec::new(),
        })
    }

    /// Appends a picture, to be shown for `delay` hundredths of a second.
    pub(super) fn push(&mut self, picture: &Canvas, delay: u16) -> Result<(), EncodingError> {
        let colors = picture.colors();
        let next: Vec<u8> = colors.map(|color| self.palette.number(color)).collect();
        let (columns, rows) = self.changed(&next);
        let place = |row: usize| (row * usize::from(self.size.0), columns.clone());
        let pixels = rows.clone().map(place).flat_map(|(start, columns)| {
            let (from, to) = (start + columns.start, start + columns.end);
            (from..to).map(|k| self.difference(&next, k))
        });
        let frame = Frame {
            left: columns.start as u16,
            top: rows.start as u16,
            width: columns.len() as u16,
            height: rows.len() as u16,
            delay,
            dispose: DisposalMethod::Keep,
            transparent: Some(UNCHANGED),
            buffer: pixels.collect(),
            ..Frame::default()
        };
        self.encoder.write_frame(&frame)?;
        self.shown = next;
        Ok(())
    }

    /// The bytes of the file.
    pub(super) fn finish(self) -> Result<Vec<u8>, EncodingError> {
        self.encoder.into_inner()
    }

    fn difference(&self, next: &[u8], k: usize) -> u8 {
        match self.shown.get(k) {
            Some(&shown) if shown == next[k] => UNCHANGED,
            _ => next[k],
        }
    }

    /// Columns and rows of the least rectangle around what changed, of one pixel if nothing did.
    fn changed(&self, next: &[u8]) -> (Range<usize>, Range<usize>) {
        let width = usize::from(self.size.0);
        let differs = |&k: &usize| self.difference(next, k) != UNCHANGED;
        let (mut columns, mut rows) = (width..0, usize::from(self.size.1)..0);
        for k in (0..next.len()).filter(differs) {
            let (row, column) = (k / width, k % width);
            columns = columns.start.min(column)..columns.end.max(column + 1);
            rows = rows.start.min(row)..rows.end.max(row + 1);
        }
        if rows.is_empty() {
            (0..1, 0..1)
        } else {
            (columns, rows)
        }
    }
}

/// How long each of `count` pictures is shown: all equally long, except for the last.
pub(super) fn delays(count: usize) -> impl Iterator<Item = u16> {
    let before = count.saturating_sub(1);
    let delay = (DURATION / before.max(1)).clamp(2, 100) as u16;
    (0..before).map(move |_| delay).chain([HOLD])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn animations_last_a_few_seconds() {
        for (count, from, to) in [
            (1, 150, 150),
            (5, 450, 600),
            (10, 450, 800),
            (200, 450, 800),
        ] {
            let delays: Vec<u16> = delays(count).collect();
            assert_eq!(delays.len(), count);
            assert_eq!(delays[count - 1], 150);
            let all: u16 = delays.iter().sum();
            assert!((from..=to).contains(&all), "{count} pictures: {all}");
        }
    }
}
