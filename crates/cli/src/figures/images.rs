//! Particles that are images, as grids of images: side by side for several times, or in motion.

use std::path::Path;

use nalgebra::DMatrix;

use super::animation::save_animation;
use super::canvas::{Anchor, Canvas, Color};
use super::font;
use super::palette::Palette;
use super::save::{FigureError, save};

/// Most images in a row of a panel, and most rows in a panel.
const MOST_ACROSS: usize = 5;
/// Most panels in a row of a figure.
const MOST_COLUMNS: usize = 10;
/// A figure's greatest width in pixels, unless a single image is wider.
const WIDTH: usize = 1800;
/// An animation's width in pixels that images are enlarged to.
const ANIMATION_WIDTH: usize = 480;
/// An animation's greatest height in pixels that images are enlarged to.
const ANIMATION_HEIGHT: usize = 600;
/// Pixels between the images of a panel.
const GUTTER: usize = 2;
/// Pixels around and between panels.
const MARGIN: usize = 20;
const GAP: usize = 14;

/// Font sizes in pixels of figures, which are shown smaller than they are, and of animations.
const FIGURE_TITLES: [f64; 2] = [26.0, 21.0];
const ANIMATION_TITLES: [f64; 2] = [18.0, 16.0];
const TITLE_ROOM: usize = 52;
const PANEL_TITLE_ROOM: usize = 34;

/// What one panel shows: some images at one time.
#[derive(Clone, Debug)]
pub struct ImagePanel<'a> {
    /// Written above the panel, such as `t = 5`.
    pub title: String,
    /// N×(height·width): a row per image, its pixels row by row from the top, 0 black and 1 white.
    /// Other values are clamped; NaN is drawn in vermillion. At most 25 images are shown.
    pub images: &'a DMatrix<f64>,
    /// Rows of pixels of an image.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
}

impl ImagePanel<'_> {
    /// Whether every row holds the pixels of one image.
    fn is_whole(&self) -> bool {
        let pixels = self.height.checked_mul(self.width);
        self.images.ncols() > 0 && pixels == Some(self.images.ncols())
    }

    /// Draws the images, the first at the given pixel.
    fn draw(&self, canvas: &mut Canvas, layout: &ImageLayout, (x, y): (usize, usize)) {
        let middle = x as f64 + layout.panel() as f64 / 2.0;
        let size = font::fitted(&self.title, layout.titles[1], layout.panel() as f64);
        canvas.text(&self.title, (middle, y as f64 - 9.0), size, Anchor::Middle);
        let step = [layout.width, layout.height].map(|side| side * layout.zoom + GUTTER);
        let shown = self.images.nrows().min(layout.across * layout.down);
        for image in 0..shown {
            let (row, column) = (image / layout.across, image % layout.across);
            let corner = (x + column * step[0], y + row * step[1]);
            for pixel in 0..self.images.ncols() {
                let (down, right) = (pixel / self.width, pixel % self.width);
                let place = (
                    corner.0 + right * layout.zoom,
                    corner.1 + down * layout.zoom,
                );
                canvas.block(place, layout.zoom, shade(self.images[(image, pixel)]));
            }
        }
    }
}

fn shade(value: f64) -> Color {
    if value.is_nan() {
        return Color::VERMILLION;
    }
    let grey = (value.clamp(0.0, 1.0) * 255.0).round() as u8;
    Color([grey, grey, grey, 255])
}

/// Sizes and places of panels and images, in pixels.
struct ImageLayout {
    /// Size of an image before it is enlarged.
    width: usize,
    height: usize,
    zoom: usize,
    /// Images in a row of a panel.
    across: usize,
    /// Rows of images in a panel.
    down: usize,
    columns: usize,
    rows: usize,
    /// Font sizes of the picture's title and the panels'.
    titles: [f64; 2],
}

