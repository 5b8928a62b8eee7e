//! The recipe of the crop: which face is taken, which rectangle around it, and how that becomes the
//! 160x160 pixels that FaceNet takes. The page has the same recipe in `site/js/finder/crop.js`; a
//! test compares the numbers, and what both give.

mod stretch;

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
const BACKGROUND: u8 = 128;

/// The rectangle of the picture that becomes the crop. It may reach over the picture's edges.
#[must_use]
pub fn rectangle(points: &[Point; landmarks::COUNT]) -> Rectangle {
    let around = Rectangle::around(points);
    let Point { x, y } = around.centre();
    let centre = Point { x, y: y - SHIFT_UP * around.height };
    Rectangle::centred(centre, SCALE_X * around.width, SCALE_Y * around.height)
}

/// The main face of a picture of this size, or nothing when there is no face.
#[must_use]
pub fn choose(faces: &[Face], width: usize, height: usize) -> Option<&Face> {
    faces.get(main(faces.iter().map(|face| face.bounds), width, height)?)
}

/// Which of the boxes around faces is that of the main face: the largest near the centre of a
/// picture of this size. The nearer a face is to a corner, the less its area counts. Of equal faces
/// the first is taken, as on the page.
#[must_use]
pub fn main(bounds: impl Iterator<Item = Rectangle>, width: usize, height: usize) -> Option<usize> {
    let middle = Point { x: width as f64 / 2.0, y: height as f64 / 2.0 };
    let worth = |bounds: Rectangle| {
        let Point { x, y } = bounds.centre();
        let outwards = (x - middle.x).hypot(y - middle.y) / middle.x.hypot(middle.y);
        bounds.area() * (1.0 - outwards.min(1.0))
    };
    let worths = bounds.map(worth).enumerate();
    let best = worths.reduce(|best, other| if other.1 > best.1 { other } else { best });
    best.map(|(index, _)| index)
}

/// Cuts a rectangle out and stretches it to 160x160 pixels, on purpose, because FaceNet was trained
/// on such crops. Beyond the picture's edges the crop is mid-grey. The page gives the same pixels.
#[must_use]
pub fn cut(picture: &Picture<'_>, rectangle: Rectangle) -> facenet::Face {
    let mut crop = vec![[BACKGROUND; 3]; INPUT_SIDE * INPUT_SIDE];
    stretch::draw(picture, rectangle, &mut crop);
    facenet::Face::from_rgb(crop.into_flattened())
        .unwrap_or_else(|| unreachable!("three bytes for each pixel"))
}

#[cfg(test)]
pub(crate) mod tests;
