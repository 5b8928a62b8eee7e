//! Whole photographs, of which faces are parts. A photograph may be larger than all memory, so it
//! is seen twice: as a small copy, in which faces are found, and again where the faces are, at the
//! resolution that each of them needs.
//!
//! Sequential JPEG, which cameras write, is decoded anew for each view, in a few rows of blocks and
//! from the first one that matters. All other files are decoded once, as far as memory allows.

mod pixels;
mod shape;
mod turn;

#[cfg(test)]
mod tests;

use image::ImageError;
use image::metadata::Orientation;
use jpeg::{Index, Jpeg, JpegError, Region, Scale};
use wire::limits::{
    IMAGE_BLOCKS_MAX, IMAGE_DECODED_BYTES_MAX, IMAGE_PIXELS_MAX, IMAGE_SIDE_MAX, IMAGE_SIDE_MIN,
    PHOTOGRAPH_PIXELS_MAX, PHOTOGRAPH_SIDE_MAX,
};
use wire::{Kind, Problem};

use crate::container;
use crate::picture;
use pixels::Pixels;
use shape::Shape;
use turn::Turn;

/// Longest side of the copy in pixels. The detector takes at most 960 of them; the landmarks of
/// small faces need more. A square of this side takes 9 MB. The page has the same copy.
pub const COPY_SIDE_MAX: usize = 1_700;

/// Most pixels of a view.
const VIEW_PIXELS_MAX: usize = COPY_SIDE_MAX * COPY_SIDE_MAX;

/// How many pixels around the rectangle that was asked for a view has too. Whoever mixes pixels at
/// the rectangle's edge needs them.
const MARGIN: usize = 2;

/// A rectangle in pixels of the upright photograph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rectangle {
    /// The left edge.
    pub x: f64,
    /// The upper edge.
    pub y: f64,
    /// In pixels.
    pub width: f64,
    /// In pixels.
    pub height: f64,
}

/// Pixels of a photograph, upright, scaled down: each is the mean of `scale` x `scale` pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// In pixels of the view.
    pub width: usize,
    /// In pixels of the view.
    pub height: usize,
    /// Row by row, 8 bits a channel.
    pub rgb: Vec<u8>,
    /// How many pixels of the photograph one of the view is wide and high.
    pub scale: usize,
    /// Where its left edge is, in pixels of the photograph. Where a photograph was turned or
    /// mirrored whose width is not a multiple of `scale`, it is up to `scale - 1` outside.
    pub x: isize,
    /// Where its upper edge is, likewise.
    pub y: isize,
}

/// What a photograph is decoded from.
enum Source {
    /// Sequential JPEG.
    Jpeg { file: Vec<u8>, index: Index },
    /// All pixels of any other file.
    Pixels(Pixels),
}

/// A photograph.
pub struct Photograph {
    source: Source,
    shape: Shape,
    copy: View,
}

impl Photograph {
    /// Reads a JPEG, PNG or WebP file.
    ///
    /// # Errors
    /// 400 when there are no bytes, 415 when they are something else, 413 when the picture is too
    /// large or takes too much memory or work to decode, 422 when it is damaged or too small.
    pub fn open(file: Vec<u8>) -> Result<Self, Problem> {
        picture::is_there(&file)?;
        let jpeg = match Jpeg::new(&file) {
            Ok(jpeg) => jpeg,
            Err(JpegError::NotJpeg | JpegError::Unsupported(_)) => return Self::whole(file),
            Err(JpegError::Damaged(_) | JpegError::Truncated) => return Err(picture::damaged()),
        };
        let size = [jpeg.width(), jpeg.height()];
        check(size, PHOTOGRAPH_SIDE_MAX, PHOTOGRAPH_PIXELS_MAX)?;
        let orientation = jpeg.exif().and_then(Orientation::from_exif_chunk);
        let turn = Turn::new(orientation.unwrap_or(Orientation::NoTransforms));
        let shape = Shape { turn, size };
        let (scale, region) = shape.copy();
        let (copy, index) = shape.draw(scale, region, |row| {
            jpeg.decode_all(scale, row).map_err(|_| picture::damaged())
        })?;
        Ok(Self { source: Source::Jpeg { file, index }, shape, copy })
    }

