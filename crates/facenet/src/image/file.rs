//! Reads picture files (JPEG, PNG, WebP) and writes the JPEG that is stored.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageFormat, ImageReader};

use super::{Face, Limits};
use crate::layers::INPUT_SIDE;

const SIDE: u32 = INPUT_SIDE as u32;

/// What transparent pixels lie over: mid-grey, which FaceNet sees as zero. The page fills the part
/// of a crop that lies beyond the photograph's edge with the same.
pub const BACKGROUND: u8 = 128;

/// Quality of the JPEG that is stored, 1 to 100. It is so high that the stored picture gives nearly
/// the embedding that is stored with it.
const JPEG_QUALITY: u8 = 95;

/// Why bytes are not a usable picture.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Not one of the formats that are read.
    #[error("not a JPEG, PNG or WebP picture")]
    UnknownFormat,
    /// The file begins well but cannot be decoded.
    #[error("a damaged or incomplete picture")]
    Damaged(#[source] image::ImageError),
    /// Outside the [`Limits`].
    #[error("a picture of {width}x{height} pixels")]
    Dimensions {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// Whether it is larger than allowed rather than smaller.
        too_large: bool,
    },
    /// More than [`Limits::decoded_bytes_max`].
    #[error("a picture that expands to too many bytes")]
    TooManyBytes,
}

impl From<image::ImageError> for ImageError {
    fn from(error: image::ImageError) -> Self {
        match error {
            image::ImageError::Limits(_) => Self::TooManyBytes,
            error => Self::Damaged(error),
        }
    }
}

impl Face {
    /// Decodes a JPEG, PNG or WebP file, and turns it upright by its EXIF orientation. Of an
    /// animation the first frame is taken. Transparent parts lie over mid-grey, and 16 bits a
    /// channel are rounded to 8. A picture that is not 160x160 is stretched to that with an
    /// antialiased bilinear filter, as FaceNet's training crops were.
    ///
    /// # Errors
    /// When the bytes are not such a picture, are damaged, or exceed the limits.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, ImageError> {
        let format = image::guess_format(bytes).map_err(|_| ImageError::UnknownFormat)?;
        if !matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP) {
            return Err(ImageError::UnknownFormat);
        }
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut allocations = image::Limits::no_limits();
        allocations.max_alloc = Some(limits.decoded_bytes_max);
        reader.limits(allocations);
        let mut decoder = reader.into_decoder()?;
        let (width, height) = decoder.dimensions();
        let too_large = width.max(height) > limits.side_max
            || u64::from(width) * u64::from(height) > limits.pixels_max;
        if too_large || width.min(height) < limits.side_min {
            return Err(ImageError::Dimensions { width, height, too_large });
        }
        if decoder.total_bytes() > limits.decoded_bytes_max {
            return Err(ImageError::TooManyBytes);
        }
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        // Everything else is done to the small picture, where it takes little memory.
        let mut crop = opaque(DynamicImage::from_decoder(decoder)?);
        if (width, height) != (SIDE, SIDE) {
            crop = crop.resize_exact(SIDE, SIDE, FilterType::Triangle);
        }
        crop.apply_orientation(orientation);
        Ok(Self(crop.into_rgb8().into_raw()))
    }

    /// The picture as JPEG. No metadata of the original survives.
    ///
    /// # Errors
    /// When the encoder fails, which it does not for a picture of this size.
    pub fn to_jpeg(&self) -> Result<Vec<u8>, image::ImageError> {
        let mut bytes = Vec::with_capacity(32 << 10);
        JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode(
            self.rgb(),
            SIDE,
            SIDE,
            ExtendedColorType::Rgb8,
        )?;
        Ok(bytes)
    }
}

