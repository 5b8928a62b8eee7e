//! Photographs in other forms, and pictures of nobody.

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

const QUALITY: u8 = 92;

/// A kind of JPEG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As cameras write it.
    Plain,
    /// In several passes over the picture.
    Progressive,
    /// With one channel.
    Grey,
    /// With the four inks of a printer.
    Cmyk,
}

/// A picture as JPEG.
///
/// # Errors
/// Those of the encoder.
pub fn jpeg(picture: &RgbImage, kind: Kind) -> anyhow::Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, QUALITY);
    if kind == Kind::Plain || kind == Kind::Progressive {
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
    }
    encoder.set_progressive(kind == Kind::Progressive);
    let (width, height) = (picture.width().try_into()?, picture.height().try_into()?);
    match kind {
        Kind::Plain | Kind::Progressive => {
            encoder.encode(picture, width, height, ColorType::Rgb)?;
        }
        Kind::Grey => {
            let grey = imageops::grayscale(picture);
            encoder.encode(&grey, width, height, ColorType::Luma)?;
        }
        Kind::Cmyk => {
            // No black ink: the inks are what the colours lack.
            let inks: Vec<u8> = picture
                .pixels()
                .flat_map(|Rgb([r, g, b])| [255 - r, 255 - g, 255 - b, 0])
                .collect();
            encoder.encode(&inks, width, height, ColorType::Cmyk)?;
        }
    }
    Ok(file)
}

/// A picture as PNG.
///
/// # Errors
/// Those of the encoder.
pub fn png(picture: &RgbImage) -> anyhow::Result<Vec<u8>> {
    encoded(picture, ImageFormat::Png)
}

/// A picture in another size. `DynamicImage` is compiled in the library, which is optimised. The
/// generic functions for `RgbImage` would be compiled here without optimisation, and take seconds.
fn resized(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    DynamicImage::from(picture.clone())
        .resize_exact(width, height, FilterType::Triangle)
        .into_rgb8()
}

/// A small lossless WebP, for which the picture is made smaller and has fewer colours. Large ones
/// are refused, and there is no encoder for others.
fn webp(photograph: &RgbImage) -> anyhow::Result<Vec<u8>> {
    let (width, height) = (photograph.width() * 500 / photograph.height(), 500);
    let mut small = resized(photograph, width, height);
    small.iter_mut().for_each(|value| *value = *value / 24 * 24 + 12);
    encoded(&small, ImageFormat::WebP)
}

fn encoded(picture: &RgbImage, format: ImageFormat) -> anyhow::Result<Vec<u8>> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format)?;
    Ok(file.into_inner())
}

/// A photograph in all forms in which people have it.
///
/// # Errors
/// Those of the encoders.
pub fn forms(photograph: &RgbImage) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let (width, height) = photograph.dimensions();
    // 24 megapixels, and 300 pixels high.
    let large = (24e6 / f64::from(width * height)).sqrt();
    let [wide, high] = [width, height].map(|side| (f64::from(side) * large) as u32);
    let large = resized(photograph, wide, high);
    let small = resized(photograph, width * 300 / height, 300);
    let mut forms = vec![
        ("plain JPEG".into(), jpeg(photograph, Kind::Plain)?),
        ("progressive JPEG".into(), jpeg(photograph, Kind::Progressive)?),
        ("grey JPEG".into(), jpeg(photograph, Kind::Grey)?),
        ("CMYK JPEG".into(), jpeg(photograph, Kind::Cmyk)?),
        ("PNG".into(), png(photograph)?),
        ("WebP".into(), webp(photograph)?),
        (format!("JPEG of {wide}x{high}"), jpeg(&large, Kind::Plain)?),
        ("JPEG 300 pixels high".into(), jpeg(&small, Kind::Plain)?),
    ];
    for exif in 1..=8 {
        forms.push((format!("EXIF orientation {exif}"), turned(photograph, exif)?));
    }
    Ok(forms)
}

/// A JPEG whose pixels are turned, and whose EXIF says how to turn them back.
fn turned(photograph: &RgbImage, exif: u8) -> anyhow::Result<Vec<u8>> {
    let forth = Orientation::from_exif(exif).unwrap_or(Orientation::NoTransforms);
    // A quarter turn is undone by the other one; all else undoes itself.
    let back = match forth {
        Orientation::Rotate90 => Orientation::Rotate270,
        Orientation::Rotate270 => Orientation::Rotate90,
        other => other,
    };
    let mut pixels = DynamicImage::from(photograph.clone());
    pixels.apply_orientation(back);
    let file = jpeg(&pixels.into_rgb8(), Kind::Plain)?;
    let mut exif_segment =
        b"\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
    exif_segment.extend([0, exif, 0, 0, 0, 0, 0, 0]);
    // After the mark that begins the file.
    let (begin, rest) = file.split_at(2);
    Ok([begin, &exif_segment, rest].concat())
}

/// Two pictures beside each other, of the height of the lower one.
#[must_use]
pub fn side_by_side(left: &RgbImage, right: &RgbImage) -> RgbImage {
    let height = left.height().min(right.height());
    let fitted = |picture: &RgbImage| {
        let width = picture.width() * height / picture.height();
        resized(picture, width, height)
    };
    let (left, right) = (fitted(left), fitted(right));
    let mut both = RgbImage::new(left.width() + right.width(), height);
    imageops::replace(&mut both, &left, 0, 0);
    imageops::replace(&mut both, &right, left.width().into(), 0);
    both
}

/// Two pictures of one size above each other.
#[must_use]
pub fn stacked(upper: &RgbImage, lower: &RgbImage) -> RgbImage {
    let mut both = RgbImage::new(upper.width(), upper.height() + lower.height());
    imageops::replace(&mut both, upper, 0, 0);
    imageops::replace(&mut both, lower, 0, upper.height().into());
    both
}

/// Sky over hills over a meadow.
#[must_use]
pub fn landscape() -> RgbImage {
    RgbImage::from_fn(1280, 853, |x, y| {
        let hills =
            420.0 + 60.0 * (f64::from(x) / 140.0).sin() + 25.0 * (f64::from(x) / 37.0).sin();
        let grain = (x * 7919 + y * 104_729) % 17;
        let shade = (y / 8 + grain) as u8;
        Rgb(match f64::from(y) {
            y if y < hills - 40.0 => [120, 170, 235 - shade / 2],
            y if y < hills => [90, 110, 140],
            _ => [60 + shade / 3, 150 - shade / 2, 50],
        })
    })
}

/// Bricks.
#[must_use]
pub fn wall() -> RgbImage {
    RgbImage::from_fn(900, 1200, |x, y| {
        let row = y / 40;
        let is_joint = y % 40 < 5 || (x + row % 2 * 45) % 90 < 5;
        let grain = ((x * 31 + y * 57) % 23) as u8;
        Rgb(if is_joint { [190, 185, 180] } else { [140 + grain, 60 + grain, 50] })
    })
}