    /// Decodes all of a file.
    fn whole(file: Vec<u8>) -> Result<Self, Problem> {
        let container = container::scan(file).map_err(picture::refused)?;
        let sides = [container.width, container.height];
        let size = sides.map(|side| usize::try_from(side).unwrap_or(usize::MAX));
        check(size, IMAGE_SIDE_MAX, IMAGE_PIXELS_MAX)?;
        let bytes_fit = container.decoder_bytes <= IMAGE_DECODED_BYTES_MAX;
        if !bytes_fit || container.blocks > IMAGE_BLOCKS_MAX {
            return Err(too_much());
        }
        if !container.complete {
            return Err(picture::damaged());
        }
        let (pixels, orientation) = Pixels::decode(container).map_err(|error| match error {
            ImageError::Limits(_) => too_much(),
            _ => picture::damaged(),
        })?;
        let shape = Shape { turn: Turn::new(orientation), size };
        let (scale, region) = shape.copy();
        let (copy, ()) = shape.draw(scale, region, |row| {
            pixels.rows(scale, region, row);
            Ok(())
        })?;
        Ok(Self { source: Source::Pixels(pixels), shape, copy })
    }

    /// In pixels, upright.
    #[must_use]
    pub const fn width(&self) -> usize {
        let [width, _] = self.shape.upright();
        width
    }

    /// In pixels, upright.
    #[must_use]
    pub const fn height(&self) -> usize {
        let [_, height] = self.shape.upright();
        height
    }

    /// All of it, scaled down: the longer side has at most [`COPY_SIDE_MAX`] pixels, and at least
    /// half as many unless the photograph itself is smaller.
    #[must_use]
    pub const fn copy(&self) -> &View {
        &self.copy
    }

    /// A rectangle and a few pixels around it, scaled down as far as it keeps a width of
    /// `width_wanted` pixels, and further where that would still be too many pixels to hold.
    /// Nothing when the rectangle is outside the photograph.
    ///
    /// # Errors
    /// 422 when the file is damaged.
    pub fn region(
        &self,
        rectangle: Rectangle,
        width_wanted: usize,
    ) -> Result<Option<View>, Problem> {
        let part = |scale: Scale| self.shape.part(rectangle, scale.divisor());
        let small = |scale: &Scale| {
            part(*scale).is_none_or(|part| part.width * part.height <= VIEW_PIXELS_MAX)
        };
        let suffices =
            |scale: &Scale| rectangle.width / scale.divisor() as f64 >= width_wanted as f64;
        let largest = Scale::ALL.into_iter().find(small).unwrap_or(Scale::Eighth);
        let enough = Scale::ALL.into_iter().filter(small).rfind(suffices);
        let scale = enough.unwrap_or(largest);
        part(scale).map(|part| self.view(scale, part)).transpose()
    }

    fn view(&self, scale: Scale, region: Region) -> Result<View, Problem> {
        let (view, ()) = self.shape.draw(scale, region, |row| match &self.source {
            Source::Jpeg { file, index } => Jpeg::new(file)
                .and_then(|jpeg| jpeg.decode_from(index, scale, region, row))
                .map_err(|_| picture::damaged()),
            Source::Pixels(pixels) => {
                pixels.rows(scale, region, row);
                Ok(())
            }
        })?;
        Ok(view)
    }
}

/// Whether a picture is neither too large nor too small.
fn check(size: [usize; 2], side_max: u32, pixels_max: u64) -> Result<(), Problem> {
    let [width, height] = size.map(|side| side as u64);
    let has = format!("The picture has {width}x{height} pixels.");
    if width.max(height) > side_max.into() || width * height > pixels_max {
        let detail = format!(
            "{has} Send one of at most {pixels_max} pixels and {side_max} a side. JPEG that is not \
             progressive may have {PHOTOGRAPH_PIXELS_MAX} pixels and {PHOTOGRAPH_SIDE_MAX} a side."
        );
        return Err(Problem::new(Kind::TooLarge, detail));
    }
    if width.min(height) < IMAGE_SIDE_MIN.into() {
        let detail = format!("{has} Send one of at least {IMAGE_SIDE_MIN} pixels a side.");
        return Err(Problem::new(Kind::Unusable, detail));
    }
    Ok(())
}

fn too_much() -> Problem {
    let detail = format!(
        "Decoding the picture takes more than {IMAGE_DECODED_BYTES_MAX} bytes. Send a smaller one \
         with 8 bits a channel, or JPEG that is not progressive, of at most \
         {PHOTOGRAPH_PIXELS_MAX} pixels."
    );
    Problem::new(Kind::TooLarge, detail)
}