impl ImageLayout {
    /// Room for the largest of the panels, not enlarged, in one column.
    fn of(panels: &[ImagePanel<'_>]) -> Self {
        let largest = |length: fn(&ImagePanel<'_>) -> usize| panels.iter().map(length).max();
        let width = largest(|panel| panel.width).unwrap_or(1);
        let height = largest(|panel| panel.height).unwrap_or(1);
        let most = largest(|panel| panel.images.nrows()).unwrap_or(1);
        let fitting = |side: usize| ((WIDTH - 2 * MARGIN + GUTTER) / (side + GUTTER)).max(1);
        let square = (1..MOST_ACROSS).find(|k| k * k >= most);
        let across = square.unwrap_or(MOST_ACROSS).min(fitting(width));
        let down = most.div_ceil(across).clamp(1, MOST_ACROSS);
        Self {
            width,
            height,
            zoom: 1,
            across,
            down: down.min(fitting(height)),
            columns: 1,
            rows: 1,
            titles: FIGURE_TITLES,
        }
    }

    /// For `count` panels side by side: enlarged if two or three rows hold them, else as many in a
    /// row as fit.
    fn side_by_side(self, count: usize) -> Self {
        let zoomed = |zoom| Self { zoom, ..self };
        let suffice = |&(zoom, rows): &(usize, usize)| rows * zoomed(zoom).fitting() >= count;
        let zoom = [(3, 2), (2, 3)].into_iter().find(suffice);
        let zoom = zoom.map_or(1, |(zoom, _)| zoom);
        let rows = count.div_ceil(zoomed(zoom).fitting().max(1));
        let columns = count.div_ceil(rows.max(1));
        Self {
            zoom,
            columns,
            rows,
            ..self
        }
    }

    /// For one panel, at about the width of an animation.
    fn alone(self) -> Self {
        let across = ANIMATION_WIDTH / (self.across * self.width);
        let down = ANIMATION_HEIGHT / (self.down * self.height);
        let zoom = across.min(down).clamp(1, 8);
        let titles = ANIMATION_TITLES;
        Self {
            zoom,
            titles,
            ..self
        }
    }

    /// How many panels fit into a row.
    fn fitting(&self) -> usize {
        ((WIDTH + GAP - 2 * MARGIN) / (self.panel() + GAP)).min(MOST_COLUMNS)
    }

    /// Width of a panel.
    fn panel(&self) -> usize {
        length(self.across, self.width * self.zoom)
    }

    /// Height of a panel, its title, and the gap below.
    fn row(&self) -> usize {
        PANEL_TITLE_ROOM + length(self.down, self.height * self.zoom) + GAP
    }

    /// The empty picture, with its title.
    fn canvas(&self, title: &str) -> Option<Canvas> {
        let width = 2 * MARGIN + self.columns * (self.panel() + GAP) - GAP;
        let height = TITLE_ROOM + self.rows * self.row() - GAP + MARGIN;
        let mut canvas = Canvas::new(width as f64, height as f64)?;
        let size = font::fitted(title, self.titles[0], (width - 2 * MARGIN) as f64);
        canvas.text(title, (width as f64 / 2.0, 38.0), size, Anchor::Middle);
        Some(canvas)
    }

    /// Where the images of a panel begin.
    fn corner(&self, index: usize) -> (usize, usize) {
        let (row, column) = (index / self.columns, index % self.columns);
        let x = MARGIN + column * (self.panel() + GAP);
        (x, TITLE_ROOM + row * self.row() + PANEL_TITLE_ROOM)
    }
}

/// Length of that many images of that side in a line.
fn length(images: usize, side: usize) -> usize {
    images * (side + GUTTER) - GUTTER
}

/// Draws every panel's first images as a grid of at most 5×5, enlarged by a whole number
/// without blur, and writes a PNG of at most 1800 pixels' width, up to ten panels to a row.
///
/// # Errors
///
/// [`FigureError`] if there are no panels, too many for a picture, if a panel's rows do not have
/// height·width pixels, or if the file cannot be written.
pub fn draw_image_grid(
    path: &Path,
    title: &str,
    panels: &[ImagePanel<'_>],
) -> Result<(), FigureError> {
    check(path, panels)?;
    let layout = ImageLayout::of(panels).side_by_side(panels.len());
    let canvas = layout.canvas(title);
    let mut canvas = canvas.ok_or_else(|| FigureError::TooLarge {
        path: path.to_owned(),
        panels: panels.len(),
    })?;
    for (index, panel) in panels.iter().enumerate() {
        panel.draw(&mut canvas, &layout, layout.corner(index));
    }
    save(&canvas, path)
}

/// Draws the same grids one after the other and writes an animated GIF about 470 pixels wide, which
/// plays forever, as that of [`draw_animation`](super::draw_animation).
///
/// # Errors
///
/// As for [`draw_image_grid`].
pub fn draw_image_animation(
    path: &Path,
    title: &str,
    panels: &[ImagePanel<'_>],
) -> Result<(), FigureError> {
    check(path, panels)?;
    let layout = ImageLayout::of(panels).alone();
    let pictures = panels.iter().map(|panel| {
        let mut canvas = layout.canvas(title)?;
        panel.draw(&mut canvas, &layout, layout.corner(0));
        Some(canvas)
    });
    save_animation(path, pictures, Palette::of_images())
}

fn check(path: &Path, panels: &[ImagePanel<'_>]) -> Result<(), FigureError> {
    if panels.is_empty() {
        return Err(FigureError::Empty {
            path: path.to_owned(),
        });
    }
    match panels.iter().find(|panel| !panel.is_whole()) {
        Some(panel) => Err(FigureError::NotImages {
            path: path.to_owned(),
            height: panel.height,
            width: panel.width,
            pixels: panel.images.ncols(),
        }),
        None => Ok(()),
    }
}
