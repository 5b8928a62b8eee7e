//! The recipe of the crop: which face is taken, which rectangle around it, and how that becomes the
//! 160x160 pixels that FaceNet takes. The page has the same recipe in `site/js/crop.js`; a test
//! compares the numbers, and what both give.

use facenet::image::FACE_BYTES;
use facenet::layers::INPUT_SIDE;

use crate::find::Face;
use crate::geometry::{Point, Rectangle};
use crate::landmarks;
use crate::picture::Picture;

/// The rectangle in units of the landmarks' bounding box. It is larger than that box, because the
/// landmarks end at the eyebrows and the crop shows the forehead.
const SHIFT_UP: f64 = 0.18;
const SCALE_X: f64 = 1.14;
const SCALE_Y: f64 = 1.61;

/// What lies beyond the picture's edges: mid-grey, which is zero in FaceNet's input.
const BACKGROUND: f32 = 128.0;

/// The rectangle of the picture that becomes the crop. It may reach over the picture's edges.
#[must_use]
pub fn rectangle(points: &[Point; landmarks::COUNT]) -> Rectangle {
    let around = Rectangle::around(points);
    let Point { x, y } = around.centre();
    let centre = Point { x, y: y - SHIFT_UP * around.height };
    Rectangle::centred(centre, SCALE_X * around.width, SCALE_Y * around.height)
}

/// The largest face near the centre of a picture of this size, or nothing when there is no face. An
/// area counts less the nearer it is to the picture's corners.
#[must_use]
pub fn choose(faces: &[Face], width: usize, height: usize) -> Option<&Face> {
    let middle = Point { x: width as f64 / 2.0, y: height as f64 / 2.0 };
    let worth = |face: &Face| {
        let Point { x, y } = face.bounds.centre();
        let outwards = (x - middle.x).hypot(y - middle.y) / middle.x.hypot(middle.y);
        face.bounds.area() * (1.0 - outwards.min(1.0))
    };
    // Of equal ones the first is taken, as the page does it.
    faces.iter().rev().max_by(|a, b| worth(a).total_cmp(&worth(b)))
}

/// Cuts a rectangle out and stretches it to 160x160 pixels, on purpose, because FaceNet was trained
/// on such crops. What is made smaller is averaged, so that nothing flickers. Beyond the picture's
/// edges the crop is mid-grey.
#[must_use]
pub fn cut(picture: &Picture<'_>, rectangle: Rectangle) -> facenet::Face {
    let columns = Line::new(rectangle.x, rectangle.width, picture.width());
    let rows = Line::new(rectangle.y, rectangle.height, picture.height());
    let mut sums = vec![[0.0; 3]; INPUT_SIDE * INPUT_SIDE];
    let mut row = vec![[0.0; 3]; INPUT_SIDE];
    let mut filled = None;
    for (y, taps) in rows.taps.iter().enumerate() {
        for &(source, weight) in taps {
            // Neighbouring rows share most of what they are made of.
            if filled != Some(source) {
                columns.mix(picture.row(source), &mut row);
                filled = Some(source);
            }
            for (sum, values) in sums[y * INPUT_SIDE..].iter_mut().zip(&row) {
                for (sum, value) in sum.iter_mut().zip(values) {
                    *sum += weight * value;
                }
            }
        }
    }
    let mut bytes = Vec::with_capacity(FACE_BYTES);
    for (sums, row) in sums.chunks_exact(INPUT_SIDE).zip(&rows.covered) {
        for (sum, column) in sums.iter().zip(&columns.covered) {
            let covered = row * column;
            bytes.extend(sum.map(|sum| (covered * (sum - BACKGROUND) + BACKGROUND + 0.5) as u8));
        }
    }
    facenet::Face::from_rgb(bytes).unwrap_or_else(|| unreachable!("three bytes for each pixel"))
}

/// How one axis of a crop is made.
struct Line {
    /// For each pixel of the crop, the pixels of the picture that it is made of, and their shares.
    taps: Vec<Vec<(usize, f32)>>,
    /// For each pixel of the crop, how much of it is inside the picture, 0 to 1.
    covered: Vec<f32>,
}

impl Line {
    /// For a range of a picture's axis of `side` pixels.
    fn new(from: f64, length: f64, side: usize) -> Self {
        let scale = length / INPUT_SIDE as f64;
        let is_range = length > 0.0 && (from + length).is_finite();
        // The range that is in the picture, in its pixels.
        let (first, end) = (from.max(0.0), (from + length).min(side as f64));
        let (mut taps, mut covered) = (Vec::new(), Vec::new());
        for pixel in 0..INPUT_SIDE {
            let left = from + pixel as f64 * scale;
            let share = ((left + scale).min(end) - left.max(first)) / scale;
            let share = if is_range && share > 0.0 { share } else { 0.0 };
            covered.push(share as f32);
            let centre = left + scale / 2.0;
            taps.push(if share > 0.0 {
                triangle(centre, scale.max(1.0), side)
            } else {
                Vec::new()
            });
        }
        Self { taps, covered }
    }

    fn mix(&self, source: &[[u8; 3]], output: &mut [[f32; 3]]) {
        for (output, taps) in output.iter_mut().zip(&self.taps) {
            *output = [0.0; 3];
            for &(place, weight) in taps {
                for (sum, &value) in output.iter_mut().zip(&source[place]) {
                    *sum += weight * f32::from(value);
                }
            }
        }
    }
}

/// The pixels around a place and their shares, which fall off evenly to zero at a distance.
fn triangle(centre: f64, distance: f64, side: usize) -> Vec<(usize, f32)> {
    let last = (side - 1) as f64;
    let first = (centre - distance - 0.5).ceil().max(0.0).min(last) as usize;
    let end = (centre + distance - 0.5).floor().max(0.0).min(last) as usize;
    let weight = |pixel: usize| {
        let away = (pixel as f64 + 0.5 - centre).abs() / distance;
        (1.0 - away).max(1e-6)
    };
    let sum: f64 = (first..=end).map(weight).sum();
    (first..=end).map(|pixel| (pixel, (weight(pixel) / sum) as f32)).collect()
}

#[cfg(test)]
pub(crate) mod tests;