/// The picture over [`BACKGROUND`]. The colours that files give to transparent pixels are
/// arbitrary, mostly black, and must not show.
fn opaque(picture: DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return picture;
    }
    let mut picture = picture.into_rgba8();
    for pixel in picture.pixels_mut() {
        let [colours @ .., alpha] = &mut pixel.0;
        let alpha = u32::from(*alpha);
        for value in colours {
            let sum = u32::from(*value) * alpha + u32::from(BACKGROUND) * (255 - alpha);
            *value = ((sum + 127) / 255) as u8;
        }
        pixel.0[3] = 255;
    }
    picture.into()
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;
    use crate::image::FACE_BYTES;

    const LIMITS: Limits = Limits {
        side_min: 32,
        side_max: 4096,
        pixels_max: 6_000_000,
        decoded_bytes_max: 24_000_000,
    };

    fn encode(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let picture = RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, 40])
        });
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    #[test]
    fn a_crop_keeps_its_pixels() {
        let face = Face::decode(&encode(160, 160, ImageFormat::Png), &LIMITS).unwrap();
        assert_eq!(face.rgb()[..3], [0, 0, 40]);
        assert_eq!(face.rgb().len(), FACE_BYTES);
        assert_eq!(Face::from_rgb(face.rgb().to_vec()).as_ref(), Some(&face));
    }

    #[test]
    fn only_what_is_transparent_becomes_grey() {
        let colour = |x: u32, y: u32| [x as u8, y as u8, 200];
        let picture = image::RgbaImage::from_fn(160, 160, |x, y| {
            let [r, g, b] = colour(x, y);
            image::Rgba([r, g, b, if x < 80 { 255 } else { 0 }])
        });
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        let face = Face::decode(&bytes, &LIMITS).unwrap();
        for (index, pixel) in (0..).zip(face.rgb().as_chunks().0) {
            let (x, y) = (index % SIDE, index / SIDE);
            let expected = if x < 80 { colour(x, y) } else { [BACKGROUND; 3] };
            assert_eq!(*pixel, expected, "{x}, {y}");
        }
    }

    #[test]
    fn other_sizes_are_stretched() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let face = Face::decode(&encode(320, 80, format), &LIMITS).unwrap();
            let small = Face::decode(&encode(160, 160, format), &LIMITS).unwrap();
            let pairs = face.rgb().iter().zip(small.rgb());
            let largest = pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(largest <= 8, "{format:?}: {largest}");
        }
    }

    #[test]
    fn limits_hold_before_decoding() {
        let decode = |width, height, limits: &Limits| {
            Face::decode(&encode(width, height, ImageFormat::Png), limits)
        };
        for (width, height) in [(31, 200), (200, 31), (1, 1)] {
            let error = decode(width, height, &LIMITS).unwrap_err();
            assert!(matches!(error, ImageError::Dimensions { too_large: false, .. }));
        }
        let tight = Limits { side_min: 1, side_max: 300, pixels_max: 40_000, ..LIMITS };
        for (width, height) in [(301, 10), (10, 301), (201, 200)] {
            let error = decode(width, height, &tight).unwrap_err();
            assert!(matches!(error, ImageError::Dimensions { too_large: true, .. }));
        }
        assert!(decode(200, 200, &tight).is_ok());
    }

    #[test]
    fn deep_pixels_count_by_their_bytes() {
        let deep = image::ImageBuffer::<image::Rgba<u16>, _>::new(200, 200);
        let mut bytes = Vec::new();
        deep.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        assert!(Face::decode(&bytes, &LIMITS).is_ok());
        let tight = Limits { decoded_bytes_max: 200 * 200 * 8 - 1, ..LIMITS };
        assert!(matches!(Face::decode(&bytes, &tight), Err(ImageError::TooManyBytes)));
    }

    #[test]
    fn rubbish_is_refused() {
        let unknown =
            |bytes: &[u8]| matches!(Face::decode(bytes, &LIMITS), Err(ImageError::UnknownFormat));
        assert!(unknown(b""));
        assert!(unknown(b"hello, this is text"));
        assert!(unknown(b"GIF89a\x10\x00\x10\x00"));
        let png = encode(160, 160, ImageFormat::Png);
        for length in [8, 20, 40, png.len() / 2, png.len() - 20] {
            let result = Face::decode(&png[..length], &LIMITS);
            assert!(matches!(result, Err(ImageError::Damaged(_))), "{length} bytes");
        }
    }

    #[test]
    fn jpeg_survives_a_round_trip() {
        let face = Face::decode(&encode(160, 160, ImageFormat::Png), &LIMITS).unwrap();
        let again = Face::decode(&face.to_jpeg().unwrap(), &LIMITS).unwrap();
        let pairs = face.rgb().iter().zip(again.rgb());
        assert!(pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap() <= 8);
    }
}
