//! Blocks, shapes and letters on a sheet of pixels.

use std::sync::OnceLock;

use anyhow::{Context, anyhow};
use plotters::coord::Shift;
use plotters::drawing::IntoDrawingArea;
use plotters::element::{Polygon, Rectangle, Text};
use plotters::prelude::{BitMapBackend, Color, DrawingArea, RGBColor, TextStyle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, IntoFont, register_font};

/// Noto Sans, its Latin, Greek and Cyrillic letters; the licence stands beside it.
const FONT: &[u8] = include_bytes!("font/NotoSans.ttf");
const FAMILY: &str = "plan";

/// Letters, in pixels of the picture: a phone shows a third of them.
pub(super) const TITLE: f64 = 48.0;
pub(super) const NAME: f64 = 48.0;
pub(super) const LABEL: f64 = 44.0;
pub(super) const SMALL: f64 = 38.0;

pub(super) const GROUND: RGBColor = RGBColor(255, 255, 255);
pub(super) const BAND: RGBColor = RGBColor(243, 245, 248);
pub(super) const GRID: RGBColor = RGBColor(216, 220, 226);
pub(super) const INK: RGBColor = RGBColor(29, 28, 29);
pub(super) const MUTED: RGBColor = RGBColor(97, 96, 97);
pub(super) const FAINT: RGBColor = RGBColor(138, 146, 158);
pub(super) const ACCENT: RGBColor = RGBColor(11, 110, 153);
pub(super) const AGREED: RGBColor = RGBColor(24, 112, 66);
pub(super) const ALARM: RGBColor = RGBColor(200, 50, 15);

/// By how much of its size a text is drawn lower.
const LOWER: f64 = 0.1;

/// Which point of a text stands at its place.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Left,
    Middle,
}

/// A sheet.
pub(super) struct Ink {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Ink {
    pub(super) fn new(width: i32, height: i32) -> anyhow::Result<Self> {
        static REGISTERED: OnceLock<bool> = OnceLock::new();
        let register = || register_font(FAMILY, FontStyle::Normal, FONT).is_ok();
        if !REGISTERED.get_or_init(register) {
            return Err(anyhow!("the embedded font cannot be read"));
        }
        let (width, height) = (u32::try_from(width)?, u32::try_from(height)?);
        let size = usize::try_from(width * height * 3)?;
        Ok(Self {
            width,
            height,
            pixels: vec![255; size],
        })
    }

    /// A filled rectangle.
    pub(super) fn block(
        &mut self,
        from: (i32, i32),
        to: (i32, i32),
        color: RGBColor,
    ) -> anyhow::Result<()> {
        self.draw(|sheet| sheet.draw(&Rectangle::new([from, to], color.filled())))
    }

    /// A filled polygon.
    pub(super) fn shape(
        &mut self,
        corners: Vec<(i32, i32)>,
        color: RGBColor,
    ) -> anyhow::Result<()> {
        self.draw(|sheet| sheet.draw(&Polygon::new(corners, color.filled())))
    }

    /// A line of text, its middle at `y`. A letter that the font lacks is drawn as an empty box.
    pub(super) fn text(
        &mut self,
        text: &str,
        x: i32,
        y: i32,
        size: f64,
        color: RGBColor,
        side: Side,
    ) -> anyhow::Result<()> {
        let x = match side {
            Side::Left => x,
            Side::Middle => x - self.width(text, size)? / 2,
        };
        // The library centres the line; capitals and digits stand above its middle.
        #[expect(clippy::cast_possible_truncation, reason = "a few pixels")]
        let y = y + (size * LOWER) as i32;
        let style = style(size).color(&color);
        self.draw(|sheet| sheet.draw(&Text::new(text.to_owned(), (x, y), style)))
    }

    /// How many pixels wide a text is.
    #[expect(clippy::unused_self, reason = "a sheet has registered the font")]
    pub(super) fn width(&self, text: &str, size: f64) -> anyhow::Result<i32> {
        let font = (FAMILY, size).into_font();
        let (width, _) = font.box_size(text).map_err(|error| anyhow!("{error}"))?;
        Ok(i32::try_from(width)?)
    }

    /// The text, its middle left out where it would be too wide: names differ at their ends.
    pub(super) fn fitted(&self, text: &str, width: i32, size: f64) -> anyhow::Result<String> {
        let letters: Vec<char> = text.chars().filter(|c| !c.is_control()).collect();
        // More than this does not fit in any case.
        let longest = usize::try_from(width)?.min(letters.len());
        let mut kept = longest;
        loop {
            let shown: String = if kept == letters.len() {
                letters.iter().collect()
            } else {
                let (head, tail) = (kept.div_ceil(2), kept / 2);
                let tail = letters.iter().skip(letters.len() - tail);
                letters
                    .iter()
                    .take(head)
                    .chain(['…'].iter())
                    .chain(tail)
                    .collect()
            };
            if kept == 0 || self.width(&shown, size)? <= width {
                return Ok(shown);
            }
            kept -= 1;
        }
    }

    fn draw<E: std::error::Error + Send + Sync>(
        &mut self,
        with: impl FnOnce(&DrawingArea<BitMapBackend<'_>, Shift>) -> Result<(), E>,
    ) -> anyhow::Result<()> {
        let sheet = BitMapBackend::with_buffer(&mut self.pixels, (self.width, self.height));
        with(&sheet.into_drawing_area()).map_err(|error| anyhow!("{error}"))
    }

    /// The sheet as a PNG file.
    pub(super) fn png(self) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().context("the PNG's head")?;
        writer.write_image_data(&self.pixels).context("the PNG")?;
        writer.finish().context("the PNG's end")?;
        Ok(bytes)
    }
}

fn style(size: f64) -> TextStyle<'static> {
    TextStyle::from((FAMILY, size).into_font()).pos(Pos::new(HPos::Left, VPos::Center))
}
