//! Pictures that are decoded whole. They stay in the form that their decoder gives out, because
//! there is no memory for a second copy.

use std::io::Cursor;

use facenet::image::BACKGROUND;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, ImageResult, Limits};
use jpeg::{Region, Scale};
use wire::limits::IMAGE_DECODED_BYTES_MAX;

use crate::container::{Container, Format};

/// A decoded picture.
pub(super) struct Pixels(DynamicImage);

impl Pixels {
    /// Decodes a file that was found to be small enough.
    pub(super) fn decode(container: Container) -> ImageResult<(Self, Orientation)> {
        let format = match container.format {
            Format::Jpeg => ImageFormat::Jpeg,
            Format::Png => ImageFormat::Png,
            Format::WebP => ImageFormat::WebP,
        };
        let mut reader = ImageReader::with_format(Cursor::new(container.bytes), format);
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(IMAGE_DECODED_BYTES_MAX);
        reader.limits(limits);
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        Ok((Self(DynamicImage::from_decoder(decoder)?), orientation))
    }

    /// Gives out the rows of a region of the scaled picture, as [`jpeg::Jpeg::decode`] does.
    pub(super) fn rows(
        &self,
        scale: Scale,
        region: Region,
        mut give: impl FnMut(usize, &[[u8; 3]]),
    ) {
        let (side, width) = (scale.divisor(), self.0.width() as usize);
        let columns = region.x * side..width.min((region.x + region.width) * side);
        let (mut line, mut sums) = (Vec::new(), vec![[0_u32; 3]; region.width]);
        let mut row = vec![[0; 3]; region.width];
        for y in region.y..region.y + region.height {
            let lines = y * side..((y + 1) * side).min(self.0.height() as usize);
            sums.fill([0; 3]);
            for y in lines.clone() {
                line.clear();
                self.line(y * width + columns.start..y * width + columns.end, &mut line);
                for (sums, pixels) in sums.iter_mut().zip(line.chunks(side)) {
                    for pixel in pixels {
                        for (sum, value) in sums.iter_mut().zip(pixel) {
                            *sum += u32::from(*value);
                        }
                    }
                }
            }
            for (x, (pixel, sums)) in row.iter_mut().zip(&sums).enumerate() {
                // At the edges a square has fewer pixels.
                let count = side.min(columns.len() - x * side) * lines.len();
                *pixel = sums.map(|sum| ((sum as usize + count / 2) / count) as u8);
            }
            give(y, &row);
        }
    }

    /// Appends pixels of the picture, which are counted from its left upper corner.
    fn line(&self, range: std::ops::Range<usize>, line: &mut Vec<[u8; 3]>) {
        match &self.0 {
            DynamicImage::ImageLuma8(picture) => append(picture, range, line, |[grey]| [grey; 3]),
            DynamicImage::ImageLumaA8(picture) => {
                append(picture, range, line, |[grey, alpha]| over([grey; 3], alpha));
            }
            DynamicImage::ImageRgb8(picture) => append(picture, range, line, |rgb| rgb),
            DynamicImage::ImageRgba8(picture) => {
                append(picture, range, line, |[red, green, blue, alpha]| {
                    over([red, green, blue], alpha)
                });
            }
            DynamicImage::ImageLuma16(picture) => {
                append(picture, range, line, |[grey]: [u16; 1]| [narrow(grey); 3]);
            }
            DynamicImage::ImageLumaA16(picture) => {
                append(picture, range, line, |[grey, alpha]: [u16; 2]| {
                    over([narrow(grey); 3], narrow(alpha))
                });
            }
            DynamicImage::ImageRgb16(picture) => {
                append(picture, range, line, |rgb: [u16; 3]| rgb.map(narrow));
            }
            DynamicImage::ImageRgba16(picture) => {
                append(picture, range, line, |rgba: [u16; 4]| {
                    let [red, green, blue, alpha] = rgba.map(narrow);
                    over([red, green, blue], alpha)
                });
            }
            // No file of these formats has other pixels.
            _ => line.extend(range.map(|_| [BACKGROUND; 3])),
        }
    }
}

/// Appends pixels of `N` samples each.
fn append<T: Copy, const N: usize>(
    samples: &[T],
    range: std::ops::Range<usize>,
    line: &mut Vec<[u8; 3]>,
    pixel: impl Fn([T; N]) -> [u8; 3],
) {
    let (pixels, _) = samples.as_chunks::<N>();
    line.extend(pixels.get(range).unwrap_or_default().iter().map(|samples| pixel(*samples)));
}

/// A colour over the background. Files mostly have black where they are transparent, which must not
/// show.
fn over(colour: [u8; 3], alpha: u8) -> [u8; 3] {
    let alpha = u32::from(alpha);
    colour.map(|value| {
        let sum = u32::from(value) * alpha + u32::from(BACKGROUND) * (255 - alpha);
        ((sum + 127) / 255) as u8
    })
}

/// 16 bits rounded to 8.
const fn narrow(value: u16) -> u8 {
    ((value as u32 + 128) / 257) as u8
}
