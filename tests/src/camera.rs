//! What the browser's camera shows: scenes made from photographs.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use image::imageops::{FilterType, replace, resize};
use image::{DynamicImage, Rgb, RgbImage};

use crate::photograph;

/// Width and height of the camera's picture.
const SIZE: (u32, u32) = (1280, 720);

/// A scene before the camera.
#[derive(Clone, Copy, Debug)]
pub enum Scene {
    /// One person, from a photograph.
    Face(&'static str),
    /// One person in the dark.
    Dark(&'static str),
    /// Two people side by side.
    Two(&'static str, &'static str),
    /// An empty room.
    Nobody,
}

impl Scene {
    /// Writes the scene as the only frame of a camera, whole and undistorted. Chromium reads the
    /// file when the camera starts, so the file is replaced in one step.
    ///
    /// # Errors
    /// When a photograph cannot be read or the file not be written.
    pub fn write(self, camera: &Path) -> anyhow::Result<()> {
        let (width, height) = SIZE;
        let mut frame = RgbImage::from_pixel(width, height, Rgb([128; 3]));
        match self {
            Self::Face(photo) => place(&mut frame, photo, 0, width)?,
            Self::Dark(photo) => {
                place(&mut frame, photo, 0, width)?;
                for channel in frame.iter_mut() {
                    *channel /= 7;
                }
            }
            Self::Two(left, right) => {
                place(&mut frame, left, 0, width / 2)?;
                place(&mut frame, right, width / 2, width / 2)?;
            }
            Self::Nobody => {}
        }
        let next = camera.with_extension("jpg");
        DynamicImage::from(frame).save(&next)?;
        std::fs::rename(next, camera).context("changing the camera's picture")
    }
}

/// Puts a photograph into a part of the frame, as large as it fits.
fn place(frame: &mut RgbImage, photo: &str, left: u32, width: u32) -> anyhow::Result<()> {
    let height = frame.height();
    let picture = open(&photograph(photo))?.resize(width, height, FilterType::Triangle).into_rgb8();
    let x = left + (width - picture.width()) / 2;
    let y = (height - picture.height()) / 2;
    replace(frame, &picture, x.into(), y.into());
    Ok(())
}

fn open(file: &Path) -> anyhow::Result<DynamicImage> {
    image::open(file).with_context(|| format!("opening {}", file.display()))
}

/// Writes a photograph that lies on its side, with the mark by which cameras say how to turn it.
///
/// # Errors
/// When it cannot be read or written.
pub fn write_turned(photo: &str, folder: &Path) -> anyhow::Result<PathBuf> {
    let file = folder.join("turned.jpg");
    open(&photograph(photo))?.rotate270().into_rgb8().save(&file)?;
    let jpeg = std::fs::read(&file)?;
    // Exif with one entry: orientation 6, to be turned by a quarter clockwise.
    let exif =
        b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let (start, rest) = jpeg.split_at(2);
    std::fs::write(&file, [start, exif, rest].concat())?;
    Ok(file)
}

/// Writes a photograph with so few pixels that its face is hard to know again.
///
/// # Errors
/// When it cannot be read or written.
pub fn write_coarse(photo: &str, height: u32, folder: &Path) -> anyhow::Result<PathBuf> {
    let file = folder.join("coarse.png");
    let picture = open(&photograph(photo))?.into_rgb8();
    let (full_width, full_height) = picture.dimensions();
    let width = full_width * height / full_height;
    let small = resize(&picture, width, height, FilterType::Triangle);
    resize(&small, full_width, full_height, FilterType::Triangle).save(&file)?;
    Ok(file)
}
