//! What the browser's camera shows: scenes made from photographs.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use image::imageops::{FilterType, replace, resize};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use crate::photograph;

/// Width and height of the camera's picture.
const SIZE: (u32, u32) = (1280, 720);

/// For how many frames a scene that moves stays as it is. Chromium shows thirty a second, and the
/// page has to find the face in several of them.
const FRAMES: usize = 120;

/// The photograph of [`Scene::Turning`], and the tip of the nose in it and half the width of the
/// head, in pixels of the camera.
const TURNED_PHOTO: &str = "obama-1.jpg";
const NOSE: (f64, f64) = (661.0, 175.0);
const HEAD: f64 = 95.0;

/// How far the head turns, in degrees.
const TURN: f64 = 27.0;

/// A scene before the camera.
#[derive(Clone, Copy, Debug)]
pub enum Scene {
    /// One person, from a photograph.
    Face(&'static str),
    /// One person in the dark.
    Dark(&'static str),
    /// Two people side by side.
    Two(&'static str, &'static str),
    /// One person who looks straight ahead, then to the own left, then to the right, and so on.
    Turning,
    /// An empty room.
    Nobody,
}

impl Scene {
    /// Writes the scene as the frames of a camera, whole and undistorted. Chromium reads the file
    /// when the camera starts, so the file is replaced in one step.
    ///
    /// # Errors
    /// When a photograph cannot be read or the file not be written.
    pub fn write(self, camera: &Path) -> anyhow::Result<()> {
        let (width, height) = SIZE;
        let mut frame = RgbImage::from_pixel(width, height, Rgb([128; 3]));
        let mut repeated = 1;
        let mut further = Vec::new();
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
            Self::Turning => {
                place(&mut frame, TURNED_PHOTO, 0, width)?;
                repeated = FRAMES;
                further = [TURN, -TURN].map(|degrees| turned(&frame, degrees)).into();
            }
            Self::Nobody => {}
        }
        let mut film = Vec::new();
        for frame in std::iter::once(frame).chain(further) {
            let mut jpeg = Cursor::new(Vec::new());
            DynamicImage::from(frame).write_to(&mut jpeg, ImageFormat::Jpeg)?;
            film.extend(jpeg.into_inner().repeat(repeated));
        }
        let next = camera.with_extension("jpg");
        std::fs::write(&next, film)?;
        std::fs::rename(next, camera).context("changing the camera's picture")
    }
}

/// The frame with the head turned, to its own left if the degrees are positive. The head counts as
/// an upright cylinder with a round nose. The background stays as it is.
fn turned(frame: &RgbImage, degrees: f64) -> RgbImage {
    /// How far the nose stands out, and its width, as shares of the head's.
    const NOSE_HEIGHT: f64 = 0.5;
    const NOSE_WIDTH: f64 = 0.25;
    let (sin, cos) = degrees.to_radians().sin_cos();
    // Where a point comes to be: the column, and how near it is.
    let place = |x: u32, y: u32| {
        let (across, down) = (f64::from(x) - NOSE.0, f64::from(y) - NOSE.1);
        let head = (HEAD * HEAD - across * across).max(0.0).sqrt();
        let away = across.hypot(down) / (NOSE_WIDTH * HEAD);
        let near = head + NOSE_HEIGHT * HEAD * (-away * away / 2.0).exp();
        (NOSE.0 + across * cos + near * sin, near * cos - across * sin)
    };
    let (from, to) = ((NOSE.0 - HEAD) as u32, (NOSE.0 + HEAD) as u32);
    let mut picture = frame.clone();
    for y in 0..frame.height() {
        let mut nearest = vec![f64::MIN; frame.width() as usize];
        for x in from..to {
            let ((left, near), (right, _)) = (place(x, y), place(x + 1, y));
            for column in left.ceil().max(0.0) as u32..=right.max(0.0) as u32 {
                if let Some(before) = nearest.get_mut(column as usize).filter(|far| **far < near) {
                    *before = near;
                    picture.put_pixel(column, y, *frame.get_pixel(x, y));
                }
            }
        }
    }
    picture
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
