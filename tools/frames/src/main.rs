#![doc = include_str!("../README.md")]
//!
//! This file owns the command line, and the picture's files.

mod draw;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, ensure};
use clap::Parser;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, RgbImage};

/// The quality of JPEG files, of 100. Photographs show no loss at it.
const JPEG_QUALITY: u8 = 92;

/// Draws numbered frames around the faces of a photograph.
#[derive(Parser)]
struct Options {
    photo: PathBuf,
    out: PathBuf,
    /// Of the upright picture, as `WIDTHxHEIGHT`.
    size: Size,
    /// `VERDICT:LEFT,TOP,WIDTH,HEIGHT` each.
    frames: Vec<Frame>,
}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size(u32, u32);

impl FromStr for Size {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (width, height) = text.split_once('x').context("no size like 1600x1200")?;
        Ok(Self(width.parse()?, height.parse()?))
    }
}

/// A frame, in pixels.
#[derive(Clone, Debug, PartialEq)]
struct Frame {
    verdict: String,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl FromStr for Frame {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let context = "no frame like match:412,180,210,262";
        let (verdict, place) = text.split_once(':').context(context)?;
        let numbers: Vec<f64> = place.split(',').map(str::parse).collect::<Result<_, _>>()?;
        let [x, y, width, height] = <[f64; 4]>::try_from(numbers).ok().context(context)?;
        ensure!([x, y, width, height].iter().all(|number| number.is_finite()), context);
        Ok(Self { verdict: verdict.into(), x, y, width, height })
    }
}

fn main() -> anyhow::Result<()> {
    let Options { photo, out, size, frames } = Options::parse();
    let mut picture = open(&photo).with_context(|| format!("reading {}", photo.display()))?;
    let (width, height) = picture.dimensions();
    ensure!(
        Size(width, height) == size,
        "the picture has {width}x{height} pixels, and the frames are for one of {}x{}",
        size.0,
        size.1
    );
    draw::frames(&mut picture, &frames);
    save(&picture, &out).with_context(|| format!("writing {}", out.display()))
}

/// The upright picture.
fn open(file: &Path) -> anyhow::Result<RgbImage> {
    let mut decoder = ImageReader::open(file)?.with_guessed_format()?.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}

fn save(picture: &RgbImage, file: &Path) -> anyhow::Result<()> {
    let format = ImageFormat::from_path(file)?;
    if format == ImageFormat::Jpeg {
        let file = BufWriter::new(File::create(file)?);
        return Ok(JpegEncoder::new_with_quality(file, JPEG_QUALITY).encode_image(picture)?);
    }
    Ok(picture.save_with_format(file, format)?)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn arguments_are_read() {
        assert_eq!("1600x1200".parse::<Size>().unwrap(), Size(1600, 1200));
        let frame = Frame { verdict: "none".into(), x: -1.5, y: 2.0, width: 30.0, height: 40.0 };
        assert_eq!("none:-1.5,2,30,40".parse::<Frame>().unwrap(), frame);
        for rubbish in ["", "none", "none:1,2,3", "none:1,2,3,4,5", "none:1,2,3,NaN", "1,2,3,4"] {
            assert!(rubbish.parse::<Frame>().is_err(), "{rubbish}");
        }
        assert!("1600".parse::<Size>().is_err());
    }

    #[test]
    fn pictures_are_turned_upright_and_kept_in_every_format() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("turned.jpg");
        // The left half is red, and a quarter turn to the right brings it to the top.
        let picture = RgbImage::from_fn(64, 32, |x, _| Rgb([if x < 32 { 255 } else { 0 }, 0, 0]));
        save(&picture, &file).unwrap();
        let plain = std::fs::read(&file).unwrap();
        let mut turned = plain[..2].to_vec();
        // APP1 with one entry of EXIF: the orientation (0x0112) is 6.
        turned.extend(b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01");
        turned.extend(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
        turned.extend(&plain[2..]);
        std::fs::write(&file, turned).unwrap();
        let upright = open(&file).unwrap();
        assert_eq!(upright.dimensions(), (32, 64));
        assert!(upright.get_pixel(16, 8).0[0] > 200 && upright.get_pixel(16, 56).0[0] < 50);
        for name in ["out.png", "out.webp", "out.jpg"] {
            let file = dir.path().join(name);
            save(&upright, &file).unwrap();
            assert_eq!(open(&file).unwrap().dimensions(), (32, 64), "{name}");
        }
        assert!(save(&upright, &dir.path().join("out.txt")).is_err());
    }
}
