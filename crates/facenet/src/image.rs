//! Pictures in: from bytes to the 160x160 RGB crop that FaceNet takes, and to its input tensor.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageFormat, ImageReader, RgbImage};

use crate::layers::INPUT_SIDE;

const SIDE: u32 = INPUT_SIDE as u32;

/// What transparent pixels lie over: mid-grey, as what lies beyond the edge of a photograph in the
/// crops of the page. FaceNet sees it as zero.
const BACKGROUND: u8 = 128;

/// Bytes of a [`Face`]: 160 x 160 pixels of RGB.
pub const FACE_BYTES: usize = INPUT_SIDE * INPUT_SIDE * 3;

/// Quality of the JPEG that is stored, high enough that the stored picture gives almost the
/// embedding that is stored with it.
const JPEG_QUALITY: u8 = 95;

/// Which pictures to decode; checked against the file's header before any pixel is decoded,
/// because a small file can hold a huge picture.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Smallest width and height in pixels.
    pub side_min: u32,
    /// Largest width and height in pixels.
    pub side_max: u32,
    /// Largest width times height in pixels.
    pub pixels_max: u64,
    /// Most bytes that the pixels may take as the file stores them (with 16 bits a channel and
    /// transparency, eight a pixel), and that a PNG's compressed metadata may expand to.
    pub decoded_bytes_max: u64,
}

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

/// A picture of one face, 160x160 pixels, RGB, eight bits a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Face(RgbImage);

impl Face {
    /// Decodes a JPEG, PNG or WebP file, upright by its EXIF orientation, the first frame of an
    /// animation. What is transparent lies over mid-grey; 16 bits a channel are rounded to 8. A
    /// picture that is not 160x160 is stretched to that with an antialiased bilinear filter, as
    /// FaceNet's training crops were.
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
        let mut picture = DynamicImage::from_decoder(decoder)?;
        picture.apply_orientation(orientation);
        let picture = opaque(picture);
        Ok(Self(if picture.dimensions() == (SIDE, SIDE) {
            picture
        } else {
            image::imageops::resize(&picture, SIDE, SIDE, FilterType::Triangle)
        }))
    }

    /// A face from raw pixels, or nothing when there are not [`FACE_BYTES`] of them.
    #[must_use]
    pub fn from_rgb(bytes: Vec<u8>) -> Option<Self> {
        RgbImage::from_raw(SIDE, SIDE, bytes).filter(|image| image.len() == FACE_BYTES).map(Self)
    }

    /// The pixels, row by row, RGB.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        self.0.as_raw()
    }

    /// The picture as JPEG. No metadata of the original survives.
    ///
    /// # Errors
    /// When the encoder refuses; it has no reason to.
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

    /// The input of shard 1, `[1, 3, 160, 160]`: `(x - 127.5) / 128`, the fixed standardisation
    /// that the published weights were trained with.
    #[must_use]
    pub fn input(&self) -> Vec<f32> {
        let (pixels, _) = self.rgb().as_chunks::<3>();
        let mut input = vec![0.0; FACE_BYTES];
        for (channel, plane) in input.chunks_exact_mut(pixels.len()).enumerate() {
            for (number, pixel) in plane.iter_mut().zip(pixels) {
                *number = (f32::from(pixel[channel]) - 127.5) / 128.0;
            }
        }
        input
    }
}

/// The picture as RGB. Transparent pixels may have any colour, black as a rule, which is none of
/// the picture's.
fn opaque(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let mut picture = picture.into_rgba8();
    for pixel in picture.pixels_mut() {
        let [colours @ .., alpha] = &mut pixel.0;
        let alpha = u32::from(*alpha);
        for value in colours {
            let sum = u32::from(*value) * alpha + u32::from(BACKGROUND) * (255 - alpha);
            *value = ((sum + 127) / 255) as u8;
        }
    }
    DynamicImage::from(picture).into_rgb8()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(Face::from_rgb(vec![0; FACE_BYTES - 1]), None);
        assert_eq!(Face::from_rgb(vec![0; FACE_BYTES + 1]), None);
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
        for (x, y, pixel) in face.0.enumerate_pixels() {
            let expected = if x < 80 { colour(x, y) } else { [BACKGROUND; 3] };
            assert_eq!(pixel.0, expected, "{x}, {y}");
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
    fn the_input_is_planar_and_standardised() {
        let face = Face::from_rgb([0u8, 255, 128].repeat(INPUT_SIDE * INPUT_SIDE)).unwrap();
        let input = face.input();
        let plane = INPUT_SIDE * INPUT_SIDE;
        assert_eq!(input.len(), 3 * plane);
        let planes = [-127.5 / 128.0, 127.5 / 128.0, 0.5 / 128.0];
        for (values, expected) in input.chunks(plane).zip(planes) {
            assert!(values.iter().all(|value| (value - expected).abs() < 1e-7));
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
