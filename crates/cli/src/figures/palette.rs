//! The colours of animated figures: a GIF has at most 256.

use std::collections::BTreeMap;

use super::canvas::Color;

/// Stands for a pixel that is the same as in the frame before.
pub(super) const UNCHANGED: u8 = 0;

/// How many greys images have.
const GREYS: u32 = 64;

/// Colours by number, from 1; number 0 is [`UNCHANGED`].
pub(super) struct Palette {
    colors: Vec<[u8; 3]>,
    known: BTreeMap<[u8; 3], u8>,
}

impl Palette {
    /// For figures: blends of white, target and particles, the support over them, and text.
    pub(super) fn of_figures() -> Self {
        let (white, blue) = (Color::WHITE, Color::BLUE);
        let (grey, vermillion) = (Color::GREY, Color::VERMILLION);
        let colors = blends([white, grey, blue], 15)
            .chain(blends([white, blue, vermillion], 8))
            .chain(blends([white, grey, vermillion], 8))
            .chain(blends([white, Color::TEXT, Color::TEXT], 6));
        Self::new(colors)
    }

    /// For images: some greys (more would only store more of their noise), and the colour of pixels
    /// without a value.
    pub(super) fn of_images() -> Self {
        let greys = (0..GREYS).map(|k| [(k * 255 / (GREYS - 1)) as u8; 3]);
        Self::new(greys.chain([Color::VERMILLION.rgb()]))
    }

    fn new(blends: impl Iterator<Item = [u8; 3]>) -> Self {
        let mut colors = vec![[0; 3]];
        for color in blends {
            if !colors[1..].contains(&color) {
                colors.push(color);
            }
        }
        let known = BTreeMap::new();
        Self { colors, known }
    }

    /// Red, green and blue of all colours in turn.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.colors.concat()
    }

    /// Number of the colour closest to this one.
    pub(super) fn number(&mut self, color: [u8; 3]) -> u8 {
        let colors = &self.colors;
        *self.known.entry(color).or_insert_with(|| {
            let closest = (1..colors.len()).min_by_key(|&k| distance(colors[k], color));
            closest.unwrap_or(0) as u8
        })
    }
}

/// All mixtures of three colours in multiples of 1/`steps`.
fn blends(colors: [Color; 3], steps: u32) -> impl Iterator<Item = [u8; 3]> {
    let [a, b, c] = colors.map(Color::rgb);
    let shares = (0..=steps).flat_map(move |i| (0..=steps - i).map(move |j| [steps - i - j, i, j]));
    shares.map(move |[u, v, w]| {
        let mix = |k: usize| u * u32::from(a[k]) + v * u32::from(b[k]) + w * u32::from(c[k]);
        [0, 1, 2].map(|k| (f64::from(mix(k)) / f64::from(steps)).round() as u8)
    })
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    let squares = a
        .iter()
        .zip(b)
        .map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2));
    squares.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn palettes_fit_into_a_gif_and_hold_the_pure_colours() {
        let mut figures = Palette::of_figures();
        let mut images = Palette::of_images();
        assert!(figures.colors.len() <= 256 && images.colors.len() <= 256);
        for color in [
            Color::WHITE,
            Color::GREY,
            Color::BLUE,
            Color::VERMILLION,
            Color::TEXT,
        ] {
            let number = figures.number(color.rgb());
            assert_ne!(number, UNCHANGED);
            assert_eq!(figures.colors[usize::from(number)], color.rgb());
        }
        for grey in 0..=255 {
            let number = images.number([grey; 3]);
            let shown = images.colors[usize::from(number)];
            assert!(shown[0].abs_diff(grey) <= 2, "{grey} became {shown:?}");
        }
    }
}
